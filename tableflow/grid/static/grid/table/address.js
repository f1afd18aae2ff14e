/** The page's address: which view is shown, and what is asked beside it, so that a link shows the same. */

import { parse } from "../exact.js";
import { same } from "../same.js";

/** @typedef {import("./sheet.js").Query} Query */

/** @returns {number | null} the id of the view that the address names */
export function viewInAddress() {
  const named = new URLSearchParams(location.search).get("view");
  return named === null ? null : Number(named);
}

/**
 * What the address asks for; of what it does not name, what the view has.
 *
 * @param {Query} saved
 * @returns {Query}
 */
export function queryInAddress(saved) {
  const address = new URLSearchParams(location.search);
  const [filter, sort, search] = ["filter", "sort", "search"].map((name) => address.get(name));
  return {
    filter: filter === null ? saved.filter : read(filter),
    sort: sort === null ? saved.sort : sortOf(sort),
    search: search === null ? saved.search : search.trim(),
  };
}

/**
 * @param {number | null} view null: the default one
 * @param {Query} query
 * @param {Query} saved what the view has: that goes without saying
 */
export function putInAddress(view, query, saved) {
  const said = new URLSearchParams();
  const isOther = (/** @type {keyof Query} */ name) => !same(query[name], saved[name]);
  if (view !== null) said.set("view", String(view));
  if (isOther("filter")) said.set("filter", query.filter === null ? "" : JSON.stringify(query.filter));
  if (isOther("sort")) said.set("sort", query.sort.join());
  if (isOther("search")) said.set("search", query.search);
  const address = said.size ? `?${said}` : location.pathname;
  if (address !== (location.search || location.pathname)) history.replaceState(history.state, "", address);
}

/** @param {string} sort keys with commas */
export function sortOf(sort) {
  return sort
    .split(",")
    .map((key) => key.trim())
    .filter(Boolean);
}

/** The text itself where it is no JSON: the server says so then. @param {string} filter */
function read(filter) {
  try {
    return filter ? parse(filter) : null;
  } catch {
    return filter;
  }
}
