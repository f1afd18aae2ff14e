/**
 * Asks about what somebody types: a moment after the last key, one request in flight, and an answer that was asked for
 * before the last key is not shown.
 */

import { Flight } from "../flight.js";

const PAUSE_MS = 400;

/** @template Answer */
export class Asker {
  /**
   * @param {() => Promise<Answer>} ask
   * @param {(answer: Answer) => void} take
   */
  constructor(ask, take) {
    this.isStale = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.flight = new Flight(async () => {
      this.isStale = false;
      const answer = await ask();
      if (!this.isStale) take(answer);
    });
  }

  /** Something was typed. */
  soon() {
    this.isStale = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flight.ask(), PAUSE_MS);
  }

  /** Nothing is asked or shown any more. */
  stop() {
    clearTimeout(this.timer);
    this.isStale = true;
  }
}
