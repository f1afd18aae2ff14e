/**
 * The streams of a page. One rests while nobody sees the page, and while the browser keeps the page for a step back:
 * a browser has six connections to a host, over all of its tabs. One that is lost is opened again, later and later;
 * the banner says so when that takes long, and when the server has said that it restarts.
 */

import { banner } from "./banner.js";

const SOONEST_MS = 500;
const LATEST_MS = 15_000;
/** A stream that was open for so long had worked: the next attempts begin soon again. */
const PROVEN_MS = 5000;
const PATIENCE_MS = 4000;

/** @type {Set<Stream>} */
const streams = new Set();
let away = false;

/** In place of an EventSource: its listeners stay over every connection that it has in its life. */
export class Stream {
  /** @param {string} url */
  constructor(url) {
    this.url = url;
    this.failures = 0;
    this.opened = 0;
    /** @type {[string, (event: any) => void][]} */
    this.listeners = [["server-restarting", () => banner.say(this, "restarting")]];
    /** @type {EventSource | null} */
    this.source = null;
    /** @type {((event: Event) => void) | null} */
    this.onopen = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retry = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.told = undefined;
    streams.add(this);
    this.settle();
  }

  /**
   * @param {string} name
   * @param {(event: any) => void} listener
   */
  addEventListener(name, listener) {
    this.listeners.push([name, listener]);
    this.source?.addEventListener(name, listener);
  }

  /**
   * @param {string} name
   * @param {(event: any) => void} listener
   */
  removeEventListener(name, listener) {
    this.listeners = this.listeners.filter(([its, one]) => its !== name || one !== listener);
    this.source?.removeEventListener(name, listener);
  }

  /** Whether it brings what comes. */
  get isOpen() {
    return this.source?.readyState === EventSource.OPEN;
  }

  /** For good. */
  close() {
    streams.delete(this);
    this.rest();
  }

  /** Open while somebody may see what it brings, at rest otherwise. */
  settle() {
    if (away || document.hidden) this.rest();
    else if (!this.source && this.retry === undefined) this.open();
  }

  open() {
    this.retry = undefined;
    this.source = new EventSource(this.url);
    this.source.onopen = (event) => this.begun(event);
    this.source.onerror = () => this.lost();
    for (const [name, listener] of this.listeners) this.source.addEventListener(name, listener);
  }

  /** @param {Event} event */
  begun(event) {
    this.opened = performance.now();
    this.calm();
    this.onopen?.(event);
  }

  lost() {
    if (this.source?.readyState === EventSource.CLOSED) this.refused();
    this.source?.close();
    this.source = null;
    const proven = this.opened > 0 && performance.now() - this.opened > PROVEN_MS;
    this.failures = proven ? 0 : this.failures + 1;
    this.opened = 0;
    this.told ??= setTimeout(() => banner.say(this, "lost"), PATIENCE_MS);
    const wait = Math.min(SOONEST_MS * 2 ** this.failures, LATEST_MS) * (0.5 + Math.random() / 2);
    this.retry = setTimeout(() => this.open(), wait);
  }

  /** The server said no: whoever was logged out, or looks at what is gone, is shown that in place of the page. */
  async refused() {
    const patience = { signal: AbortSignal.timeout(PATIENCE_MS) };
    const answer = await fetch(location.href, { method: "HEAD", redirect: "manual", ...patience }).catch(() => null);
    if (answer && (answer.type === "opaqueredirect" || answer.status === 404)) location.reload();
  }

  rest() {
    clearTimeout(this.retry);
    this.retry = undefined;
    this.source?.close();
    this.source = null;
    this.failures = 0;
    this.calm();
  }

  calm() {
    clearTimeout(this.told);
    this.told = undefined;
    banner.forget(this);
  }
}

function settle() {
  for (const stream of streams) stream.settle();
}

document.addEventListener("visibilitychange", settle);
addEventListener("pagehide", () => {
  away = true;
  settle();
});
addEventListener("pageshow", (event) => {
  away = false;
  if (event.persisted) settle();
});
