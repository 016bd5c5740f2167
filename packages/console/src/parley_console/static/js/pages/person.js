// One account.
import { get, patch, post } from "../api.js";
import { askForm } from "../form.js";
import { historyOf } from "../history.js";
import { showLink } from "../links.js";
import { link } from "../router.js";
import { texts } from "../texts.js";
import { moment } from "../time.js";
import { actions, announce, button, facts, h, nameOf, pageHead, section } from "../view.js";
import { identityFields, stateTag } from "./people.js";

const words = texts.person;
const PATH = "/v1/users/{user_id}";

export default async function showPerson({ parameters: { id } }) {
  const at = { user_id: id };
  const node = h("div.page-part");
  const [history, reloadHistory] = historyOf("/v1/users/{user_id}/history", at, (userId) => (userId === id ? nameOf(user) : texts.somebody));
  let user;
  const refresh = async () => {
    user = await get(PATH, at);
    node.replaceChildren(...partsOf(user, { change, endSessions }));
    reloadHistory();
  };
  const change = async (body) => {
    await patch(PATH, at, body);
    announce(texts.saved);
    await refresh();
  };
  const endSessions = async () => {
    await post("/v1/users/{user_id}/logout-all", at);
    announce(words.ended);
    await refresh();
  };
  await refresh();
  return [node, history];
}

function partsOf(user, { change, endSessions }) {
  const { email, name, role, state, verified, active, created_at, id } = user;
  const edit = () => askForm(texts.edit, identityFields(user), (values) => change(changed(user, values)), { submit: texts.save });
  const deactivate = () => askForm(words.deactivate, [], () => change({ active: false }), { text: words.deactivateText, kind: "danger fill" });
  return [pageHead(nameOf(user), stateTag(user), button(texts.edit, edit),
    link("/interviews", words.interviews, { query: { participant_id: id, status: "all" }, class: "button" })),
  section(texts.me.profile, "", facts(
    [texts.fields.email, email],
    [texts.fields.name, name],
    [texts.fields.role, texts.roles[role] ?? role],
    [words.verified, verified ? words.yes : words.no],
    [words.since, moment(created_at)],
  ), actions(words.link[state] && button(words.link[state], () => showLink(user)), button(words.end, endSessions),
    active ? button(words.deactivate, deactivate, { class: "danger" }) : button(words.reactivate, () => change({ active: true }))))];
}

const changed = (user, { email = "", name = null, role }) =>
  Object.fromEntries(Object.entries({ email, name, role }).filter(([key, value]) => value !== user[key]));
