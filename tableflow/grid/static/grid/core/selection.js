/**
 * What is selected: a range of cells between the active cell and the head of the range, kept apart; and rows, either
 * named ones, or all that are shown but for some.
 */

/** @typedef {{row: number, column: number}} Place */
/** @typedef {{top: number, bottom: number, left: number, right: number}} Range all of them are in it */

export class Selection extends EventTarget {
  constructor() {
    super();
    /** @type {Place} The cell that is typed into. */
    this.active = { row: 0, column: 0 };
    /** @type {Place} The other end of the range. */
    this.head = { row: 0, column: 0 };
    /** Whether all rows are chosen, but for `rows`; else `rows` are. */
    this.isAll = false;
    /** @type {Set<number>} ids */
    this.rows = new Set();
  }

  /** @returns {Range} */
  get range() {
    const { active, head } = this;
    return {
      top: Math.min(active.row, head.row),
      bottom: Math.max(active.row, head.row),
      left: Math.min(active.column, head.column),
      right: Math.max(active.column, head.column),
    };
  }

  get isSingle() {
    return this.active.row === this.head.row && this.active.column === this.head.column;
  }

  /** Whether any rows are chosen. */
  get hasRows() {
    return this.isAll || this.rows.size > 0;
  }

  /** @param {number} id */
  hasRow(id) {
    return this.rows.has(id) !== this.isAll;
  }

  /**
   * How many rows are chosen.
   *
   * @param {number} count how many are shown
   */
  rowCount(count) {
    return this.isAll ? Math.max(0, count - this.rows.size) : this.rows.size;
  }

  /** @param {Place} place */
  move({ row, column }) {
    this.active = { row, column };
    this.head = { row, column };
    this.tell();
  }

  /** @param {Place} place */
  extend({ row, column }) {
    this.head = { row, column };
    this.tell();
  }

  /** @param {Range} range the active cell is its first */
  select(range) {
    this.active = { row: range.top, column: range.left };
    this.head = { row: range.bottom, column: range.right };
    this.tell();
  }

  /** @param {Iterable<number>} ids @param {boolean} on whether they are chosen then */
  choose(ids, on) {
    for (const id of ids) {
      if (on !== this.isAll) this.rows.add(id);
      else this.rows.delete(id);
    }
    this.tell();
  }

  /** @param {number} id */
  toggleRow(id) {
    this.choose([id], !this.hasRow(id));
  }

  chooseAll() {
    this.isAll = true;
    this.rows = new Set();
    this.tell();
  }

  clearRows() {
    if (!this.hasRows) return;
    this.isAll = false;
    this.rows = new Set();
    this.tell();
  }

  /** @param {Place} place */
  covers({ row, column }) {
    const { top, bottom, left, right } = this.range;
    return row >= top && row <= bottom && column >= left && column <= right;
  }

  /**
   * Keeps both ends inside.
   *
   * @param {number} rows
   * @param {number} columns
   */
  clamp(rows, columns) {
    /** @param {Place} place */
    const inside = ({ row, column }) => ({
      row: Math.max(0, Math.min(row, rows - 1)),
      column: Math.max(0, Math.min(column, columns - 1)),
    });
    const [active, head] = [inside(this.active), inside(this.head)];
    if (same(active, this.active) && same(head, this.head)) return;
    this.active = active;
    this.head = head;
    this.tell();
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @param {Place} one
 * @param {Place} other
 */
export function same(one, other) {
  return one.row === other.row && one.column === other.column;
}
