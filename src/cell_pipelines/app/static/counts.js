// The tables of counts: one row per image, and the totals of folders.
import { byId, element, fillTable, plural } from "./common.js";

const NAMES = { total: "cells", total_low: null, total_high: null, warning: "note", error: "can't be read" };

function interval(row) {
  const [low, high] = [row.total_low, row.total_high];
  if (low === undefined || low === null || low === "") { return ""; }
  return high === null || high === "" ? `${low} or more` : `${low} to ${high}`;
}

// What is said of every image, where that is the same.
function sharedWarning(rows) {
  const said = new Set(rows.map((row) => row.warning));
  return said.size === 1 ? [...said][0] : "";
}

// The two ends of an interval are one column.
function columnsOf(counts, without) {
  const kept = counts.columns.filter((name) => NAMES[name] !== null && name !== without).map((name) => [NAMES[name] ?? name, (row) => row[name]]);
  if (!counts.columns.includes("total_low")) { return kept; }
  const place = kept.findIndex(([name]) => name === "cells") + 1;
  const level = counts.interval_level ? `${Math.round(counts.interval_level * 100)} % interval` : "interval";
  return [...kept.slice(0, place), [level, interval], ...kept.slice(place)];
}

export function showCounts(counts) {
  const rows = counts.rows.map((values) => Object.fromEntries(counts.columns.map((name, i) => [name, values[i]])));
  const shared = sharedWarning(rows);
  const columns = columnsOf(counts, shared ? "warning" : "");
  const one = rows.length === 1 ? interval(rows[0]) : "";
  byId("summary").textContent = counts.summary + (one ? ` The ${columns.find(([, of]) => of === interval)[0]} is ${one}.` : "");
  const failed = rows.filter((row) => row.error).length;
  const notes = [...(failed ? [`${plural(failed, "image")} can't be read; the table says why.`] : []), ...[shared, ...counts.notes].filter(Boolean).map((note) => `${note[0].toUpperCase()}${note.slice(1)}.`)];
  byId("notes").replaceChildren(...notes.map((note) => element("li", {}, note)));
  byId("notes").hidden = !notes.length;
  fillTable(byId("counts"), columns.map(([name]) => name), rows.map((row) => columns.map(([, of]) => of(row))));
  byId("folders-region").hidden = !counts.folders.length;
  if (counts.folders.length) {
    const every = Object.keys(counts.folders[0]);
    const names = every.length > 4 ? every : every.filter((name) => ["folder", "images", "total"].includes(name)); // of one class the count is the total
    fillTable(byId("folders"), names.map((name) => NAMES[name] ?? name), counts.folders.map((folder) => names.map((name) => folder[name])));
  }
}

const CHANGES = ["image", "proposed", "corrected", "kept", "reshaped", "reclassified", "split", "merged", "removed", "added", "finished", "by"];

export function showChanges(rows) {
  byId("changed").hidden = !rows.length;
  if (!rows.length) { return; }
  fillTable(byId("changes"), CHANGES, rows.map((row) => CHANGES.map((name) => (name === "finished" ? (row[name] ? "yes" : "no") : row[name]))));
  const finished = rows.filter((row) => row.finished).length;
  byId("train-hint").textContent = finished < 3
    ? `Next: correct and mark at least 3 images as fully corrected; ${finished === 1 ? "1 is" : `${finished} are`}.`
    : `${finished} images are marked as fully corrected. Next: train on them; the new model is compared with this one on images that it does not see.`;
}
