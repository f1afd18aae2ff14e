/**
 * The rows that have been fetched: pages of a sparse list. What is seen and missing is fetched at once, what is seen
 * and stale again; what is not seen waits until it is. Requests for what one has scrolled past are given up; of pages
 * that nobody has looked at for long the oldest are dropped. An answer that is older than a reset is dropped as well.
 */

/**
 * @typedef {object} Face what a workflow's cell shows; absent members go without saying
 * @property {string} [kind] the contract's precedence: running, queued, paused, waiting, error, …; absent: value, blank
 * @property {string} [pill]
 * @property {string} [tone] the class of the pill
 * @property {string} [detail]
 * @property {boolean} [dimmed] a new value is on its way
 * @property {boolean} [stale]
 * @property {boolean} [ran] there is a trace
 * @property {string} [status] of the execution; absent: completed, or none
 */
/**
 * @typedef {object} Row
 * @property {number} id
 * @property {Record<string, any>} values
 * @property {string[]} [long] of these values there is only the beginning
 * @property {Record<string, Face>} [faces]
 * @property {Row} [base] the row as the server gave it, where values are held that are not saved yet
 */
/**
 * @typedef {object} Held values that somebody wrote here and that are not known to be the server's
 * @property {Record<string, any>} values
 * @property {number} until the mark since when answers have them; before it they hide what answers say
 */
/** @typedef {{count: number, rows: Row[], shape?: string}} Part */
/** @typedef {(offset: number, limit: number, signal: AbortSignal) => Promise<Part>} Load */

export const PAGE_ROWS = 100;
const MOST_PAGES = 60;
/** So many rows around those that are seen are fetched before they are. */
const AHEAD_ROWS = 60;
/** Who drags the scroll bar loads only where he rests. */
const REST_MS = 30;
/** After a failure it is tried again, later and later. */
const SOONEST_MS = 500;
const LATEST_MS = 10_000;

class Page {
  constructor() {
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Map<number, number>} Of rows that are stale, by their place: the mark that said so. */
    this.stale = new Map();
  }
}

export class Store extends EventTarget {
  /** @param {Load} load */
  constructor(load) {
    super();
    this.load = load;
    this.count = 0;
    /** @type {Map<number, Page>} in the order in which they were looked at */
    this.pages = new Map();
    /** @type {Map<number, number>} the place of a row by its id */
    this.places = new Map();
    /** @type {Map<number, Held[]>} by the id of the row, later ones over earlier ones */
    this.held = new Map();
    /** @type {[number, number]} */
    this.wanted = [0, 0];
    this.marks = 0;
    /** @type {number} The mark since when the number of rows is unknown; 0: it is known. */
    this.uncounted = 0;
    /** @type {{from: number, to: number, abort: AbortController} | null} */
    this.request = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.failures = 0;
    /** @type {Error | null} Why the server refuses to show these rows: asking again does not help. */
    this.refusal = null;
  }

  /**
   * @param {number} index
   * @returns {Row | undefined} undefined: it has not come yet
   */
  row(index) {
    return this.pageOf(index)?.rows[index % PAGE_ROWS];
  }

  /** @param {number} index @returns {Page | undefined} the one that the row is on, if that is here */
  pageOf(index) {
    return this.pages.get(Math.floor(index / PAGE_ROWS));
  }

  /** @param {number} id @returns {number} where the row is, so far as is known; -1 */
  indexOf(id) {
    const index = this.places.get(id) ?? -1;
    return this.row(index)?.id === id ? index : -1;
  }

  /** Every row that is here, with its place. @returns {Generator<[number, Row]>} */
  *loaded() {
    for (const [number, page] of this.pages) {
      for (const [place, row] of page.rows.entries()) if (row) yield [number * PAGE_ROWS + place, row];
    }
  }

  /**
   * What is seen now.
   *
   * @param {number} from
   * @param {number} to the one after the last
   */
  want(from, to) {
    if (from === this.wanted[0] && to === this.wanted[1]) return;
    this.wanted = [from, to];
    const { request } = this;
    if (request && (request.to <= from - AHEAD_ROWS || request.from >= to + AHEAD_ROWS)) this.giveUp();
    this.schedule(REST_MS);
  }

  /** Takes what came with the page. @param {Part} part the first rows */
  start(part) {
    this.put(0, PAGE_ROWS, part, this.marks);
    this.uncounted = 0;
  }

  /** Rows changed elsewhere. @param {Iterable<number> | null} ids null: any may have, and how many there are */
  touch(ids) {
    this.marks += 1;
    if (ids === null) this.touchAll();
    for (const id of ids ?? []) {
      const index = this.indexOf(id);
      if (index >= 0) this.mark(index);
    }
    this.schedule(0);
  }

  touchAll() {
    this.uncounted = this.marks;
    for (const page of this.pages.values()) {
      for (const place of page.rows.keys()) page.stale.set(place, this.marks);
    }
  }

