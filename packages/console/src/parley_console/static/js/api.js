// The API as the pages use it: with the caller's token, which is refreshed where it has to be.
import { address, request } from "./http.js";
import { accessToken, end } from "./session.js";

/** Send a request as whoever is logged in, and return the response. */
export async function send(method, path, { parameters, query, headers, ...options } = {}) {
  const url = address(path, parameters, query);
  const attempt = async (token) =>
    request(method, url, { ...options, headers: { ...headers, Authorization: `Bearer ${token}` } });
  const token = await accessToken();
  try {
    return await attempt(token);
  } catch (problem) {
    if (problem.status !== 401) throw problem;
  }
  return attempt(await accessToken(token));
}

const bodyOf = async (response) => (response.status === 204 ? undefined : response.json());

export const get = async (path, options) => bodyOf(await send("GET", path, options));
export const post = async (path, options) => bodyOf(await send("POST", path, options));
export const put = async (path, options) => bodyOf(await send("PUT", path, options));
export const patch = async (path, options) => bodyOf(await send("PATCH", path, options));
export const remove = async (path, options) => bodyOf(await send("DELETE", path, options));

/** Return a resource and its entity tag, which a change sends back as `If-Match`. */
export async function getTagged(path, options) {
  const response = await send("GET", path, options);
  return { etag: response.headers.get("ETag"), ...(await response.json()) };
}

/** Return the query of a page's successor, or undefined on the last page. */
export const nextOf = ({ next }) => (next ? queryOf(new URLSearchParams(next.split("?")[1])) : undefined);

/** Return the members of a query; a name that comes twice has a list. */
export function queryOf(search) {
  const values = [...search.keys()].map((name) => [name, search.getAll(name)]);
  return Object.fromEntries(values.map(([name, all]) => [name, all.length > 1 ? all : all[0]]));
}

/** Return all items of a list, page by page, at most as many pages as it takes to have `most`. */
export async function getAll(path, { query, most = 1000, ...options }) {
  const items = [];
  for (let rest = { limit: 100, ...query }; rest && items.length < most; ) {
    const page = await get(path, { ...options, query: rest });
    items.push(...page.items);
    rest = nextOf(page);
  }
  return items;
}

/** Return what the work gives, or undefined where its address doesn't exist here. */
export async function ifInstalled(work) {
  try {
    return await work;
  } catch (problem) {
    if (problem.isAbsent) return undefined;
    throw problem;
  }
}

/** End the session at the server and here, in every tab. */
export async function logOut({ everywhere = false } = {}) {
  try {
    await (everywhere ? post("/v1/auth/logout-all") : post("/v1/auth/logout"));
  } finally {
    end();
  }
}
