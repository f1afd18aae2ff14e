/**
 * A piece of the page that the server renders and that is fetched again and again: one request in flight, a stale
 * bit that is drained on success and on error, and a generation, so that an answer older than a write is dropped.
 */

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
  }

  /** Keeps it fresh for as long as the page is open and seen. */
  start() {
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    this.wait();
  }

  wait() {
    setTimeout(
      () => {
        if (!document.hidden) this.refresh();
        this.wait();
      },
      "active" in this.region.dataset ? ("quick" in this.region.dataset ? QUICK_MS / 4 : QUICK_MS) : SLOW_MS,
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
  }

  async fetch() {
    const generation = this.generation;
    try {
      const response = await fetch(this.region.dataset.liveUrl ?? "");
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
