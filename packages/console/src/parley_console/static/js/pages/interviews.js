// The interviews of the caller, or all of them: the API's filters, its search, its order.
import { field } from "../form.js";
import { filters, listOf } from "../list.js";
import { linkTo } from "../router.js";
import { texts } from "../texts.js";
import { dateOf, rangeOf, startOf, shiftDate } from "../time.js";
import { empty, fillWith, h, link, pageHead, statusBadge } from "../view.js";

const words = texts.interviews;
const PATH = "/v1/interviews";
const OPEN = ["scheduled", "ongoing"];

export default async function showInterviews({ query, user, signal }) {
  const isAdmin = user.role === "admin";
  const create = isAdmin && link(linkTo("/interviews/new"), words.create, { class: "button primary" });
  const results = h("div", { class: "results" });
  const load = (values) => listOf(PATH, { query: apiQuery(values), signal, row, none: () => nothing(values, isAdmin) });
  const form = filters(fieldsFor(query), { load, results, label: words.searchLabel, signal });
  await fillWith(results, load(query));
  return [pageHead(words.title, { actions: create }), form, results];
}

function fieldsFor({ q, status, sort, interview_type, from, to, participant_id }) {
  const statuses = [["", words.open], ...Object.entries(texts.status), ["all", texts.everything]];
  return [
    field("q", words.searchLabel, { type: "search", value: q }),
    field("status", words.statusLabel, { options: statuses, value: status }),
    field("sort", words.sortLabel, { options: words.sorts, value: sort }),
    h("details", { open: Boolean(interview_type || from || to) }, h("summary", {}, words.moreFilters), h("div", { class: "fields" },
      field("interview_type", words.type, { value: interview_type }),
      field("from", words.from, { type: "date", value: from }),
      field("to", words.to, { type: "date", value: to }))),
    participant_id && h("div", { class: "filter-of" }, h("input", { type: "hidden", name: "participant_id", value: participant_id }),
      words.ofPerson, " ", link(linkTo("/interviews"), texts.clear)),
  ];
}

function apiQuery({ status, sort = "scheduled_at", from, to, ...rest }) {
  return {
    ...rest,
    sort,
    status: status === "all" ? undefined : (status ?? OPEN),
    scheduled_from: from && startOf(from),
    scheduled_to: to && startOf(shiftDate(to, 1)),
  };
}

function row(interview) {
  const { id, title, interview_type, location, my_role, status, scheduled_at, ends_at, duration_minutes } = interview;
  const meta = [interview_type, words.minutes(duration_minutes), location, words.as[my_role]].filter(Boolean);
  return h("li", { class: status }, h("p", { class: "date" }, h("strong", {}, dateOf(scheduled_at)), " ", rangeOf(scheduled_at, ends_at)),
    h("div", { class: "what" }, link(linkTo(`/interviews/${id}`), title, { class: "title" }), h("p", { class: "meta" }, meta.join(" · "))),
    statusBadge(status));
}

function nothing({ sort, ...others }, isAdmin) {
  const isFiltered = Object.values(others).some((value) => value !== undefined && value !== "all");
  if (isFiltered) return empty(words.noMatch, words.noMatchText, link(linkTo("/interviews", { status: "all" }), words.showAll, { class: "button" }));
  const text = isAdmin ? words.noneAdmin : words.noneOther;
  return empty(words.none, text, isAdmin && link(linkTo("/interviews/new"), words.create, { class: "button primary" }));
}
