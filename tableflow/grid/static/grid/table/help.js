/** The keys that do something, in a dialog. */

import { register } from "../acts.js";
import { make } from "../elements.js";
import { anywhere } from "./searching.js";

/** What stands together, by words of the labels; the first that fits. */
const GROUPS = /** @type {[string, RegExp][]} */ ([
  ["Moving and selecting", /^(move|a page|to the|the next or previous cell|select|choose|clear the selection)/i],
  ["Finding and looking", /find|search|sought|menu|keys|expand|trace/i],
  ["Running", /\brun|stop|pause/i],
  ["Rows", /\brows?\b/i],
  ["Editing", /./],
]);

/** @param {import("./sheet.js").Sheet} sheet */
export function help(sheet) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("keys"));
  const body = /** @type {HTMLElement} */ (dialog.querySelector("[data-keys]"));

  function open() {
    /** @type {Map<string, HTMLElement[]>} */
    const found = new Map(GROUPS.map(([name]) => [name, []]));
    for (const { label, keys } of sheet.keymap.listed) {
      const group = GROUPS.find(([, words]) => words.test(label))?.[0] ?? "";
      found.get(group)?.push(line(label, keys));
    }
    const parts = [...found].filter(([, lines]) => lines.length);
    body.replaceChildren(
      ...parts.map(([name, lines]) => make("section", {}, [make("h3", {}, [name]), make("dl", {}, lines)])),
    );
    if (!dialog.open) dialog.showModal();
  }

  sheet.keymap.bind("?", "Show these keys", open);
  anywhere(sheet, "?");
  dialog.addEventListener("close", () => sheet.grid.focus());
  register({ help: open });
}

/** @param {string} label @param {string[]} keys */
function line(label, keys) {
  const said = [...new Set(keys)].flatMap((key, place) => [place ? " " : "", make("kbd", {}, [key])]);
  return make("div", { class: "keys-line" }, [make("dt", {}, [label]), make("dd", {}, said)]);
}
