// A training: its progress, its curve, and the comparison with the model before.
/* global Bokeh */
import { ask, byId, element, fillTable, guarded, plural, watchJob } from "./common.js";

const base = `/api/v1/jobs/${byId("progress").dataset.job}`;
const source = new Bokeh.ColumnDataSource({ data: { epoch: [], train: [], val: [], dice: [] } });
let plotted = false;

async function plot() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const ink = dark ? "#e8ebef" : "#1f2328";
  const figure = Bokeh.Plotting.figure({
    tools: "", toolbar_location: null, sizing_mode: "stretch_width", height: 280,
    background_fill_alpha: 0, border_fill_alpha: 0, outline_line_color: null,
  });
  const line = (field, color, label, dash) => {
    figure.line({ x: { field: "epoch" }, y: { field }, source, line_color: color, line_width: 2.5, line_dash: dash, legend_label: label });
    figure.scatter({ x: { field: "epoch" }, y: { field }, source, size: 6, fill_color: color, line_color: color });
  };
  line("train", "#0072b2", "loss, training", "solid");
  line("val", "#d55e00", "loss, validation", "dashed");
  line("dice", "#009e73", "Dice, validation", "dotted");
  for (const axis of [...figure.below, ...figure.left]) {
    axis.setv({ axis_label_text_color: ink, major_label_text_color: ink, axis_line_color: ink, major_tick_line_color: ink, minor_tick_line_color: null });
  }
  figure.below[0].axis_label = "epoch";
  figure.below[0].ticker.setv?.({ min_interval: 1, num_minor_ticks: 0 });
  figure.legend.setv?.({ location: "center_right", background_fill_alpha: 0, label_text_color: ink, border_line_color: null });
  await Bokeh.Plotting.show(figure, byId("curve"));
}

async function showCurve() {
  const { curve } = await ask(`${base}/training`);
  if (!curve.length) { return; }
  const column = (name) => curve.map((row) => row[name]);
  source.data = { epoch: column("epoch"), train: column("train_loss"), val: column("val_loss"), dice: column("val_dice") };
  if (!plotted) { plotted = true; await plot(); }
  const last = curve.at(-1);
  byId("epochs").textContent = `After ${last.epoch} ${last.epoch === 1 ? "epoch" : "epochs"}: Dice of validation images ${last.val_dice.toFixed(3)}, best ${Math.max(...column("val_dice")).toFixed(3)}.`;
}

const written = (value, decimals) => { const text = value.toFixed(decimals); return Number(text) ? text.replace("-", "−") : text.replace("-", ""); };

// A number with its interval in one cell.
function withInterval([value, low, high], decimals) {
  if (value === null) { return ""; }
  const ends = low === null || high === null ? "" : ` (${written(low, decimals)} to ${written(high, decimals)})`;
  return written(value, decimals) + ends;
}

const writtenP = (p) => (p === null ? "" : p < 0.001 ? "below 0.001" : p.toFixed(3));

// How to read what is there: a single image has neither intervals nor tests.
function explain({ metrics, level }) {
  const hasIntervals = metrics.some((one) => [one.before, one.after, one.difference].some(([, low]) => low !== null));
  const hasTests = metrics.some((one) => one.p !== null);
  const intervals = hasIntervals ? `In brackets: intervals of ${Math.round(level * 100)} %. ` : "";
  return intervals + (hasTests ? "p: Wilcoxon's signed-rank test, image by image or group by group." : "");
}

async function showComparison() {
  const { comparison } = await ask(`${base}/training`);
  await showCurve();
  byId("comparison").hidden = false;
  byId("tested").textContent = `${plural(comparison.images, "test image")} with ${plural(comparison.cells, "cell")}`;
  const columns = ["metric", ...comparison.models, "difference, after − before", "p"];
  const rows = comparison.metrics.map((one) => [one.title, ...["before", "after", "difference"].map((key) => withInterval(one[key], one.decimals)), writtenP(one.p)]);
  const filled = columns.map((_, i) => i).filter((i) => rows.some((row) => row[i] !== ""));
  fillTable(byId("models"), filled.map((i) => columns[i]), rows.map((row) => filled.map((i) => row[i])));
  byId("reading").textContent = explain(comparison);
  byId("verdict").textContent = comparison.verdict;
  for (const name of ["sentences", "notes"]) { byId(name).replaceChildren(...comparison[name].map((text) => element("li", {}, text))); }
}

let asked = 0;
guarded(() => watchJob(base, showComparison, async () => { if (Date.now() - asked > 3000) { asked = Date.now(); await showCurve(); } }))();
