/**
 * Edits on their way: the one that is typed, those that are being saved, and those that came back. What is typed stands
 * in its cell at once, and goes to the server while one goes on. What the server does not take comes back into the
 * editor with the reason; what it does not answer is sent again, later and later, until it is saved or left. An edit
 * belongs to a row and a column, wherever these are shown by now.
 */

import { ApiError, call } from "../api.js";
import { tell } from "../dialogs.js";
import { entry, likely } from "./blocks.js";
import { draftOf, editorOf } from "./editors/editor.js";
import { Overlay } from "./editors/overlay.js";
import { Unfit } from "./editors/unfit.js";
import { pause, ROW_GONE, save } from "./saving.js";
import { text } from "./values.js";

/** @typedef {import("../core/selection.js").Place} Place */
/** @typedef {import("../core/store.js").Row} Row */
/** @typedef {import("./values.js").Column} Column */
/**
 * @typedef {object} Edit
 * @property {number} row the id
 * @property {Column} column
 * @property {any} before what the writer believes to be there
 * @property {boolean} isPart of what is there only the beginning is known
 * @property {any} draft what the editor begins with
 * @property {any[]} sent what was sent and not answered: it may be there
 * @property {"typing" | "saving" | "waiting" | "conflict" | "left"} state waiting: for an answer, or to ask again
 * @property {Place} place where it was seen last
 * @property {string} note what is to be known of it
 * @property {any} theirs what somebody else made of it
 * @property {boolean} isSought it is no longer where it was
 * @property {ReturnType<import("../core/store.js").Store["hold"]> | null} held
 * @property {() => void} wake ends the pause before it is sent again
 */

const UNANSWERED = "The server does not answer. What you typed is kept, and sent until it does. Escape leaves it.";
const CHANGED = "The server did not answer before. Enter sends it again.";
const COLUMN_GONE = "Somebody has deleted this column. What you typed cannot be saved.";
const SHOWN_CHARACTERS = 80;
/** Who pressed no key for so long is not typing on: what came back opens then, and takes no letters of the next cell. */
const STILL_MS = 1200;

export class Edits {
  /** @param {import("./sheet.js").Sheet} sheet */
  constructor(sheet) {
    this.sheet = sheet;
    this.overlay = new Overlay(sheet.grid);
    /** @type {Edit | null} What the editor is open for. */
    this.edit = null;
    /** @type {import("./editors/editor.js").Editor | null} */
    this.editor = null;
    /** @type {Set<Edit>} Those that came back while another one was open. */
    this.returned = new Set();
    /** @type {Set<Edit>} Those that are sent again and again. */
    this.unanswered = new Set();
    /** When a key was pressed last. */
    this.pressed = Number.NEGATIVE_INFINITY;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.returning = undefined;
    sheet.grid.catcher.addEventListener("keydown", () => {
      this.pressed = performance.now();
    });
    sheet.store.addEventListener("change", () => this.seek());
    sheet.store.addEventListener("health", () => this.wake());
    sheet.addEventListener("schema", () => this.missColumn());
    window.addEventListener("beforeunload", (event) => this.isUnsaved && event.preventDefault());
  }

  /**
   * @param {Row} row
   * @param {Column} column
   * @param {Place} place
   * @returns {Edit}
   */
  begin(row, column, place) {
    return {
      row: row.id,
      column,
      before: row.values[column.key] ?? null,
      isPart: row.long?.includes(column.key) ?? false,
      draft: null,
      sent: [],
      state: "typing",
      place: { row: place.row, column: place.column },
      note: "",
      theirs: null,
      isSought: false,
      held: null,
      wake() {},
    };
  }

