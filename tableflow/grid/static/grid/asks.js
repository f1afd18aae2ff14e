/**
 * Buttons of forms that htmx sends: one with `data-ask` asks before (its title; the element whose id is
 * `data-ask-about` says what it will touch, and `data-ask-text` more). What the server says of it, and that it does
 * not answer, stands in the page's `#messages` until the next time.
 */

import { ask } from "./dialogs.js";

document.addEventListener("htmx:confirm", async (event) => {
  const { triggeringEvent, issueRequest } = /** @type {CustomEvent} */ (event).detail;
  const button = triggeringEvent?.submitter;
  if (!(button instanceof HTMLElement) || !button.dataset.ask) return;
  event.preventDefault();
  const { ask: title, askText, askAbout } = button.dataset;
  const about = document.getElementById(askAbout ?? "")?.textContent ?? "";
  const text = [about, askText].filter(Boolean).join(" ");
  if (await ask({ title, text, yes: button.textContent ?? "", danger: true })) issueRequest(true);
});

document.addEventListener("told", (event) => {
  const { text, level, href, link } = /** @type {CustomEvent} */ (event).detail;
  const line = show(text, level);
  if (href) line.append(" ", Object.assign(document.createElement("a"), { href, textContent: link }));
});

document.addEventListener("htmx:afterRequest", (event) => {
  const { xhr, requestConfig } = /** @type {CustomEvent} */ (event).detail;
  const answered = xhr.status > 0 && (xhr.status < 400 || xhr.getResponseHeader("HX-Trigger"));
  if (requestConfig.verb === "post" && !answered) show("The server did not do it. Try again.", "error");
});

/**
 * @param {string} text
 * @param {string} level
 */
function show(text, level) {
  const line = document.createElement("p");
  line.className = level === "error" ? "notice bad" : "notice";
  line.textContent = text;
  document.getElementById("messages")?.replaceChildren(line);
  return line;
}
