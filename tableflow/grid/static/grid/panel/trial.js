/** What a trial on a row gave: what the columns would get, and the trace, in the looks of the trace panel. */

import { make } from "../elements.js";

const MOST_SHOWN = 20_000;
/** @type {Record<string, string>} */
const SAID = { completed: "Completed", error: "Error", paused: "Paused", skipped: "Skipped" };

/** @param {any} answer of groups/try @param {string} row @returns {HTMLElement} */
export function trialOf(answer, row) {
  return make("div", { class: "trace-body stack", role: "group", "aria-label": `Trial on ${row}` }, [
    make("p", { class: "facts" }, [
      pill(answer.status, answer.status),
      make("span", { class: "soft" }, [`on ${row}; nothing was saved`]),
    ]),
    skipped(answer),
    answer.error ? make("p", { class: "notice bad wrap" }, [cut(answer.error)]) : null,
    ...answer.columns.map(column),
    ...answer.steps.map(step),
    answer.inputs ? folded("Inputs", answer.inputs, false) : null,
  ]);
}

/** @param {any} answer */
function skipped({ status, runs }) {
  if (status === "paused")
    return make("p", { class: "notice" }, [
      "Here the cell would wait. A trial ends at what takes longer than two minutes, or asks a person.",
    ]);
  return runs === false
    ? make("p", { class: "notice" }, ["Run if does not hold for this row: the cell would be skipped."])
    : null;
}

/** @param {string} status @param {string} type */
function pill(status, type) {
  const isLater = status === "paused" && type !== "approval";
  return make("span", { class: `pill ${isLater ? "later" : status}` }, [SAID[status] ?? status]);
}

/** @param {any} each */
function column({ name, value, detail }) {
  const shown =
    value === null ? make("p", { class: "soft" }, ["Empty"]) : make("pre", { class: "block" }, [said(value)]);
  return make("section", {}, [
    make("h3", {}, [name]),
    shown,
    detail ? make("p", { class: "notice bad wrap" }, [detail]) : null,
  ]);
}

/** @param {any} each */
function step({ id, type, status, error, input, output, duration_ms, attempts }) {
  const tries = attempts > 1 ? ` · ${attempts} tries` : "";
  return make("section", { class: "step" }, [
    make("h3", {}, [
      make("span", {}, [id]),
      make("span", { class: "soft" }, [type]),
      pill(status, type),
      make("span", { class: "soft end" }, [took(duration_ms) + tries]),
    ]),
    error ? make("p", { class: "notice bad wrap" }, [cut(error)]) : null,
    input === null ? null : folded("Input", input, false),
    output === null ? null : folded("Output", output, true),
  ]);
}

/** @param {string} words @param {any} value @param {boolean} isOpen */
function folded(words, value, isOpen) {
  return make("details", { open: isOpen }, [
    make("summary", {}, [words]),
    make("pre", { class: "block" }, [said(value)]),
  ]);
}

/** @param {number | undefined} ms */
function took(ms) {
  if (ms === undefined) return "";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @param {any} value */
function said(value) {
  return cut(typeof value === "string" ? value : JSON.stringify(value, null, 2));
}

/** @param {string} text */
function cut(text) {
  return text.length <= MOST_SHOWN
    ? text
    : `${text.slice(0, MOST_SHOWN)}… (${text.length.toLocaleString("en")} characters)`;
}
