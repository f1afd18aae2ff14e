/**
 * One row with all its fields in full, in a sheet beside the grid. Each field belongs to its row, and is saved when it
 * is left, also after another row is shown; where somebody else was faster nothing is overwritten before one has seen it.
 */

import { attempt, register } from "../acts.js";
import { ApiError, call } from "../api.js";
import { tell } from "../dialogs.js";
import { button, make, unique } from "../elements.js";
import { Unfit } from "./editors/unfit.js";
import { isUnanswered } from "./refusals.js";
import { control, filled } from "./row_fields.js";
import { pause, ROW_GONE, save } from "./saving.js";

/** @typedef {import("./values.js").Column} Column */
/**
 * @typedef {object} Field
 * @property {number} row the id
 * @property {Column} column
 * @property {any} before what the writer believes to be there
 * @property {boolean} isPart never: all of a value is here
 * @property {any[]} sent what was sent and not answered: it may be there
 * @property {import("./row_fields.js").Control} control
 * @property {HTMLElement} slot
 * @property {"clean" | "typed" | "sent"} state
 */

/** What is shown is read again at most so often. */
const AGAIN_MS = 700;
const UNANSWERED = "The server does not answer. What you typed is sent until it does.";
const SHOWN_CHARACTERS = 80;

/** @param {import("./sheet.js").Sheet} sheet */
export function rowDetail(sheet) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("row-detail"));
  const title = /** @type {HTMLElement} */ (dialog.querySelector("h2"));
  const body = /** @type {HTMLElement} */ (dialog.querySelector("[data-fields]"));
  /** @type {Field[]} */
  let fields = [];
  /** @type {number | null} The id of the row that is shown. */
  let shown = null;
  /** @type {number | null} The id of the row that was asked for last. */
  let asked = null;
  /** Whether another row is wanted than the one that is shown. */
  let isOnItsWay = false;
  /** Whether it is told that the row has gone. */
  let isGone = false;
  /** @type {Record<string, any>} What the server has, so far as is known. */
  let data = {};
  /** @type {string | undefined} The column whose field had the focus last. */
  let held;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Set<Field>} Those that are sent again and again. */
  const unanswered = new Set();

  async function open() {
    if (!sheet.activeRow) return tell("There is no row to expand.");
    name();
    if (!dialog.open) dialog.showModal();
    isOnItsWay = true;
    await show();
  }

  function name() {
    title.textContent = `Row ${(sheet.selection.active.row + 1).toLocaleString("en")}`;
  }

  async function show() {
    const { row } = sheet.selection.active;
    for (const [name, place] of /** @type {const} */ ([
      ["previous", row - 1],
      ["next", row + 1],
    ])) {
      const way = /** @type {HTMLButtonElement} */ (dialog.querySelector(`[data-act="${name}-row"]`));
      way.disabled = place < 0 || place >= sheet.store.count;
    }
    const id = sheet.activeRow?.id;
    if (id === undefined || id === asked) return;
    asked = id;
    if (id !== shown) await load(id);
    else isOnItsWay = false;
  }

  /** The fields stay those of the row before until this one is here. @param {number} id */
  async function load(id) {
    try {
      const row = await call("GET", `${sheet.base}/rows/${id}/`);
      if (asked !== id) return;
      shown = id;
      data = row.data;
      isOnItsWay = false;
      isGone = false;
      name();
      render();
    } catch (error) {
      // What is refused is not asked for again with each change.
      if (asked === id && error instanceof ApiError && !isUnanswered(error)) isOnItsWay = false;
      throw error;
    } finally {
      if (asked === id) asked = shown;
    }
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
    const inner = made.field ?? (made.element.matches("label, div") ? null : made.element);
    const slot = make("div", { class: "problem", role: "alert" });
    const [row, before] = [/** @type {number} */ (shown), data[key] ?? null];
    /** @type {Field} */
    const field = { row, column, before, isPart: false, sent: [], control: made, slot, state: "clean" };
    made.write(before);
    if (inner) inner.id = unique("row");
    else (made.element.matches("label") ? focusable(made.element) : made.element)?.setAttribute("aria-label", name);
    for (const each of [made.element, ...made.element.querySelectorAll("input, button")]) {
      if (!sheet.mayEdit && each.matches("input, textarea, select, button")) each.setAttribute("disabled", "");
    }
    made.element.addEventListener("input", () => {
      field.state = "typed";
    });
    made.element.addEventListener("change", () => keep(field));
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
    const [row, id] = [/** @type {number} */ (shown), /** @type {number} */ (group)];
    const trace = () => {
      dialog.close();
      sheet.showTrace(row, id);
    };
    const element = filled(face, data[key], trace);
    return make("div", { class: "field", data: { output: key } }, [make("span", { class: "label" }, [name]), element]);
  }

  /** @param {number} id */
  function rowOf(id) {
    return sheet.store.row(sheet.store.indexOf(id));
  }

  // Saving

  /** One after the other: each builds on what was saved before. @param {Field} field */
  function keep(field) {
    attempt(() => sheet.undo.inTurn(() => send(field)));
  }

  /** What the field says by now, until it is answered. @param {Field} field */
  async function send(field) {
    const { control, slot } = field;
    slot.replaceChildren();
    const { value, problem } = reading(control);
    if (problem) return say(field, problem);
    field.state = "sent";
    for (let tries = 0; ; tries++) {
      const outcome = await save(sheet, field, value);
      if (outcome.kind !== "unanswered") {
        unanswered.delete(field);
        return outcome.kind === "saved" ? saved(field, value, outcome.value) : refused(field, outcome);
      }
      if (!tries) say(field, UNANSWERED);
      unanswered.add(field);
      await new Promise((resolve) => setTimeout(resolve, pause(tries)));
    }
  }

  /** @param {Field} field @param {any} value @param {any} now the same as the server has it */
  function saved(field, value, now) {
    const { row, column, before, slot } = field;
    const put = (/** @type {any} */ to, /** @type {any} */ from) => () => write(row, column.key, to, from);
    if (JSON.stringify(now) !== JSON.stringify(before)) {
      sheet.undo.push({ label: column.name, undo: put(before, now), redo: put(value, before) });
    }
    field.before = now;
    field.sent = [];
    if (field.state === "sent") field.state = "clean";
    slot.replaceChildren();
    sheet.refresh([row]);
  }

  /** Where somebody else was faster one sees what is there, and chooses. @param {Field} field @param {import("./saving.js").Refused} outcome */
  function refused(field, outcome) {
    field.state = "typed";
    if (outcome.kind === "refused") return say(field, outcome.text);
    const { theirs } = outcome;
    const take = () => {
      field.before = theirs;
      field.sent = [];
    };
    const keepTheirs = () => {
      take();
      field.control.write(theirs);
      field.state = "clean";
      field.slot.replaceChildren();
    };
    const saveMine = () => {
      take();
      keep(field);
    };
    say(field, `Somebody was faster: the value is ${excerpt(theirs)} now.`, [
      button("Take theirs", keepTheirs, { class: "button small" }),
      button("Save mine", saveMine, { class: "button small" }),
    ]);
  }

  /** At the field; to everybody where that is no longer seen. @param {Field} field @param {string} text @param {Node[]} [ways] */
  function say({ column, slot }, text, ways = []) {
    slot.replaceChildren(text, ...(ways.length ? [make("div", { class: "actions" }, ways)] : []));
    if (!slot.isConnected || !dialog.open) tell(`“${column.name}” is not saved: ${text}`);
  }

  /** @param {number} id as it was @param {string} key @param {any} value @param {any} expected */
  async function write(id, key, value, expected) {
    const now = sheet.undo.id(id);
    const body = { data: { [key]: value }, expected: { [key]: expected } };
    await call("PATCH", `${sheet.base}/rows/${now}/`, body);
    sheet.refresh([now]);
  }

  // What happens elsewhere

  /** What the row has changed to meanwhile; what is being typed stays. */
  async function update() {
    timer = undefined;
    if (!dialog.open || shown === null) return;
    const id = shown;
    const row = await found(id);
    if (!row || shown !== id) return;
    for (const field of fields) {
      const isHeld = field.control.element.contains(document.activeElement);
      if (field.state !== "clean" || isHeld) continue;
      field.before = row.data[field.column.key] ?? null;
      field.control.write(field.before);
    }
    for (const column of sheet.schema.columns.filter(({ group }) => group !== null)) {
      data[column.key] = row.data[column.key];
      const before = body.querySelector(`[data-output="${CSS.escape(column.key)}"]`);
      if (!before?.contains(document.activeElement)) before?.replaceWith(output(column));
    }
  }

  /** The row as it is by now; null: it is gone, which is told once, or nobody answers. @param {number} id */
  async function found(id) {
    try {
      return await call("GET", `${sheet.base}/rows/${id}/`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 404 && shown === id && !isGone) {
        isGone = true;
        tell(ROW_GONE);
      }
      return null;
    }
  }

  /** @param {number} by */
  function step(by) {
    const { row, column } = sheet.selection.active;
    if (row + by < 0 || row + by >= sheet.store.count) return;
    /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
    const unfit = fields.find(({ state, control }) => state === "typed" && reading(control).problem);
    if (unfit) return focusable(unfit.control.element)?.focus(); // what cannot be saved is not left unseen
    sheet.selection.move({ row: row + by, column });
    sheet.grid.reveal({ row: row + by, column });
    isOnItsWay = true;
    return show();
  }

  body.addEventListener("focusin", ({ target }) => {
    held = fields.find(({ control }) => control.element.contains(/** @type {Node} */ (target)))?.column.key;
  });
  sheet.store.addEventListener("change", () => {
    if (!dialog.open) return;
    if (isOnItsWay) attempt(show);
    if (timer === undefined) timer = setTimeout(update, AGAIN_MS);
  });
  dialog.addEventListener("close", () => {
    shown = null;
    asked = null;
    isOnItsWay = false;
    body.replaceChildren();
    sheet.grid.focus();
  });
  dialog.addEventListener("keydown", (event) => {
    const by = { PageUp: -1, PageDown: 1 }[event.key];
    if (!by || !event.altKey) return;
    event.preventDefault();
    attempt(() => step(by));
  });
  window.addEventListener("beforeunload", (event) => unanswered.size && event.preventDefault());
  register({ "expand-row": open, "previous-row": () => step(-1), "next-row": () => step(1) });
  sheet.keymap.bind("Space", "Expand the row", () => {
    attempt(open);
  });
}

/** What a control says, or why that cannot be saved. @param {import("./row_fields.js").Control} control @returns {{value?: any, problem?: string}} */
function reading(control) {
  try {
    return { value: control.read() };
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    return { problem: error.message };
  }
}

/** @param {HTMLElement} element @returns {HTMLElement | null} */
function focusable(element) {
  return element.matches("input, textarea, select") ? element : element.querySelector("input");
}

/** @param {any} value */
function excerpt(value) {
  const said = JSON.stringify(value ?? null);
  if (said === "null") return "empty";
  return said.length > SHOWN_CHARACTERS ? `${said.slice(0, SHOWN_CHARACTERS)}…` : said;
}
