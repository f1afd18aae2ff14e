/**
 * A piece of the page that the server renders and that is fetched again and again: one request in flight, and a
 * generation, so that an answer older than a write is dropped. Where it has a stream, hints say when to fetch, and the
 * clock is a net; without one, or while that is lost, the clock says.
 */

import { PATIENCE_MS } from "./api.js";
import { Flight } from "./flight.js";
import { patch } from "./patch.js";
import { Stream } from "./streams.js";

const QUICK_MS = 2000;
const SLOW_MS = 15000;
/** Hints come four times a second: a page that is rendered as a whole takes every other one. */
const HINTED_MS = 500;
const HINTS = ["rows-changed", "run-changed", "schema-changed", "approvals-changed", "import-changed", "stream-reset"];

export class Live {
  /** @param {HTMLElement} region has `data-live-url`, and `data-active` while something runs */
  constructor(region) {
    this.region = region;
    this.generation = 0;
    this.flight = new Flight(() => this.fetch());
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {Stream | undefined} */
    this.stream = undefined;
    this.wanted = false;
    this.fetched = 0;
  }

  /** Keeps it fresh for as long as the page is open and seen. */
  start() {
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    const { events } = this.region.dataset;
    if (events) this.follow(events);
    this.schedule();
  }

  /** @param {string} url of a stream of hints */
  follow(url) {
    this.stream = new Stream(url);
    // What came between the page and the stream is seen by a fetch once that is open.
    this.stream.onopen = () => this.refresh();
    for (const name of HINTS) this.stream.addEventListener(name, () => this.hinted());
  }

  /** Something has changed: fetches as soon as the last fetch is long enough ago. */
  hinted() {
    this.wanted = true;
    this.schedule();
  }

  /** The next look: soon while something runs and no stream tells of it. */
  schedule() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (document.hidden ? this.schedule() : this.refresh()), this.pace());
  }

  pace() {
    if (this.wanted && !document.hidden) return Math.max(0, this.fetched + HINTED_MS - performance.now());
    return this.region.dataset.active === undefined || this.stream?.isOpen ? SLOW_MS : QUICK_MS;
  }

  /** Something was written: what is under way was read before it. */
  invalidate() {
    this.generation += 1;
    return this.refresh();
  }

  /** Fetches now, or right after the fetch that is in flight. What it answers is there then. */
  async refresh() {
    await this.flight.ask();
    this.schedule();
  }

  async fetch() {
    const { generation } = this;
    this.wanted = false;
    this.fetched = performance.now();
    try {
      const response = await fetch(this.region.dataset.liveUrl ?? "", { signal: AbortSignal.timeout(PATIENCE_MS) });
      // Whoever was logged out, or looks at what is gone, is shown that.
      if (response.redirected || response.status === 404) return location.reload();
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
    if (!(fresh instanceof HTMLElement)) return;
    patch(this.region, fresh);
  }
}
