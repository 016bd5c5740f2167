// Accounts.
import {get, patch, post} from "../api.js"
import {askForm, fieldsOf} from "../form.js"
import {historyOf} from "../history.js"
import {showLink} from "../links.js"
import {filters, listOf} from "../list.js"
import {link} from "../router.js"
import {say, texts} from "../texts.js"
import {moment} from "../time.js"
import {
	actions,
	announce,
	button,
	empty,
	facts,
	fillWith,
	h,
	mark,
	nameOf,
	pageHead,
	row,
	section,
	tag
} from "../view.js"

const words = texts.person
const PATH = "/v1/users/{user_id}"

export default ({parameters: {id}, query}) => (id ? showPerson(id) : showPeople(query))

async function showPeople(query) {
	const results = h("div.results")
	const load = values => listOf("/v1/users", values, item, () => empty(texts.noMatch))
	const create = () =>
		askForm(words.create, [fieldsOf("identity"), fieldsOf("first-password")], async values => {
			const user = await post("/v1/users", {}, values)
			await fillWith(results, load(query))
			if (user.state === "invited") showLink(user)
		})
	await fillWith(results, load(query))
	return [
		pageHead(texts.people, "", button(words.create, create, {class: "primary"})),
		filters("account-filters", query, results, load),
		results
	]
}

const item = user =>
	row(
		mark(nameOf(user)),
		link(`/people/${user.id}`, nameOf(user), {class: "title"}),
		user.name && user.email,
		stateTag(user),
		h("span.meta", say(user.role))
	)

const stateTag = ({state}) => state !== "active" && tag(say(state), state === "deactivated" ? "bad" : "good")

async function showPerson(id) {
	const at = {user_id: id}
	const node = h("div.page-part")
	let user = await get(PATH, at)
	const nameOfActor = actor => (actor === id ? nameOf(user) : say("admin"))
	const [history, reloadHistory] = historyOf("/v1/users/{user_id}/history", at, nameOfActor)
	const change = async body => {
		user = await patch(PATH, at, body)
		announce(texts.saved)
		draw()
	}
	const draw = () => {
		node.replaceChildren(...partsOf(user, change))
		reloadHistory()
	}
	draw()
	return [node, history]
}

function partsOf(user, change) {
	const {email, name, role, state, verified, active, created_at, id} = user
	const edit = () =>
		askForm(texts.edit, fieldsOf("identity", user), values => change({name: null, ...values}), {submit: texts.save})
	const deactivate = () =>
		askForm(words.deactivate, "", () => change({active: false}), {text: words.deactivateText, kind: "danger fill"})
	const endSessions = async () => {
		await post("/v1/users/{user_id}/logout-all", {user_id: id})
		announce(words.ended)
	}
	return [
		pageHead(
			nameOf(user),
			stateTag(user) || undefined,
			button(texts.edit, edit),
			link("/interviews", texts.interviews, {query: {participant_id: id, status: "all"}, class: "button"})
		),
		section(
			texts.account.profile,
			"",
			facts({email, name, role: say(role), verified: verified && words.yes, created_at: moment(created_at)}),
			actions(
				active && button(texts.links[state === "invited" ? "invitation" : "reset"], () => showLink(user)),
				button(words.end, endSessions),
				active
					? button(words.deactivate, deactivate, {class: "danger"})
					: button(words.reactivate, () => change({active: true}))
			)
		)
	]
}
