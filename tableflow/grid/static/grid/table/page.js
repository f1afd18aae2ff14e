/** The page of one table. */

import "../forms.js";
import "../menus.js";
import { Sheet } from "./sheet.js";

const host = /** @type {HTMLElement} */ (document.getElementById("sheet"));
const start = JSON.parse(document.getElementById("start")?.textContent ?? "{}");
const sheet = new Sheet(host, host.dataset.table ?? "", start);

sheet.begin(start.first);
