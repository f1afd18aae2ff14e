/** The page of the questions: their forms, and the list kept fresh while people answer. */

import "./forms.js";
import { Live } from "./live.js";
import { questions } from "./questions.js";

const region = /** @type {HTMLElement} */ (document.querySelector("[data-live-url]"));
const live = new Live(region);

questions(region, () => live.invalidate());
live.start();
