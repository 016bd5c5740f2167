// The routes, and the way from one page to the next.
import {get, logOut} from "./js/api.js"
import {speak} from "./js/form.js"
import {go, here, link, match} from "./js/router.js"
import {canShare, isLoggedIn, onSessionChange} from "./js/session.js"
import {say, texts} from "./js/texts.js"
import {actions, alarm, announce, button, empty, h, mark, nameOf, pageHead} from "./js/view.js"

const ROUTES = {
	"/login": "door",
	"/accept/:token": "door",
	"/interviews": "interviews",
	"/interviews/:id": "interview",
	"/week": "week",
	"/people": "people",
	"/people/:id": "people",
	"/log": "log",
	"/system": "system",
	"/me": "me"
}
const [main, menuButton, skip, who] = ["main", ".menu-button", ".skip", "#who"].map(one => document.querySelector(one))
let user
let isFirst = true
let leaving = new AbortController()

speak(document)
document.getElementById("one-tab").hidden = canShare
skip.addEventListener("click", () => main.focus())
menuButton.addEventListener("click", () => openMenu(menuButton.ariaExpanded === "false"))
addEventListener("hashchange", () => show())
addEventListener("unhandledrejection", event => {
	announce(event.reason.message)
	if (event.reason.status !== undefined) event.preventDefault()
})
onSessionChange(() => {
	user = undefined
	show()
})

function openMenu(isOpen) {
	document.body.classList.toggle("menu-open", isOpen)
	menuButton.ariaExpanded = String(isOpen)
}

async function show() {
	leaving.abort()
	const {signal} = (leaving = new AbortController())
	const {path, query} = here()
	const route = match(ROUTES, path)
	const isOpen = /^\/(login|accept)/.test(path)
	if (!isOpen && !isLoggedIn()) return go("/login", {back: path === "/interviews" ? "" : location.hash.slice(1)})
	main.ariaBusy = "true"
	const nodes = await contentOf(route, {isOpen, query, signal})
	if (signal.aborted) return undefined
	main.ariaBusy = null
	main.replaceChildren(...nodes)
	frame(isOpen, path)
	return arrive()
}

async function contentOf(route, context) {
	try {
		const [page, caller] = await Promise.all([
			route && import(`./js/pages/${route.page}.js`),
			context.isOpen || user || get("/v1/users/me")
		])
		if (!context.isOpen) user = caller
		return page ? [await page.default({...context, ...route, user})].flat().filter(Boolean) : missing()
	} catch (problem) {
		if (!problem.isAbsent) return failure(problem)
		document.querySelector(`nav [href="#${here().path}"]`)?.parentNode.remove()
		return missing()
	}
}

const missing = () => [pageHead(texts.missing), empty(texts.missingText, link("/interviews", texts.interviews))]

const failure = ({message}) => [pageHead(texts.notShown), alarm(message), actions(button(texts.tryAgain, show))]

function frame(isOpen, path) {
	const isInside = user && !isOpen
	document.body.className = isInside ? `inside ${user.role === "admin" ? "admin" : ""}` : "outside"
	openMenu(false)
	for (const entry of document.querySelectorAll("nav a")) {
		entry.ariaCurrent = path.startsWith(entry.getAttribute("href").slice(1)) ? "page" : null
	}
	if (isInside)
		who.replaceChildren(
			mark(nameOf(user)),
			h("div", h("p", nameOf(user)), h("p.meta", say(user.role))),
			button(texts.logOut, () => logOut(), {class: "plain"})
		)
}

// People who listen or use the keyboard begin at the heading.
function arrive() {
	const heading = main.querySelector("h1")
	document.title = `${heading.textContent} · ${texts.name}`
	if (!isFirst) heading.focus()
	isFirst = false
	scrollTo(0, 0)
}

show()
