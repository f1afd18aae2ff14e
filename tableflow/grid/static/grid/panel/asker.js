/**
 * Asks about what somebody types: a moment after the last key, one request in flight, and an answer that was asked for
 * before the last key is not shown.
 */

const PAUSE_MS = 400;

/** @template Answer */
export class Asker {
  /**
   * @param {() => Promise<Answer>} ask
   * @param {(answer: Answer) => void} take
   */
  constructor(ask, take) {
    this.ask = ask;
    this.take = take;
    this.isStale = false;
    this.isWanted = false;
    this.isAsking = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** Something was typed. */
  soon() {
    this.isStale = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), PAUSE_MS);
  }

  /** Nothing is asked or shown any more. */
  stop() {
    clearTimeout(this.timer);
    this.isStale = true;
  }

  async now() {
    this.isWanted = true;
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      while (this.isWanted) {
        this.isWanted = false;
        this.isStale = false;
        const answer = await this.ask();
        if (!this.isStale) this.take(answer);
      }
    } finally {
      this.isAsking = false;
    }
  }
}
