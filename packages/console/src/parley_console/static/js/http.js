// One request to the API: its address, its headers, and what an answer that isn't a success becomes.
import { texts } from "./texts.js";

/** The address of the API, whatever prefix a proxy serves it under: this page is at `console/` below it. */
const root = location.pathname.replace(/console\/?$/, "");

/** An answer that isn't a success, as the API describes it (RFC 9457), or the lack of an answer. */
export class Problem extends Error {
  constructor(status, body = {}) {
    super(body.detail ?? texts.errors.unknown);
    Object.assign(this, { status, code: body.code ?? "unknown", errors: body.errors ?? [] });
    this.requestId = body.request_id;
  }

  /** Whether the address doesn't exist here: the package that brings it isn't installed. */
  get isAbsent() {
    return this.status === 404 && this.code === "not_found";
  }
}

/** Return the address of a path of the OpenAPI document, its parameters filled in. Empty values are left out. */
export function address(path, parameters = {}, query = {}) {
  const filled = path.replace(/{(\w+)}/g, (_, name) => encodeURIComponent(parameters[name]));
  return root + filled.slice(1) + search(query);
}

/** Return a query with its question mark, or nothing. A list gives one pair for each member. */
export function search(query) {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  const text = new URLSearchParams(pairs.filter(([, value]) => value !== undefined && value !== null && value !== ""));
  return text.size ? `?${text}` : "";
}

/** Send one request and return the response; raise a Problem where it isn't a success. */
export async function request(method, url, { body, headers = {}, signal } = {}) {
  const sent = body === undefined ? headers : { "Content-Type": "application/json", ...headers };
  const options = { method, headers: sent, signal, body: body && JSON.stringify(body), cache: "no-cache" };
  const response = await fetch(url, options).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { code: "offline", detail: texts.errors.offline });
  });
  if (response.ok) return response;
  throw Object.assign(new Problem(response.status, await response.json().catch(() => ({}))), {
    retryAfter: Number(response.headers.get("Retry-After")) || undefined,
  });
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Return a name that nobody else uses. `crypto.randomUUID` is missing where the page came over plain http. */
export function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
