/** Exporting what is shown, as it is shown; while rows are left out, the entries of the table's menu say so. */

import { many } from "../words.js";

const KINDS = { csv: "CSV", jsonl: "JSON lines", xlsx: "Excel" };

/** @param {import("./sheet.js").Sheet} sheet */
export function exporting(sheet) {
  const menu = /** @type {HTMLElement} */ (document.getElementById("table-menu"));
  menu.addEventListener("beforetoggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") name(sheet, menu);
  });
  sheet.store.addEventListener("change", () => {
    if (menu.matches(":popover-open")) name(sheet, menu);
  });
}

/**
 * @param {import("./sheet.js").Sheet} sheet
 * @param {HTMLElement} menu
 */
function name(sheet, menu) {
  const rows = many(sheet.store.count, "filtered row");
  for (const entry of /** @type {NodeListOf<HTMLAnchorElement>} */ (menu.querySelectorAll("[data-export]"))) {
    const format = /** @type {keyof typeof KINDS} */ (entry.dataset.export);
    const shown = { ...sheet.asked, columns: sheet.columns.map(({ key }) => key).join(",") };
    entry.href = `${sheet.base}/export/?${new URLSearchParams({ format, ...shown })}`;
    entry.textContent = sheet.isWhole ? `Export as ${KINDS[format]}` : `Export ${rows} as ${KINDS[format]}`;
  }
}
