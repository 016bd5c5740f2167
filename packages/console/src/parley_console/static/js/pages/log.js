// The log of all changes, live.
import {get, getAll} from "../api.js"
import {fieldsOf} from "../form.js"
import {entryOf} from "../history.js"
import {go, link} from "../router.js"
import {follow} from "../stream.js"
import {say, texts} from "../texts.js"
import {announce, button, h, nameOf, pageHead, quiet, rows, tag} from "../view.js"

const words = texts.changes
const PAGES = {interview: "/interviews", message_log: "/interviews", user: "/people"}
const PAGE = 50

export default async ({query, signal}) => {
	const type = query.type
	const [types, users, {after}] = await Promise.all([
		getAll("/v1/events/types"),
		get("/v1/users", {limit: 100}),
		get("/v1/events", {from: new Date().toISOString(), limit: 1})
	])
	const names = new Map(users.items.map(user => [user.id, nameOf(user)]))
	const nameOfId = id => names.get(id) ?? texts.somebody
	const [list, more, badge] = [rows([]), h("div"), h("div", {role: "status"})]
	const item = event => {
		const title = h("strong", say(event.type))
		const page = PAGES[event.kind]
		return entryOf(event, nameOfId, page ? link(`${page}/${event.subject_id}`, title, {class: "title"}) : title)
	}
	const earlier = async end => {
		const start = Math.max(0, end - PAGE)
		const {items} = await get("/v1/events", {after: start, limit: PAGE, type})
		list.append(
			...items
				.filter(({position}) => position <= end)
				.reverse()
				.map(item)
		)
		more.replaceChildren(start ? button(words.earlier, () => earlier(start)) : "")
	}
	await earlier(after)
	follow(
		"/v1/events/stream",
		{type},
		{
			last: after,
			signal,
			onEvent: event => list.prepend(item(event)),
			onConnection: isThere => badge.replaceChildren(isThere ? tag(words.live, "good") : tag(texts.offline, "bad"))
		}
	).catch(problem => announce(problem.message))
	const filter = fieldsOf("event-filter")
	filter
		.querySelector("select")
		.append(...types.map(({name}) => h("option", {value: name, selected: name === type}, say(name))))
	return [
		pageHead(texts.log, quiet(words.about), badge),
		h("form.filters", {onchange: ({target}) => go("/log", {type: target.value})}, filter),
		list,
		h("p.quiet.none", words.none),
		more
	]
}
