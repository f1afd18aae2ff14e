/** The list of tables: its forms, and its run chips kept fresh. */

import "./dialogs.js";
import "./forms.js";
import { Live } from "./live.js";

const region = document.querySelector("[data-live-url]");
if (region instanceof HTMLElement) new Live(region).start();
