/** Numbers in words. */

/**
 * So many of them: "1 row", "4,021 rows".
 *
 * @param {number} count
 * @param {string} noun of one
 */
export function many(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
