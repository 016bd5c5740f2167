// The part of the address behind the #.
import {queryOf, search} from "./http.js"
import {h} from "./view.js"

const hashOf = (path, query) => `#${path}${search(query)}`

export const link = (path, text, {query, ...properties} = {}) =>
	h("a", {href: hashOf(path, query), ...properties}, text)

export const go = (path, query) => (location.hash = hashOf(path, query))

export function here() {
	const [path, query] = location.hash.slice(1).split("?")
	return {path: path.length > 1 ? path : "/interviews", query: queryOf(query)}
}

export const keepInAddress = query => history.replaceState(null, "", hashOf(here().path, query))

export function match(routes, path) {
	for (const [pattern, page] of Object.entries(routes)) {
		const found = new RegExp(`^${pattern.replace(/:(\w+)/g, "(?<$1>[^/]+)")}$`).exec(path)
		if (found) return {page, parameters: {...found.groups}}
	}
	return undefined
}
