/** The page of the questions: their forms, and the list kept fresh while people answer. */

import "./forms.js";
import { Live } from "./live.js";
import { answered, keepTouched } from "./questions.js";

const region = /** @type {HTMLElement} */ (document.querySelector("[data-live-url]"));
const live = new Live(region);

keepTouched(region);
region.addEventListener("saved", (event) => {
  answered(/** @type {CustomEvent} */ (event).detail);
  live.invalidate();
});
live.start();
