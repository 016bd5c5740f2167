// Changes of an interview, which overwrite nothing unseen.
import {getTagged, patch, post} from "../api.js"
import {askForm, fieldsOf} from "../form.js"
import {go} from "../router.js"
import {say, texts} from "../texts.js"
import {clockOf, dateOf, toInstant, toLocal, tomorrow, viewerZone} from "../time.js"
import {announce, facts, h} from "../view.js"

const words = texts.interview
const PATH = "/v1/interviews/{interview_id}"
const NULLABLE = ["location", "description", "notes"]

function timeFields({scheduled_at, time_zone = viewerZone, duration_minutes = 60} = {}) {
	const zones = document.getElementById("zones")
	if (!zones.firstChild) zones.append(...Intl.supportedValuesOf("timeZone").map(zone => h("option", {value: zone})))
	const local = scheduled_at ? toLocal(scheduled_at, time_zone) : tomorrow()
	return fieldsOf("time", {scheduled_at: local, time_zone, duration_minutes})
}

const withInstant = values => ({...values, scheduled_at: toInstant(values.scheduled_at, values.time_zone)})

export const create = () =>
	askForm(
		texts.list.create,
		[fieldsOf("details"), timeFields()],
		async values => {
			const {id} = await post("/v1/interviews", {}, withInstant(values))
			announce(texts.list.created)
			go(`/interviews/${id}`)
		},
		{submit: texts.list.submit}
	)

export const edit = page =>
	askForm(words.edit, fieldsOf("details", page.interview), values => change(page, values), {submit: texts.save})

export const reschedule = page =>
	askForm(words.reschedule, [timeFields(page.interview), fieldsOf("reason")], ({reason, ...values}) =>
		change(page, withInstant(values), {reason})
	)

export function move(page, status) {
	const send = ({reason} = {}) =>
		patch("/v1/interviews/{interview_id}/status", page.at, {status, reason}).finally(page.refresh)
	const text = words.questions[status]
	return text
		? askForm(words.moves[status], fieldsOf("reason"), send, {
				text,
				kind: status === "cancelled" ? "danger fill" : undefined
			})
		: send()
}

async function change(page, values, more) {
	const now = Object.entries(values).map(([name, value]) => [name, value ?? (NULLABLE.includes(name) ? null : "")])
	const changed = Object.fromEntries(
		now.filter(([name, value]) => shown(name, value) !== shown(name, page.interview[name]))
	)
	const send = etag => patch(PATH, page.at, {...changed, ...more}, {"If-Match": etag})
	if (Object.keys(changed)[0]) {
		const isSaved = await send(page.interview.etag).catch(problem => {
			if (problem.status !== 412) throw problem
			return overwrite(page, changed, send)
		})
		if (isSaved) announce(texts.saved)
	}
	await page.refresh()
}

// Show what somebody else wrote, and send ours over it only if that is wanted.
async function overwrite(page, changed, send) {
	const theirs = await getTagged(PATH, page.at)
	const present = facts(Object.fromEntries(Object.keys(changed).map(name => [name, shown(name, theirs[name])])))
	return askForm(words.faster, present, () => send(theirs.etag), {
		text: words.fasterText,
		submit: words.overwrite,
		kind: "danger"
	})
}

export const shown = (name, value) =>
	name.endsWith("_at") && Date.parse(value)
		? `${dateOf(value)}, ${clockOf(value)}`
		: ["status", "role"].includes(name)
			? say(value)
			: `${value ?? "–"}`
