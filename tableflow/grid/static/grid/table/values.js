/** How a value is written in a cell: one line, by the column's type. Pure. */

import { isLarge } from "../exact.js";

/**
 * @typedef {object} Column as the server describes it
 * @property {string} key
 * @property {string} name
 * @property {string} type
 * @property {string} typeName
 * @property {Record<string, any>} options
 * @property {number | null} group
 */
/**
 * @typedef {object} Shown
 * @property {"text" | "number" | "code" | "link" | "tags" | "check"} kind
 * @property {string} text
 * @property {string} [href]
 * @property {string[]} [tags]
 */

const SHOWN_CHARACTERS = 300;
const SHOWN_CHOICES = 20;

/** @type {Shown} */
export const NOTHING = { kind: "text", text: "" };

/**
 * @param {Column} column
 * @param {any} value as it is stored; one that does not fit its column's type is shown as what it is
 * @returns {Shown}
 */
export function shown(column, value) {
  const isEmpty = value === undefined || value === null || value === "";
  // One may tick a box in which nothing is yet, but what a workflow fills says nothing then.
  if (column.type === "boolean" && !(isEmpty && column.group !== null)) {
    return { kind: "check", text: typeof value === "boolean" ? String(value) : "" };
  }
  if (isEmpty) return NOTHING;
  switch (column.type) {
    case "number":
    case "currency":
      return typeof value === "number" || isLarge(value)
        ? { kind: "number", text: number(column, isLarge(value) ? BigInt(value.rawJSON) : value) }
        : plain(value);
    case "datetime":
      return { kind: "text", text: text(value).replace("T", " ").replace(/Z$/, "") };
    case "url":
      return /^https?:\/\//.test(value) ? { kind: "link", text: line(bare(value)), href: value } : plain(value);
    case "email":
      return { kind: "link", text: line(text(value)), href: `mailto:${encodeURIComponent(text(value))}` };
    case "select":
      return tags([value]);
    case "multiselect":
      return Array.isArray(value) ? tags(value) : plain(value);
    case "json":
      return { kind: "code", text: line(text(value)) };
  }
  return plain(value);
}

/** @param {any} value @returns {string} in full: a text as it is, anything else as JSON */
export function text(value) {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** @param {any} value @returns {Shown} */
function plain(value) {
  return { kind: "text", text: line(text(value)) };
}

/** @param {any[]} values @returns {Shown} */
function tags(values) {
  return { kind: "tags", text: "", tags: values.slice(0, SHOWN_CHOICES).map((value) => line(text(value))) };
}

/** @param {string} value */
function line(value) {
  return value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
}

/** @param {string} url */
function bare(url) {
  return url.replace(/^https?:\/\//, "").replace(/\/$/, "");
}

/**
 * @param {Column} column
 * @param {number | bigint} value
 */
function number({ type, options }, value) {
  const digits = options.precision ?? (type === "currency" ? 2 : undefined);
  if (digits === undefined) return String(value);
  if (type === "number" && typeof value === "number") return value.toFixed(digits);
  const form = { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: type !== "number" };
  const written = value.toLocaleString("en", form);
  if (type === "number") return written;
  return `${options.currency ?? ""} ${written}`.trim();
}
