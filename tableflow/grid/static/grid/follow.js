/**
 * Following a log: while its button is pressed, and somebody sees the page, the end of the log is fetched every two
 * seconds. New lines are put after those that are there; what one reads stays where it is, unless it is the end.
 */

import { PATIENCE_MS } from "./api.js";

const EVERY_MS = 2000;
const MOST_LINES = 1000;
/** So many stay while somebody reads further up. */
const MOST_READ = 5000;
/** So near to the end counts as the end. */
const NEAR = 8;

/**
 * @param {HTMLElement} log has a `p` for each line, and `data-url`: where its end is to be had
 * @param {HTMLElement} button
 * @param {() => boolean} gone whether nothing more will come
 */
export function follow(log, button, gone) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let generation = 0;
  const isOn = () => button.ariaPressed === "true";

  async function turn() {
    const mine = ++generation;
    clearTimeout(timer);
    if (!document.hidden) await look();
    if (gone()) press(false);
    else if (isOn() && mine === generation) timer = setTimeout(turn, EVERY_MS);
  }

  async function look() {
    const lines = await fetched(log.dataset.url ?? "");
    name(lines !== null);
    if (lines) append(log, lines);
  }

  /** @param {boolean} isAnswered */
  function name(isAnswered) {
    if (!isOn()) button.textContent = "Follow";
    else button.textContent = isAnswered ? "Following" : "Following: no answer, trying again";
  }

  /** @param {boolean} on */
  function press(on) {
    button.ariaPressed = String(on);
    name(true);
    if (!on) clearTimeout(timer);
  }

  log.scrollTop = log.scrollHeight;
  button.hidden = false;
  button.addEventListener("click", () => {
    press(!isOn());
    if (isOn()) {
      log.scrollTop = log.scrollHeight;
      turn();
    }
  });
}

/**
 * @param {string} url
 * @returns {Promise<string[] | null>} the lines; null when they cannot be had now
 */
async function fetched(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!response.ok || response.redirected) return null;
    return /** @type {string[]} */ (await response.json());
  } catch {
    return null;
  }
}

/**
 * @param {HTMLElement} log
 * @param {string[]} lines
 */
function append(log, lines) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
  const shown = Array.from(log.children, (line) => line.textContent ?? "");
  const known = overlap(shown, lines);
  if (shown.length && lines.length && !known) log.append(paragraph("…", "gap"));
  log.append(...lines.slice(known).map((line) => paragraph(line)));
  while (log.children.length > (atEnd ? MOST_LINES : MOST_READ)) log.firstElementChild?.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

/**
 * How many of the lines are those that are shown last.
 *
 * @param {string[]} shown
 * @param {string[]} lines
 */
function overlap(shown, lines) {
  for (let known = Math.min(shown.length, lines.length); known > 0; known--) {
    const from = shown.length - known;
    if (lines.slice(0, known).every((line, place) => line === shown[from + place])) return known;
  }
  return 0;
}

/**
 * @param {string} text
 * @param {string} [kind]
 */
function paragraph(text, kind = "") {
  return Object.assign(document.createElement("p"), { textContent: text, className: kind });
}
