/**
 * One row with all its fields in full, in a sheet beside the grid. Each field is saved when it is left; where somebody
 * else was faster nothing is overwritten before one has seen it.
 */

import { register } from "../acts.js";
import { ApiError, call } from "../api.js";
import { tell } from "../dialogs.js";
import { button, make, unique } from "../panel/elements.js";
import { control, filled } from "./row_fields.js";

/** @typedef {import("./values.js").Column} Column */
/** @typedef {{column: Column, control: import("./row_fields.js").Control, slot: HTMLElement, isDirty: boolean}} Field */

/** What is shown is read again at most so often. */
const AGAIN_MS = 700;

/** @param {import("./sheet.js").Sheet} sheet */
export function rowDetail(sheet) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("row-detail"));
  const title = /** @type {HTMLElement} */ (dialog.querySelector("h2"));
  const body = /** @type {HTMLElement} */ (dialog.querySelector("[data-fields]"));
  /** @type {Field[]} */
  let fields = [];
  /** @type {number | null} The id of the row that is shown. */
  let shown = null;
  /** @type {Record<string, any>} What the server has, so far as is known. */
  let data = {};
  /** @type {string | undefined} The column whose field had the focus last. */
  let held;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  async function open() {
    if (!sheet.activeRow) return tell("There is no row to expand.");
    if (!dialog.open) dialog.showModal();
    await show();
  }

  async function show() {
    const { row } = sheet.selection.active;
    title.textContent = `Row ${(row + 1).toLocaleString("en")}`;
    for (const [name, place] of /** @type {const} */ ([
      ["previous", row - 1],
      ["next", row + 1],
    ])) {
      const way = /** @type {HTMLButtonElement} */ (dialog.querySelector(`[data-act="${name}-row"]`));
      way.disabled = place < 0 || place >= sheet.store.count;
    }
    const id = sheet.activeRow?.id ?? null;
    if (id !== null && id !== shown) await load(id);
  }

  /** @param {number} id */
  async function load(id) {
    shown = id;
    const row = await call("GET", `${sheet.base}/rows/${id}/`);
    if (shown !== id) return;
    data = row.data;
    render();
  }

  function render() {
    const isStepping = dialog.querySelector(".row-ways")?.contains(document.activeElement) && fields.length > 0;
    fields = [];
    body.replaceChildren(
      ...sheet.schema.columns.map((column) => (column.group === null ? plain(column) : output(column))),
    );
    const again = fields.find(({ column }) => column.key === held) ?? fields[0];
    if (!isStepping && again) focusable(again.control.element)?.focus();
  }

  /** @param {Column} column */
  function plain(column) {
    const { key, name } = column;
    const made = control(column);
    const inner = made.element.matches("label, div") ? null : made.element;
    const slot = make("div", { class: "problem", role: "alert" });
    const field = { column, control: made, slot, isDirty: false };
    made.write(data[key]);
    if (inner) inner.id = unique("row");
    else (made.element.matches("label") ? focusable(made.element) : made.element)?.setAttribute("aria-label", name);
    for (const each of [made.element, ...made.element.querySelectorAll("input")]) {
      if (!sheet.mayEdit && each.matches("input, textarea, select")) each.setAttribute("disabled", "");
    }
    made.element.addEventListener("input", () => {
      field.isDirty = true;
    });
    made.element.addEventListener("change", () => save(field, data[key] ?? null));
    fields.push(field);
    return make("div", { class: "field" }, [
      inner ? make("label", { for: inner.id }, [name]) : make("span", { class: "label" }, [name]),
      made.element,
      slot,
    ]);
  }

  /** @param {Column} column */
  function output({ key, name, group }) {
    const face = (shown === null ? undefined : rowOf(shown)?.faces?.[key]) ?? {};
    const trace = () => {
      const detail = { row: shown, group };
      dialog.close();
      sheet.dispatchEvent(new CustomEvent("trace", { detail }));
    };
    const element = filled(face, data[key], trace);
    return make("div", { class: "field", data: { output: key } }, [make("span", { class: "label" }, [name]), element]);
  }

  /** @param {number} id */
  function rowOf(id) {
    return sheet.store.row(sheet.store.indexOf(id));
  }

  /** @param {Field} field @param {any} expected */
  async function save(field, expected) {
    const { column, control, slot } = field;
    const [id, value] = [/** @type {number} */ (shown), control.read()];
    slot.replaceChildren();
    try {
      const now = (await write(id, column.key, value, expected)).data[column.key] ?? null;
      field.isDirty = false;
      const put = (/** @type {any} */ to, /** @type {any} */ from) => () => write(id, column.key, to, from);
      sheet.undo.push({
        label: column.name,
        undo: put(expected, now),
        redo: put(value, expected),
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      slot.append(error.message);
      if (error.status === 409) await newer(field, id);
    }
  }

  /** @param {number} id @param {string} key @param {any} value @param {any} expected */
  async function write(id, key, value, expected) {
    const now = sheet.undo.id(id);
    const body = { data: { [key]: value }, expected: { [key]: expected } };
    const row = await call("PATCH", `${sheet.base}/rows/${now}/`, body);
    if (shown === now) data = row.data;
    sheet.refresh([now]);
    return row;
  }

  /** Somebody else was faster: one sees what is there, and chooses. @param {Field} field @param {number} id */
  async function newer(field, id) {
    const { column, control, slot } = field;
    const row = await call("GET", `${sheet.base}/rows/${id}/`);
    if (shown !== id) return;
    data = row.data;
    const theirs = () => {
      control.write(data[column.key]);
      field.isDirty = false;
      slot.replaceChildren();
    };
    const mine = () => save(field, data[column.key] ?? null);
    slot.append(
      make("div", { class: "actions" }, [
        button("Take theirs", theirs, { class: "button small" }),
        button("Save mine", mine, { class: "button small" }),
      ]),
    );
  }

  /** What the row has changed to meanwhile; what is being typed stays. */
  async function update() {
    timer = undefined;
    if (!dialog.open || shown === null) return;
    const id = shown;
    const row = await call("GET", `${sheet.base}/rows/${id}/`).catch(() => null);
    if (!row || shown !== id) return;
    for (const { column, control, isDirty } of fields) {
      const isHeld = control.element.contains(document.activeElement);
      if (isDirty || isHeld) continue;
      data[column.key] = row.data[column.key];
      control.write(row.data[column.key]);
    }
    for (const column of sheet.schema.columns.filter(({ group }) => group !== null)) {
      data[column.key] = row.data[column.key];
      const before = body.querySelector(`[data-output="${CSS.escape(column.key)}"]`);
      if (!before?.contains(document.activeElement)) before?.replaceWith(output(column));
    }
  }

  /** @param {number} by */
  function step(by) {
    const { row, column } = sheet.selection.active;
    if (row + by < 0 || row + by >= sheet.store.count) return;
    /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
    sheet.selection.move({ row: row + by, column });
    sheet.grid.reveal({ row: row + by, column });
    return show();
  }

  body.addEventListener("focusin", ({ target }) => {
    held = fields.find(({ control }) => control.element.contains(/** @type {Node} */ (target)))?.column.key;
  });
  sheet.store.addEventListener("change", () => {
    if (!dialog.open) return;
    if (sheet.activeRow && sheet.activeRow.id !== shown) show();
    else if (timer === undefined) timer = setTimeout(update, AGAIN_MS);
  });
  dialog.addEventListener("close", () => {
    shown = null;
    body.replaceChildren();
    sheet.grid.focus();
  });
  dialog.addEventListener("keydown", (event) => {
    const by = { PageUp: -1, PageDown: 1 }[event.key];
    if (!by || !event.altKey) return;
    event.preventDefault();
    step(by);
  });
  register({ "expand-row": open, "previous-row": () => step(-1), "next-row": () => step(1) });
  sheet.keymap.bind("Space", "Expand the row", () => {
    open();
  });
}

/** @param {HTMLElement} element @returns {HTMLElement | null} */
function focusable(element) {
  return element.matches("input, textarea, select") ? element : element.querySelector("input");
}
