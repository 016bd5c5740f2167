// The messages of an interview, live.
import {get, post} from "../api.js"
import {randomName} from "../http.js"
import {follow} from "../stream.js"
import {texts} from "../texts.js"
import {moment} from "../time.js"
import {actions, alarm, announce, button, h, quiet, section, tag} from "../view.js"

const words = texts.messages
const LIST = "/v1/interviews/{interview_id}/messages"
const PAGE = 50

export function messagesOf(page, signal) {
	if (!page.interview.my_role) return section(words.title, "", quiet(words.outsider))
	const [badge, earlier] = [h("div", {role: "status"}), h("div")]
	const talk = {page, earlier, known: new Map(), list: h("ol")}
	const node = section(
		words.title,
		badge,
		earlier,
		h("div.talk", {tabindex: "0", role: "log", "aria-label": words.title}, talk.list),
		h("p.quiet.none", words.none),
		page.isClosed() ? quiet(words.closed) : composer(talk)
	)
	const onConnection = isThere => badge.replaceChildren(isThere ? "" : tag(texts.offline, "bad"))
	start(talk, signal, onConnection).catch(problem => lose(page, node, problem))
	return node
}

async function start(talk, signal, onConnection) {
	const last = await load(talk)
	scrollDown(talk)
	const onEvent = message => arrive(talk, message)
	await follow("/v1/interviews/{interview_id}/messages/stream", talk.page.at, {last, signal, onConnection, onEvent})
}

const scrollDown = ({list: {parentNode}}) => (parentNode.scrollTop = parentNode.scrollHeight)

async function load(talk) {
	const before_seq = talk.known.size ? Math.min(...talk.known.keys()) : undefined
	const {items} = await get(LIST, {...talk.page.at, sort: "-seq", limit: PAGE, before_seq})
	items.forEach(message => place(talk, message))
	talk.earlier.replaceChildren(items.length < PAGE ? "" : button(words.earlier, () => load(talk)))
	return items[0]?.seq ?? 0
}

// Begin anew where access has ended or what was shown is lost.
function lose(page, node, problem) {
	if (problem.isAbsent) node.remove()
	else if ([403, 404].includes(problem.status) || problem.code === "position_ahead") page.reload()
	else node.append(alarm(problem.message))
}

function arrive(talk, message) {
	const {scrollHeight, scrollTop, clientHeight} = talk.list.parentNode
	place(talk, message)
	if (scrollHeight - scrollTop - clientHeight < 80) scrollDown(talk)
}

function place({page, known, list}, {seq, sender_id, content, created_at}) {
	if (known.has(seq)) return
	const isOwn = sender_id === page.user.id
	const node = h(
		"li",
		{class: isOwn && "own"},
		h("p.meta", isOwn ? words.you : page.nameOf(sender_id), " ", moment(created_at)),
		h("p.said", content)
	)
	const next = Math.min(...[...known.keys()].filter(one => one > seq))
	list.insertBefore(node, known.get(next) ?? null)
	known.set(seq, node)
}

function composer(talk) {
	const text = h("textarea", {id: "message", rows: 2, "aria-describedby": "message-error"})
	const error = h("p.field-error", {id: "message-error", role: "alert"})
	let body

	// A repeat of the same text has the same name, so that a lost answer doubles nothing.
	const write = async event => {
		event.preventDefault()
		if (node.ariaBusy) return
		if (body?.content !== text.value) body = {content: text.value, client_message_id: randomName()}
		node.ariaBusy = "true"
		error.replaceChildren()
		try {
			place(talk, await post(LIST, talk.page.at, body))
			scrollDown(talk)
			text.value = ""
			body = undefined
			announce(words.sent)
		} catch (problem) {
			error.append(problem.errors?.[0]?.message ?? problem.message)
			talk.page.refresh()
		}
		node.ariaBusy = null
		text.focus()
	}
	const node = h(
		"form",
		{novalidate: true, onsubmit: write},
		h("label", {for: "message"}, words.write),
		text,
		error,
		actions(h("button.primary", words.send))
	)
	return node
}
