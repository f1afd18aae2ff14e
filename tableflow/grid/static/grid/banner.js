/** The line under the bar on top that says what is wrong with the connection, for as long as it is. */

/** @type {Map<object, string>} What each one who complains says: the name of a text that the banner bears. */
const complaints = new Map();

function show() {
  const line = /** @type {HTMLElement} */ (document.getElementById("banner"));
  const last = [...complaints.values()].at(-1);
  const text = last === undefined ? "" : (line.dataset[last] ?? "");
  if (line.textContent !== text) line.textContent = text;
}

export const banner = {
  /**
   * @param {object} who
   * @param {"restarting" | "lost"} what a restart that was announced is not told again as a loss
   */
  say(who, what) {
    if (!complaints.has(who)) complaints.set(who, what);
    show();
  },

  /** @param {object} who */
  forget(who) {
    if (complaints.delete(who)) show();
  },
};