  /**
   * @param {Edit} edit
   * @param {boolean} [isTyped] what is typed is in the field already, or about to be
   */
  open(edit, isTyped = false) {
    const { overlay, sheet } = this;
    const { column, draft } = edit;
    this.edit = edit;
    this.returned.delete(edit);
    const place = this.placeOf(edit);
    const { row, column: at } = sheet.selection.active;
    if (row !== place.row || at !== place.column) sheet.selection.move(place);
    overlay.open(() => this.placeOf(edit), column.name);
    this.editor = editorOf(column)(overlay, column, draft, isTyped);
    overlay.say(edit.note, this.answers(edit));
  }

  /** Where the edit is now, or was seen last. @param {Edit} edit @returns {Place} */
  placeOf(edit) {
    const { grid, store } = this.sheet;
    const row = store.indexOf(edit.row);
    const column = grid.columns.findIndex(({ key }) => key === edit.column.key);
    if (row >= 0) edit.place.row = row;
    if (column >= 0) edit.place.column = column;
    return edit.place;
  }

  /** Whether something was typed that the server does not have. */
  get isUnsaved() {
    return this.edit !== null || this.returned.size > 0 || this.unanswered.size > 0;
  }

  /** @returns {Place | null} of what is edited */
  get place() {
    return this.edit && this.placeOf(this.edit);
  }

  close() {
    this.edit = null;
    this.editor = null;
    this.overlay.close();
    this.reopen();
  }

  /** What came back opens when nothing else is open and nobody is typing. */
  reopen() {
    clearTimeout(this.returning);
    if (!this.returned.size) return;
    const left = this.pressed + STILL_MS - performance.now();
    this.returning = setTimeout(
      () => {
        const [next] = this.returned;
        if (this.pressed + STILL_MS > performance.now()) this.reopen();
        else if (next && !this.edit) this.open(next);
      },
      Math.max(left, 0),
    );
  }

  /** What is typed is sent. @returns {boolean} false: there is something to be said or answered first */
  keep() {
    const { edit, editor } = this;
    if (!edit || !editor) return true;
    if (this.overlay.catcher.readOnly) return this.leave();
    if (edit.state === "conflict") return this.overlay.ask();
    if (edit.state === "waiting") {
      edit.wake();
      return false;
    }
    let value;
    try {
      value = editor.value();
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      this.show(edit, error.message);
      return false;
    }
    edit.draft = editor.draft();
    this.close();
    if (edit.sent.length || edit.isPart || !isSame(edit, value)) this.save(edit, value);
    return true;
  }

  /** It is left as it was. @returns {boolean} whether there was anything */
  leave() {
    const { edit } = this;
    if (!edit) return false;
    edit.state = "left";
    this.unanswered.delete(edit);
    edit.wake();
    edit.held?.drop();
    edit.held = null;
    this.close();
    return true;
  }

  /** Who types on wants something else to be sent. */
  touched() {
    const { edit } = this;
    this.overlay.place();
    if (edit?.state !== "waiting") return;
    edit.state = "typing";
    edit.wake();
    this.show(edit, CHANGED);
  }

  /**
   * @param {Edit} edit
   * @param {any} value
   */
  save(edit, value) {
    const { store, undo } = this.sheet;
    edit.state = "saving";
    edit.note = "";
    edit.held?.drop();
    edit.held = store.hold(new Map([[edit.row, { [edit.column.key]: likely(edit.column, value) }]]));
    undo.inTurn(() => this.send(edit, value));
  }

  /**
   * Until it is answered, or somebody has thought better of it.
   *
   * @param {Edit} edit
   * @param {any} value
   */
  async send(edit, value) {
    for (let tries = 0; edit.state === "saving" || edit.state === "waiting"; tries++) {
      const outcome = await save(this.sheet, edit, value);
      if (outcome.kind === "saved") return this.saved(edit, outcome.value);
      if (edit.state !== "saving" && edit.state !== "waiting") return;
      if (outcome.kind !== "unanswered") return this.refused(edit, outcome);
      edit.state = "waiting";
      this.unanswered.add(edit);
      this.show(edit, UNANSWERED);
      await new Promise((resolve) => {
        edit.wake = () => resolve(undefined);
        setTimeout(resolve, pause(tries));
      });
    }
  }

