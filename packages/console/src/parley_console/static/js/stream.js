// Server-sent events over fetch, because EventSource can't send the Authorization header.
import { address, pause, Problem } from "./http.js";
import { accessToken } from "./session.js";

const LONGEST_WAIT = 30000;
/** The server sends a comment after 15 quiet seconds. Whoever hears nothing for so long has no connection. */
const SILENCE = 40000;

/**
 * Follow a stream until `signal` ends it, over lost connections, server restarts and expired tokens.
 *
 * @param path the stream's path in the OpenAPI document
 * @param options.last the place after which to begin
 * @param options.onEvent is given each event's data, once and in order
 * @param options.onConnection is given whether there is a connection, whenever that changes
 * @throws Problem where access has ended or the place lies beyond the end
 */
export async function follow(path, { parameters, query, last, signal, onEvent, onConnection }) {
  const place = { last, failures: 0, wait: undefined, refused: undefined };
  while (!signal.aborted) {
    const connection = AbortSignal.any([signal, watch(place)]);
    try {
      await listen(address(path, parameters, query), { place, signal: connection, onEvent, onConnection });
    } catch (problem) {
      if (problem.isFinal) throw problem;
    } finally {
      clearTimeout(place.timer);
    }
    if (signal.aborted) return;
    onConnection(false);
    await untilNextTry(place);
  }
}

async function listen(url, { place, signal, onEvent, onConnection }) {
  const token = await accessToken(place.refused).catch(rethrowEnd);
  const headers = { Authorization: `Bearer ${token}`, "Last-Event-ID": place.last };
  const response = await fetch(url, { headers, signal, cache: "no-store" });
  if (!response.ok) return refuse(response, place, token);
  Object.assign(place, { failures: 0, wait: undefined, refused: undefined });
  onConnection(true);
  for await (const event of eventsOf(response.body, place)) onEvent(event);
}

function rethrowEnd(problem) {
  throw Object.assign(problem, { isFinal: problem.status === 401 });
}

async function refuse(response, place, token) {
  const wait = Number(response.headers.get("Retry-After")) * 1000;
  if (wait) place.wait = wait;
  if (response.status === 401 && !place.refused) return Object.assign(place, { refused: token, wait: 0 });
  if (response.status >= 500 || response.status === 429) return undefined;
  throw Object.assign(new Problem(response.status, await response.json().catch(() => ({}))), { isFinal: true });
}

async function* eventsOf(body, place) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = "", chunk; !(chunk = await reader.read()).done; ) {
    place.heard();
    const blocks = (text + chunk.value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const { id, retry, data } = fieldsOf(block);
      if (retry !== undefined) place.wait = Number(retry);
      if (data === undefined) continue;
      yield JSON.parse(data);
      place.last = id;
    }
  }
}

const fieldsOf = (block) => Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));

/** Return a signal that ends the connection after a silence; `place.heard` begins it anew. */
function watch(place) {
  const controller = new AbortController();
  place.heard = () => {
    clearTimeout(place.timer);
    place.timer = setTimeout(() => controller.abort(), SILENCE);
  };
  place.heard();
  return controller.signal;
}

/** Wait as long as the server asked, or longer after each failure; not so long if the network comes back. */
async function untilNextTry(place) {
  const wait = place.wait ?? Math.min(1000 * 2 ** place.failures++, LONGEST_WAIT);
  place.wait = undefined;
  const online = new Promise((resolve) => addEventListener("online", resolve, { once: true }));
  await Promise.race([pause(wait * (1 + Math.random() / 4)), online]);
}
