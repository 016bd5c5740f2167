// A week of interviews.
import {getAll} from "../api.js"
import {link} from "../router.js"
import {say, texts} from "../texts.js"
import {dateOf, isoDate, rangeOf, shiftDate, startOf, weekOf} from "../time.js"
import {h, pageHead, quiet} from "../view.js"

const words = texts.weeks

export default async ({query}) => {
	const today = isoDate(Date.now())
	const days = weekOf(Date.parse(query.of) ? query.of : today)
	const next = shiftDate(days[6], 1)
	const found = await getAll("/v1/interviews", {
		overlaps_from: startOf(days[0]),
		overlaps_to: startOf(next),
		sort: "scheduled_at"
	})
	const to = (date, text) => link("/week", text, {query: {of: date}, class: "button"})
	const range = `${dateOf(startOf(days[0]))} – ${dateOf(startOf(days[6]))}`
	return [
		pageHead(
			texts.week,
			quiet(range),
			to(shiftDate(days[0], -7), words.earlier),
			to("", words.today),
			to(next, words.later)
		),
		h(
			"div.week",
			days.map(date => day(date, date === today, found))
		)
	]
}

function day(date, isToday, all) {
	const [from, to] = [startOf(date), startOf(shiftDate(date, 1))].map(Date.parse)
	const here = all.filter(({scheduled_at, ends_at}) => Date.parse(scheduled_at) < to && Date.parse(ends_at) > from)
	return h(
		"section",
		{class: isToday ? "today" : ""},
		h("h2", dateOf(from)),
		here.length
			? h(
					"ul",
					here.map(one => item(one))
				)
			: quiet(words.free)
	)
}

function item(interview) {
	const {id, title, status, my_role} = interview
	const role = my_role && h("span.meta", texts.list.as[my_role])
	return h(
		"li",
		{class: status},
		link(`/interviews/${id}`, [
			h("span.meta", rangeOf(interview)),
			h("strong", title),
			h("span.meta", say(status)),
			role
		])
	)
}
