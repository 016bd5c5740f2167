// One interview.
import {get, getTagged, send} from "../api.js"
import {historyOf} from "../history.js"
import {edit, move, reschedule} from "../interview/change.js"
import {messagesOf} from "../interview/messages.js"
import {participantsOf} from "../interview/participants.js"
import {link} from "../router.js"
import {say, texts} from "../texts.js"
import {inItsZone, whenOf} from "../time.js"
import {button, facts, fillWith, h, linked, nameOf, pageHead, row, rows, section, statusBadge} from "../view.js"

const words = texts.interview
const PATH = "/v1/interviews/{interview_id}"
const INTERVAL = 10000

export default async ({parameters: {id}, user, signal}) => {
	const page = await open({interview_id: id}, user)
	const [top, details, conflicts, talk] = [h("div"), h("div"), h("div"), h("div")]
	const participants = participantsOf(page)
	const [history, reloadHistory] = historyOf("/v1/interviews/{interview_id}/history", page.at, page.nameOf)
	page.draw = before => {
		top.replaceChildren(headOf(page))
		details.replaceChildren(detailsOf(page.interview))
		fillWith(conflicts, conflictsOf(page))
		const {status, my_role} = page.interview
		if (before?.status !== status || before.my_role !== my_role) talk.replaceChildren(messagesOf(page, signal))
		return before && Promise.all([page.reloadPeople(), reloadHistory()])
	}
	await page.reloadPeople()
	page.draw()
	keepFresh(page, signal)
	return [top, h("div.columns", h("div", details, talk, history), h("div", conflicts, participants))]
}

async function open(at, user) {
	const page = {
		at,
		user,
		interview: await getTagged(PATH, at),
		people: new Map(),
		// Nobody who isn't offered a transition changes an interview.
		mayChange: () => user.role === "admin" && page.interview.allowed_transitions.length > 0,
		isClosed: () => ["completed", "cancelled"].includes(page.interview.status),
		nameOf: userId => (userId === user.id ? nameOf(user) : nameOf(page.people.get(userId) ?? {name: texts.somebody})),
		reload: () => dispatchEvent(new HashChangeEvent("hashchange")),
		refresh: async () => {
			const before = page.interview
			page.interview = await getTagged(PATH, at)
			if (before.etag !== page.interview.etag) await page.draw(before)
		}
	}
	return page
}

// Read the interview now and then, but not under an open dialog.
function keepFresh({refresh, reload}, signal) {
	const timer = setInterval(() => {
		if (document.hidden || document.querySelector("dialog")) return
		refresh().catch(({status}) => [403, 404].includes(status) && reload())
	}, INTERVAL)
	signal.addEventListener("abort", () => clearInterval(timer))
}

function headOf(page) {
	const {title, status, allowed_transitions} = page.interview
	const zone = inItsZone(page.interview)
	const below = h("p.inline", statusBadge(status), whenOf(page.interview), zone && h("span.meta", zone))
	const moves = allowed_transitions.map(next =>
		button(words.moves[next] ?? next, () => move(page, next), {class: next === "cancelled" ? "danger" : "primary"})
	)
	return pageHead(
		title,
		below,
		moves,
		page.mayChange() && [button(texts.edit, () => edit(page)), button(words.reschedule, () => reschedule(page))]
	)
}

function detailsOf(interview) {
	const {interview_type, duration_minutes, location, description, notes, my_role} = interview
	return section(
		words.details,
		button(words.calendar, () => download(interview), {class: "plain"}),
		facts({interview_type, duration_minutes, location: location && linked(location), my_role: my_role && say(my_role)}),
		facts({description, notes})
	)
}

// Save a file for a calendar. A link wouldn't send the token.
async function download({id}) {
	const response = await send("GET", "/v1/interviews/{interview_id}/calendar.ics", {interview_id: id})
	const url = URL.createObjectURL(await response.blob())
	h("a", {href: url, download: "interview.ics"}).click()
	setTimeout(() => URL.revokeObjectURL(url), 1000)
}

async function conflictsOf(page) {
	if (page.isClosed() || page.interview.my_role === "candidate") return []
	const {items, total} = await get("/v1/interviews/{interview_id}/conflicts", page.at)
	if (!total) return []
	return section(
		words.conflicts(total),
		"",
		rows(
			items.map(one =>
				row("", h("strong", page.nameOf(one.user_id)), [
					whenOf(one),
					" ",
					one.interview_id && link(`/interviews/${one.interview_id}`, one.title)
				])
			)
		)
	)
}
