/**
 * One choice or several, out of those of the column; any text where the column has none. What is typed finds them.
 * Enter takes the one that is marked; of several the next Enter keeps them, and Backspace takes the last one away.
 */

import { Listbox } from "./listbox.js";
import { Unfit } from "./unfit.js";

/** @type {import("./editor.js").Make} */
export function choices(overlay, column, draft, isTyped) {
  const { catcher, element } = overlay;
  const isMany = column.type === "multiselect";
  /** @type {string[]} */
  const known = column.options.choices ?? [];
  /** @type {string[]} */
  let chosen = [...draft.chosen];
  const list = new Listbox(overlay, isMany, take);
  element.classList.add("choices");
  if (!isTyped) catcher.value = draft.text || (isMany ? "" : (chosen[0] ?? ""));
  if (!isTyped) catcher.select();
  const stop = new AbortController();
  catcher.addEventListener("input", () => offer(true), { signal: stop.signal });
  offer(Boolean(draft.text));

  /** @param {boolean} isSought whether they are found by what is typed */
  function offer(isSought) {
    if (!element.contains(list.element)) return stop.abort(); // it was closed
    const sought = isSought ? catcher.value.trim().toLowerCase() : "";
    const all = [...new Set([...(isMany ? [] : chosen), ...known])];
    const found = all.filter((choice) => choice.toLowerCase().includes(sought));
    const exact = found.findIndex((choice) => choice.toLowerCase() === sought);
    const active = sought ? Math.max(exact, 0) : isMany || isSought ? -1 : found.indexOf(chosen[0]);
    list.show(found, chosen, active);
    if (isMany) chips();
    overlay.place();
  }

  function chips() {
    for (const chip of element.querySelectorAll(".tag")) chip.remove();
    for (const choice of chosen) {
      const chip = Object.assign(document.createElement("span"), { className: "tag", textContent: choice });
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
      button.tabIndex = -1;
      button.setAttribute("aria-label", `Take ${choice} away`);
      button.addEventListener("pointerdown", (event) => event.preventDefault());
      button.addEventListener("click", () => take(choice));
      chip.append(button);
      catcher.before(chip);
    }
  }

  /** @param {string} choice one more of several, or one less; or the one */
  function take(choice) {
    if (!isMany) chosen = [choice];
    else chosen = chosen.includes(choice) ? chosen.filter((one) => one !== choice) : [...chosen, choice];
    catcher.value = isMany ? "" : choice;
    offer(false);
    if (!isMany) element.dispatchEvent(new Event("taken"));
  }

  /** What is typed, as the choice that it finds. @returns {string | null} */
  function typed() {
    const text = catcher.value.trim();
    if (!text) return null;
    return list.choice ?? (isMany ? known : []).find((choice) => choice.toLowerCase() === text.toLowerCase()) ?? text;
  }

  return {
    draft: () => ({ chosen: isMany || catcher.value ? chosen : [], text: isMany ? catcher.value : typedText() }),
    value() {
      if (!isMany) return catcher.value.trim() ? typed() : null;
      const last = typed();
      if (last !== null && known.length && !known.includes(last)) throw new Unfit(`“${last}” is none of the choices.`);
      const all = last === null || chosen.includes(last) ? chosen : [...chosen, last];
      return all.length ? all : null;
    },
    key(event) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event.key === "ArrowDown" ? 1 : -1);
      else if (isMany && event.key === "Enter" && !event.shiftKey && (list.choice || catcher.value.trim())) add();
      else if (isMany && event.key === "Backspace" && !catcher.value && chosen.length) take(chosen[chosen.length - 1]);
      else return false;
      event.preventDefault();
      return true;
    },
  };

  /** @param {number} by */
  function move(by) {
    list.move(by);
    if (!isMany) catcher.value = list.choice ?? catcher.value;
  }

  function typedText() {
    return catcher.value === chosen[0] ? "" : catcher.value;
  }

  /** Takes the marked choice, or the text where any is one. */
  function add() {
    const choice = typed() ?? list.choice;
    if (choice === undefined) return;
    if (known.length && !known.includes(choice) && !chosen.includes(choice)) {
      overlay.say(`“${choice}” is none of the choices.`);
    } else take(choice);
  }
}
