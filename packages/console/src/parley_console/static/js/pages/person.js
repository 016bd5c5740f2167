// One account.
import { get, patch, post } from "../api.js";
import { askForm, fieldsOf } from "../form.js";
import { historyOf } from "../history.js";
import { showLink } from "../links.js";
import { link } from "../router.js";
import { texts } from "../texts.js";
import { moment } from "../time.js";
import { actions, announce, button, facts, h, nameOf, pageHead, roleOf, section } from "../view.js";
import { stateTag } from "./people.js";

const words = texts.person;
const PATH = "/v1/users/{user_id}";

export default async function showPerson({ parameters: { id } }) {
  const at = { user_id: id };
  const node = h("div.page-part");
  let user = await get(PATH, at);
  const nameOfActor = (actor) => (actor === id ? nameOf(user) : texts.roles.admin);
  const [history, reloadHistory] = historyOf("/v1/users/{user_id}/history", at, nameOfActor);
  const change = async (body) => {
    user = await patch(PATH, at, body);
    announce(texts.saved);
    draw();
  };
  const draw = () => {
    node.replaceChildren(...partsOf(user, change));
    reloadHistory();
  };
  draw();
  return [node, history];
}

function partsOf(user, change) {
  const { email, name, state, verified, active, created_at, id } = user;
  const edit = () => askForm(texts.edit, fieldsOf("identity", user), (values) => change(changed(user, values)), { submit: texts.save });
  const deactivate = () => askForm(words.deactivate, "", () => change({ active: false }), { text: words.deactivateText, kind: "danger fill" });
  const endSessions = async () => {
    await post("/v1/users/{user_id}/logout-all", { user_id: id });
    announce(words.ended);
  };
  return [pageHead(nameOf(user), stateTag(user) || undefined, button(texts.edit, edit),
    link("/interviews", texts.interviews, { query: { participant_id: id, status: "all" }, class: "button" })),
  section(texts.account.profile, "", facts(
    [texts.fields.email, email],
    [texts.fields.name, name],
    [texts.fields.role, roleOf(user)],
    [words.verified, verified ? words.yes : words.no],
    [words.since, moment(created_at)],
  ), actions(words.link[state] && button(words.link[state], () => showLink(user)), button(words.end, endSessions),
    active ? button(words.deactivate, deactivate, { class: "danger" }) : button(words.reactivate, () => change({ active: true }))))];
}

const changed = (user, { email = "", name = null, role }) =>
  Object.fromEntries(Object.entries({ email, name, role }).filter(([key, value]) => value !== user[key]));
