/** Where rows and columns are, in pixels. Pure. */

/** Browsers draw nothing taller than 17 to 33 million pixels; a taller table is scrolled by a scale. */
const TALLEST_PX = 8_000_000;

/** The rows, one below the other, each of one height. */
export class RowsGeometry {
  /**
   * @param {number} count
   * @param {number} height of a row
   * @param {number} viewport the height in which rows are seen
   */
  constructor(count, height, viewport) {
    this.count = count;
    this.height = height;
    this.viewport = viewport;
    /** How tall all rows are. */
    this.total = count * height;
    /** How tall the element is that is scrolled. */
    this.spacer = Math.min(this.total, TALLEST_PX);
    this.last = Math.max(0, this.total - viewport);
    const scrolled = Math.max(0, this.spacer - viewport);
    /** Pixels of the table for one pixel of the scroll bar. */
    this.scale = scrolled ? this.last / scrolled : 1;
  }

  /** @param {number} top a place in the table */
  clamp(top) {
    return Math.min(Math.max(top, 0), this.last);
  }

  /**
   * The rows that are seen at least in part.
   *
   * @param {number} top
   * @returns {[number, number]} the first, and the one after the last
   */
  seen(top) {
    const first = Math.floor(top / this.height);
    return [Math.min(first, this.count), Math.min(Math.ceil((top + this.viewport) / this.height), this.count)];
  }

  /**
   * The nearest place from which a row is seen whole.
   *
   * @param {number} row
   * @param {number} top where one is
   */
  revealed(row, top) {
    const above = row * this.height;
    return this.clamp(Math.min(above, Math.max(top, above + this.height - this.viewport)));
  }
}

/** The columns, side by side; the first `pinned` of them stay when the others are scrolled. */
export class ColumnsGeometry {
  /**
   * @param {number[]} widths
   * @param {number} pinned
   * @param {number} gutter the width of what stands before the first column, and stays as well
   */
  constructor(widths, pinned, gutter) {
    this.widths = widths;
    this.pinned = pinned;
    this.gutter = gutter;
    /** @type {number[]} The left edge of each, and the right edge of the last. */
    this.lefts = [gutter];
    for (const width of widths) this.lefts.push(/** @type {number} */ (this.lefts.at(-1)) + width);
  }

  /** How wide all of it is. */
  get total() {
    return this.lefts[this.widths.length];
  }

  /** How wide what stays is. */
  get held() {
    return this.lefts[this.pinned];
  }

  /**
   * The columns beside the pinned ones that are seen at least in part.
   *
   * @param {number} left how far one has scrolled
   * @param {number} viewport
   * @returns {[number, number]} the first, and the one after the last
   */
  seen(left, viewport) {
    let first = this.pinned;
    while (first < this.widths.length && this.lefts[first + 1] <= left + this.held) first++;
    let end = first;
    while (end < this.widths.length && this.lefts[end] < left + viewport) end++;
    return [first, end];
  }

  /**
   * The column at a place of the viewport; -1: the gutter, the number of columns: right of them.
   *
   * @param {number} x from the left edge of the viewport
   * @param {number} left how far one has scrolled
   */
  at(x, left) {
    const place = x < this.held ? x : x + left;
    if (place < this.gutter) return -1;
    let column = 0;
    while (column < this.widths.length && this.lefts[column + 1] <= place) column++;
    return column;
  }

  /**
   * The nearest place from which a column is seen whole.
   *
   * @param {number} column
   * @param {number} left where one is
   * @param {number} viewport
   */
  revealed(column, left, viewport) {
    if (column < this.pinned || column >= this.widths.length) return left;
    const room = Math.max(viewport - this.held, 0);
    const start = this.lefts[column] - this.held;
    return Math.max(0, Math.min(start, Math.max(left, start + this.widths[column] - room)));
  }
}
