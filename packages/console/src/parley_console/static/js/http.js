// One request to the API: its address, and what an answer that isn't a success becomes.
import { texts } from "./texts.js";

const TIMEOUT = 15000;
// This page is at `console/` below the API, under whatever prefix a proxy serves both.
const root = location.pathname.replace(/console\/?$/, "");

/** An answer that isn't a success, as the API describes it (RFC 9457), or the lack of an answer (status 0). */
export class Problem extends Error {
  constructor(status, { detail = texts.errors.unknown, code, errors = [], request_id } = {}) {
    super(detail);
    Object.assign(this, { status, code, errors, requestId: request_id });
  }

  /** Whether the address doesn't exist: the package that brings it isn't installed. */
  get isAbsent() {
    return this.code === "not_found";
  }
}

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
export function search(query = {}) {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  const text = new URLSearchParams(pairs.filter(([, value]) => (value ?? "") !== ""));
  return text.size ? `?${text}` : "";
}

/** Return the members of a query; a name that comes twice has a list. */
export function queryOf(text) {
  const all = new URLSearchParams(text);
  return Object.fromEntries([...all.keys()].map((name) => [name, all.getAll(name)[1] ? all.getAll(name) : all.get(name)]));
}

/** Send one request and return the response; raise a Problem where it isn't a success. */
export async function request(method, path, values, body, headers) {
  const options = { method, headers, signal: AbortSignal.timeout(TIMEOUT) };
  if (body) Object.assign(options, { body: JSON.stringify(body), headers: { ...headers, "Content-Type": "application/json" } });
  const response = await fetch(address(path, values), options).catch(() => {
    throw new Problem(0, { detail: texts.errors.offline });
  });
  if (response.ok) return response;
  throw await problemOf(response);
}

export const problemOf = async (response) => new Problem(response.status, await response.json().catch(() => undefined));

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Return a name that nobody else uses. `crypto.randomUUID` is missing where the page came over plain http. */
export const randomName = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
