// Requests with the caller's token, which is refreshed where it has to be.
import {queryOf, request} from "./http.js"
import {accessToken, end} from "./session.js"

export async function send(method, path, values, body, headers) {
	const attempt = token => request(method, path, values, body, {...headers, Authorization: `Bearer ${token}`})
	const token = await accessToken()
	return attempt(token).catch(async problem => {
		if (problem.status !== 401) throw problem
		return attempt(await accessToken(token))
	})
}

export const [get, post, put, patch, remove] = ["GET", "POST", "PUT", "PATCH", "DELETE"].map(
	method =>
		async (...rest) => {
			const response = await send(method, ...rest)
			return response.status === 204 ? undefined : response.json()
		}
)

export async function getTagged(path, values) {
	const response = await send("GET", path, values)
	return {...(await response.json()), etag: response.headers.get("ETag")}
}

export const nextOf = ({next}, values) => (next ? {...values, ...queryOf(next.split("?")[1])} : undefined)

export async function getAll(path, values) {
	const items = []
	for (let rest = {limit: 100, ...values}; rest;) {
		const page = await get(path, rest)
		items.push(...page.items)
		rest = nextOf(page, values)
	}
	return items
}

export const ifInstalled = answer =>
	answer.catch(problem => {
		if (!problem.isAbsent) throw problem
	})

export const logOut = (path = "/v1/auth/logout") => post(path).finally(end)
