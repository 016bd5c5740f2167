// The API as the pages use it: with the caller's token, which is refreshed where it has to be.
import { queryOf, request } from "./http.js";
import { accessToken, end } from "./session.js";

/** Send a request as whoever is logged in, and return the response. */
export async function send(method, path, values, body, headers) {
  const attempt = (token) => request(method, path, values, body, { ...headers, Authorization: `Bearer ${token}` });
  const token = await accessToken();
  return attempt(token).catch(async (problem) => {
    if (problem.status !== 401) throw problem;
    return attempt(await accessToken(token));
  });
}

/** Each takes a path of the OpenAPI document, the values of its parameters, a body and headers. */
export const [get, post, put, patch, remove] = ["GET", "POST", "PUT", "PATCH", "DELETE"].map((method) => async (...rest) => {
  const response = await send(method, ...rest);
  return response.status === 204 ? undefined : response.json();
});

/** Return a resource with its entity tag, which a change sends back as `If-Match`. */
export async function getTagged(path, values) {
  const response = await send("GET", path, values);
  return { ...(await response.json()), etag: response.headers.get("ETag") };
}

/** Return the values that give a page's successor, or undefined on the last page. */
export const nextOf = ({ next }, values) => (next ? { ...values, ...queryOf(next.split("?")[1]) } : undefined);

/** Return all items of a list, page by page. */
export async function getAll(path, values) {
  const items = [];
  for (let rest = { limit: 100, ...values }; rest; ) {
    const page = await get(path, rest);
    items.push(...page.items);
    rest = nextOf(page, values);
  }
  return items;
}

/** Return what a request gives, or undefined where its address doesn't exist. */
export const ifInstalled = (answer) => answer.catch((problem) => {
  if (!problem.isAbsent) throw problem;
});

/** End the session at the server and here, in every tab. */
export const logOut = (path = "/v1/auth/logout") => post(path).finally(end);
