/**
 * The table that the page shows: its columns as they are laid out, its rows, what is selected, and the stream of hints
 * that says when to fetch again. What the features of the page share. It tells: `schema`, `query`, `layout`, `views`,
 * `runs`, `approvals` and `imports` when these have changed, and `ran` when cells have.
 */

import { attempt } from "../acts.js";
import { call } from "../api.js";
import { banner } from "../banner.js";
import { Grid } from "../core/grid.js";
import { heads } from "../core/heads.js";
import { Keymap } from "../core/keymap.js";
import { moves } from "../core/moves.js";
import { pointer } from "../core/pointer.js";
import { Store } from "../core/store.js";
import { tell } from "../dialogs.js";
import { Flight } from "../flight.js";
import { Stream } from "../streams.js";
import { ordered } from "./layouts.js";
import { Painter } from "./painter.js";
import { Undo } from "./undo.js";
import { width } from "./widths.js";

/** @typedef {import("./values.js").Column} Column */
/**
 * @typedef {object} Group
 * @property {number} id
 * @property {string} name
 * @property {number} workflow
 * @property {string | null} workflowName
 * @property {number | null} version
 * @property {boolean} autoRun
 * @property {string[]} runAfter
 */
/**
 * @typedef {object} Schema
 * @property {string} name
 * @property {number} rowCount
 * @property {boolean} autoRun
 * @property {boolean} mayEdit
 * @property {string} shape
 * @property {Column[]} columns
 * @property {Group[]} groups
 */
/** @typedef {{filter: any, sort: string[], search: string}} Query which rows are shown, and in which order */
/**
 * @typedef {object} Layout how the columns are shown
 * @property {Record<string, number>} widths in pixels, by key
 * @property {string[]} order keys; the others stay beside their neighbours in the table
 * @property {string[]} hidden
 * @property {number} pinned how many of the first ones stay when the others are scrolled
 */
/** @typedef {{label: string, face: string, goingOn: number[], paused: number[], because: string}} Runs */

/** As a net, should a hint get lost. */
const NET_MS = 15_000;
/** So often at most it is fetched what happens elsewhere. */
const ELSEWHERE_MS = 1000;

export class Sheet extends EventTarget {
  /**
   * @param {HTMLElement} host
   * @param {string} table the id
   * @param {any} start what the page bears
   */
  constructor(host, table, start) {
    super();
    this.table = table;
    this.base = `/api/v1/tables/${table}`;
    this.page = `/tables/${table}`;
    this.mayEdit = Boolean(start.mayEdit);
    /** @type {Schema} */
    this.schema = start;
    /** @type {Query} */
    this.query = { filter: null, sort: [], search: "" };
    /** @type {Layout} */
    this.layout = { widths: {}, order: [], hidden: [], pinned: 1 };
    /** @type {Runs | null} */
    this.runs = start.runs;
    /** @type {Map<string, number>} Widths of columns that nobody has resized; they hold while the page is open. */
    this.guessed = new Map();
    /** @type {number | undefined} The id of the active row: the active cell stays in it when rows come and go. */
    this.activeId = undefined;
    /** Has everything that is seen fetched because of what happens elsewhere. */
    this.refreshSoon = seldom(() => {
      this.store.touch(null);
      this.readRuns();
    });
    this.readRunsSoon = seldom(() => this.readRuns());
    this.schemaFlight = new Flight(() => this.readSchema());
    this.runsFlight = new Flight(() => this.fetchRuns());
    this.choiceFlight = new Flight(() => this.takeChoice());
    /** @type {{from: number, to: number, on: boolean}} The rows that were chosen last. */
    this.choice = { from: 0, to: 0, on: false };
    this.keymap = new Keymap();
    this.undo = new Undo(tell);
    this.store = new Store((offset, limit, signal) => this.load(offset, limit, signal));
    this.grid = new Grid(host, this.store, new Painter(this), start.name);
    this.selection = this.grid.selection;
    pointer(this.grid);
    heads(this.grid);
    moves(this.grid, this.keymap);
    this.store.addEventListener("change", (event) => this.changed(/** @type {CustomEvent} */ (event).detail.shape));
    // Whoever was logged out, or looks at what is gone, is shown that.
    this.store.addEventListener("gone", () => this.leave());
    this.store.addEventListener("health", (event) => this.unwell(!(/** @type {CustomEvent} */ (event).detail)));
    this.selection.addEventListener("change", () => this.remember());
    this.grid.addEventListener("choose", (event) => {
      this.choice = /** @type {CustomEvent} */ (event).detail;
      attempt(() => this.choiceFlight.ask());
    });
    this.grid.catcher.addEventListener("keydown", (event) => this.keymap.handle(event));
  }

