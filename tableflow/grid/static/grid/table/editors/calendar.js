/** A button beside a field of dates. It opens the browser's own calendar, and the field gets what is picked there. */

import { make } from "../../elements.js";
import { icon } from "../painter.js";
import { native, written } from "./moments.js";

/**
 * @param {HTMLInputElement | HTMLTextAreaElement} field
 * @param {boolean} isTime
 * @returns {{element: HTMLElement, asked: (event: KeyboardEvent) => boolean}} `asked`: whether the key opened it
 */
export function calendar(field, isTime) {
  // Only its calendar is of use: it keeps no text that is half a date, or none.
  const owner = make("input", { type: isTime ? "datetime-local" : "date", tabindex: "-1", "aria-hidden": "true" });
  owner.max = isTime ? "9999-12-31T23:59" : "9999-12-31";
  const button = make("button", { type: "button", class: "button quiet", tabindex: "-1", title: "Pick it (Alt+↓)" });
  button.setAttribute("aria-label", "Pick a date");
  button.append(icon("date"));

  function open() {
    owner.value = native(field.value, isTime);
    owner.showPicker();
  }

  for (const name of ["input", "change"]) {
    owner.addEventListener(name, (event) => {
      event.stopPropagation();
      field.value = owner.value && written(isTime ? `${owner.value}:00Z` : owner.value);
      field.dispatchEvent(new Event(name, { bubbles: true }));
    });
  }
  owner.addEventListener("change", () => field.focus());
  button.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  button.addEventListener("click", open);
  return {
    element: make("span", { class: "calendar" }, [owner, button]),
    asked(event) {
      if (!event.altKey || event.key !== "ArrowDown") return false;
      event.preventDefault();
      open();
      return true;
    },
  };
}
