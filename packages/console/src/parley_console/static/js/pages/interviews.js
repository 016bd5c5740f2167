// A list of interviews.
import {filters, listOf} from "../list.js"
import {link} from "../router.js"
import {texts} from "../texts.js"
import {dateOf, rangeOf, shiftDate, startOf} from "../time.js"
import {button, empty, fillWith, h, pageHead, row, statusBadge} from "../view.js"

const words = texts.list
const OPEN = ["scheduled", "ongoing"]

export default async ({query, user}) => {
	const results = h("div.results")
	const create = () => user.role === "admin" && button(words.create, askAndCreate, {class: "primary"})
	const load = values => listOf("/v1/interviews", requestOf(values), item, () => nothing(values, create()))
	await fillWith(results, load(query))
	const ofPerson = query.participant_id && h("p", words.ofPerson, " ", link("/interviews", words.ofAll))
	return [pageHead(texts.interviews, ofPerson, create()), filters("interview-filters", query, results, load), results]
}

const askAndCreate = async () => (await import("../interview/change.js")).create()

const requestOf = ({status, sort = "scheduled_at", from, to, ...rest}) => ({
	...rest,
	sort,
	status: status === "all" ? "" : status || OPEN,
	scheduled_from: from && startOf(from),
	scheduled_to: to && startOf(shiftDate(to, 1))
})

function item(interview) {
	const {id, title, interview_type, location, my_role, status, duration_minutes} = interview
	const about = [interview_type, texts.minutes(duration_minutes), location, words.as[my_role]]
		.filter(Boolean)
		.join(" · ")
	const when = h("p.date", h("strong", dateOf(interview.scheduled_at)), " ", rangeOf(interview))
	const node = row(when, link(`/interviews/${id}`, title, {class: "title"}), about, statusBadge(status))
	node.className = status
	return node
}

function nothing({sort, ...rest}, create) {
	if (!Object.values(rest).some(Boolean))
		return empty(words.none, h("p", create ? words.noneAdmin : words.noneOther), create)
	return empty(texts.noMatch, link("/interviews", words.showAll, {query: {status: "all"}}))
}
