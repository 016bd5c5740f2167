// Where the console begins: its routes, the frame around every page, and the way from one page to the next.
import { get, logOut } from "./js/api.js";
import { go, here, linkTo, match } from "./js/router.js";
import { canShare, isLoggedIn, onSessionChange } from "./js/session.js";
import { texts } from "./js/texts.js";
import { announce, button, empty, h, icon, link, mark, notice, pageHead } from "./js/view.js";

const isAdmin = ({ role }) => role === "admin";
const ROUTES = [
  { path: "/login", load: () => import("./js/pages/login.js"), open: true },
  { path: "/accept/:token", load: () => import("./js/pages/accept.js"), open: true },
  { path: "/", load: () => import("./js/pages/interviews.js"), nav: "interviews" },
  { path: "/interviews", load: () => import("./js/pages/interviews.js"), nav: "interviews" },
  { path: "/interviews/new", load: () => import("./js/pages/create.js"), nav: "interviews" },
  { path: "/interviews/:id", load: () => import("./js/pages/interview.js"), nav: "interviews" },
  { path: "/week", load: () => import("./js/pages/week.js"), nav: "week" },
  { path: "/people", load: () => import("./js/pages/people.js"), nav: "people" },
  { path: "/people/:id", load: () => import("./js/pages/person.js"), nav: "people" },
  { path: "/log", load: () => import("./js/pages/log.js"), nav: "log" },
  { path: "/system", load: () => import("./js/pages/system.js"), nav: "system" },
  { path: "/me", load: () => import("./js/pages/me.js"), nav: "me" },
];
/** What the menu offers, to whom, and the address without which it isn't installed. */
const MENU = [
  { name: "interviews", path: "/interviews" },
  { name: "week", path: "/week" },
  { name: "people", path: "/people", fits: isAdmin },
  { name: "log", path: "/log", fits: isAdmin },
  { name: "system", path: "/system", fits: isAdmin },
  { name: "me", path: "/me" },
];
const absent = new Set();
const shell = document.getElementById("shell");
const main = h("main", { id: "main", tabindex: "-1" });
let user;
let leaving = new AbortController();
let isFirst = true;

addEventListener("hashchange", () => location.hash.startsWith("#/") && show());
addEventListener("unhandledrejection", ({ reason }) => reason?.message && reason.name !== "AbortError" && announce(reason.message));
onSessionChange((isIn) => {
  user = undefined;
  if (isIn) show();
  else go("/login", isOpen() ? {} : { back: location.hash.slice(1) || undefined });
});

const isOpen = () => match(ROUTES, here().path)?.route.open;

/** Show the page that the address names. */
async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { path, query } = here();
  const { route, parameters } = match(ROUTES, path) ?? {};
  if (!isLoggedIn() && !route?.open) return go("/login", { back: location.hash.slice(1) || undefined });
  main.setAttribute("aria-busy", "true");
  const nodes = await pageOf(route, { parameters, query, signal });
  if (signal.aborted) return undefined;
  main.removeAttribute("aria-busy");
  frame(route);
  main.replaceChildren(...nodes);
  return arrive();
}

async function pageOf(route, context) {
  try {
    if (!route) return [missing()];
    const [page] = await Promise.all([route.load(), route.open || identify()]);
    return [await page.default({ ...context, user })].flat();
  } catch (problem) {
    if (problem.isAbsent) absent.add(route.nav);
    return [problem.isAbsent ? missing() : failure(problem)];
  }
}

const identify = async () => (user ??= await get("/v1/users/me"));

const missing = () => [pageHead(texts.errors.notFound), empty(texts.errors.notFoundText, undefined, link(linkTo("/"), texts.nav.interviews, { class: "button" }))];

const failure = (problem) => [
  pageHead(texts.errors.failed),
  h("div", { class: "empty" }, h("p", { role: "alert" }, problem.message),
    problem.requestId && h("p", { class: "quiet" }, texts.errors.request(problem.requestId)), button(texts.tryAgain, show)),
];

/** Name the page, and move to its beginning, so that who listens or uses the keyboard starts there. */
function arrive() {
  const heading = main.querySelector("h1");
  document.title = heading ? `${heading.textContent} · ${texts.name}` : texts.name;
  if (!isFirst) heading?.focus();
  isFirst = false;
  scrollTo(0, 0);
}

/** Put the frame around the page: the menu for who is logged in, nothing but the name for others. */
function frame(route) {
  const skip = h("a", { class: "skip", href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) }, texts.skip);
  const inside = user && !route?.open;
  shell.className = inside ? "inside" : "outside";
  shell.replaceChildren(skip, inside ? menu(route) : h("header", {}, brand("/login")), h("div", { class: "page" }, canShare ? "" : notice("warn", texts.oneTab), main));
}

const brand = (path) => link(linkTo(path), [logo(), texts.name], { class: "brand" });
const logo = () => h("span", { class: "logo", "aria-hidden": "true" });

function menu(route) {
  const items = MENU.filter(({ name, fits }) => !absent.has(name) && (!fits || fits(user)));
  const list = h("nav", { id: "menu", "aria-label": texts.nav.label }, h("ul", {}, items.map(({ name, path }) =>
    h("li", {}, link(linkTo(path), [icon(name), texts.nav[name]], { "aria-current": route?.nav === name && "page" })))));
  const toggle = h("button", { type: "button", class: "menu-button", "aria-expanded": "false", "aria-controls": "menu", onclick: () => {
    toggle.setAttribute("aria-expanded", String(shell.classList.toggle("menu-open")));
  } }, icon("menu"), texts.menu);
  return h("header", { class: "side" }, brand("/interviews"), toggle, list, h("div", { class: "who" }, mark(user.name ?? user.email),
    h("div", {}, h("p", { class: "who-name" }, user.name ?? user.email), h("p", { class: "quiet" }, texts.roles[user.role] ?? user.role)),
    button(texts.logOut, () => logOut(), { kind: "plain" })));
}

show();
