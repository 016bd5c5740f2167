// Changes of an interview: each says which version it was made from, so that nobody overwrites unseen what others did.
import { getTagged, patch } from "../api.js";
import { ask, askForm, field } from "../form.js";
import { texts } from "../texts.js";
import { clockOf, dateOf, toInstant, toLocal, tomorrow, viewerZone } from "../time.js";
import { actions, announce, button, facts, h } from "../view.js";

const words = texts.change;
const PATH = "/v1/interviews/{interview_id}";
const NULLABLE = ["location", "description", "notes"];

export const detailFields = ({ title, interview_type, location, description, notes } = {}) => [
  field("title", { value: title }),
  h("div.fields", field("interview_type", { value: interview_type, autocapitalize: "none" }), field("location", { value: location, optional: true })),
  field("description", { type: "textarea", value: description, optional: true }),
  field("notes", { type: "textarea", value: notes, optional: true }),
];

export const timeFields = ({ scheduled_at, time_zone = viewerZone, duration_minutes = 60 } = {}) => h("div.fields",
  field("scheduled_at", { type: "datetime-local", value: scheduled_at ? toLocal(scheduled_at, time_zone) : tomorrow() }),
  field("duration_minutes", { type: "number", value: duration_minutes, min: 1, max: 1440 }),
  field("time_zone", { value: time_zone, suggestions: Intl.supportedValuesOf("timeZone") }));

/** Return the entered values with the time as an instant. */
export const withInstant = (values) => ({ ...values, scheduled_at: toInstant(values.scheduled_at, values.time_zone) });

const reasonField = () => field("reason", { optional: true });

export const edit = (page) =>
  askForm(words.edit, detailFields(page.interview), (values) => change(page, values), { submit: texts.save });

export const reschedule = (page) => askForm(words.reschedule, [timeFields(page.interview), reasonField()],
  ({ reason, ...values }) => change(page, withInstant(values), { reason }));

/** Ask what has to be asked for a transition, and make it. */
export function move(page, status) {
  const send = async ({ reason } = {}) => {
    const body = { status, reason };
    await patch("/v1/interviews/{interview_id}/status", page.at, body, { "If-Match": page.interview.etag }).catch((problem) => {
      if (problem.status === 412) problem.message = words.newest;
      page.refresh();
      throw problem;
    });
    await page.refresh();
  };
  const question = words.questions[status];
  return question ? askForm(words.moves[status], [reasonField()], send, { text: question, kind: status === "cancelled" ? "danger fill" : "primary" }) : send();
}

/** Send what differs from the interview as it was shown. Somebody else may have been faster: then ask what to do. */
async function change(page, values, more) {
  const now = Object.entries(values).map(([name, value]) => [name, value ?? (NULLABLE.includes(name) ? null : "")]);
  const changed = Object.fromEntries(now.filter(([name, value]) => shown(name, value) !== shown(name, page.interview[name])));
  const send = (etag) => patch(PATH, page.at, { ...changed, ...more }, { "If-Match": etag });
  if (Object.keys(changed).length) {
    const isSaved = await send(page.interview.etag).catch((problem) => {
      if (problem.status !== 412) throw problem;
      return overwrite(page, changed, send);
    });
    announce(isSaved ? texts.saved : words.kept);
  }
  await page.refresh();
}

/** Show what somebody else made of the interview, and send ours over it only if that is wanted. */
async function overwrite(page, changed, send) {
  const theirs = await getTagged(PATH, page.at);
  const pairs = (values) => facts(...Object.keys(changed).map((name) => [texts.fields[name], shown(name, values[name])]));
  const isWanted = await ask(words.conflict, (end) => [h("p", words.conflictText),
    h("h3", words.theirs), pairs(theirs), h("h3", words.yours), pairs(changed),
    actions(button(words.keep, () => end(false), { class: "primary" }), button(words.overwrite, () => end(true), { class: "danger" }))]);
  return isWanted && send(theirs.etag);
}

/** Return a field's value as people read it. */
export const shown = (name, value) =>
  name.endsWith("_at") && Date.parse(value) ? `${dateOf(value)}, ${clockOf(value)}` : (value ?? "–");
