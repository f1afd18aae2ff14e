/**
 * Forms that speak to the API: `data-api` is the address, `data-method` the verb. Field names are paths into the JSON
 * (`outputs.0.column.name`); `data-as` gives the type (json, number, list, lines of `name = value`). What the server refuses is written
 * next to the field of the same path (`data-problem`), the rest on top. When it worked, `data-then` is the next page,
 * `{id}` filled in from the answer; without one the form emits `saved`.
 */

import { ApiError, call } from "./api.js";

document.addEventListener("submit", async (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.dataset.api) return;
  event.preventDefault();
  await submit(form);
});

/** @param {HTMLFormElement} form */
async function submit(form) {
  const button = /** @type {HTMLButtonElement | null} */ (form.querySelector("button:not([type=button])"));
  clear(form);
  if (button) button.disabled = true;
  try {
    const answer = await call(form.dataset.method ?? "POST", form.dataset.api ?? "", values(form));
    if (form.dataset.then) location.assign(form.dataset.then.replace("{id}", String(answer?.id)));
    else form.dispatchEvent(new CustomEvent("saved", { bubbles: true, detail: answer }));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    show(form, error.problems);
  } finally {
    if (button) button.disabled = false;
  }
}

/**
 * @param {HTMLFormElement} form
 * @returns {any}
 */
export function values(form) {
  /** @type {any} */
  const result = {};
  for (const field of /** @type {Iterable<HTMLInputElement>} */ (/** @type {unknown} */ (form.elements))) {
    if (!field.name || field.disabled || field.name === "csrfmiddlewaretoken") continue;
    if ((field.type === "checkbox" || field.type === "radio") && !field.checked) continue;
    if (field.value === "" && "optional" in field.dataset) continue;
    place(result, field.name.split("."), read(field));
  }
  return result;
}

/** @param {HTMLInputElement} field */
function read(field) {
  switch (field.dataset.as) {
    case "json":
      return parse(field.value);
    case "number":
      return Number(field.value);
    case "list":
      return field.value
        .split(",")
        .map((part) => part.trim())
        .filter(Boolean);
    case "lines":
      return pairs(field.value);
    default:
      return field.value;
  }
}

/** Lines of `name = value` as an object.
 * @param {string} text */
function pairs(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  return Object.fromEntries(
    lines.map((line) => line.split(/=(.*)/s).map((part) => part.trim())).map(([k, v]) => [k, v ?? ""]),
  );
}

/** JSON where it is JSON; the text itself goes to the server, which says what is wrong with it.
 * @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * @param {any} into
 * @param {string[]} path a last part of `[]` appends to a list
 * @param {unknown} value
 */
function place(into, path, value) {
  const [head, ...rest] = path;
  if (rest[0] === "[]") into[head] = [...(into[head] ?? []), value];
  else if (!rest.length) into[head] = value;
  else {
    into[head] ??= /^\d+$/.test(rest[0]) ? [] : {};
    place(into[head], rest, value);
  }
}

/** @param {HTMLElement} form */
export function clear(form) {
  for (const slot of form.querySelectorAll("[data-problem]")) slot.textContent = "";
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

/**
 * @param {HTMLElement} form
 * @param {import("./api.js").Problem[]} problems
 */
export function show(form, problems) {
  for (const problem of problems) {
    const path = (problem.attr ?? "").replace(/^non_field_errors$/, "");
    const slot = nearest(form, path);
    const where = slot.dataset.problem === path || !path ? "" : `${path}: `;
    slot.textContent = `${slot.textContent}${slot.textContent ? "\n" : ""}${where}${problem.detail}`;
    form.querySelector(`[name="${CSS.escape(path)}"]`)?.setAttribute("aria-invalid", "true");
  }
  const first = form.querySelector("[data-problem]:not(:empty)");
  first?.scrollIntoView({ block: "nearest" });
}

/**
 * The slot of this path, else of the nearest path above it, else the one of the whole form.
 * @param {HTMLElement} form
 * @param {string} path
 * @returns {HTMLElement}
 */
function nearest(form, path) {
  for (let at = path; at; at = at.includes(".") ? at.slice(0, at.lastIndexOf(".")) : "") {
    const slot = form.querySelector(`[data-problem="${CSS.escape(at)}"]`);
    if (slot instanceof HTMLElement) return slot;
  }
  return /** @type {HTMLElement} */ (form.querySelector('[data-problem=""]'));
}
