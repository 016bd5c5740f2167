// The accounts: search, and new ones.
import { post } from "../api.js";
import { askForm, field } from "../form.js";
import { handOver } from "../links.js";
import { filters, listOf } from "../list.js";
import { link } from "../router.js";
import { texts } from "../texts.js";
import { button, empty, fillWith, h, mark, nameOf, pageHead, row, tag } from "../view.js";

const words = texts.people;
const ROLES = ["admin", "interviewer", "candidate"].map((role) => [role, texts.roles[role]]);

export default async function showPeople({ query }) {
  const results = h("div.results");
  const load = (values) => listOf("/v1/users", values, item, () => empty(texts.noMatch, h("p", texts.noMatchText)));
  const create = () => askForm(words.create, accountFields(), add, { text: words.createText });
  const add = async ({ email = "", password, ...rest }) => {
    const { id } = await post("/v1/users", {}, { email, password: password || undefined, ...rest });
    await fillWith(results, load({}));
    handOver(id);
  };
  await fillWith(results, load(query));
  const choices = (all) => [["", texts.all], ...all];
  return [pageHead(words.title, "", button(words.create, create, { class: "primary" })), filters([
    field("q", { type: "search", label: words.search, value: query.q }),
    field("role", { options: choices(ROLES), value: query.role }),
    field("state", { options: choices(Object.entries(words.states)), value: query.state }),
  ], results, load), results];
}

const accountFields = () => [...identityFields({ role: "interviewer" }), field("password", { type: "password", optional: true, autocomplete: "new-password" })];

/** Return the fields of an account that an administrator changes. */
export const identityFields = ({ email, name, role }) => [
  field("email", { type: "email", value: email, autocomplete: "off" }),
  field("name", { value: name, optional: true, autocomplete: "off" }),
  field("role", { options: ROLES, value: role }),
];

const item = (user) => row(mark(nameOf(user)), link(`/people/${user.id}`, nameOf(user), { class: "title" }),
  user.name && user.email, stateTag(user), h("span.meta", texts.roles[user.role] ?? user.role));

/** Return the state of an account where it isn't the usual one. */
export const stateTag = ({ state }) => state !== "active" && tag(words.states[state], state === "deactivated" ? "bad" : "good");
