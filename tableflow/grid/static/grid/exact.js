/**
 * JSON whose whole numbers keep all their digits. One that the browser's numbers cannot hold stands as what JSON.rawJSON
 * makes of its digits: JSON.stringify writes these as they came, so it goes through a page unchanged.
 */

/** @typedef {{readonly rawJSON: string}} Large a whole number, by its digits */

/** @typedef {{isRawJSON?: (value: unknown) => boolean, rawJSON?: (text: string) => number | Large}} Raw */

// TypeScript does not know these yet. Browsers from before 2025 may have neither, and round.
const { isRawJSON = () => false, rawJSON = Number } = /** @type {Raw} */ (/** @type {unknown} */ (JSON));

const WHOLE = /^-?\d+$/;
/** Where there is no such number, reading it need not look at each. Decimals may have as many digits. */
const MANY_DIGITS = /(?<![\d.])\d{16,}(?![\d.eE])/;

/** @param {string} text @returns {any} as JSON.parse, which it throws as */
export function parse(text) {
  return MANY_DIGITS.test(text)
    ? JSON.parse(text, /** @type {(key: string, value: any) => any} */ (kept))
    : JSON.parse(text);
}

/** @param {unknown} value @returns {value is Large} */
export function isLarge(value) {
  return isRawJSON(value);
}

/** The number that a text says, NaN where it says none. @param {string} text @returns {number | Large} */
export function number(text) {
  const digits = text
    .trim()
    .replace(/^\+/, "")
    .replace(/^(-?)0+(?=\d)/, "$1");
  return isRounded(digits) ? rawJSON(digits) : Number(text);
}

/**
 * @param {string} _key
 * @param {any} value
 * @param {{source?: string}} [context]
 */
function kept(_key, value, { source } = {}) {
  return typeof value === "number" && source !== undefined && isRounded(source) ? rawJSON(source) : value;
}

/** Whether a number of the browser would say something else. @param {string} digits */
function isRounded(digits) {
  return WHOLE.test(digits) && !Number.isSafeInteger(Number(digits)) && String(Number(digits)) !== digits;
}
