// The tokens of whoever is logged in. They lie in localStorage under one key, which all tabs share.
import { pause, Problem, randomName, request } from "./http.js";

const KEY = "parley.session";
const TRIES = 4;
let refreshing;
let changed;

/** Whether tabs can take turns: browsers offer locks only over https and on this machine itself. */
export const canShare = Boolean(navigator.locks);

const read = () => JSON.parse(localStorage.getItem(KEY));
const write = (session) => localStorage.setItem(KEY, JSON.stringify(session));

export const isLoggedIn = () => read() !== null;

/** Call back whenever somebody logs in or out, in this tab or in another one. */
export function onSessionChange(callback) {
  changed = callback;
  const idOf = (text) => JSON.parse(text)?.id;
  addEventListener("storage", ({ key, oldValue, newValue }) => {
    if (!key || (key === KEY && idOf(oldValue) !== idOf(newValue))) changed();
  });
}

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

const keep = ({ access_token, refresh_token, expires_in }, id) =>
  write({ id, access_token, refresh_token, usable_until: Date.now() + expires_in * 900 });

const isUsable = (session, refused) => session && session.access_token !== refused && Date.now() < session.usable_until;

/** Return an access token: a new one where the stored one is `refused` or about to expire. */
export async function accessToken(refused) {
  if (!isUsable(read(), refused)) await (refreshing ??= inTurn(() => refresh(refused)).finally(() => (refreshing = undefined)));
  const session = read();
  if (session) return session.access_token;
  throw new Problem(401);
}

const inTurn = (work) => (canShare ? navigator.locks.request(KEY, work) : work());

/**
 * Exchange the refresh token, unless another tab has done so while this one waited for its turn.
 *
 * Repeats have one key, stored before the first is sent, so that a lost answer doesn't end the session.
 */
async function refresh(refused) {
  for (let failures = 0; ; await pause(500 * 2 ** failures++)) {
    const session = read();
    if (!session || isUsable(session, refused)) return;
    const { id, refresh_token, key = randomName() } = session;
    write({ ...session, key });
    try {
      const response = await request("POST", "/v1/auth/refresh", {}, { refresh_token }, { "Idempotency-Key": key });
      return keep(await response.json(), id);
    } catch (problem) {
      if (problem.status === 401) return end();
      if (failures === TRIES) throw problem;
    }
  }
}
