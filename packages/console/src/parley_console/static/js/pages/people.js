// The accounts: search, and new ones.
import { post } from "../api.js";
import { askForm, fieldsOf } from "../form.js";
import { handOver } from "../links.js";
import { filters, listOf } from "../list.js";
import { link } from "../router.js";
import { texts } from "../texts.js";
import { button, empty, fillWith, h, mark, nameOf, pageHead, roleOf, row, tag } from "../view.js";

const words = texts.person;

export default async function showPeople({ query }) {
  const results = h("div.results");
  const load = (values) => listOf("/v1/users", values, item, () => empty(texts.noMatch, h("p", texts.noMatchText)));
  const create = () => askForm(words.create, [fieldsOf("identity", { role: "interviewer" }), fieldsOf("first-password")], async (values) => {
    const { id } = await post("/v1/users", {}, values);
    await fillWith(results, load(query));
    handOver(id);
  });
  await fillWith(results, load(query));
  return [pageHead(texts.people, "", button(words.create, create, { class: "primary" })), filters("account-filters", query, results, load), results];
}

const item = (user) => row(mark(nameOf(user)), link(`/people/${user.id}`, nameOf(user), { class: "title" }), user.name && user.email,
  stateTag(user), h("span.meta", roleOf(user)));

/** Return the state of an account where it isn't the usual one. */
export const stateTag = ({ state }) => state !== "active" && tag(texts.states[state], state === "deactivated" ? "bad" : "good");
