// Lists: filters that stand in the address, pages that grow.
import {get, nextOf} from "./api.js"
import {fieldsOf, valuesOf} from "./form.js"
import {keepInAddress} from "./router.js"
import {texts} from "./texts.js"
import {actions, announce, button, fillWith, h} from "./view.js"

export async function listOf(path, values, item, none) {
	const first = await get(path, values)
	if (!first.items.length) return none()
	const list = h("ul.rows", first.items.map(item))
	let next = nextOf(first, values)
	const more = actions(
		button(texts.more, async () => {
			const page = await get(path, next)
			const rows = page.items.map(item)
			list.append(...rows)
			rows[0]?.querySelector("a, button")?.focus()
			next = nextOf(page, values)
			if (!next) more.remove()
		})
	)
	return [list, next && more]
}

// Return filters: whatever changes goes into the address, and `load` fills the results.
export function filters(template, query, results, load) {
	let waiting
	const apply = async () => {
		keepInAddress(valuesOf(node))
		await fillWith(results, load(valuesOf(node)))
		announce(texts.shown(results.querySelectorAll("li").length))
	}
	const later = event => {
		event.preventDefault()
		clearTimeout(waiting)
		waiting = setTimeout(apply, 300)
	}
	const node = h("form.filters", {role: "search", onsubmit: later, oninput: later}, fieldsOf(template, query))
	return node
}