  /**
   * @param {Edit} edit
   * @param {any} value as the server has it
   */
  saved(edit, value) {
    const { row, column, before } = edit;
    this.unanswered.delete(edit);
    this.returned.delete(edit);
    edit.held?.settle(new Map([[row, { [column.key]: value }]]));
    if (JSON.stringify(value) !== JSON.stringify(before ?? null)) {
      const was = { created: [], before: { rows: [row], values: [[before ?? null]] } };
      this.sheet.undo.push(entry(this.sheet, `Edit of “${column.name}”`, [column.key], [[value]], was));
    }
    const wasLeft = edit.state === "left" || edit.state === "typing";
    edit.before = value;
    edit.sent = [];
    if (this.edit !== edit) return;
    if (wasLeft) this.show(edit, "");
    else this.close();
  }

  /**
   * @param {Edit} edit
   * @param {import("./saving.js").Refused} outcome
   */
  refused(edit, outcome) {
    this.unanswered.delete(edit);
    edit.held?.drop();
    edit.held = null;
    if (outcome.kind === "refused") {
      edit.state = "typing";
      return this.show(edit, outcome.text);
    }
    edit.state = "conflict";
    edit.theirs = outcome.theirs;
    this.show(edit, `Somebody else made this ${told(outcome.theirs)} meanwhile.`);
  }

  /**
   * What is to be known of an edit stands in its editor, which opens again for it.
   *
   * @param {Edit} edit
   * @param {string} note
   */
  show(edit, note) {
    edit.note = note;
    if (this.edit === edit) this.overlay.say(note, this.answers(edit));
    else if (!this.returned.has(edit)) {
      this.returned.add(edit);
      if (this.edit) tell(`“${edit.column.name}” is not saved: ${note}`);
      this.reopen();
    }
  }

  /** @param {Edit} edit @returns {import("./editors/overlay.js").Answer[]} */
  answers(edit) {
    if (edit.state !== "conflict") return [];
    return [
      { label: "Keep theirs", run: () => this.leave() },
      { label: "Write mine", run: () => this.overrule(edit) },
    ];
  }

  /** @param {Edit} edit */
  overrule(edit) {
    edit.before = edit.theirs;
    edit.sent = [];
    edit.state = "typing";
    edit.isPart = false;
    this.overlay.say("");
    this.keep();
  }

  wake() {
    for (const edit of this.unanswered) edit.wake();
  }

  /** What is edited is no longer where it was: it was moved, or deleted. */
  async seek() {
    const { edit } = this;
    const { store, base } = this.sheet;
    if (!edit) return;
    const isHere = store.indexOf(edit.row) >= 0;
    const isElsewhere = edit.place.row >= store.count || store.row(edit.place.row) !== undefined;
    if (isHere || edit.isSought || !isElsewhere) {
      edit.isSought &&= !isHere;
      return;
    }
    edit.isSought = true;
    try {
      await call("GET", `${base}/rows/${edit.row}/`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 404 && this.edit === edit) this.show(edit, ROW_GONE);
    }
  }

  missColumn() {
    const { edit, sheet } = this;
    if (edit && !sheet.column(edit.column.key)) this.show(edit, COLUMN_GONE);
  }
}

/**
 * Whether this is what is there already.
 *
 * @param {Edit} edit
 * @param {any} value
 */
function isSame({ column, before }, value) {
  if (column.type === "json" && typeof value === "string") return value === draftOf(column, before);
  const stored = Array.isArray(before) && !before.length ? null : before;
  return JSON.stringify(likely(column, value)) === JSON.stringify(stored ?? null);
}

/** @param {any} value */
function told(value) {
  const said = text(value);
  if (!said) return "empty";
  return `“${said.length > SHOWN_CHARACTERS ? `${said.slice(0, SHOWN_CHARACTERS)}…` : said}”`;
}
