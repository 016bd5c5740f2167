// Server-sent events over fetch, because EventSource can't send the Authorization header.
import {address, pause, problemOf} from "./http.js"
import {accessToken} from "./session.js"

const LONGEST_WAIT = 15000
// The server sends a comment after 15 quiet seconds.
const SILENCE = 40000
const inTime = work => Promise.race([work, pause(SILENCE).then(() => Promise.reject(new Error()))])

/**
 * Follow a stream from `last` until `signal` ends it, over lost connections and expired tokens. `onEvent` gets each
 * event once, `onConnection` whether there is one. Raise a Problem where access has ended or `last` is beyond the end.
 */
export async function follow(path, values, {last, signal, onEvent, onConnection}) {
	const place = {last, failures: 0}
	while (!signal.aborted) {
		const problem = await listen(address(path, values), {place, signal, onEvent, onConnection}).catch(error => error)
		if (signal.aborted) return
		onConnection(false)
		if (isFinal(problem)) throw problem
		await untilNextTry(place)
	}
}

const isFinal = problem => problem?.status >= 400 && problem.status < 500 && problem.status !== 429

async function listen(url, {place, onEvent, onConnection, signal}) {
	const token = await accessToken(place.refused)
	const headers = {Authorization: `Bearer ${token}`, "Last-Event-ID": place.last}
	const response = await inTime(fetch(url, {headers, signal, cache: "no-store"}))
	if (response.ok) {
		Object.assign(place, {failures: 0, refused: undefined})
		onConnection(true)
		for await (const event of eventsOf(response.body, place)) onEvent(event)
	} else if (response.status === 401 && !place.refused) {
		Object.assign(place, {refused: token, wait: 0})
	} else {
		place.wait = response.headers.get("Retry-After") * 1000 || undefined
		throw await problemOf(response)
	}
}

async function* eventsOf(body, place) {
	const reader = body.pipeThrough(new TextDecoderStream()).getReader()
	try {
		for (let text = "", chunk; !(chunk = await inTime(reader.read())).done;) {
			const blocks = (text + chunk.value).split("\n\n")
			text = blocks.pop()
			for (const block of blocks) {
				const {id, retry, data} = Object.fromEntries(block.split("\n").map(line => line.split(/: (.*)/s, 2)))
				if (retry) place.wait = Number(retry)
				if (!data) continue
				yield JSON.parse(data)
				place.last = id
			}
		}
	} finally {
		reader.cancel().catch(() => {})
	}
}

// Wait as long as the server asked, or longer after each failure.
async function untilNextTry(place) {
	const wait = place.wait ?? Math.min(1000 * 2 ** place.failures++, LONGEST_WAIT)
	place.wait = undefined
	await pause(wait * (1 + Math.random() / 4))
}
