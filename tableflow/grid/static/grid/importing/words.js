/** What the dialog says of a file, in words. */

import { many } from "../words.js";

/** How many lines end in it. @param {Blob} part */
export async function ends(part) {
  const bytes = new Uint8Array(await part.arrayBuffer());
  let count = 0;
  for (const byte of bytes) if (byte === 10) count += 1;
  return count;
}

/** What is wrong with one column is told below all of them: it names the column. @param {import("../api.js").Problem[]} problems */
export function placed(problems) {
  return problems.map((problem) => ({
    ...problem,
    attr: problem.attr?.replace(/^(mapping|types)\..*/s, "$1") ?? null,
  }));
}

/** @param {{line: number | null, attr: string | null, detail: string}} problem */
export function told({ line, attr, detail }) {
  return `Line ${line?.toLocaleString("en")}${attr === null ? "" : `, ${attr}`}: ${detail}`;
}

/** @param {number} bytes */
export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  const step = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step && value < 10 ? value.toFixed(1) : Math.round(value)} ${bytes === 1 ? "byte" : units[step]}`;
}

/** @param {any} seen */
export function kind({ format, encoding, delimiter, columns }) {
  const delimiters = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars" };
  const how = { csv: "csv", tsv: "tsv", jsonl: "JSON lines", xlsx: "Excel workbook" };
  const between = format === "csv" ? `, ${delimiters[/** @type {","} */ (delimiter)]}` : "";
  const written = format === "xlsx" ? "" : `, ${encoding}`;
  return `${how[/** @type {"csv"} */ (format)]}${between}${written} · ${many(columns.length, "column")}`;
}
