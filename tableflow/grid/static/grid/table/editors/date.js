/** A day, or a day and a time, typed or picked. What is no date stays as it was typed. */

import { calendar } from "./calendar.js";
import { form, moment, written } from "./moments.js";
import { begin } from "./text.js";

/** @type {import("./editor.js").Make} */
export function date({ catcher, element }, { type, name }, draft, isTyped) {
  const isTime = type === "datetime";
  if (!isTyped) begin(catcher, written(draft));
  const picked = calendar(catcher, isTime);
  element.classList.add("dated");
  catcher.placeholder = form(isTime);
  if (isTime) catcher.setAttribute("aria-label", `${name} (UTC)`);
  catcher.after(picked.element);
  return {
    draft: () => catcher.value,
    value: () => moment(catcher.value, isTime),
    key: picked.asked,
  };
}
