/**
 * What arrives while one looks: text is revealed letter by letter, by the time that has passed, and the cell is green for
 * a moment. Not for who wants no motion.
 */

const LETTER_MS = 9;
const LONGEST_MS = 700;
const GREEN_MS = 1200;

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Reveal {
  constructor() {
    /** @type {Map<HTMLElement, {text: string, begun: number, lasts: number}>} */
    this.texts = new Map();
    this.frame = 0;
  }

  /**
   * @param {HTMLElement} element
   * @param {string} text
   */
  start(element, text) {
    if (still.matches || document.hidden) {
      this.texts.delete(element);
      element.textContent = text;
      return;
    }
    this.texts.set(element, { text, begun: performance.now(), lasts: Math.min(text.length * LETTER_MS, LONGEST_MS) });
    this.frame ||= requestAnimationFrame(() => this.step());
  }

  /** What it was to show stands at once, or not at all. @param {HTMLElement | null} element */
  stop(element) {
    if (element) this.texts.delete(element);
  }

  /** @param {HTMLElement} element of a cell that has got its value */
  land(element) {
    if (still.matches || document.hidden) return;
    element.animate([{ backgroundColor: "var(--green-wash)" }, {}], { duration: GREEN_MS, easing: "ease-out" });
  }

  step() {
    const now = performance.now();
    this.frame = 0;
    for (const [element, { text, begun, lasts }] of this.texts) {
      const share = lasts ? (now - begun) / lasts : 1;
      element.textContent = share >= 1 ? text : text.slice(0, Math.ceil(share * text.length));
      if (share >= 1 || !element.isConnected) this.texts.delete(element);
    }
    if (this.texts.size) this.frame = requestAnimationFrame(() => this.step());
  }
}
