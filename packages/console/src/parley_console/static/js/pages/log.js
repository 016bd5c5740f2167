// The log of all changes, live.
import { get, getAll } from "../api.js";
import { fieldsOf } from "../form.js";
import { entryOf, typeOf } from "../history.js";
import { go, link } from "../router.js";
import { follow } from "../stream.js";
import { texts } from "../texts.js";
import { announce, button, h, nameOf, pageHead, quiet, rows, tag } from "../view.js";

const words = texts.changes;
const PAGES = { interview: "/interviews", message_log: "/interviews", user: "/people" };
const PAGE = 50;

export default async function showLog({ query, signal }) {
  const type = query.type;
  const [types, users, { after }] = await Promise.all([
    getAll("/v1/events/types"), get("/v1/users", { limit: 100 }), get("/v1/events", { from: new Date().toISOString(), limit: 1 })]);
  const names = new Map(users.items.map((user) => [user.id, nameOf(user)]));
  const nameOfId = (id) => names.get(id) ?? texts.somebody;
  const [list, more, badge] = [rows([]), h("div"), h("div", { role: "status" })];
  const item = (event) => {
    const [page, title] = [PAGES[event.kind], [typeOf(event.type), event.kind === "user" && ` · ${nameOfId(event.subject_id)}`]];
    return entryOf(event, nameOfId, page ? link(`${page}/${event.subject_id}`, title, { class: "title" }) : h("strong", title));
  };
  const earlier = async (end) => {
    const start = Math.max(0, end - PAGE);
    const { items } = await get("/v1/events", { after: start, limit: PAGE, type });
    list.append(...items.filter(({ position }) => position <= end).reverse().map(item));
    more.replaceChildren(start ? button(words.earlier, () => earlier(start)) : "");
  };
  await earlier(after);
  follow("/v1/events/stream", { type }, {
    last: after, signal, onEvent: (event) => list.prepend(item(event)),
    onConnection: (isThere) => badge.replaceChildren(isThere ? tag(words.live, "good") : tag(texts.offline, "bad")),
  }).catch((problem) => announce(problem.message));
  const choices = { type: [texts.choices.state[0], ...types.map(({ name }) => [name, typeOf(name)])] };
  return [pageHead(texts.log, quiet(words.about), badge),
    h("form.filters", { onchange: ({ target }) => go("/log", { type: target.value }) }, fieldsOf("event-filter", query, choices)),
    list, h("p.quiet.none", words.none), more];
}
