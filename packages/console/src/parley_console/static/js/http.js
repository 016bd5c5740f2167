// One request to the API: its address, and what an answer that isn't a success becomes.
import { texts } from "./texts.js";

const TIMEOUT = 15000;
// This page is at `console/` below the API, under whatever prefix a proxy serves both.
const root = location.pathname.replace(/console\/?$/, "");

/** An answer that isn't a success, as the API describes it (RFC 9457); status 0 is the lack of an answer. */
export class Problem extends Error {
  constructor(status, { detail = texts.failed, ...rest } = {}) {
    super(detail);
    Object.assign(this, { errors: [], ...rest, status });
  }

  /** Whether the address doesn't exist: the package that brings it isn't installed. */
  get isAbsent() {
    return this.code === "not_found";
  }
}

export const problemOf = async (response) => new Problem(response.status, await response.json().catch(() => undefined));

/** Return the address of a path of the OpenAPI document. Values that it doesn't name become its query. */
export function address(path, values) {
  const query = { ...values };
  const filled = path.slice(1).replace(/{(\w+)}/g, (_, name) => {
    delete query[name];
    return encodeURIComponent(values[name]);
  });
  return root + filled + search(query);
}

/** Return a query with its question mark, without empty values. A list gives one pair for each member. */
export function search(values = {}) {
  const pairs = Object.entries(values).flatMap(([name, value]) => [value].flat().map((one) => [name, one ?? ""]));
  const query = new URLSearchParams(pairs.filter(([, value]) => value !== ""));
  return query.size ? `?${query}` : "";
}

/** Return the values of a query; a name that comes twice has a list. */
export function queryOf(text) {
  const query = new URLSearchParams(text);
  return Object.fromEntries([...query.keys()].map((name) => [name, query.getAll(name)[1] ? query.getAll(name) : query.get(name)]));
}

/** Send one request and return the response; raise a Problem where it isn't a success. */
export async function request(method, path, values, body, headers) {
  const sent = body ? { "Content-Type": "application/json", ...headers } : headers;
  const options = { method, headers: sent, body: body && JSON.stringify(body), signal: AbortSignal.timeout(TIMEOUT) };
  const response = await fetch(address(path, values), options).catch(() => new Response());
  if (!response.url) throw new Problem(0, { detail: texts.noServer });
  if (!response.ok) throw await problemOf(response);
  return response;
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Return a name that nobody else uses. `crypto.randomUUID` is missing where the page came over plain http. */
export const randomName = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
