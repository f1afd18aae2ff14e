/** The page of one cell: its trace kept fresh while the cell is under way, Run again, and the form of its question. */

import "./forms.js";
import { Live } from "./live.js";
import { questions } from "./questions.js";
import { traceActs } from "./traces.js";

const region = /** @type {HTMLElement} */ (document.querySelector("[data-live-url]"));
const live = new Live(region);

questions(region, () => live.invalidate());
traceActs(`/api/v1/tables/${region.dataset.table}`, () => live.invalidate());
live.start();
