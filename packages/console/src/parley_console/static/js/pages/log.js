// The log of all changes, live.
import { get, getAll } from "../api.js";
import { field } from "../form.js";
import { entryOf, typeOf } from "../history.js";
import { keepInAddress, link } from "../router.js";
import { follow } from "../stream.js";
import { texts } from "../texts.js";
import { announce, button, h, pageHead, quiet, tag } from "../view.js";

const words = texts.log;
const PAGES = { interview: "/interviews", message_log: "/interviews", user: "/people" };
const PAGE = 50;

export default async function showLog({ query: { type }, signal }) {
  const [types, users, { after }] = await Promise.all([
    getAll("/v1/events/types"), get("/v1/users", { limit: 100 }), get("/v1/events", { from: new Date().toISOString(), limit: 1 })]);
  const names = new Map(users.items.map((user) => [user.id, user.name ?? user.email]));
  const nameOf = (id) => names.get(id) ?? texts.somebody;
  const [list, more, badge, none] = [h("ul.rows"), h("div"), h("div", { role: "status" }), h("p.quiet.none", words.none)];
  const item = (event) => {
    const page = PAGES[event.kind];
    return entryOf(event, nameOf, page && link(`${page}/${event.subject_id}`, names.get(event.subject_id) ?? words.open));
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
    onConnection: (isThere) => badge.replaceChildren(isThere ? tag(words.live, "good") : tag(words.offline, "bad")),
  }).catch((problem) => announce(problem.message));
  const choose = ({ target }) => (keepInAddress({ type: target.value }), dispatchEvent(new HashChangeEvent("hashchange")));
  const options = [["", texts.all], ...types.map(({ name }) => [name, typeOf(name)])];
  return [pageHead(words.title, quiet(words.about), badge), h("div", { onchange: choose }, field("type", { options, value: type })), list, none, more];
}