  /** @param {import("../core/store.js").Part | null} first the first rows of the query, where the page bears them */
  begin(first) {
    if (first) this.store.start(first);
    this.arrange();
    this.follow();
  }

  /** There is no such table any more, or not for this user: the page that says so. */
  leave() {
    location.reload();
  }

  // Columns

  /** The columns that are shown, in the order in which they are. @returns {Column[]} */
  get columns() {
    const { order, hidden } = this.layout;
    return ordered(this.schema.columns, order).filter(({ key }) => !hidden.includes(key));
  }

  /** @param {string} key */
  column(key) {
    return this.schema.columns.find((column) => column.key === key);
  }

  /** @param {number} id */
  group(id) {
    return this.schema.groups.find((group) => group.id === id);
  }

  /** Draws the columns as the layout wants them. */
  arrange() {
    const rows = [...this.store.loaded()].slice(0, 100).map(([, row]) => row);
    const columns = this.columns.map((column) => ({ ...column, width: this.widthOf(column, rows) }));
    this.grid.setColumns(columns, this.layout.pinned);
    this.grid.refresh();
  }

  /**
   * @param {Column} column
   * @param {import("../core/store.js").Row[]} rows
   */
  widthOf(column, rows) {
    if (Object.hasOwn(this.layout.widths, column.key)) return this.layout.widths[column.key];
    const guess = this.guessed.get(column.key) ?? width(column, rows);
    if (rows.length) this.guessed.set(column.key, guess);
    return guess;
  }

  /** @param {Partial<Layout>} changes */
  setLayout(changes) {
    this.layout = { ...this.layout, ...changes };
    this.arrange();
    this.tell("layout");
  }

  /** The columns and workflow columns are read again. */
  reload() {
    return this.schemaFlight.ask();
  }

  async readSchema() {
    const fresh = await this.get("schema/", {});
    if (!fresh) return;
    const isOther = fresh.shape !== this.schema.shape;
    this.schema = fresh;
    this.mayEdit = fresh.mayEdit;
    if (!isOther) return;
    // What was refused for a column that was not there may be shown now.
    if (this.store.refusal) this.store.reset();
    this.arrange();
    this.tell("schema");
  }

  // Rows

  /** Whether no row is left out. */
  get isWhole() {
    return this.query.filter === null && !this.query.search;
  }

  /** @returns {Record<string, string>} the query as addresses have it */
  get asked() {
    const { filter, sort, search } = this.query;
    return {
      ...(filter === null ? {} : { filter: JSON.stringify(filter) }),
      ...(sort.length ? { sort: sort.join(",") } : {}),
      ...(search ? { search } : {}),
    };
  }

  /** @param {Partial<Query>} changes */
  setQuery(changes) {
    this.query = { ...this.query, ...changes };
    this.selection.clearRows();
    this.grid.scrollTo(0, this.grid.left);
    this.selection.move({ row: 0, column: this.selection.active.column });
    this.store.reset();
    this.tell("query");
  }

  /**
   * @param {number} offset
   * @param {number} limit
   * @param {AbortSignal} signal
   */
  load(offset, limit, signal) {
    const part = new URLSearchParams({ ...this.asked, offset: String(offset), limit: String(limit) });
    return call("GET", `${this.page}/rows/?${part}`, undefined, signal);
  }

  /** Something was written: what is shown is fetched again. @param {Iterable<number>} [ids] of the rows, if it is some */
  refresh(ids) {
    this.store.touch(ids ?? null);
    if (!ids) this.reload();
    this.readRuns();
  }

  /** @param {string} [shape] */
  changed(shape) {
    if (shape !== undefined && shape !== this.schema.shape) this.reload();
    const index = this.activeId === undefined ? -1 : this.store.indexOf(this.activeId);
    const { active, head } = this.selection;
    if (index >= 0 && index !== active.row) {
      const by = index - active.row;
      this.selection.active = { ...active, row: index };
      this.selection.head = { ...head, row: head.row + by };
    }
    this.selection.clamp(this.store.count, this.grid.columns.length);
    this.remember();
    if (!this.guessed.size && this.store.count) this.arrange();
    this.grid.refresh();
  }

