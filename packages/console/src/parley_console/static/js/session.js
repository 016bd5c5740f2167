// The tokens of whoever is logged in. They lie in localStorage under one key, which all tabs share.
import { address, pause, Problem, randomName, request } from "./http.js";

const KEY = "parley.session";
const TRIES = 4;
const listeners = new Set();
let refreshing;

/** Whether several tabs can take turns. Browsers offer locks only over https and on this machine itself. */
export const canShare = Boolean(navigator.locks);

const read = () => JSON.parse(localStorage.getItem(KEY));
const write = (session) => localStorage.setItem(KEY, JSON.stringify(session));

export const isLoggedIn = () => read() !== null;

/** Call back, with whether somebody is logged in, whenever that changes in this tab or in another one. */
export const onSessionChange = (listener) => listeners.add(listener);

const changed = () => listeners.forEach((listener) => listener(isLoggedIn()));

addEventListener("storage", ({ key, oldValue, newValue }) => {
  const idOf = (text) => JSON.parse(text ?? null)?.id;
  if (key === null || (key === KEY && idOf(oldValue) !== idOf(newValue))) changed();
});

/** Keep the tokens of a login. */
export function begin(tokens) {
  keep(tokens, randomName());
  changed();
}

/** Forget the tokens, in every tab. */
export function end() {
  localStorage.removeItem(KEY);
  changed();
}

/** Return an access token: a new one where the stored one is `refused` or about to expire. */
export async function accessToken(refused) {
  if (isUsable(read(), refused)) return read().access_token;
  await (refreshing ??= inTurn(() => refresh(refused)).finally(() => (refreshing = undefined)));
  const session = read();
  if (session) return session.access_token;
  throw new Problem(401, { code: "session_ended" });
}

const isUsable = (session, refused) => session && session.access_token !== refused && Date.now() < session.usable_until;

const inTurn = (work) => (canShare ? navigator.locks.request(KEY, work) : work());

function keep({ access_token, refresh_token, expires_in }, id) {
  write({ id, access_token, refresh_token, usable_until: Date.now() + expires_in * 900 });
}

/**
 * Exchange the refresh token, unless another tab has done so while this one waited for its turn.
 *
 * The request is repeated under one key, stored before it is sent, so that a lost answer doesn't end the session.
 */
async function refresh(refused) {
  for (let failures = 0; ; await pause(500 * 2 ** failures++)) {
    const session = read();
    if (!session || isUsable(session, refused)) return;
    const key = session.key ?? randomName();
    write({ ...session, key });
    try {
      return keep(await exchange(session.refresh_token, key), session.id);
    } catch (problem) {
      if (problem.status === 401) return end();
      if (failures === TRIES || !isPassing(problem)) throw problem;
    }
  }
}

const isPassing = ({ status }) => status === undefined || status === 0 || status === 409 || status === 429 || status >= 500;

async function exchange(refreshToken, key) {
  const options = { body: { refresh_token: refreshToken }, signal: AbortSignal.timeout(10000) };
  const headers = { "Idempotency-Key": key };
  return (await request("POST", address("/v1/auth/refresh"), { ...options, headers })).json();
}
