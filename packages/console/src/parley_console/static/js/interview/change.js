// Changes of an interview: each says which version it was made from, so that nobody overwrites unseen what others did.
import { getTagged, patch } from "../api.js";
import { ask, askForm, fieldsOf } from "../form.js";
import { texts } from "../texts.js";
import { clockOf, dateOf, toInstant, toLocal, tomorrow, viewerZone } from "../time.js";
import { actions, announce, button, facts, h } from "../view.js";

const words = texts.interview;
const PATH = "/v1/interviews/{interview_id}";
const NULLABLE = ["location", "description", "notes"];

/** Return the fields of an interview's time, in its own zone; tomorrow for a new one. */
export function timeFields({ scheduled_at, time_zone = viewerZone, duration_minutes = 60 } = {}) {
  const zones = document.getElementById("zones");
  if (!zones.firstChild) zones.append(...Intl.supportedValuesOf("timeZone").map((zone) => h("option", { value: zone })));
  const local = scheduled_at ? toLocal(scheduled_at, time_zone) : tomorrow();
  return fieldsOf("time", { scheduled_at: local, time_zone, duration_minutes });
}

/** Return the entered values with the time as an instant. */
export const withInstant = (values) => ({ ...values, scheduled_at: toInstant(values.scheduled_at, values.time_zone) });

export const edit = (page) =>
  askForm(words.edit, fieldsOf("details", page.interview), (values) => change(page, values), { submit: texts.save });

export const reschedule = (page) => askForm(words.reschedule, [timeFields(page.interview), fieldsOf("reason")],
  ({ reason, ...values }) => change(page, withInstant(values), { reason }));

/** Ask what has to be asked for a transition, and make it. */
export function move(page, status) {
  const send = async ({ reason } = {}) => {
    await patch("/v1/interviews/{interview_id}/status", page.at, { status, reason }, { "If-Match": page.interview.etag }).catch((problem) => {
      if (problem.status === 412) problem.message = words.newest;
      page.refresh();
      throw problem;
    });
    await page.refresh();
  };
  const text = words.questions[status];
  return text ? askForm(words.moves[status], fieldsOf("reason"), send, { text, kind: status === "cancelled" && "danger fill" }) : send();
}

/** Send what differs from the interview as it was shown. Somebody else may have been faster: then ask what to do. */
async function change(page, values, more) {
  const now = Object.entries(values).map(([name, value]) => [name, value ?? (NULLABLE.includes(name) ? null : "")]);
  const changed = Object.fromEntries(now.filter(([name, value]) => shown(name, value) !== shown(name, page.interview[name])));
  const send = (etag) => patch(PATH, page.at, { ...changed, ...more }, { "If-Match": etag });
  if (Object.keys(changed)[0]) {
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
  const isWanted = await ask(words.faster, (end) => [h("p", words.fasterText),
    h("h3", words.theirs), pairs(theirs), h("h3", words.yours), pairs(changed),
    actions(button(words.keep, () => end(), { class: "primary" }), button(words.overwrite, () => end(true), { class: "danger" }))]);
  return isWanted && send(theirs.etag);
}

/** Return a field's value as people read it. */
export const shown = (name, value) =>
  name.endsWith("_at") && Date.parse(value) ? `${dateOf(value)}, ${clockOf(value)}` : (value ?? "–");
