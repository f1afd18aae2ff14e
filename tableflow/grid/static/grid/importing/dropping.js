/** Files dropped anywhere on the page. */

/** @param {(file: File) => void} dropped */
export function dropping(dropped) {
  const veil = /** @type {HTMLElement} */ (document.getElementById("drop-veil"));
  document.addEventListener("dragover", (event) => {
    if (!hasFile(event) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    const file = event.dataTransfer?.files[0];
    if (!file || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    dropped(file);
  });
}

/** @param {DragEvent} event */
function hasFile(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
