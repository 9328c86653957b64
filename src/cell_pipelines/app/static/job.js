// A job: its progress, then its counts, the image with outlines, thresholds that act at once, and corrections.
import { ask, byId, element, guarded, latest, plural, root, send, watchJob } from "./common.js";
import { showChanges, showCounts } from "./counts.js";
import { Editor } from "./editor.js";
import { Viewer } from "./viewer.js";

const base = `/api/v1/jobs/${byId("progress").dataset.job}`;
const NO_LIMIT = 1e12;
const hidden = new Set();
const viewer = new Viewer(byId("viewer"), {
  onTap: (x, y, more) => { if (editor.active) { editor.tap(x, y, more); } },
  onStroke: (points) => editor.drawn(points),
});
const editor = new Editor(viewer);
let counts = null;
let shown = null;

const colours = () => shown.classes.map((one) => one.colour);
const corrections = () => `${base}/images/${byId("image").value}/corrections`;

function query() {
  const values = { threshold: byId("threshold").dataset.moved ? byId("threshold").value : "", min_area: byId("min-area").value, max_area: byId("max-area").value || (counts.settings.max_area_px ? NO_LIMIT : "") };
  return new URLSearchParams(Object.entries(values).filter(([, value]) => value !== "")).toString();
}

// Until another image is there, nothing of the one before can be changed any more.
async function showImage() {
  const isEdited = editor.active;
  editor.active = false;
  byId("editing").inert = true;
  try {
    await showCells();
    if (isEdited) { await editor.open(corrections(), colours()); }
  } finally { byId("editing").inert = false; }
}

const showCells = latest(async () => {
  const number = Number(byId("image").value);
  shown = await ask(`${base}/images/${number}/cells?${query()}`);
  await viewer.show(`${root}${base}/images/${number}/picture`, shown.width, shown.height);
  const classes = shown.classes.length > 1 ? `: ${shown.classes.map((one) => `${one.count} ${one.name}`).join(", ")}` : "";
  byId("count-here").textContent = `${plural(shown.total, "cell")} in this image${classes}.`;
  showClasses();
  showSweep();
  drawCells();
});

function drawCells() { viewer.draw(shown.cells, colours(), hidden); }

// Whether a threshold can be moved, and what it does not change yet.
function showSweep() {
  const hasScores = !shown.cells.length || shown.cells.some((cell) => cell.score !== null);
  byId("threshold").disabled = !hasScores;
  byId("no-scores").hidden = hasScores;
  const asked = new URLSearchParams(query());
  const { threshold, min_area_px: least, max_area_px: most } = counts.settings;
  const isSame = asked.has("threshold") ? Number(asked.get("threshold")) === threshold : threshold === null;
  const isKept = isSame && Number(asked.get("min_area") || 0) === least && Number(asked.get("max_area") || 0) === (most || 0);
  byId("kept").textContent = isKept ? "" : `The count of all images stays ${counts.total} until you choose “Use for all images”.`;
}

function showClasses() {
  const boxes = shown.classes.map((one, i) => {
    const box = element("input", { type: "checkbox", ...(hidden.has(i) ? {} : { checked: "" }) });
    box.addEventListener("change", () => { if (box.checked) { hidden.delete(i); } else { hidden.add(i); } drawCells(); });
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = one.colour;
    return element("label", {}, box, " ", swatch, one.name);
  });
  if (byId("classes").contains(document.activeElement)) { return; }
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
  showCounts(counts);
  const chosen = byId("image").value;
  byId("image").replaceChildren(...counts.names.map((name, i) => element("option", { value: i }, name)));
  if (chosen) { byId("image").value = chosen; }
  setThreshold(counts.settings.threshold ?? Math.max(...Object.values(counts.thresholds)));
  if (counts.settings.threshold !== null) { byId("threshold").dataset.moved = "true"; } else { delete byId("threshold").dataset.moved; }
  byId("image-card").hidden = !counts.names.length;
  if (counts.names.length) { await showCells(); }
}

const step = guarded(async (by) => {
  const select = byId("image");
  select.selectedIndex = Math.min(Math.max(select.selectedIndex + by, 0), select.options.length - 1);
  await showImage();
});

async function count(parameters) {
  byId("kept").textContent = "All images are counted again …";
  try { await ask(`${base}/thresholds?${parameters}`, { method: "POST" }); } finally { byId("kept").textContent = ""; }
  await showResult();
  byId("kept").textContent = `All images are counted: ${plural(counts.total, "cell")}.`;
}

async function showCorrections() { showChanges(await ask(`${base}/corrections`)); }

async function correct(on) {
  byId("correct").setAttribute("aria-pressed", String(on));
  byId("correct").textContent = on ? "End correcting" : "Correct this image";
  byId("thresholds").hidden = on;
  byId("editing").hidden = !on;
  if (on) { await editor.open(corrections(), colours()); byId("viewer").focus(); return; }
  editor.close();
  await showCells();
  await showCorrections();
}

byId("image").addEventListener("change", guarded(showImage));
byId("previous").addEventListener("click", () => step(-1));
byId("next").addEventListener("click", () => step(1));
byId("threshold").addEventListener("input", guarded(async (event) => { event.target.dataset.moved = "true"; setThreshold(event.target.value); await showCells(); }));
for (const id of ["min-area", "max-area"]) { byId(id).addEventListener("input", guarded(showCells)); }
byId("apply").addEventListener("click", guarded(() => count(query())));
byId("own").addEventListener("click", guarded(async () => {
  byId("min-area").value = 0;
  byId("max-area").value = "";
  await count("own=true");
}));
byId("correct").addEventListener("click", guarded(() => correct(!editor.active)));
for (const [id, factor] of [["zoom-in", 1.5], ["zoom-out", 1 / 1.5]]) { byId(id).addEventListener("click", () => viewer.zoom(factor)); }
byId("zoom-fit").addEventListener("click", () => viewer.fit());
for (const [form, select, path] of [["export", "format", "download"], ["export-corrected", "format-corrected", "corrections/download"]]) {
  byId(form).addEventListener("submit", (event) => { event.preventDefault(); location.href = `${root}${base}/${path}/${byId(select).value}`; });
}
byId("train").addEventListener("submit", (event) => {
  event.preventDefault();
  byId("train-error").textContent = "";
  send(`${base}/train`, { name: byId("train-name").value, minutes: Number(byId("train-minutes").value) })
    .then((answer) => { location.href = `${root}/jobs/${answer.id}`; })
    .catch((error) => { byId("train-error").textContent = error.message; });
});

guarded(() => watchJob(base, async () => { await showResult(); await showCorrections(); }))();
