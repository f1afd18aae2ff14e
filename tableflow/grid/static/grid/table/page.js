/** The page of one table. */

import "../forms.js";
import "../menus.js";
import { workflowPanel } from "../panel/panel.js";
import { running } from "./running.js";
import { exporting } from "./exporting.js";
import { importing } from "./importing.js";
import { Sheet } from "./sheet.js";
import { tracing } from "./tracing.js";

const host = /** @type {HTMLElement} */ (document.getElementById("sheet"));
const start = JSON.parse(document.getElementById("start")?.textContent ?? "{}");
const sheet = new Sheet(host, host.dataset.table ?? "", start);

tracing(sheet);
workflowPanel(sheet);
running(sheet);
importing(sheet);
exporting(sheet);
sheet.begin(start.first);