  /**
   * Rows have moved: those that did not come with these may have, too. They are fetched when they are seen.
   *
   * @param {number} from
   * @param {number} to
   */
  touchOthers(from, to) {
    this.marks += 1;
    for (const [index] of this.loaded()) {
      if (index < from || index >= to) this.mark(index);
    }
    this.schedule(0);
  }

  /** The row is stale. @param {number} index */
  mark(index) {
    this.pageOf(index)?.stale.set(index % PAGE_ROWS, this.marks);
  }

  /** Other rows are shown from now on, or in another order. */
  reset() {
    this.giveUp();
    this.marks += 1;
    this.uncounted = this.marks;
    this.pages.clear();
    this.places.clear();
    this.refusal = null;
    this.tell();
    this.schedule(0);
  }

  /**
   * What somebody wrote here stands until the server's own answer comes.
   *
   * @param {number} index
   * @param {Partial<Row>} changes `values` and `faces` by key: the others stay
   */
  assume(index, changes) {
    const row = this.row(index);
    if (!row) return;
    for (const each of row.base ? [row, row.base] : [row]) {
      each.values = merged(each.values, changes.values);
      each.faces = merged(each.faces, changes.faces);
    }
    this.tell();
  }

  /**
   * Values that somebody writes here are shown, whatever answers say that are on their way, until it is known what
   * became of them: `settle` when the server has them, as it has them now; `drop` when it does not take them.
   *
   * @param {Map<number, Record<string, any>>} rows the values by id and column key
   * @returns {{settle: (rows?: Map<number, Record<string, any>>) => void, drop: () => void}}
   */
  hold(rows) {
    const held = new Map([...rows].map(([id, values]) => [id, { values, until: Number.POSITIVE_INFINITY }]));
    for (const [id, one] of held) this.held.set(id, [...(this.held.get(id) ?? []), one]);
    this.lay(held.keys());
    return {
      settle: (now = rows) => {
        this.marks += 1;
        for (const [id, one] of held) Object.assign(one, { values: now.get(id) ?? one.values, until: this.marks });
        this.lay(held.keys());
        this.touch(held.keys());
      },
      drop: () => {
        for (const [id, one] of held) this.keep(id, (other) => other !== one);
        this.lay(held.keys());
        this.touch(held.keys());
      },
    };
  }

  /**
   * @param {number} id
   * @param {(held: Held) => boolean} stays
   */
  keep(id, stays) {
    const left = (this.held.get(id) ?? []).filter(stays);
    if (left.length) this.held.set(id, left);
    else this.held.delete(id);
  }

  /** Rows of these ids are shown with what is held of them. @param {Iterable<number>} ids */
  lay(ids) {
    for (const id of ids) {
      const index = this.indexOf(id);
      const rows = this.pageOf(index)?.rows;
      if (rows) rows[index % PAGE_ROWS] = this.laid(rows[index % PAGE_ROWS]);
    }
    this.tell();
  }

  /** @param {Row} row @returns {Row} */
  laid(row) {
    const base = row.base ?? row;
    const held = this.held.get(row.id);
    if (!held) return base;
    /** @type {Record<string, any>} */
    const values = Object.assign({}, ...held.map((one) => one.values));
    const long = base.long?.filter((key) => !(key in values));
    return { ...base, values: merged(base.values, values), long, base };
  }

