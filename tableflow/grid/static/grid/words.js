/** Numbers and names in words. */

/**
 * So many of them: "1 row", "4,021 rows".
 *
 * @param {number} count
 * @param {string} noun of one
 */
export function many(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** @param {string} text */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
