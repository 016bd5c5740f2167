// The tokens, in localStorage under one key that all tabs share.
import {pause, Problem, randomName, request} from "./http.js"

const KEY = "parley.session"
const TRIES = 4
let refreshing
let changed

// Whether tabs can take turns: there are no locks over plain http.
export const canShare = Boolean(navigator.locks)

const read = () => JSON.parse(localStorage.getItem(KEY))
const write = session => localStorage.setItem(KEY, JSON.stringify(session))

export const isLoggedIn = () => read() !== null

// Call back on every login and logout, in other tabs too.
export function onSessionChange(callback) {
	changed = callback
	const idOf = text => JSON.parse(text)?.id
	addEventListener("storage", ({key, oldValue, newValue}) => {
		if (!key || (key === KEY && idOf(oldValue) !== idOf(newValue))) changed()
	})
}

export function begin(tokens) {
	keep(tokens, randomName())
	changed()
}

export function end() {
	localStorage.removeItem(KEY)
	changed()
}

const keep = ({access_token, refresh_token, expires_in}, id) =>
	write({id, access_token, refresh_token, usable_until: Date.now() + expires_in * 900, key: randomName()})

const isUsable = (session, refused) => session && session.access_token !== refused && Date.now() < session.usable_until

// Return an access token, a new one where the stored one is `refused` or expires.
export async function accessToken(refused) {
	if (!isUsable(read(), refused))
		await (refreshing ??= inTurn(() => refresh(refused)).finally(() => (refreshing = undefined)))
	const session = read()
	if (session) return session.access_token
	throw new Problem(401)
}

// A tab sees a moment late what another one has stored.
const inTurn = work => (canShare ? navigator.locks.request(KEY, () => pause(50).then(work)) : work())

// Exchange the refresh token under the key stored with it, so that a repeat gets the same answer.
async function refresh(refused) {
	for (let failures = 0; ; await pause(500 * 2 ** failures++)) {
		const session = read()
		if (!session || isUsable(session, refused)) return
		const {id, refresh_token, key} = session
		try {
			const response = await request("POST", "/v1/auth/refresh", {}, {refresh_token}, {"Idempotency-Key": key})
			return keep(await response.json(), id)
		} catch (problem) {
			if (problem.status === 401) return end()
			if (failures === TRIES) throw problem
		}
	}
}
