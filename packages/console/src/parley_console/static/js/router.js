// Which page belongs to what stands behind the # of the address.
import { queryOf } from "./api.js";
import { search } from "./http.js";

/** Return the link to a page; `query` stands in the address, as filters do. */
export const linkTo = (path, query = {}) => `#${path}${search(query)}`;

export const go = (path, query) => (location.hash = linkTo(path, query));

/** Change the query of the present page without leaving it. */
export function keepInAddress(query) {
  history.replaceState(null, "", linkTo(here().path, query));
}

/** Return path and query of the present page. */
export function here() {
  const [path, query] = location.hash.slice(1).split("?");
  return { path: path || "/", query: queryOf(new URLSearchParams(query)) };
}

/** Return the route of a path and the parameters that stand in it: `/people/:id` takes one. */
export function match(routes, path) {
  for (const route of routes) {
    const pattern = new RegExp(`^${route.path.replace(/:(\w+)/g, "(?<$1>[^/]+)")}$`);
    const found = pattern.exec(path);
    if (found) return { route, parameters: { ...found.groups } };
  }
  return undefined;
}
