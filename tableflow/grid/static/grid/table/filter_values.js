/** What a condition is compared with: a control by what is asked for and by the operator. */

import { check, choice, make, text } from "../elements.js";
import { number, parse } from "../exact.js";
import { LISTED, VALUELESS } from "./filter_words.js";
import { text as written } from "./values.js";

/** @typedef {import("./filter_words.js").Target} Target */
/** @typedef {{element: HTMLElement, focus: () => void} | null} Editor null: no value is asked for */

const TRUTHS = /** @type {[string, string][]} */ ([
  ["", "Choose…"],
  ["true", "Yes"],
  ["false", "No"],
]);

/**
 * @param {Target} target
 * @param {string} op
 * @param {any} value undefined: none yet
 * @param {(value: any) => void} changed undefined: none
 * @returns {Editor}
 */
export function valueEditor(target, op, value, changed) {
  const isList = LISTED.includes(op) || (target.type === "multiselect" && ["eq", "ne"].includes(op));
  if (VALUELESS.includes(op)) return null;
  if (isList) return target.choices.length ? checked(target, value, changed) : listed(target, value, changed);
  if (target.type === "boolean") return chosen(TRUTHS, value, (said) => changed(said && said === "true"));
  if (target.choices.length && (op === "eq" || op === "ne" || target.type === "multiselect")) {
    const options = target.choices.map((each) => /** @type {[string, string]} */ ([each, each]));
    return chosen([["", "Choose…"], ...options], value, changed);
  }
  return typed(target, value, changed);
}

/**
 * @param {[string, string][]} options
 * @param {any} value
 * @param {(value: any) => void} changed
 */
function chosen(options, value, changed) {
  const control = choice(options, written(value), { "aria-label": "Value" });
  control.addEventListener("change", () => changed(control.value === "" ? undefined : control.value));
  return { element: control, focus: () => control.focus() };
}

/**
 * @param {Target} target
 * @param {any} value
 * @param {(value: any) => void} changed
 */
function checked({ choices }, value, changed) {
  const had = Array.isArray(value) ? value : [];
  const boxes = choices.map((each) => ({ each, ...check(each, had.includes(each)) }));
  const element = make(
    "div",
    { class: "checks boxes", role: "group", "aria-label": "Values" },
    boxes.map(({ label }) => label),
  );
  element.addEventListener("change", () => {
    const on = boxes.filter(({ box }) => box.checked).map(({ each }) => each);
    changed(on.length ? on : undefined);
  });
  return { element, focus: () => boxes[0].box.focus() };
}

/**
 * Several values in one line, with commas.
 *
 * @param {Target} target
 * @param {any} value
 * @param {(value: any) => void} changed
 */
function listed({ type }, value, changed) {
  const control = text(Array.isArray(value) ? value.map(written).join(", ") : written(value), {
    "aria-label": "Values",
    placeholder: "with commas",
  });
  return spoken(control, (said) => {
    const parts = said
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean);
    changed(parts.length ? parts.map((part) => read(type, part)) : undefined);
  });
}

/**
 * @param {Target} target
 * @param {any} value
 * @param {(value: any) => void} changed
 */
function typed({ type }, value, changed) {
  const isNumber = type === "number" || type === "currency";
  const kind = type === "date" ? "date" : type === "datetime" ? "datetime-local" : "text";
  const shown = type === "datetime" ? written(value).replace(/Z$/, "") : written(value);
  const attributes = { "aria-label": "Value", type: kind, inputmode: isNumber ? "decimal" : null };
  return spoken(text(shown, attributes), (said) => changed(said.trim() === "" ? undefined : read(type, said)));
}

/**
 * Tells what was typed when that is done: with Enter, or when the focus goes.
 *
 * @param {HTMLInputElement} control
 * @param {(said: string) => void} tells
 */
function spoken(control, tells) {
  control.addEventListener("change", () => tells(control.value));
  control.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) tells(control.value);
  });
  return { element: control, focus: () => control.focus() };
}

/**
 * What was typed as the API takes it; what is no number goes to the server, which says so.
 *
 * @param {string} type
 * @param {string} said
 */
function read(type, said) {
  if (type === "number" || type === "currency") return Number.isFinite(Number(said)) ? number(said) : said;
  if (type !== "json") return said;
  try {
    return parse(said);
  } catch {
    return said;
  }
}
