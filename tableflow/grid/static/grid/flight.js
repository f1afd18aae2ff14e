/** One request at a time: what is asked for meanwhile is asked once more after it, so that the newest answer is the last. */

export class Flight {
  /** @param {() => Promise<void>} work */
  constructor(work) {
    this.work = work;
    this.isStale = false;
    /** @type {Promise<void> | undefined} */
    this.done = undefined;
  }

  /** @returns {Promise<void>} when an answer is there that was asked for after this */
  ask() {
    this.isStale = true;
    this.done ??= this.drain();
    return this.done;
  }

  async drain() {
    try {
      while (this.isStale) {
        this.isStale = false;
        await this.work();
      }
    } finally {
      this.done = undefined;
    }
  }
}
