/** The page of one table. */

import * as exact from "../exact.js";
import "../forms.js";
import "../menus.js";
import { workflowPanel } from "../panel/panel.js";
import { clipboard } from "./clipboard.js";
import { columnForms } from "./column_form.js";
import { columnList } from "./column_list.js";
import { columns } from "./columns.js";
import { editing } from "./editing.js";
import { exporting } from "./exporting.js";
import { filtering } from "./filtering.js";
import { finding } from "./finding.js";
import { help } from "./help.js";
import { hints } from "./hints.js";
import { importing } from "./importing.js";
import { rowDetail } from "./row_detail.js";
import { rows } from "./rows.js";
import { running } from "./running.js";
import { searching } from "./searching.js";
import { Sheet } from "./sheet.js";
import { sorting } from "./sorting.js";
import { tracing } from "./tracing.js";
import { views } from "./views.js";
import { whole } from "./whole.js";

const host = /** @type {HTMLElement} */ (document.getElementById("sheet"));
const start = exact.parse(document.getElementById("start")?.textContent ?? "{}");
const sheet = new Sheet(host, host.dataset.table ?? "", start);

const saved = views(sheet, start.views);
const { move, hide, restore } = columns(sheet, saved.isDefault);

columnForms(sheet, restore);
columnList(sheet, move, hide);
filtering(sheet, start.filters);
sorting(sheet);
searching(sheet);
finding(sheet);
rows(sheet);
rowDetail(sheet);
whole(sheet);
help(sheet);
hints(sheet);
editing(sheet);
clipboard(sheet);
tracing(sheet);
workflowPanel(sheet);
running(sheet);
importing(sheet);
exporting(sheet);
sheet.begin(start.first);
if (document.activeElement === document.body) sheet.grid.focus();
