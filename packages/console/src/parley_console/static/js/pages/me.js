// The caller's own account.
import {get, getAll, ifInstalled, logOut, patch, post, remove} from "../api.js"
import {askForm, fieldsOf, form, inform} from "../form.js"
import {say, texts} from "../texts.js"
import {moment} from "../time.js"
import {
	actions,
	announce,
	button,
	copyable,
	fillWith,
	h,
	nameOf,
	pageHead,
	quiet,
	row,
	rows,
	section,
	tag
} from "../view.js"

const words = texts.account

export default async ({user}) => {
	const [sessions, feeds] = [h("div.part"), h("div")]
	const loadSessions = () => fillWith(sessions, listSessions(loadSessions))
	const loadFeeds = () => fillWith(feeds, listFeeds(loadFeeds))
	await Promise.all([loadSessions(), loadFeeds()])
	const save = async ({name = null}) => {
		Object.assign(user, await patch("/v1/users/me", {}, {name}))
		announce(texts.saved)
	}
	const savePassword = async values => {
		await post("/v1/users/me/password", {}, values)
		announce(words.passwordSaved)
		await loadSessions()
	}
	return [
		pageHead(texts.me, quiet(`${user.email} · ${say(user.role)}`)),
		h(
			"div.pair",
			section(words.profile, "", form(fieldsOf("name", user), texts.save, save)),
			section(say("password"), "", form(fieldsOf("passwords"), texts.save, savePassword))
		),
		section(
			words.sessions,
			button(words.everywhere, () => logOut("/v1/auth/logout-all")),
			sessions
		),
		feeds
	]
}

async function listSessions(reload) {
	const items = await getAll("/v1/auth/sessions")
	return rows(
		items.map(({id, user_agent, network, used_at, current}) => {
			const device = deviceOf(user_agent)
			const end = () => remove("/v1/auth/sessions/{session_id}", {session_id: id}).then(reload)
			return row(
				"",
				h("strong", device),
				[network, " · ", words.used, moment(used_at)],
				current ? tag(words.present, "good") : button(words.end, end, {"aria-label": words.endOne(device)})
			)
		})
	)
}

const DEVICES = /Windows|Android|iPhone|iPad|Mac(?=intosh)|Linux(?!; And)|Firefox|Chrome|Safari/g
const deviceOf = agent => [...new Set(agent.match(DEVICES))].slice(0, 2).join(", ") || agent

async function listFeeds(reload) {
	const page = await ifInstalled(get("/v1/calendar/feeds"))
	if (!page) return undefined
	const add = () =>
		askForm(words.newFeed, fieldsOf("name"), async values => {
			const {url} = await post("/v1/calendar/feeds", {}, values)
			await reload()
			inform(words.newFeed, h("p", words.feedOnce), copyable(new URL(url, location.href).href, words.newFeed))
		})
	const drop = id => remove("/v1/calendar/feeds/{feed_id}", {feed_id: id}).then(reload)
	return section(
		words.feeds,
		button(words.newFeed, add),
		quiet(words.feedsText),
		rows(
			page.items.map(feed =>
				row(
					"",
					h("strong", nameOf(feed)),
					moment(feed.created_at),
					button(texts.remove, () => drop(feed.id), {
						class: "plain",
						"aria-label": texts.participants.removeOne(nameOf(feed))
					})
				)
			)
		)
	)
}
