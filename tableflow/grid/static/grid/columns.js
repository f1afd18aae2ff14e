/** The sheets that add a column: its options by type; a workflow chosen, or written, and then bound to the table. */

import { register } from "./acts.js";
import { piece } from "./api.js";
import { open, tell } from "./dialogs.js";

const TEMPLATE = "{{";

/** Makes the sheets work. */
export function columns() {
  const dialog = document.getElementById("workflow-column");
  const slot = dialog?.querySelector("[data-slot]");
  if (!dialog || !slot) return;

  /** @param {string} workflow an id, "new", or "" for none yet */
  async function load(workflow) {
    const html = await piece(`${dialog?.dataset.url}?workflow=${workflow}`);
    if (html === null) return tell("The server does not answer. Try again.");
    /** @type {Element} */ (slot).innerHTML = html;
    open("workflow-column");
    /** @type {HTMLElement | null} */ (dialog?.querySelector("select, input"))?.focus();
  }

  register({
    "workflow-column": () => load(""),
    "choose-workflow": () => load(""),
    "insert-step": insertStep,
  });

  document.addEventListener("change", (event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    if ("choosesWorkflow" in field.dataset) load(field.value);
    else if (field.dataset.source) chooseSource(field);
    else if ("includes" in field.dataset) include(field);
    else if (field.id === "column-type") chooseType(field.value);
  });

  dialog.addEventListener("submit", (event) => renumber(/** @type {HTMLFormElement} */ (event.target)), true);
  dialog.addEventListener(
    "saved",
    (event) => {
      const form = /** @type {HTMLFormElement} */ (event.target);
      if (!("writesWorkflow" in form.dataset)) return;
      event.stopPropagation();
      load(/** @type {CustomEvent} */ (event).detail.id);
    },
    true,
  );
}

/** A column's key goes into the field as it is; a template is typed there.
 * @param {HTMLInputElement} select */
function chooseSource(select) {
  const field = /** @type {HTMLInputElement} */ (
    select.closest("form")?.elements.namedItem(select.dataset.source ?? "")
  );
  field.hidden = select.value !== TEMPLATE;
  field.value = select.value === TEMPLATE ? field.placeholder : select.value;
  if (!field.hidden) field.focus();
}

/** @param {HTMLInputElement} box */
function include(box) {
  for (const field of box.closest("[data-output]")?.querySelectorAll("[name]") ?? []) {
    /** @type {HTMLInputElement} */ (field).disabled = !box.checked;
  }
}

/** The outputs that are left, counted from 0, so that the server's answers name the right ones.
 * @param {HTMLFormElement} form */
function renumber(form) {
  let number = 0;
  for (const output of form.querySelectorAll("[data-output]")) {
    if (!(/** @type {HTMLInputElement} */ (output.querySelector("[data-includes]")).checked)) continue;
    const path = `outputs.${number++}`;
    for (const field of output.querySelectorAll("[name]")) {
      field.setAttribute("name", (field.getAttribute("name") ?? "").replace(/^outputs\.\d+/, path));
    }
    output.querySelector("[data-problem]")?.setAttribute("data-problem", path);
  }
}

/** @param {string} type */
function chooseType(type) {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-for-type]"))) {
    part.hidden = !(part.dataset.forType ?? "").split(" ").includes(type);
    for (const field of part.querySelectorAll("input")) field.disabled = part.hidden;
  }
}

/** Adds the example to the steps, under an id of its own, and what it gives to the outputs.
 * @param {HTMLElement} button */
function insertStep(button) {
  const area = /** @type {HTMLTextAreaElement} */ (document.getElementById("workflow-steps"));
  const outputs = /** @type {HTMLTextAreaElement} */ (document.getElementById("workflow-outputs"));
  const step = JSON.parse(button.dataset.step ?? "{}");
  try {
    const steps = JSON.parse(area.value.trim() || "[]");
    const ids = steps.map((/** @type {{id: string}} */ other) => other.id);
    for (let number = 2; ids.includes(step.id); number++) step.id = `${step.type}_${number}`;
    area.value = JSON.stringify([...steps, step], null, 2);
  } catch {
    return tell("The steps are no JSON list just now; mend them first.");
  }
  outputs.value = `${outputs.value.trimEnd()}\n${step.id} = {{ steps.${step.id}${button.dataset.result} }}`.trimStart();
  area.scrollIntoView({ block: "nearest" });
}
