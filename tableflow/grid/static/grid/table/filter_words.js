/** Filters in words: what can be asked for, with which operators, and how a condition reads. Pure. */

import { text } from "./values.js";

/** @typedef {import("./values.js").Column} Column */
/** @typedef {import("./sheet.js").Schema} Schema */
/** @typedef {{ops: Record<string, string[]>, statuses: string[]}} Known what the server says that filters know */
/**
 * @typedef {object} Target what a condition asks for
 * @property {string} field as filters name it
 * @property {string} name
 * @property {string} type of a column, or `status`, `error`, `any`
 * @property {string[]} choices what it can be, where that is limited
 * @property {string[]} ops
 */
/** @typedef {{field: string, op: string, value?: any}} Condition */

const ANY_COLUMN = "*";
export const VALUELESS = ["is_empty", "is_not_empty"];
export const LISTED = ["in", "nin"];

const SHOWN_CHARACTERS = 40;
/** @type {Record<string, string>} */
const WORDS = {
  eq: "is",
  ne: "is not",
  gt: "is more than",
  gte: "is at least",
  lt: "is less than",
  lte: "is at most",
  in: "is one of",
  nin: "is none of",
  contains: "contains",
  ncontains: "does not contain",
  starts_with: "starts with",
  ends_with: "ends with",
  is_empty: "is empty",
  is_not_empty: "is not empty",
};
const OF_TIMES = { gt: "is after", gte: "is at or after", lt: "is before", lte: "is at or before" };
const OF_TEXTS = { gt: "comes after", gte: "is or comes after", lt: "comes before", lte: "is or comes before" };
/** @type {Record<string, Record<string, string>>} */
const OF_TYPE = {
  date: OF_TIMES,
  datetime: OF_TIMES,
  text: OF_TEXTS,
  url: OF_TEXTS,
  email: OF_TEXTS,
  select: OF_TEXTS,
  multiselect: {
    eq: "is exactly",
    ne: "is not exactly",
    contains: "has",
    ncontains: "does not have",
    in: "has one of",
    nin: "has none of",
  },
  status: { is_empty: "is: never ran", is_not_empty: "is: ran before" },
};
/** What one asks first of a column of the type; others are asked what they are equal to. */
const CONTAINS_FIRST = ["text", "url", "email", "multiselect", "json", "error", "any"];

/** @param {string} type @param {string} op */
export function word(type, op) {
  return OF_TYPE[type]?.[op] ?? WORDS[op] ?? op;
}

/** @param {Target} target */
export function firstOp({ type, ops }) {
  return CONTAINS_FIRST.includes(type) && ops.includes("contains") ? "contains" : ops[0];
}

/**
 * Everything that can be asked for: the columns, the cells of workflow columns, and any column.
 *
 * @param {Schema} schema
 * @param {Known} known
 * @returns {Target[]}
 */
export function targets({ columns, groups }, { ops, statuses }) {
  return [
    ...columns.map(({ key, name, type, options }) => ({
      field: key,
      name,
      type,
      choices: options.choices ?? [],
      ops: ops[type] ?? [],
    })),
    ...groups.flatMap(({ id, name }) => [
      { field: `@${id}`, name: `${name}: state`, type: "status", choices: statuses, ops: ops.status },
      { field: `@${id}.error`, name: `${name}: error`, type: "error", choices: [], ops: ops.error },
    ]),
    { field: ANY_COLUMN, name: "Any column", type: "any", choices: [], ops: ops.any },
  ];
}

/**
 * A part of a filter in words.
 *
 * @param {Target[]} known
 * @param {any} node
 * @returns {string}
 */
export function described(known, node) {
  for (const [name, joint] of [
    ["all", " and "],
    ["any", " or "],
  ]) {
    if (Array.isArray(node[name])) {
      return `(${node[name].map((/** @type {any} */ child) => described(known, child)).join(joint)})`;
    }
  }
  const target = known.find(({ field }) => field === node.field);
  const asked = `${target?.name ?? node.field} ${word(target?.type ?? "", node.op)}`;
  return VALUELESS.includes(node.op) ? asked : `${asked} ${valued(node.value)}`;
}

/** @param {any} value */
function valued(value) {
  const said = Array.isArray(value) ? value.map(text).join(", ") : value === null ? "empty" : text(value);
  return said.length > SHOWN_CHARACTERS ? `${said.slice(0, SHOWN_CHARACTERS)}…` : said;
}