  remember() {
    this.activeId = this.activeRow?.id;
  }

  /** The row of the active cell, if it is here. */
  get activeRow() {
    return this.store.row(this.selection.active.row);
  }

  /** The column of the active cell. @returns {Column | undefined} */
  get activeColumn() {
    return this.grid.columns[this.selection.active.column];
  }

  async takeChoice() {
    const { from, to, on } = this.choice;
    this.selection.choose(await this.idsOf(from, to), on);
  }

  /**
   * The ids of rows that are shown, also of those that have not come.
   *
   * @param {number} from
   * @param {number} to the one after the last
   * @returns {Promise<number[]>}
   */
  async idsOf(from, to) {
    const here = [];
    for (let index = from; index < to; index++) {
      const row = this.store.row(index);
      if (!row) {
        const part = new URLSearchParams({ ...this.asked, offset: String(from), limit: String(to - from) });
        return (await call("GET", `${this.base}/row-ids/?${part}`)).ids;
      }
      here.push(row.id);
    }
    return here;
  }

  // What happens elsewhere

  follow() {
    const stream = new Stream(`${this.base}/events/`);
    stream.onopen = () => {
      this.refresh();
      this.tell("ran");
    };
    stream.addEventListener("rows-changed", (event) => this.rowsChanged(JSON.parse(event.data)));
    stream.addEventListener("run-changed", () => {
      this.refreshSoon();
      this.tell("ran");
    });
    stream.addEventListener("schema-changed", () => {
      this.refresh();
      this.tell("views");
    });
    stream.addEventListener("stream-reset", () => this.refresh());
    stream.addEventListener("approvals-changed", (event) => {
      const { rows } = JSON.parse(event.data);
      this.store.touch(rows === "many" ? null : rows);
      this.tell("approvals");
    });
    stream.addEventListener("import-changed", () => {
      this.tell("imports");
      this.refreshSoon();
    });
    this.stream = stream;
    setInterval(() => document.hidden || this.refresh(), NET_MS);
  }

  /** @param {{rows: number[] | "many", edited: boolean, dispatches: number[]}} hint */
  rowsChanged({ rows, edited, dispatches }) {
    const isMany = rows === "many";
    const mayMove = isMany || this.query.filter !== null || this.query.search || this.query.sort.length;
    if (!isMany) this.store.touch(rows);
    if (mayMove || (edited && rows.some((id) => this.store.indexOf(id) < 0))) this.refreshSoon();
    if (!dispatches.length) return;
    this.readRunsSoon();
    this.tell("ran");
  }

  /** @param {boolean} is whether rows cannot be fetched now: the page says so until they can */
  unwell(is) {
    if (is) banner.say(this, "lost");
    else banner.forget(this);
  }

  /** Shows what ran in a cell. @param {number} row the id @param {number} group the id */
  showTrace(row, group) {
    this.dispatchEvent(new CustomEvent("trace", { detail: { row, group } }));
  }

  /** What runs now. */
  readRuns() {
    return this.runsFlight.ask();
  }

  async fetchRuns() {
    const answer = await this.get("runs/", {});
    if (!answer) return;
    this.runs = answer.runs;
    this.tell("runs");
  }

  /**
   * What the page itself is told by the server; null when no answer comes: the next hint asks again.
   *
   * @param {string} path
   * @param {Record<string, string>} query
   */
  async get(path, query) {
    const address = `${this.page}/${path}${Object.keys(query).length ? `?${new URLSearchParams(query)}` : ""}`;
    try {
      return await call("GET", address);
    } catch {
      return null;
    }
  }

  /** @param {string} what */
  tell(what) {
    this.dispatchEvent(new Event(what));
  }
}

/**
 * Does something soon, but not more often than is of use.
 *
 * @param {() => unknown} does
 * @returns {() => void}
 */
function seldom(does) {
  let next = 0;
  let isAwaited = false;
  const turn = () => {
    isAwaited = false;
    next = performance.now() + ELSEWHERE_MS;
    does();
  };
  return () => {
    if (!isAwaited) setTimeout(turn, Math.max(0, next - performance.now()));
    isAwaited = true;
  };
}
