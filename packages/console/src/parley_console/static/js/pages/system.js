// What runs here.
import {get} from "../api.js"
import {request} from "../http.js"
import {say, texts} from "../texts.js"
import {facts, h, pageHead, quiet, row, rows, section, tag} from "../view.js"

const words = texts.about

export default async () => {
	const [system, policy, isReady] = await Promise.all([
		get("/v1/system"),
		get("/v1/system/policy"),
		request("GET", "/readyz").catch(() => false)
	])
	const {name, version, python, mongodb, packages, plugins, warnings} = system
	return [
		pageHead(texts.system, isReady ? tag(words.ready, "good") : tag(words.notReady, "bad")),
		section(
			words.warnings,
			"",
			warnings[0]
				? rows(warnings.map(({code, message}) => row("", h("strong", code), message)))
				: quiet(words.noWarnings)
		),
		section(
			words.versions,
			"",
			facts({
				[name]: version,
				Python: python,
				MongoDB: mongodb,
				...Object.fromEntries(packages.map(one => [one.name, one.version]))
			})
		),
		section(words.plugins, "", rows(plugins.map(plugin))),
		section(words.policy, "", rows(policy.items.map(rule)))
	]
}

const plugin = ({name, package: from, version, hooks, routes}) =>
	h(
		"li",
		h(
			"details",
			h("summary", name, " ", h("span.meta", `${from} ${version}`)),
			quiet(`${words.hooks}: ${hooks.join(", ")}`),
			h(
				"ul.plain-list",
				routes.map(({method, path, action, public: isPublic}) =>
					h("li", h("code", `${method} ${path}`), " ", h("span.meta", isPublic ? words.open : action))
				)
			)
		)
	)

const rule = ({action, roles, relations, states}) =>
	row(
		"",
		h("code", action),
		[roles?.map(say) ?? [words.everybody], relations ?? [], states ?? []]
			.map(all => all.join(", "))
			.filter(Boolean)
			.join(" · ")
	)
