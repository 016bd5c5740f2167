// Which page belongs to what stands behind the # of the address.
import { queryOf, search } from "./http.js";
import { h } from "./view.js";

const hashOf = (path, query) => `#${path}${search(query)}`;

/** Return a link to a page; its query stands in the address, as filters do. */
export const link = (path, text, { query, ...properties } = {}) => h("a", { href: hashOf(path, query), ...properties }, text);

export const go = (path, query) => (location.hash = hashOf(path, query));

/** Return path and query of the present page. */
export function here() {
  const [path, query] = location.hash.slice(1).split("?");
  return { path: path.length > 1 ? path : "/interviews", query: queryOf(query) };
}

/** Change the query of the present page without leaving it. */
export const keepInAddress = (query) => history.replaceState(null, "", hashOf(here().path, query));

/** Return the route of a path with the parameters that stand in it: `/people/:id` takes one. */
export function match(routes, path) {
  for (const [pattern, load] of routes) {
    const found = new RegExp(`^${pattern.replace(/:(\w+)/g, "(?<$1>[^/]+)")}$`).exec(path);
    if (found) return { load, parameters: { ...found.groups } };
  }
  return undefined;
}
