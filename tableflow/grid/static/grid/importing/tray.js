/**
 * The tray at the bottom: the imports into a table while they load, and what became of those of this tab until they are
 * dismissed. Hints say when to ask; while something loads it is asked now and then anyway.
 */

import { attempt } from "../acts.js";
import { ApiError, call } from "../api.js";
import { make } from "../elements.js";
import { Flight } from "../flight.js";
import { many } from "../words.js";
import { told } from "./words.js";

const NET_MS = 2000;
/** So long at most nothing is asked while no answer comes. */
const LATEST_MS = 30_000;
/** Whoever is logged out, or looks at what is gone, is told nothing here any more. */
const OVER = [401, 403, 404];
const SHOWN_REASONS = 5;
/** Imports that are shown at once; there are seldom two. */
const MOST = 10;

/**
 * @typedef {object} Source an import, as the API has it
 * @property {number} id
 * @property {"pending" | "running" | "complete" | "failed" | "cancelled"} status
 * @property {string} file_name
 * @property {number} rows_done
 * @property {number | null} rows_total
 * @property {number} rejected
 * @property {{line: number | null, attr: string | null, detail: string}[]} errors
 */

/** The imports that this tab began and has not dismissed; they outlive the page. @param {string} table the id */
export function remembered(table) {
  const key = `imports-${table}`;
  /** @returns {number[]} */
  const ids = () => JSON.parse(sessionStorage.getItem(key) ?? "[]");
  const keep = (/** @type {number[]} */ all) => sessionStorage.setItem(key, JSON.stringify(all.slice(-MOST)));
  return {
    ids,
    add: (/** @type {number} */ id) => keep([...ids().filter((one) => one !== id), id]),
    forget: (/** @type {number} */ id) => keep(ids().filter((one) => one !== id)),
  };
}

export class Tray {
  /**
   * @param {string} table the id
   * @param {{mayEdit: boolean, ended: () => void}} how `ended` is called when an import that was loading has ended
   */
  constructor(table, { mayEdit, ended }) {
    this.base = `/api/v1/tables/${table}/imports/`;
    this.mayEdit = mayEdit;
    this.ended = ended;
    this.own = remembered(table);
    /** @type {Map<number, {element: HTMLElement, source: Source}>} */
    this.cards = new Map();
    this.element = make("section", { class: "tray", "aria-label": "Imports", hidden: true });
    document.body.append(this.element);
    this.flight = new Flight(() => this.ask());
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** Whether there is nothing more to be asked. */
    this.isOver = false;
    /** How many times in a row nothing was answered. */
    this.failures = 0;
    document.addEventListener("visibilitychange", () => this.refreshLater());
  }

  /** @param {number} id of an import that has begun here */
  add(id) {
    this.own.add(id);
    return this.refresh();
  }

  /** Asks for what loads, and for what is shown. */
  async refresh() {
    await this.flight.ask();
    this.refreshLater();
  }

  refreshLater() {
    clearTimeout(this.timer);
    if (document.hidden || this.isOver || !(this.isLoading || this.failures)) return;
    this.timer = setTimeout(() => this.refresh(), Math.min(NET_MS * 2 ** this.failures, LATEST_MS));
  }

  /** What is not answered is asked again later: the page's banner tells of a lost connection. */
  async ask() {
    try {
      await this.fetch();
      this.failures = 0;
      this.isOver = false;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failures += 1;
      this.isOver = OVER.includes(error.status);
    }
  }

  async fetch() {
    const { results } = await call("GET", `${this.base}?status=active&limit=${MOST}`);
    const active = new Map(results.map((/** @type {Source} */ source) => [source.id, source]));
    for (const id of new Set([...this.own.ids(), ...this.loading])) {
      if (active.has(id) || this.hasEnded(id)) continue;
      const source = await this.one(id);
      if (source) active.set(id, source);
    }
    for (const source of [...active.values()].sort((one, other) => one.id - other.id)) this.show(source);
  }

  /** @param {number} id @returns {Promise<Source | null>} null: it is gone with its table */
  async one(id) {
    try {
      return await call("GET", `/api/v1/imports/${id}/`);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      this.dismiss(id);
      return null;
    }
  }

  /** The imports that were loading when they were asked for last. */
  get loading() {
    return [...this.cards].filter(([, { source }]) => isActive(source)).map(([id]) => id);
  }

  /** @param {number} id whether it is known what became of it */
  hasEnded(id) {
    const card = this.cards.get(id);
    return card !== undefined && !isActive(card.source);
  }

  get isLoading() {
    return this.loading.length > 0;
  }

