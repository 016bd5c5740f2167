// Instants as people read them: in their own zone, and in the interview's.
import {texts} from "./texts.js"
import {h} from "./view.js"

const DAY = 86400000
const DATE = {weekday: "short", day: "numeric", month: "short"}
const CLOCK = {hour: "numeric", minute: "2-digit"}
const formats = new Map()

export const viewerZone = Intl.DateTimeFormat().resolvedOptions().timeZone

// Making a formatter is slow.
function format(options, timeZone = viewerZone, locale = undefined) {
	const key = JSON.stringify([options, timeZone, locale])
	if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, {...options, timeZone}))
	return formats.get(key)
}

const yearOf = instant => new Date(instant).getFullYear()
export const dateOf = (instant, zone) =>
	format(yearOf(instant) === yearOf(Date.now()) ? DATE : {...DATE, year: "numeric"}, zone).format(new Date(instant))
export const clockOf = (instant, zone) => format(CLOCK, zone).format(new Date(instant))
export const rangeOf = ({scheduled_at, ends_at}, zone) =>
	format(CLOCK, zone).formatRange(new Date(scheduled_at), new Date(ends_at))
export const whenOf = (interview, zone) => `${dateOf(interview.scheduled_at, zone)}, ${rangeOf(interview, zone)}`

export function moment(instant) {
	const [date, clock] = [dateOf(instant), clockOf(instant)]
	return h("time", {datetime: instant}, date === dateOf(Date.now()) ? clock : `${date}, ${clock}`)
}

export function inItsZone(interview) {
	const own = whenOf(interview, interview.time_zone)
	return own !== whenOf(interview) && texts.inZone(own, interview.time_zone.replaceAll("_", " "))
}

// Return an instant as a `datetime-local` field takes it.
export const toLocal = (instant, zone) =>
	format({dateStyle: "short", timeStyle: "short"}, zone, "sv").format(new Date(instant)).replace(" ", "T")

// Return the instant of a wall-clock time in a zone; what can't be read stays, and the API says why.
export function toInstant(local, zone) {
	try {
		const asUtc = Date.parse(`${local}Z`)
		const offsetAt = instant => Date.parse(`${toLocal(instant, zone)}Z`) - instant
		return new Date(asUtc - offsetAt(asUtc - offsetAt(asUtc))).toISOString()
	} catch {
		return local
	}
}

export const tomorrow = () => toLocal(Math.ceil((Date.now() + DAY) / 3600000) * 3600000)
export const isoDate = instant => toLocal(instant).slice(0, 10)
export const startOf = date => toInstant(`${date}T00:00`)
export const shiftDate = (date, days) => new Date(Date.parse(date) + days * DAY).toISOString().slice(0, 10)

export const weekOf = date =>
	Array.from({length: 7}, (_, day) => shiftDate(date, day - ((new Date(date).getUTCDay() + 6) % 7)))
