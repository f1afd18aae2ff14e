/**
 * A piece of the page that the server renders and that is fetched again and again: one request in flight, a stale
 * bit that is drained on success and on error, and a generation, so that an answer older than a write is dropped.
 */

import { PATIENCE_MS } from "./api.js";
import { patch } from "./patch.js";

const QUICK_MS = 2000;
const SLOW_MS = 15000;

export class Live {
  /** @param {HTMLElement} region has `data-live-url`, and `data-active` while something runs */
  constructor(region) {
    this.region = region;
    this.generation = 0;
    this.stale = false;
    this.inFlight = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** Keeps it fresh for as long as the page is open and seen. */
  start() {
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    this.schedule();
  }

  /** The next look: soon while something runs. */
  schedule() {
    const { active, quick } = this.region.dataset;
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => (document.hidden ? this.schedule() : this.refresh()),
      active === undefined ? SLOW_MS : quick === undefined ? QUICK_MS : QUICK_MS / 4,
    );
  }

  /** Something was written: what is under way was read before it. */
  invalidate() {
    this.generation += 1;
    return this.refresh();
  }

  /** Fetches now, or right after the fetch that is in flight. */
  async refresh() {
    this.stale = true;
    if (this.inFlight) return;
    this.inFlight = true;
    while (this.stale) {
      this.stale = false;
      await this.fetch();
    }
    this.inFlight = false;
    this.schedule();
  }

  async fetch() {
    const generation = this.generation;
    try {
      const response = await fetch(this.region.dataset.liveUrl ?? "", { signal: AbortSignal.timeout(PATIENCE_MS) });
      if (response.redirected) return location.reload();
      if (!response.ok) throw new Error(String(response.status));
      const text = await response.text();
      if (generation === this.generation) this.apply(text);
      document.body.classList.remove("offline");
    } catch {
      document.body.classList.add("offline");
    }
  }

  /** @param {string} html */
  apply(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-live-url]");
    if (fresh instanceof HTMLElement) patch(this.region, fresh);
  }
}
