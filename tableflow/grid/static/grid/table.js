/** The page of one table. */

import "./forms.js";
import "./menus.js";
import { automatic } from "./automatic.js";
import { columns } from "./columns.js";
import { editor } from "./editor.js";
import { keys } from "./keys.js";
import { Live } from "./live.js";
import { runs } from "./runs.js";
import { structure } from "./structure.js";
import { trace } from "./trace.js";

const region = /** @type {HTMLElement} */ (document.querySelector("[data-live-url]"));
const table = region.dataset.table ?? "";
const live = new Live(region);
const traces = trace(table);

runs(table, live);
automatic(table, live);
structure(table, live);
columns();
keys(region, { edit: editor(table, live), trace: traces.show });
region.addEventListener("patched", traces.refresh);
live.start();
