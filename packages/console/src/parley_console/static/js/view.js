// Pieces of a page. Text only ever becomes text.
import {say, texts} from "./texts.js"

// Return an element: `h("p.meta", { id: "x" }, "text")`. Members that begin with `on` are listeners.
export function h(kind, ...rest) {
	const [tag, ...classes] = kind.split(".")
	const {class: more, ...properties} = rest[0]?.constructor === Object ? rest.shift() : {}
	const node = document.createElement(tag)
	const names = classes.concat(more || []).join(" ")
	if (names) node.className = names
	for (const [name, value] of Object.entries(properties)) {
		if (name.startsWith("on")) node.addEventListener(name.slice(2), value)
		else if (value) node.setAttribute(name, value === true ? "" : value)
	}
	node.append(...rest.flat(9).filter(child => child))
	return node
}

export const button = (text, onclick, properties) => h("button", {type: "button", onclick, ...properties}, text)
export const quiet = (...text) => h("p.quiet", text)
export const actions = (...nodes) => h("div.actions", nodes)
export const rows = nodes => h("ul.rows", nodes)
export const tag = (text, kind) => h("span.tag", {class: kind}, text)

export const section = (title, beside, ...children) =>
	h("section.card", {"aria-label": title}, h("div.head", h("h2", title), beside), children)

export const pageHead = (title, below, ...beside) =>
	h("header.head", h("div", h("h1", {tabindex: "-1"}, title), below), actions(beside))

export const empty = (title, ...children) => h("div.empty", h("p.empty-title", title), children)

export const alarm = text => h("p.notice.error", {role: "alert"}, text)

export const statusBadge = status => h("span.badge", {class: status}, say(status))

export const row = (before, title, about, ...behind) =>
	h("li", before, h("div.what", h("p", title), h("p.meta", about)), behind)

export const facts = values =>
	h(
		"dl.facts",
		Object.entries(values)
			.filter(([, value]) => value)
			.map(([name, value]) => h("div", h("dt", say(name)), h("dd", value)))
	)

export const linked = text =>
	/^https?:\/\/\S+$/.test(text) ? h("a", {href: text, rel: "noreferrer", target: "_blank"}, text) : text

export const nameOf = ({name, email}) => name ?? email ?? texts.noName

export const mark = name =>
	h(
		"span.mark",
		{"aria-hidden": "true"},
		name
			.match(/[\p{L}\p{N}]+/gu)
			?.slice(0, 2)
			.map(word => [...word][0].toUpperCase())
	)

export function announce(text) {
	const place = document.getElementById("announcements")
	place.replaceChildren(h("p", text))
	clearTimeout(announce.timer)
	announce.timer = setTimeout(() => place.replaceChildren(), 6000)
}

export function copyable(text, label) {
	const field = h("input", {readonly: true, value: text, "aria-label": label})
	return h(
		"div.copyable",
		field,
		button(texts.copy, () => {
			field.select()
			document.execCommand("copy")
			announce(texts.copied)
		})
	)
}

// Show what the work returns, or why it failed.
export async function fillWith(place, work) {
	place.ariaBusy = "true"
	const nodes = await work.catch(problem => !problem.isAbsent && alarm(problem.message))
	place.replaceChildren(...[nodes].flat(9).filter(Boolean))
	place.ariaBusy = null
}
