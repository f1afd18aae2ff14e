/** The editor of a value, by its column's type; and what it begins with. */

import { choices } from "./choices.js";
import { date } from "./date.js";
import { json, number, text } from "./text.js";

/** @typedef {import("../values.js").Column} Column */
/** @typedef {import("./overlay.js").Overlay} Overlay */
/**
 * @typedef {object} Editor
 * @property {() => any} draft what is there now: an editor that begins with it goes on with it
 * @property {() => any} value what is to be saved, null for empty; Unfit when that cannot be
 * @property {(event: KeyboardEvent) => boolean} [key] whether it takes the key for itself
 */
/**
 * @typedef {(overlay: Overlay, column: Column, draft: any, isTyped: boolean) => Editor} Make `isTyped`: the catcher
 *   has what was typed already, or is about to get it
 */

/** @type {Record<string, Make>} */
const EDITORS = { number, currency: number, date, datetime: date, json, multiselect: choices };

/** @param {Column} column @returns {Make} */
export function editorOf({ type, options }) {
  if (type === "select" && options.choices?.length) return choices;
  return EDITORS[type] ?? text;
}

/**
 * What the editor of a value begins with.
 *
 * @param {Pick<Column, "type" | "options">} column
 * @param {any} value
 * @returns {any}
 */
export function draftOf({ type, options }, value) {
  if (type === "multiselect") return { chosen: Array.isArray(value) ? value.map(String) : [], text: "" };
  if (type === "select" && options.choices?.length) return { chosen: value ? [String(value)] : [], text: "" };
  if (value === undefined || value === null) return "";
  if (type === "json") return JSON.stringify(value, null, 2);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * The draft of an editor in which nothing stands but what is being typed.
 *
 * @param {Column} column
 * @param {any} value that is there before
 */
export function typedDraft({ type, options }, value) {
  if (type === "multiselect") return draftOf({ type, options }, value);
  return type === "select" && options.choices?.length ? { chosen: [], text: "" } : "";
}
