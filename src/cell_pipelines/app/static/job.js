// A job: its progress, then its counts, the image with outlines, and thresholds that act at once.
import { ask, byId, element, fillTable, guarded, root, watchJob } from "./common.js";
import { Editor } from "./editor.js";
import { Viewer } from "./viewer.js";

const job = byId("progress").dataset.job;
const base = `/api/v1/jobs/${job}`;
const hidden = new Set();
const viewer = new Viewer(byId("viewer"), {
  onTap: (x, y, more) => { if (editor.active) { editor.tap(x, y, more); } },
  onStroke: (points) => editor.drawn(points),
});
const editor = new Editor(viewer);
let counts = null;
let shown = null;

function showCounts() {
  byId("summary").textContent = counts.summary;
  byId("notes").replaceChildren(...counts.notes.map((note) => element("li", {}, note)));
  fillTable(byId("counts"), counts.columns, counts.rows);
  byId("folders-region").hidden = !counts.folders.length;
  if (counts.folders.length) {
    const columns = Object.keys(counts.folders[0]);
    fillTable(byId("folders"), columns, counts.folders.map((one) => columns.map((name) => one[name])));
  }
}

function query() {
  const values = { threshold: byId("threshold").value, min_area: byId("min-area").value, max_area: byId("max-area").value };
  const given = Object.entries(values).filter(([name, value]) => value !== "" && (name !== "threshold" || byId("threshold").dataset.moved));
  return new URLSearchParams(given).toString();
}

let asked = 0;
async function showImage() {
  if (!editor.active) { await showCells(); return; }
  await showCells();
  await openEditor();
}

async function openEditor() {
  await editor.open(`${base}/images/${byId("image").value}/corrections`, shown.classes.map((one) => one.colour));
}

async function showCells() {
  const number = Number(byId("image").value);
  const mine = ++asked;
  const cells = await ask(`${base}/images/${number}/cells?${query()}`);
  if (mine !== asked) { return; }
  await viewer.show(`${root}${base}/images/${number}/picture`, cells.width, cells.height);
  shown = cells;
  byId("count-here").textContent = `${cells.total} cells here${cells.classes.length > 1 ? `: ${cells.classes.map((one) => `${one.count} ${one.name}`).join(", ")}` : ""}.`;
  showClasses();
  drawCells();
}

function drawCells() { viewer.draw(shown.cells, shown.classes.map((one) => one.colour), hidden); }

function showClasses() {
  const boxes = shown.classes.map((one, i) => {
    const box = element("input", { type: "checkbox", ...(hidden.has(i) ? {} : { checked: "" }) });
    box.addEventListener("change", () => { if (box.checked) { hidden.delete(i); } else { hidden.add(i); } drawCells(); });
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = one.colour;
    return element("label", {}, box, " ", swatch, one.name);
  });
  byId("classes").replaceChildren(element("legend", {}, "Shown classes"), ...boxes);
}

function setThreshold(value) {
  byId("threshold").value = value;
  byId("threshold-value").textContent = Number(value).toFixed(2);
}

async function showResult() {
  counts = await ask(`${base}/counts`);
  byId("result").hidden = false;
  byId("progress").hidden = true;
  showCounts();
  byId("image").replaceChildren(...counts.names.map((name, i) => element("option", { value: i }, name)));
  setThreshold(counts.settings.threshold ?? Math.max(...Object.values(counts.thresholds)));
  if (counts.settings.threshold !== null) { byId("threshold").dataset.moved = "true"; }
  if (counts.names.length) { await showCells(); }
}

byId("image").addEventListener("change", guarded(showImage));
for (const [id, step] of [["previous", -1], ["next", 1]]) {
  byId(id).addEventListener("click", guarded(async () => {
    const select = byId("image");
    select.selectedIndex = Math.min(Math.max(select.selectedIndex + step, 0), select.options.length - 1);
    await showImage();
  }));
}
byId("threshold").addEventListener("input", guarded(async (event) => { event.target.dataset.moved = "true"; setThreshold(event.target.value); await showCells(); }));
for (const id of ["min-area", "max-area"]) { byId(id).addEventListener("input", guarded(showCells)); }
byId("apply").addEventListener("click", guarded(async () => { await ask(`${base}/thresholds?${query()}`, { method: "POST" }); await showResult(); }));
byId("own").addEventListener("click", guarded(async () => {
  await ask(`${base}/thresholds?own=true`, { method: "POST" });
  delete byId("threshold").dataset.moved;
  byId("min-area").value = 0;
  byId("max-area").value = "";
  await showResult();
}));
byId("export").addEventListener("submit", (event) => { event.preventDefault(); location.href = `${root}${base}/download/${byId("format").value}`; });
byId("cancel").addEventListener("click", guarded(() => ask(`${base}/cancel`, { method: "POST" })));


async function showCorrections() {
  const rows = await ask(`${base}/corrections`);
  byId("changed").hidden = !rows.length;
  if (!rows.length) { return; }
  const columns = ["image", "proposed", "corrected", "kept", "reshaped", "reclassified", "split", "merged", "removed", "added", "finished", "by"];
  fillTable(byId("changes"), columns, rows.map((row) => columns.map((name) => (name === "finished" ? (row[name] ? "yes" : "no") : row[name]))));
  const finished = rows.filter((row) => row.finished).length;
  byId("train-hint").textContent = finished < 3 ? `Mark at least 3 images as fully corrected; ${finished} are.` : `${finished} images are marked as fully corrected.`;
}

async function correct(on) {
  byId("correct").setAttribute("aria-pressed", String(on));
  byId("correct").textContent = on ? "End correcting" : "Correct this image";
  byId("thresholds").hidden = on;
  byId("editing").hidden = !on;
  if (on) { await openEditor(); byId("viewer").focus(); return; }
  editor.close();
  await showCells();
  await showCorrections();
}

byId("correct").addEventListener("click", guarded(() => correct(!editor.active)));
for (const [id, factor] of [["zoom-in", 1.5], ["zoom-out", 1 / 1.5]]) { byId(id).addEventListener("click", () => viewer.zoom(factor)); }
byId("zoom-fit").addEventListener("click", () => viewer.fit());
byId("train").addEventListener("submit", guarded(async (event) => {
  event.preventDefault();
  byId("train-error").textContent = "";
  const body = JSON.stringify({ name: byId("train-name").value, minutes: Number(byId("train-minutes").value) });
  try {
    const answer = await ask(`${base}/train`, { method: "POST", body, headers: { "Content-Type": "application/json", Accept: "application/json" } });
    location.href = `${root}/jobs/${answer.id}`;
  } catch (error) { byId("train-error").textContent = error.message; }
}));

guarded(() => watchJob(base, async () => { await showResult(); await showCorrections(); }))();
