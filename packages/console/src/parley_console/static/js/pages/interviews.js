// The interviews of the caller, or all of them: the API's filters, its search, its order.
import { post } from "../api.js";
import { askForm, field } from "../form.js";
import { detailFields, timeFields, withInstant } from "../interview/change.js";
import { filters, listOf } from "../list.js";
import { go, link } from "../router.js";
import { texts } from "../texts.js";
import { dateOf, rangeOf, shiftDate, startOf } from "../time.js";
import { announce, button, empty, fillWith, h, pageHead, row, statusBadge } from "../view.js";

const words = texts.interviews;
const OPEN = ["scheduled", "ongoing"];

export default async function showInterviews({ query, user }) {
  const create = () => user.role === "admin" && button(words.create, askAndCreate, { class: "primary" });
  const results = h("div.results");
  const load = (values) => listOf("/v1/interviews", valuesOf(values), item, () => nothing(values, create()));
  await fillWith(results, load(query));
  return [pageHead(words.title, "", create()), filters(fieldsOf(query), results, load), results];
}

const askAndCreate = () => askForm(words.create, [detailFields(), timeFields()], async (values) => {
  const { id } = await post("/v1/interviews", {}, { title: "", interview_type: "", ...withInstant(values) });
  announce(words.created);
  go(`/interviews/${id}`);
}, { submit: words.submit });

const fieldsOf = ({ q, status, sort, interview_type, from, to, participant_id }) => [
  field("q", { type: "search", label: words.search, value: q }),
  field("status", { options: [["", words.open], ...Object.entries(texts.status), ["all", texts.all]], value: status }),
  field("sort", { options: words.sorts, value: sort }),
  h("details", { open: Boolean(interview_type || from || to) }, h("summary", words.moreFilters), h("div.fields",
    field("interview_type", { value: interview_type, hint: "" }),
    field("from", { type: "date", value: from }),
    field("to", { type: "date", value: to }))),
  participant_id && h("p", h("input", { type: "hidden", name: "participant_id", value: participant_id }),
    words.ofPerson, " ", link("/interviews", words.ofAll)),
];

const valuesOf = ({ status, sort = "scheduled_at", from, to, ...rest }) => ({
  ...rest,
  sort,
  status: status === "all" ? "" : status || OPEN,
  scheduled_from: from && startOf(from),
  scheduled_to: to && startOf(shiftDate(to, 1)),
});

function item(interview) {
  const { id, title, interview_type, location, my_role, status, duration_minutes } = interview;
  const about = [interview_type, texts.minutes(duration_minutes), location, words.as[my_role]].filter(Boolean).join(" · ");
  const when = h("p.date", h("strong", dateOf(interview.scheduled_at)), " ", rangeOf(interview));
  const node = row(when, link(`/interviews/${id}`, title, { class: "title" }), about, statusBadge(status));
  node.className = status;
  return node;
}

function nothing({ sort, ...rest }, create) {
  const isFiltered = Object.values(rest).some(Boolean);
  return isFiltered
    ? empty(words.noMatch, h("p", words.noMatchText), link("/interviews", words.showAll, { query: { status: "all" } }))
    : empty(words.none, h("p", create ? words.noneAdmin : words.noneOther), create);
}
