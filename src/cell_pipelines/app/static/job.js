// A job: its progress, then its counts, the image with outlines, and thresholds that act at once.
import { ask, byId, element, root } from "./common.js";
import { Viewer } from "./viewer.js";

const job = byId("progress").dataset.job;
const base = `/api/v1/jobs/${job}`;
const viewer = new Viewer(byId("viewer"));
const hidden = new Set();
let counts = null;
let shown = null;

function fillTable(table, columns, rows) {
  const isNumber = (value) => typeof value === "number";
  const head = element("tr", {}, ...columns.map((name, i) => element("th", { scope: "col", ...(rows.length && isNumber(rows[0][i]) ? { class: "number" } : {}) }, name)));
  const lines = rows.map((row) => element("tr", {}, ...row.map((value, i) => (i ? element("td", isNumber(value) ? { class: "number" } : {}, String(value ?? "")) : element("th", { scope: "row" }, String(value))))));
  table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...lines));
}

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

function complain(error) {
  byId("progress").hidden = false;
  byId("doing").className = "error";
  byId("doing").textContent = error.message;
}

const guarded = (action) => (...values) => { Promise.resolve(action(...values)).catch(complain); };

byId("image").addEventListener("change", guarded(showCells));
for (const [id, step] of [["previous", -1], ["next", 1]]) {
  byId(id).addEventListener("click", guarded(async () => {
    const select = byId("image");
    select.selectedIndex = Math.min(Math.max(select.selectedIndex + step, 0), select.options.length - 1);
    await showCells();
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

function remaining(answer, since) {
  if (!answer.done || !answer.total || answer.done >= answer.total) { return ""; }
  const seconds = Math.round((Date.now() - since) / 1000 * (answer.total - answer.done) / answer.done);
  return seconds > 90 ? `, about ${Math.round(seconds / 60)} minutes left` : `, about ${seconds} s left`;
}

async function watch() {
  const began = Date.now();
  for (;;) {
    const answer = await ask(base);
    byId("progress-title").textContent = { queued: "Waiting", running: "Working", done: "Done", failed: "Failed", cancelled: "Cancelled" }[answer.state];
    byId("doing").textContent = answer.message || (answer.total ? `${answer.doing}: ${answer.done} of ${answer.total}${remaining(answer, began)}` : answer.doing);
    byId("done").max = answer.total || 1;
    byId("done").value = answer.done;
    byId("cancel").hidden = ["done", "failed", "cancelled"].includes(answer.state);
    if (answer.state === "done") { await showResult(); return; }
    if (answer.state === "failed") { byId("doing").className = "error"; return; }
    if (answer.state === "cancelled") { return; }
    await new Promise((wake) => { setTimeout(wake, 250); });
  }
}

guarded(watch)();
