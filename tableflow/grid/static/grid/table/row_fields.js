/** The fields in which one row is shown in full: a control by the column's type, or what a workflow filled in. */

import { area, check, choice, make, text } from "../elements.js";
import { calendar } from "./editors/calendar.js";
import { written as asShown, form, moment } from "./editors/moments.js";
import { parse } from "./editors/text.js";
import { text as written } from "./values.js";

/** @typedef {import("./values.js").Column} Column */
/**
 * @typedef {object} Control
 * @property {HTMLElement} element
 * @property {HTMLElement} [field] what has the label, where it is not all of it
 * @property {() => any} read what it says, as the API takes it; null is empty. Throws Unfit when that cannot be
 * @property {(value: any) => void} write
 */

/** @param {Column} column @returns {Control} */
export function control(column) {
  const { type, options } = column;
  const choices = /** @type {string[]} */ (options.choices ?? []);
  if (type === "boolean") return ticked();
  if (type === "select" && choices.length) return chosen(choices);
  if (type === "multiselect") return choices.length ? checked(choices) : listed();
  if (type === "json") return json();
  if (type === "text") return plain(area("", { rows: 1 }));
  return typed(type);
}

/** @param {HTMLInputElement | HTMLTextAreaElement} field @returns {Control} */
function plain(field) {
  return {
    element: field,
    read: () => (field.value === "" ? null : field.value),
    write: (value) => {
      field.value = written(value);
    },
  };
}

/** @param {string} type @returns {Control} */
function typed(type) {
  if (type === "date" || type === "datetime") return timed(type === "datetime");
  const isNumber = type === "number" || type === "currency";
  const field = text("", { inputmode: isNumber ? "decimal" : null });
  return { ...plain(field), read: () => (field.value.trim() ? field.value : null) };
}

/** Times are in UTC, as the cells show them. @param {boolean} isTime @returns {Control} */
function timed(isTime) {
  const field = text("", { placeholder: isTime ? `${form(isTime)} (UTC)` : form(isTime) });
  const picked = calendar(field, isTime);
  field.addEventListener("keydown", picked.asked);
  return {
    element: make("div", { class: "dated" }, [field, picked.element]),
    field,
    read: () => moment(field.value, isTime),
    write: (value) => {
      field.value = asShown(written(value));
    },
  };
}

/** @returns {Control} */
function ticked() {
  const { box, label } = check("Yes", false);
  return {
    element: label,
    read: () => box.checked,
    write: (value) => {
      box.checked = value === true;
    },
  };
}

/** @param {string[]} choices @returns {Control} */
function chosen(choices) {
  const field = choice([["", ""], ...choices.map((each) => /** @type {[string, string]} */ ([each, each]))], "");
  return {
    element: field,
    read: () => field.value || null,
    write: (value) => {
      field.value = written(value);
    },
  };
}

/** @param {string[]} choices @returns {Control} */
function checked(choices) {
  const boxes = choices.map((each) => ({ each, ...check(each, false) }));
  return {
    element: make(
      "div",
      { class: "checks", role: "group" },
      boxes.map(({ label }) => label),
    ),
    read: () => boxes.filter(({ box }) => box.checked).map(({ each }) => each),
    write: (value) => {
      for (const { each, box } of boxes) box.checked = Array.isArray(value) && value.includes(each);
    },
  };
}

/** @returns {Control} */
function listed() {
  const field = text("", { placeholder: "with commas" });
  return {
    element: field,
    read: () => field.value || null,
    write: (value) => {
      field.value = Array.isArray(value) ? value.join(", ") : written(value);
    },
  };
}

/** @returns {Control} */
function json() {
  const field = area("", { class: "code grows", spellcheck: "false" });
  return {
    element: field,
    read: () => parse(field.value),
    write: (value) => {
      field.value = value === null || value === undefined ? "" : JSON.stringify(value, null, 2);
    },
  };
}

/**
 * What a workflow filled in: its state, its value in full, and the way to the trace.
 *
 * @param {import("../core/store.js").Face} face
 * @param {any} value
 * @param {() => void} trace
 * @returns {HTMLElement}
 */
export function filled({ pill, tone, detail, stale, ran, kind }, value, trace) {
  const isEmpty = value === null || value === undefined || value === "";
  const said = typeof value === "object" ? JSON.stringify(value, null, 2) : written(value);
  const way = make("button", { type: "button", class: "button small" }, ["Open trace"]);
  way.addEventListener("click", trace);
  return make("div", { class: "filled" }, [
    pill ? make("span", { class: `pill ${tone ?? ""}` }, [pill]) : null,
    stale ? make("span", { class: "pill stale" }, ["Stale"]) : null,
    detail ? make("span", { class: "soft wrap" }, [detail]) : null,
    ran ? way : null,
    isEmpty
      ? make("span", { class: "soft" }, [kind || pill ? "" : "Never ran"])
      : make("pre", { class: "block" }, [said]),
  ]);
}
