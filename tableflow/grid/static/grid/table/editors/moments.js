/** Days, and days with a time, as they are typed and shown. Times are UTC. Pure. */

import { Unfit } from "./unfit.js";

const STORED = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}(?:\.\d+)?)Z$/;
/** A day, a time, its seconds, its zone: the forms that the server takes. */
const TYPED = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2}(?:\.\d{1,9})?))? ?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** How it is to be typed. @param {boolean} isTime */
export function form(isTime) {
  return isTime ? "YYYY-MM-DD HH:MM" : "YYYY-MM-DD";
}

/** A stored one as cells show it; anything else as it is. @param {string} stored */
export function written(stored) {
  return stored.replace(STORED, "$1 $2");
}

/**
 * What was typed, as the API stores it; null is empty. Throws Unfit when it is no day of the calendar.
 *
 * @param {string} typed
 * @param {boolean} isTime
 */
export function moment(typed, isTime) {
  const said = typed.trim();
  if (!said) return null;
  const [, day, time = "00:00", seconds = "00", zone] = TYPED.exec(said) ?? [];
  if (!day || !isThere(day, `${time}:${seconds.slice(0, 2)}`)) throw new Unfit(unfit(said, isTime));
  if (!isTime) return day;
  return zone ? said : `${day}T${time}:${seconds}Z`;
}

/** What was typed as the browser's own field writes it; "" where that cannot be. @param {string} typed @param {boolean} isTime */
export function native(typed, isTime) {
  const [, day, time = "00:00"] = TYPED.exec(typed.trim()) ?? [];
  if (!day) return "";
  return isTime ? `${day}T${time}` : day;
}

/** Browsers take the 31st of February for the 3rd of March, or for none. @param {string} day @param {string} time */
function isThere(day, time) {
  const at = new Date(`${day}T${time}Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day);
}

/** @param {string} said @param {boolean} isTime */
function unfit(said, isTime) {
  return isTime
    ? `“${said}” is no date and time. Write it as ${form(isTime)}, such as 2026-01-31 09:30, in UTC.`
    : `“${said}” is no date. Write it as ${form(isTime)}, such as 2026-01-31.`;
}
