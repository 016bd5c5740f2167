// Small pieces of a page. Text only ever becomes text: nothing here reads markup.
import { texts } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  interviews: "M4 5h16v11H9l-5 4z",
  week: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20c0-4 2.5-6 6-6s6 2 6 6M16 4.5a3.5 3.5 0 0 1 0 6M17.5 14.5c2.300.7 3.5 2.600 3.5 5.5",
  log: "M5 6h.01M5 12h.01M5 18h.01M9 6h11M9 12h11M9 18h11",
  system: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12v9M12 12L4 7.5",
  me: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 3-7 8-7s8 3 8 7",
  menu: "M4 7h16M4 12h16M4 17h16",
  leave: "M10 4H5v16h5M9 12h11M16 8l4 4-4 4",
};

/** Return an element. Properties that begin with `on` are listeners; false, null and undefined are left out. */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Return a drawing beside a text that says the same. */
export function icon(name) {
  const path = fill(document.createElementNS(SVG, "path"), { d: ICONS[name] }, []);
  return fill(document.createElementNS(SVG, "svg"), { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, [path]);
}

export const button = (text, onclick, { kind = "", ...properties } = {}) =>
  h("button", { type: "button", class: kind, onclick, ...properties }, text);

export const link = (href, text, properties) => h("a", { href, ...properties }, text);

/** Return a part of a page with its heading, and what one can do there beside the heading. */
export const section = (title, { actions = [], ...properties } = {}, ...children) =>
  h("section", { class: "card", ...properties }, h("div", { class: "head" }, h("h2", {}, title), actions), children);

/** Return the top of a page: its name, a line about it, what one can do. */
export const pageHead = (title, { above, below, actions } = {}) =>
  h("header", { class: "page-head" }, h("div", {}, above, h("h1", { tabindex: "-1" }, title), below),
    actions && h("div", { class: "actions" }, actions));

/** Return what stands where there is nothing yet: that there is nothing, and what to do. */
export const empty = (title, text, ...actions) =>
  h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), text && h("p", {}, text), actions);

export const notice = (kind, ...children) => h("p", { class: `notice ${kind}` }, children);

export const statusBadge = (status) => h("span", { class: `badge ${status}` }, texts.status[status] ?? status);

export const tag = (text, kind = "") => h("span", { class: `tag ${kind}` }, text);

/** Return pairs of terms and values, without those that have no value. */
export const facts = (pairs) =>
  h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))));

/** Return a text, as a link where it is an address of the web. */
export const linked = (text) =>
  /^https?:\/\/\S+$/.test(text) ? link(text, text, { rel: "noopener noreferrer", target: "_blank" }) : text;

/** Return the first letters of a name, as a mark beside it. */
export const mark = (name) =>
  h("span", { class: "mark", "aria-hidden": "true" },
    [...name.split(/[\s@._-]+/).filter(Boolean).slice(0, 2).map((word) => [...word][0].toUpperCase())].join("") || "?");

/** Say something to everybody, people who don't see the page included. */
export function announce(text) {
  const place = document.getElementById("announcements");
  place.replaceChildren(h("p", {}, text));
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => place.replaceChildren(), 6000);
}

/** Return a text field's content and a button that copies it. */
export function copyable(text, label) {
  const field = h("input", { readonly: true, value: text, "aria-label": label, onfocus: () => field.select() });
  const copy = async () => {
    field.select();
    await (navigator.clipboard?.writeText(text) ?? document.execCommand("copy"));
    announce(texts.copied);
  };
  return h("div", { class: "copyable" }, field, button(texts.copy, copy));
}

/** Put what the work returns into a place of the page, and say so if it fails; meanwhile the place is busy. */
export async function fillWith(place, work) {
  place.setAttribute("aria-busy", "true");
  try {
    place.replaceChildren(...[await work].flat().filter(Boolean));
  } catch (problem) {
    if (problem.name === "AbortError") return;
    if (problem.isAbsent) place.remove();
    else place.replaceChildren(h("p", { class: "notice error", role: "alert" }, problem.message));
  } finally {
    place.removeAttribute("aria-busy");
  }
}
