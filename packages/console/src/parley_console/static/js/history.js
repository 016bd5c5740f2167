// What happened: who changed what, when and why.
import {shown} from "./interview/change.js"
import {listOf} from "./list.js"
import {say, texts} from "./texts.js"
import {moment} from "./time.js"
import {fillWith, h, quiet, row} from "./view.js"

const LEFT_OUT = ["ends_at", "message_id"]

export function historyOf(path, values, nameOf) {
	const place = h("div.part")
	const item = entry => entryOf(entry, nameOf, h("strong", say(entry.type)))
	const load = () =>
		node.open &&
		fillWith(
			place,
			listOf(path, values, item, () => quiet("–"))
		)
	const node = h("details.card", {ontoggle: load}, h("summary", texts.history), place)
	return [node, load]
}

export function entryOf({actor, actor_role, at, reason, changes}, nameOf, title) {
	const fields = Object.entries(changes).filter(([name]) => !LEFT_OUT.includes(name))
	return row(
		"",
		title,
		[actor ? nameOf(actor) : say(actor_role), " · ", moment(at), reason && ` · “${reason}”`],
		fields[0] &&
			h(
				"ul.changes",
				fields.map(([name, {from, to}]) =>
					h("li", `${say(name)}: `, from && [h("del", valueOf(name, from, nameOf)), " → "], valueOf(name, to, nameOf))
				)
			)
	)
}

function valueOf(name, value, nameOf) {
	if (Array.isArray(value)) return value.map(one => valueOf(name, one, nameOf)).join(", ")
	if (value?.user_id || name === "user_id") return nameOf(value.user_id ?? value)
	if (value?.sha256) return texts.long(value.length)
	return value === undefined || value?.constructor === Object ? texts.hidden : shown(name, value)
}
