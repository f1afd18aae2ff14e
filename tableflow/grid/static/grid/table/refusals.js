/** What refusals of the server mean to whoever wrote something. Pure. */

/** @typedef {import("../api.js").ApiError} ApiError */

const TOO_SLOW = [408, 425, 429];

/**
 * Whether nobody knows what became of it, and it is worth asking again.
 *
 * @param {ApiError} error
 */
export function isUnanswered({ status }) {
  return status === 0 || status >= 500 || TOO_SLOW.includes(status);
}

/**
 * What is wrong with a block of values, where `values.3.age` is named by the column and by its line.
 *
 * @param {ApiError} error
 * @param {(key: string) => string} name of a column
 */
export function ofBlock(error, name) {
  const said = error.problems.slice(0, 3).map(({ attr, detail }) => {
    const [, line, key] = /^values\.(\d+)\.(.+)$/.exec(attr ?? "") ?? [];
    return key === undefined ? detail : `Line ${Number(line) + 1}, ${name(key)}: ${detail}`;
  });
  const more = error.problems.length - said.length;
  return [...said, ...(more > 0 ? [`And ${more} more.`] : [])].join(" ");
}
