// Small pieces of a page. Text only ever becomes text: nothing here reads markup.
import { texts } from "./texts.js";

/** Return an element: `h("p.meta", { id: "x" }, "text")`. Members that begin with `on` are listeners. */
export function h(kind, ...rest) {
  const [tag, ...classes] = kind.split(".");
  const { class: more = [], ...properties } = rest[0]?.constructor === Object ? rest.shift() : {};
  const node = document.createElement(tag);
  const names = classes.concat(more).join(" ");
  if (names) node.className = names;
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value || value === 0) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...rest.flat(9).filter((child) => child || child === 0));
  return node;
}

export const button = (text, onclick, properties) => h("button", { type: "button", onclick, ...properties }, text);
export const quiet = (...text) => h("p.quiet", text);
export const actions = (...nodes) => h("div.actions", nodes);
export const rows = (nodes) => h("ul.rows", nodes);
export const tag = (text, kind) => h("span.tag", { class: kind }, text);

/** Return a part of a page with its heading, and beside that what one can do there. */
export const section = (title, beside, ...children) =>
  h("section.card", { "aria-label": title }, h("div.head", h("h2", title), beside), children);

/** Return the top of a page: its name, a line about it, what one can do. */
export const pageHead = (title, below, ...beside) =>
  h("header.head", h("div", h("h1", { tabindex: "-1" }, title), below), actions(beside));

/** Return what stands where there is nothing yet: that there is nothing, and what to do. */
export const empty = (title, ...children) => h("div.empty", h("p.empty-title", title), children);

/** Return a notice that is read out at once. */
export const alarm = (text) => h("p.notice.error", { role: "alert" }, text);

export const statusBadge = (status) => h("span.badge", { class: status }, texts.status[status] ?? status);

/** Return an item of a list: what stands before it, its title and a line about it, and what stands behind. */
export const row = (before, title, about, ...behind) =>
  h("li", before, h("div.what", h("p", title), h("p.meta", about)), behind);

/** Return pairs of terms and values, without those that have no value. */
export const facts = (...pairs) =>
  h("dl.facts", pairs.filter(([, value]) => value).map(([term, value]) => h("div", h("dt", term), h("dd", value))));

/** Return a text, as a link where it is an address of the web. */
export const linked = (text) =>
  /^https?:\/\/\S+$/.test(text) ? h("a", { href: text, rel: "noopener noreferrer", target: "_blank" }, text) : text;

export const nameOf = ({ name, email }) => name ?? email ?? texts.noName;
export const roleOf = ({ role }) => texts.roles[role] ?? role;

/** Return the first letters of a name, as a mark beside it. */
export const mark = (name) => h("span.mark", { "aria-hidden": "true" },
  name.split(/[\s@._-]+/).filter(Boolean).slice(0, 2).map((word) => [...word][0].toUpperCase()));

/** Say something to everybody, people who don't see the page included. */
export function announce(text) {
  const place = document.getElementById("announcements");
  place.replaceChildren(h("p", text));
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => place.replaceChildren(), 6000);
}

/** Return a text and a button that copies it. */
export function copyable(text, label) {
  const field = h("input", { readonly: true, value: text, "aria-label": label });
  return h("div.copyable", field, button(texts.copy, () => {
    field.select();
    document.execCommand("copy");
    announce(texts.copied);
  }));
}

/** Put what the work returns into a place of the page, or why it failed; meanwhile the place is busy. */
export async function fillWith(place, work) {
  place.ariaBusy = "true";
  const nodes = await work.catch((problem) => !problem.isAbsent && alarm(problem.message));
  place.replaceChildren(...[nodes].flat(9).filter(Boolean));
  place.ariaBusy = null;
}
