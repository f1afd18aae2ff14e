/**
 * What was done here, to take it back and to do it again. Whatever writes pushes how; one thing after the other is
 * taken back. What the server refuses to take back, such as what somebody else has changed since, is left as it is and
 * forgotten; without an answer it can be tried again.
 */

import { ApiError } from "../api.js";
import { isUnanswered } from "./refusals.js";

/**
 * @typedef {object} Entry
 * @property {string} label what was done: `Paste of 12 cells`
 * @property {number} [cells] how many it keeps, where it may be many
 * @property {() => Promise<unknown>} undo
 * @property {() => Promise<unknown>} redo
 */

const MOST = 100;
/** The last one is kept, however large it is. */
const MOST_CELLS = 1_000_000;

export class Undo {
  /**
   * @param {(text: string) => void} say
   * @param {number} [most]
   */
  constructor(say, most = MOST) {
    this.say = say;
    this.most = most;
    /** @type {Entry[]} the last one is taken back next */
    this.done = [];
    /** @type {Entry[]} the last one is done again next */
    this.undone = [];
    /** @type {Map<number, number>} Rows that were deleted and put back have other ids. */
    this.ids = new Map();
    /** @type {Promise<unknown>} */
    this.turn = Promise.resolve();
  }

  /** @param {Entry} entry */
  push(entry) {
    this.done.push(entry);
    while (this.done.length > this.most || (this.done.length > 1 && this.cells > MOST_CELLS)) this.done.shift();
    this.undone = [];
  }

  get cells() {
    return this.done.reduce((all, { cells = 1 }) => all + cells, 0);
  }

  /**
   * A row that was deleted is there again.
   *
   * @param {number} before
   * @param {number} now
   */
  renamed(before, now) {
    this.ids.set(before, now);
  }

  /** @param {number} id as it was @returns {number} as it is now */
  id(id) {
    const now = this.ids.get(id);
    return now === undefined ? id : this.id(now);
  }

  /**
   * What is being written is done before anything is taken back.
   *
   * @template T
   * @param {Promise<T>} work
   * @returns {Promise<T>} the same
   */
  after(work) {
    this.turn = Promise.allSettled([this.turn, work]).then(() => {}); // what became of it is not kept
    return work;
  }

  /**
   * Writes when what was written before has landed: each builds on it.
   *
   * @template T
   * @param {() => Promise<T>} does
   * @returns {Promise<T>}
   */
  inTurn(does) {
    return this.after(this.turn.then(does));
  }

  undo() {
    return this.next("done", "undone", "undo", "Undone");
  }

  redo() {
    return this.next("undone", "done", "redo", "Done again");
  }

  /**
   * @param {"done" | "undone"} from
   * @param {"done" | "undone"} to
   * @param {"undo" | "redo"} act
   * @param {string} word
   */
  next(from, to, act, word) {
    const step = this.turn.then(() => this.step(from, to, act, word));
    this.turn = step.catch(() => {});
    return step;
  }

  /**
   * @param {"done" | "undone"} from
   * @param {"done" | "undone"} to
   * @param {"undo" | "redo"} act
   * @param {string} word
   */
  async step(from, to, act, word) {
    const entry = this[from].pop();
    if (!entry) return this.say(act === "undo" ? "There is nothing to undo." : "There is nothing to do again.");
    try {
      await entry[act]();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return this.refused(entry, from, act, error);
    }
    this[to].push(entry);
    this.say(`${word}: ${entry.label}`);
  }

  /**
   * @param {Entry} entry
   * @param {"done" | "undone"} from
   * @param {"undo" | "redo"} act
   * @param {ApiError} error
   */
  refused(entry, from, act, error) {
    if (isUnanswered(error)) this[from].push(entry);
    const what = `${act === "undo" ? "Not undone" : "Not done again"}: ${entry.label}.`;
    const why = error.status === 409 ? "Somebody has changed it since; nothing was written." : error.message;
    this.say(`${what} ${why}`);
  }
}
