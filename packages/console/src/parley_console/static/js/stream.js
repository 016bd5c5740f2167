// Server-sent events over fetch, because EventSource can't send the Authorization header.
import { address, pause, problemOf } from "./http.js";
import { accessToken } from "./session.js";

const LONGEST_WAIT = 30000;
// The server sends a comment after 15 quiet seconds: whoever hears nothing for so long has no connection.
const SILENCE = 40000;

/**
 * Follow a stream until `signal` ends it, over lost connections, server restarts and expired tokens.
 *
 * `last` is the place after which to begin. `onEvent` is given each event's data, once and in order; `onConnection`,
 * whether there is a connection. A Problem is raised where access has ended or the place lies beyond the end.
 */
export async function follow(path, values, { last, signal, onEvent, onConnection }) {
  const place = { last, failures: 0 };
  while (!signal.aborted) {
    const silence = new AbortController();
    place.heard = () => {
      clearTimeout(place.timer);
      place.timer = setTimeout(() => silence.abort(), SILENCE);
    };
    place.heard();
    const options = { place, onEvent, onConnection, signal: AbortSignal.any([signal, silence.signal]) };
    const problem = await listen(address(path, values), options).catch((error) => error);
    clearTimeout(place.timer);
    if (signal.aborted) return;
    onConnection(false);
    if (isFinal(problem)) throw problem;
    await untilNextTry(place);
  }
}

const isFinal = (problem) => problem?.status >= 400 && problem.status < 500 && problem.status !== 429;

async function listen(url, { place, onEvent, onConnection, signal }) {
  const token = await accessToken(place.refused);
  const headers = { Authorization: `Bearer ${token}`, "Last-Event-ID": place.last };
  const response = await fetch(url, { headers, signal, cache: "no-store" });
  if (response.ok) {
    Object.assign(place, { failures: 0, refused: undefined });
    onConnection(true);
    for await (const event of eventsOf(response.body, place)) onEvent(event);
  } else if (response.status === 401 && !place.refused) {
    Object.assign(place, { refused: token, wait: 0 });
  } else {
    place.wait = response.headers.get("Retry-After") * 1000 || undefined;
    throw await problemOf(response);
  }
}

async function* eventsOf(body, place) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = "", chunk; !(chunk = await reader.read()).done; ) {
    place.heard();
    const blocks = (text + chunk.value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const { id, retry, data } = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
      if (retry) place.wait = Number(retry);
      if (!data) continue;
      yield JSON.parse(data);
      place.last = id;
    }
  }
}

/** Wait as long as the server asked, or longer after each failure; not so long if the network comes back. */
async function untilNextTry(place) {
  const wait = place.wait ?? Math.min(1000 * 2 ** place.failures++, LONGEST_WAIT);
  place.wait = undefined;
  const online = new Promise((resolve) => addEventListener("online", resolve, { once: true }));
  await Promise.race([pause(wait * (1 + Math.random() / 4)), online]);
}
