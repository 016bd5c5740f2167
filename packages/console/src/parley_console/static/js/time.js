// Times: the API's are instants in UTC, people's are in their own zone, an interview has a zone besides.
import { texts } from "./texts.js";
import { h } from "./view.js";

const DAY = 86400000;
const formats = new Map();

export const viewerZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
export const zones = () => Intl.supportedValuesOf("timeZone");

/** Return a formatter; making one is slow, so each is made once. */
function format(options, timeZone = viewerZone, locale = undefined) {
  const key = JSON.stringify([options, timeZone, locale]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, { ...options, timeZone }));
  return formats.get(key);
}

const DATE = { weekday: "short", day: "numeric", month: "short" };
const CLOCK = { hour: "numeric", minute: "2-digit" };

export const dateOf = (instant, zone) => format(isThisYear(instant) ? DATE : { ...DATE, year: "numeric" }, zone).format(new Date(instant));
export const clockOf = (instant, zone) => format(CLOCK, zone).format(new Date(instant));
export const rangeOf = (from, to, zone) => format(CLOCK, zone).formatRange(new Date(from), new Date(to));

const isThisYear = (instant) => new Date(instant).getFullYear() === new Date().getFullYear();

/** Return a moment: its time if it is today's, its date as well otherwise. */
export function moment(instant) {
  const isToday = dateOf(instant) === dateOf(Date.now());
  const text = isToday ? clockOf(instant) : `${dateOf(instant)}, ${clockOf(instant)}`;
  return h("time", { datetime: instant, title: new Date(instant).toLocaleString() }, text);
}

/** Return when an interview is in its own zone, or undefined where that reads like the viewer's time. */
export function inItsZone({ scheduled_at, ends_at, time_zone }) {
  const own = `${dateOf(scheduled_at, time_zone)}, ${rangeOf(scheduled_at, ends_at, time_zone)}`;
  if (own === `${dateOf(scheduled_at)}, ${rangeOf(scheduled_at, ends_at)}`) return undefined;
  return texts.inZone(own, time_zone);
}

/** Return the wall-clock time of an instant in a zone, as a `datetime-local` field takes it. */
export function toLocal(instant, zone = viewerZone) {
  const fields = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const { year, month, day, hour, minute } = Object.fromEntries(
    format(fields, zone, "en-US").formatToParts(new Date(instant)).map(({ type, value }) => [type, value]),
  );
  return `${year}-${month}-${day}T${hour}:${minute}`;
}

/** Return the instant of a wall-clock time in a zone; undefined where either can't be read. */
export function toInstant(local, zone = viewerZone) {
  const asUtc = Date.parse(`${local}Z`);
  if (Number.isNaN(asUtc) || !isZone(zone)) return undefined;
  const offset = (at) => Date.parse(`${toLocal(at, zone)}Z`) - at;
  return new Date(asUtc - offset(asUtc - offset(asUtc))).toISOString();
}

function isZone(zone) {
  try {
    return Boolean(format(CLOCK, zone));
  } catch {
    return false;
  }
}

/** Return the next full hour as a `datetime-local` field takes it. */
export const nextHour = () => toLocal(Math.ceil((Date.now() + DAY) / 3600000) * 3600000);

/** Return the date of an instant in the viewer's zone: 2027-03-01. */
export const isoDate = (instant) => toLocal(instant).slice(0, 10);

/** Return the seven dates of the week that has a date, Monday first. */
export function weekOf(date) {
  const noon = Date.parse(`${date}T12:00Z`);
  const monday = noon - ((new Date(noon).getUTCDay() + 6) % 7) * DAY;
  return Array.from({ length: 7 }, (_, day) => new Date(monday + day * DAY).toISOString().slice(0, 10));
}

export const shiftDate = (date, days) => new Date(Date.parse(`${date}T12:00Z`) + days * DAY).toISOString().slice(0, 10);

/** Return the instant at which a date begins for the viewer. */
export const startOf = (date) => toInstant(`${date}T00:00`);
