/** Comparing values as JSON: the database has its own order of an object's members. */

/** @param {any} one @param {any} other */
export function same(one, other) {
  return JSON.stringify(one, inOrder) === JSON.stringify(other, inOrder);
}

/** @param {string} _ @param {any} value */
function inOrder(_, value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
