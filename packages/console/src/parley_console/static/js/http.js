// Requests to the API.
import {texts} from "./texts.js"

const TIMEOUT = 15000
// This page is at `console/` below the API, whatever prefix a proxy adds.
const root = location.pathname.replace(/console\/?$/, "")

// An answer that isn't a success (RFC 9457); status 0 is the lack of an answer.
export class Problem extends Error {
	constructor(status, {detail = texts.failed, ...rest} = {}) {
		super(detail)
		Object.assign(this, {errors: [], ...rest, status})
	}

	get isAbsent() {
		return this.code === "not_found"
	}
}

export const problemOf = async response => new Problem(response.status, await response.json().catch(() => undefined))

// Return the address of a path of the API. Values that it doesn't name become its query.
export function address(path, values) {
	const query = {...values}
	const filled = path.slice(1).replace(/{(\w+)}/g, (_, name) => {
		delete query[name]
		return encodeURIComponent(values[name])
	})
	return root + filled + search(query)
}

export function search(values = {}) {
	const pairs = Object.entries(values).flatMap(([name, value]) => [value].flat().map(one => [name, one ?? ""]))
	const query = new URLSearchParams(pairs.filter(([, value]) => value !== ""))
	return query.size ? `?${query}` : ""
}

export function queryOf(text) {
	const query = new URLSearchParams(text)
	return Object.fromEntries(
		[...query.keys()].map(name => [name, query.getAll(name)[1] ? query.getAll(name) : query.get(name)])
	)
}

export async function request(method, path, values, body, headers) {
	const sent = body ? {"Content-Type": "application/json", ...headers} : headers
	const options = {method, headers: sent, body: body && JSON.stringify(body), signal: AbortSignal.timeout(TIMEOUT)}
	const response = await fetch(address(path, values), options).catch(() => new Response())
	if (!response.url) throw new Problem(0, {detail: texts.noServer})
	if (!response.ok) throw await problemOf(response)
	return response
}

export const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

// `crypto.randomUUID` is missing where the page came over plain http.
export const randomName = () => crypto.getRandomValues(new Uint32Array(4)).join("-")