  /** @param {number} ms */
  schedule(ms) {
    if (this.request || this.refusal) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetch(), ms);
  }

  giveUp() {
    this.request?.abort.abort();
    this.request = null;
  }

  async fetch() {
    const part = this.needed();
    if (!part || this.request) return;
    const [from, to] = part;
    const request = { from, to, abort: new AbortController() };
    const mark = this.marks;
    const isPart = from > this.wanted[0] || to < Math.min(this.wanted[1], this.count);
    this.request = request;
    try {
      const answer = await this.load(from, to - from, request.abort.signal);
      if (this.request !== request) return;
      this.put(from, to - from, answer, mark, isPart);
      this.healthy(true);
    } catch (error) {
      if (this.request !== request) return;
      this.failed(/** @type {Error & {status?: number}} */ (error));
    }
    this.request = null;
    this.schedule(this.failures ? Math.min(SOONEST_MS * 2 ** this.failures, LATEST_MS) : 0);
  }

  /**
   * What is to be fetched next: a page of which something is missing, else the rows that are stale.
   *
   * @returns {[number, number] | null}
   */
  needed() {
    const [from, to] = [this.wanted[0], Math.max(this.wanted[1], this.wanted[0] + 1)];
    const missing = this.missing(from, to) ?? this.missing(from - AHEAD_ROWS, to + AHEAD_ROWS);
    if (missing !== null) return [missing * PAGE_ROWS, (missing + 1) * PAGE_ROWS];
    const stale = this.stale(from, Math.min(to, this.count));
    if (stale.length) return [stale[0], /** @type {number} */ (stale.at(-1)) + 1];
    return this.uncounted ? [from, to] : null;
  }

  /**
   * The first page with a row that has not come.
   *
   * @param {number} from
   * @param {number} to
   * @returns {number | null}
   */
  missing(from, to) {
    const end = this.pages.size ? Math.min(to, this.count) : Math.max(to, 1);
    for (let index = Math.max(0, from); index < end; index++) {
      if (!this.row(index)) return Math.floor(index / PAGE_ROWS);
    }
    return null;
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  stale(from, to) {
    const found = [];
    for (let index = from; index < to; index++) {
      if (this.pageOf(index)?.stale.has(index % PAGE_ROWS)) found.push(index);
    }
    return found;
  }

  /**
   * @param {number} offset
   * @param {number} limit
   * @param {Part} part
   * @param {number} mark what was stale before is not now
   * @param {boolean} [isPart] of what is seen there is more
   */
  put(offset, limit, part, mark, isPart = false) {
    const before = part.rows.map((_, place) => this.row(offset + place)?.id);
    const hasShifted = part.rows.some(({ id }, place) => before[place] !== undefined && before[place] !== id);
    // What stands at other places now is taken with all that is seen: a row stands at one place only.
    if (isPart && hasShifted && !before.includes(undefined)) return this.touch(null);
    part.rows.forEach((row, place) => {
      this.set(offset + place, row, mark);
    });
    if (part.rows.length === 0 && !this.pages.size) this.pages.set(0, new Page());
    const hasEnded = part.rows.length < limit;
    if (this.uncounted <= mark) this.uncounted = 0;
    // An answer without rows says that there are none from here on, whatever it counts.
    if (hasEnded) this.count = part.rows.length ? offset + part.rows.length : Math.min(part.count, offset);
    else this.count = part.count;
    this.cut(this.count);
    this.drop();
    if (hasShifted) this.touchOthers(offset, offset + part.rows.length);
    this.tell(part.shape);
  }

  /**
   * @param {number} index
   * @param {Row} row
   * @param {number} mark
   */
  set(index, row, mark) {
    const [number, place] = [Math.floor(index / PAGE_ROWS), index % PAGE_ROWS];
    const page = this.pages.get(number) ?? new Page();
    if (this.held.has(row.id)) this.keep(row.id, ({ until }) => mark < until);
    this.forget(page.rows[place], index);
    row.values = merged(row.values);
    row.faces = merged(row.faces);
    page.rows[place] = this.laid(row);
    if ((page.stale.get(place) ?? 0) <= mark) page.stale.delete(place);
    this.pages.delete(number); // to the end: it was looked at last
    this.pages.set(number, page);
    this.places.set(row.id, index);
  }

  /**
   * The row is not at that place any more.
   *
   * @param {Row | undefined} row
   * @param {number} index
   */
  forget(row, index) {
    if (row && this.places.get(row.id) === index) this.places.delete(row.id);
  }

  /** Forgets what lies behind the last row. @param {number} count */
  cut(count) {
    for (const [number, page] of this.pages) {
      const left = count - number * PAGE_ROWS;
      for (let place = Math.max(left, 0); place < page.rows.length; place++) {
        this.forget(page.rows[place], number * PAGE_ROWS + place);
      }
      if (left <= 0 && number > 0) this.pages.delete(number);
      else if (page.rows.length > left) page.rows.length = Math.max(left, 0);
    }
  }

  /** Forgets pages that nobody has looked at for long. */
  drop() {
    const [first, last] = this.wanted.map((index) => Math.floor(index / PAGE_ROWS));
    for (const [number, page] of this.pages) {
      if (this.pages.size <= MOST_PAGES) return;
      if (number >= first - 1 && number <= last + 1) continue;
      for (const row of page.rows) if (row) this.places.delete(row.id);
      this.pages.delete(number);
    }
  }

  /** @param {Error & {status?: number}} error */
  failed(error) {
    if (error.status === 400) {
      this.refusal = error;
      this.dispatchEvent(new CustomEvent("refused", { detail: error }));
      return;
    }
    if (error.status === 401 || error.status === 404) this.dispatchEvent(new Event("gone"));
    this.healthy(false);
  }

  /** @param {boolean} is */
  healthy(is) {
    const was = this.failures === 0;
    this.failures = is ? 0 : this.failures + 1;
    if (was !== is) this.dispatchEvent(new CustomEvent("health", { detail: is }));
  }

  /** @param {string} [shape] the columns' digest, where the answer had one */
  tell(shape) {
    this.dispatchEvent(new CustomEvent("change", { detail: { shape } }));
  }
}

/**
 * Objects by column key, together. They inherit nothing: a column may be called `constructor`.
 *
 * @param {(Record<string, any> | undefined)[]} objects
 * @returns {Record<string, any>}
 */
function merged(...objects) {
  return Object.assign(Object.create(null), ...objects);
}
