/** Opening and closing dialogs by what the page says: `data-opens="id"`, `data-closes`. */

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const opener = target.closest("[data-opens]");
  if (opener) open(opener.getAttribute("data-opens") ?? "");
  else if (target.closest("[data-closes]")) target.closest("dialog")?.close();
  else if (target instanceof HTMLDialogElement && target.classList.contains("side")) target.close();
});

/** @param {string} id */
export function open(id) {
  const dialog = document.getElementById(id);
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

/** @typedef {{title: string, text: string, yes: string, no?: string, danger?: boolean}} Question */

/** @type {Promise<boolean>} There is one dialog: a second question waits for the answer to the first. */
let turn = Promise.resolve(false);

/**
 * Asks before something that cannot be taken back; true when the answer is yes.
 * @param {Question} question
 * @returns {Promise<boolean>}
 */
export function ask(question) {
  turn = turn.then(() => answered(question));
  return turn;
}

/**
 * @param {Question} question
 * @returns {Promise<boolean>}
 */
function answered({ title, text, yes, no = "Cancel", danger = false }) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("confirm"));
  const button = /** @type {HTMLButtonElement} */ (dialog.querySelector("[data-yes]"));
  /** @type {HTMLElement} */ (dialog.querySelector("[data-title]")).textContent = title;
  /** @type {HTMLElement} */ (dialog.querySelector("[data-text]")).textContent = text;
  button.textContent = yes;
  /** @type {HTMLElement} */ (dialog.querySelector("[data-no]")).textContent = no;
  button.classList.toggle("danger", danger);
  button.classList.toggle("main", !danger);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** @param {string} text */
export function tell(text) {
  const toast = /** @type {HTMLElement} */ (document.getElementById("toast"));
  // What stands outside of a modal dialog is neither seen well nor read out.
  const modal = document.activeElement?.closest("dialog:modal") ?? document.querySelector("dialog:modal");
  (modal ?? document.body).append(toast);
  toast.textContent = text;
  setTimeout(() => {
    if (toast.textContent === text) toast.textContent = "";
  }, 6000);
}

document.addEventListener(
  "close",
  ({ target }) => {
    const toast = document.getElementById("toast");
    if (toast?.parentElement === target) document.body.append(toast);
  },
  true,
);