  /** @param {Source} source */
  show(source) {
    const known = this.cards.get(source.id);
    if (known && JSON.stringify(known.source) === JSON.stringify(source)) return;
    const wasActive = !known || isActive(known.source);
    const element = known?.element ?? make("div", { class: "card import" });
    if (!known) this.element.append(element);
    this.cards.set(source.id, { element, source });
    this.element.hidden = false;
    if (known && isActive(source)) progress(element, source);
    else element.replaceChildren(...this.pieces(source));
    if (!isActive(source) && wasActive && known) this.ended();
  }

  /** @param {Source} source */
  pieces(source) {
    const { id, file_name: name } = source;
    const stop = make("button", { type: "button", class: "button small" }, ["Cancel the import"]);
    const away = make("button", { type: "button", class: "button small" }, ["Dismiss"]);
    stop.addEventListener("click", () => attempt(() => this.cancel(id, stop)));
    away.addEventListener("click", () => this.dismiss(id));
    const title = make("p", { class: "name cut", title: name }, [name]);
    if (isActive(source)) {
      const bar = make("progress", { "aria-label": `Rows of ${name}` });
      const parts = [title, bar, make("p", { role: "status", class: "soft" })];
      const card = make("div", { class: "about" }, [
        ...parts,
        this.mayEdit ? make("div", { class: "actions" }, [stop]) : null,
      ]);
      progress(card, source);
      return [card];
    }
    const said = make("p", { role: "status", class: source.status === "failed" ? "problem" : "soft" }, [
      outcome(source),
    ]);
    return [
      make("div", { class: "about" }, [title, said, ...reasons(source), make("div", { class: "actions" }, [away])]),
    ];
  }

  /**
   * @param {number} id
   * @param {HTMLButtonElement} button
   */
  async cancel(id, button) {
    button.disabled = true;
    try {
      await call("POST", `/api/v1/imports/${id}/cancel/`);
    } finally {
      // Whoever was too late is shown what became of it.
      this.own.add(id);
      await this.refresh();
      button.disabled = false;
    }
  }

  /** @param {number} id */
  dismiss(id) {
    this.own.forget(id);
    this.cards.get(id)?.element.remove();
    this.cards.delete(id);
    this.element.hidden = this.cards.size === 0;
  }
}

/** @param {Source} source */
function isActive({ status }) {
  return status === "pending" || status === "running";
}

/**
 * @param {HTMLElement} card
 * @param {Source} source
 */
function progress(card, { status, rows_done: rows, rejected, rows_total: total }) {
  const bar = /** @type {HTMLProgressElement} */ (card.querySelector("progress"));
  const line = /** @type {HTMLElement} */ (card.querySelector("[role=status]"));
  if (total) {
    bar.max = Math.max(total, rows + rejected);
    bar.value = rows + rejected;
  }
  const of = total ? ` of about ${total.toLocaleString("en")}` : "";
  const done = `${rows.toLocaleString("en")}${of} rows${rejected ? `, ${rejectedLines(rejected)}` : ""}`;
  line.textContent = status === "pending" && !rows ? "Waiting for a worker" : done;
}

/** @param {Source} source */
function outcome({ status, rows_done: rows, rejected, errors }) {
  const landed = many(rows, "row");
  const lines = rejected ? `, ${rejectedLines(rejected)}` : "";
  const why = errors.find(({ line }) => line === null)?.detail ?? "";
  switch (status) {
    case "failed":
      return `Failed: ${why}${rows ? ` ${landed} of it are in the table.` : ""}`;
    case "cancelled":
      return rows ? `Cancelled; ${landed} of it stay.` : "Cancelled.";
    default:
      return `Done: ${landed}${lines}.`;
  }
}

/** @param {number} count */
function rejectedLines(count) {
  return `${count.toLocaleString("en")} rejected`;
}

/** The first rejected lines, and where all that are kept can be had. @param {Source} source */
function reasons({ id, rejected, errors }) {
  if (!rejected) return [];
  const lines = errors.filter((problem) => problem.line !== null);
  const items = lines.slice(0, SHOWN_REASONS).map((problem) => make("li", {}, [told(problem)]));
  const kept = lines.length;
  const which = rejected > kept ? `the first ${kept.toLocaleString("en")} rejected lines` : "the rejected lines";
  const address = `/api/v1/imports/${id}/rejected/?format=csv`;
  return [
    make("details", {}, [make("summary", {}, ["Why lines were rejected"]), make("ul", {}, items)]),
    make("a", { href: address, download: true }, [`Download ${which} to mend them`]),
  ];
}
