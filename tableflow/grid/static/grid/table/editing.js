/** Typing into cells: the keys and presses that begin it, and those that end it. */

import { ApiError } from "../api.js";
import { tell } from "../dialogs.js";
import { draftOf, typedDraft } from "./editors/editor.js";
import { Edits } from "./edits.js";
import { filling } from "./filling.js";
import { whole } from "./saving.js";
import { text } from "./values.js";
import { mayWrite } from "./writable.js";

/** @typedef {import("../core/selection.js").Place} Place */
/** @typedef {import("./sheet.js").Sheet} Sheet */

/** What begins an edit; not what is pasted or dropped, nor a new line. */
const BEGINS = ["insertText", "insertCompositionText", "insertReplacementText"];

/** @param {Sheet} sheet */
export function editing(sheet) {
  const { grid, keymap, selection, store, undo } = sheet;
  const { catcher, editor } = grid;
  const edits = new Edits(sheet);

  /** @param {Place} place */
  function at(place) {
    const row = store.row(place.row);
    /** @type {import("./values.js").Column | undefined} */
    const column = grid.columns[place.column];
    return row && column ? { row, column } : null;
  }

  /**
   * The first letter, or the beginning of a composition: it goes into the field that is there already.
   *
   * @param {Event} event
   */
  function typed(event) {
    if (edits.edit) return;
    const here = at(selection.active);
    const isText = !(event instanceof InputEvent) || BEGINS.includes(event.inputType);
    if (!here || !isText || here.column.type === "boolean" || !mayWrite(sheet, here.column)) {
      return event.preventDefault();
    }
    const edit = edits.begin(here.row, here.column, selection.active);
    edit.draft = typedDraft(here.column, edit.before);
    edits.open(edit, true);
    if (edit.isPart) learn(edit).catch(() => {}); // it is asked for once more before it is saved
  }

  /**
   * With the whole value, in place of it.
   *
   * @param {Place} place
   */
  async function enter(place) {
    const here = at(place);
    if (!here || edits.edit) return;
    const { row, column } = here;
    if (column.group !== null) return sheet.showTrace(row.id, column.group);
    if (!mayWrite(sheet, column)) return;
    if (column.type === "boolean") return toggle(place);
    const edit = edits.begin(row, column, place);
    edit.draft = draftOf(column, edit.before);
    if (!edit.isPart) return edits.open(edit);
    const shown = { ...edit, column: { ...column, type: "text" }, draft: text(edit.before) };
    edits.open(shown);
    catcher.readOnly = true;
    try {
      await learn(edit);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      tell(error.message);
    }
    if (edits.edit !== shown) return;
    edits.leave();
    if (!edit.isPart) edits.open({ ...edit, draft: draftOf(column, edit.before) });
  }

  /** Of a long value there was the beginning. @param {import("./edits.js").Edit} edit */
  async function learn(edit) {
    edit.before = await whole(sheet, edit.row, edit.column.key);
    edit.isPart = false;
  }

  /** @param {Place} place */
  function toggle(place) {
    const here = at(place);
    if (!here || !mayWrite(sheet, here.column)) return;
    const edit = edits.begin(here.row, here.column, place);
    edit.draft = String(edit.before !== true);
    edits.save(edit, edit.before !== true);
  }

  /** A press on the box of a checkbox; the pointer is captured, so that the event names another element. */
  grid.scroller.addEventListener("click", ({ clientX: x, clientY: y, shiftKey }) => {
    const place = grid.at(x, y);
    const box =
      place.part === "cell" ? grid.cellOf(place)?.element.querySelector(".box")?.getBoundingClientRect() : null;
    const isIn = box && x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
    if (isIn && !shiftKey && selection.isSingle && !edits.edit) toggle(place);
  });

  catcher.addEventListener("beforeinput", typed);
  catcher.addEventListener("compositionstart", typed);
  catcher.addEventListener("input", () => {
    if (!edits.edit) catcher.value = ""; // a composition that could not be stopped
  });
  editor.addEventListener("input", () => edits.touched());
  editor.addEventListener("taken", () => edits.keep());
  editor.addEventListener("keydown", (event) => pressed(event), { capture: true });
  document.addEventListener(
    "pointerdown",
    ({ target }) => edits.edit && !(/** @type {Element} */ (target).closest(".grid-editor")) && edits.keep(),
    { capture: true },
  );
  grid.addEventListener("open", (event) => {
    const place = /** @type {CustomEvent<Place & {part?: string}>} */ (event).detail;
    const isPress = place.part !== undefined; // a double one on a box has changed it twice already
    if (!isPress || at(place)?.column.type !== "boolean") enter(place);
  });
  keymap.bind("Enter F2", "Edit the cell, or show what ran in it", () => void enter(selection.active));
  keymap.bind("Mod+Z", "Undo", () => void undo.undo());
  keymap.bind("Mod+Shift+Z Mod+Y", "Do again what was undone", () => void undo.redo());
  filling(sheet);

  /**
   * Keys while something is edited; none of them is for the grid.
   *
   * @param {KeyboardEvent} event
   */
  function pressed(event) {
    if (!edits.edit) return;
    event.stopPropagation();
    if (event.isComposing || event.keyCode === 229) return; // the input method's own
    const isAnswer = /** @type {Element} */ (event.target).closest("button") !== null;
    if (event.key === "Escape") edits.leave();
    else if (isAnswer || edits.editor?.key?.(event)) return;
    else if (event.key === "Enter") end(event, event.ctrlKey || event.metaKey || event.altKey ? 0 : 1);
    else if (event.key === "Tab") end(event, 0);
    else return;
    event.preventDefault();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {number} down
   */
  function end(event, down) {
    const place = edits.place;
    if (!place || !edits.keep()) return;
    const row = place.row + (event.shiftKey ? -down : down);
    const next = { row: Math.max(0, Math.min(row, store.count - 1)), column: place.column };
    selection.move(next);
    grid.reveal(next);
    if (event.key === "Tab") keymap.handle(event);
  }
}
