/** The sheet that adds a plain column: its options by type. */

/** Makes the sheet work. */
export function columns() {
  document.addEventListener("change", (event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    if (field.id === "column-type") chooseType(field.value);
  });
}

/** @param {string} type */
function chooseType(type) {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-for-type]"))) {
    part.hidden = !(part.dataset.forType ?? "").split(" ").includes(type);
    for (const field of part.querySelectorAll("input")) field.disabled = part.hidden;
  }
}
