// Who takes part, and what they answered to the time.
import {get, getAll, ifInstalled, post, put, remove} from "../api.js"
import {askForm, fieldsOf} from "../form.js"
import {showLink} from "../links.js"
import {say, texts} from "../texts.js"
import {actions, announce, button, fillWith, h, mark, nameOf, quiet, row, rows, section, tag} from "../view.js"

const words = texts.participants
const LIST = "/v1/interviews/{interview_id}/participants"

export function participantsOf(page) {
	const [list, beside] = [h("div.part"), h("div")]
	page.reloadPeople = () => {
		beside.replaceChildren(page.mayChange() ? button(words.add, () => add(page)) : "")
		return fillWith(list, show(page))
	}
	return section(texts.people, beside, list)
}

async function show(page) {
	const [people, attendance] = await Promise.all([
		getAll(LIST, {...page.at, former: true}),
		ifInstalled(get("/v1/interviews/{interview_id}/attendance", page.at))
	])
	people.forEach(person => page.people.set(person.user_id, person))
	const present = people.filter(({removed_at}) => !removed_at)
	const answerOf = id => attendance?.items.find(({user_id}) => user_id === id)
	const own = page.interview.status === "scheduled" && answerOf(page.user.id)
	return [
		own && question(page, own),
		!present[0] && quiet(words.none),
		rows(present.map(one => item(page, one, answerOf(one.user_id))))
	]
}

function item(page, person, answer) {
	const {user_id, name, email, participant_role, active} = person
	const about = [say(participant_role), name && email, answer?.comment].filter(Boolean).join(" · ")
	return row(
		mark(nameOf(person)),
		[h("strong", nameOf(person)), user_id === page.user.id && texts.you],
		about,
		!active && tag(say("deactivated"), "bad"),
		answer && answerTag(answer),
		page.mayChange() &&
			button(texts.remove, () => drop(page, person), {class: "plain", "aria-label": words.removeOne(nameOf(person))})
	)
}

function answerTag({answer, is_current}) {
	const text = words.answers[answer] ?? words.noAnswer
	return tag(answer && !is_current ? words.earlier(text) : text, is_current && answer === "accepted" && "good")
}

function question(page, {answer, is_current}) {
	const choose = async chosen => {
		const {schedule_version} = page.interview
		await put("/v1/interviews/{interview_id}/rsvp", page.at, {answer: chosen, schedule_version}).finally(page.refresh)
		announce(texts.saved)
		await page.reloadPeople()
	}
	return h(
		"fieldset.rsvp",
		h("legend", words.question),
		actions(
			Object.entries(words.choose).map(([value, text]) =>
				button(text, () => choose(value), {"aria-pressed": String(is_current && value === answer)})
			)
		)
	)
}

const add = page =>
	askForm(words.add, fieldsOf("participant"), async ({user_email = "", ...rest}) => {
		const {user_id} = await post(LIST, page.at, {user_email, ...rest})
		await page.reloadPeople()
		const user = rest.invite && (await get("/v1/users/{user_id}", {user_id}))
		if (user.state === "invited") showLink(user)
	})

const drop = (page, person) =>
	askForm(
		words.removeOne(nameOf(person)),
		"",
		async () => {
			await remove("/v1/interviews/{interview_id}/participants/{user_id}", {...page.at, user_id: person.user_id})
			await page.reloadPeople()
		},
		{text: words.removeText, submit: texts.remove, kind: "danger fill"}
	)
