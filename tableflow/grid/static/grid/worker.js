/** The page of one worker: what it does now, looked at every few seconds; and its log, followed on request. */

import { follow } from "./follow.js";
import { refetch } from "./refetch.js";

const LOOK_MS = 5000;

const gone = () => document.querySelector("#worker [data-gone]") !== null;

// Cells come and go in a worker without a word: only its own coming and going is told.
const looks = setInterval(() => {
  if (gone()) clearInterval(looks);
  else if (!document.hidden) refetch();
}, LOOK_MS);

const log = document.getElementById("log");
const button = document.getElementById("follow");
if (log && button) follow(log, button, gone);
