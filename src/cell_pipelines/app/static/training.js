// A training: its progress, its curve, and the comparison with the model before.
/* global Bokeh */
import { ask, byId, element, fillTable, guarded, watchJob } from "./common.js";

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
  figure.legend.setv?.({ background_fill_alpha: 0, label_text_color: ink, border_line_color: null });
  await Bokeh.Plotting.show(figure, byId("curve"));
}

async function showCurve() {
  const { curve } = await ask(`${base}/training`);
  if (!curve.length) { return; }
  if (!plotted) { plotted = true; await plot(); }
  const column = (name) => curve.map((row) => row[name]);
  source.data = { epoch: column("epoch"), train: column("train_loss"), val: column("val_loss"), dice: column("val_dice") };
  const last = curve.at(-1);
  byId("epochs").textContent = `After ${last.epoch} ${last.epoch === 1 ? "epoch" : "epochs"}: Dice of validation images ${last.val_dice.toFixed(3)}, best ${Math.max(...column("val_dice")).toFixed(3)}.`;
}

async function showComparison() {
  const { comparison } = await ask(`${base}/training`);
  await showCurve();
  byId("comparison").hidden = false;
  byId("tested").textContent = `${comparison.images} test ${comparison.images === 1 ? "image" : "images"} with ${comparison.cells} cells`;
  const filled = comparison.columns.map((_, i) => i).filter((i) => comparison.rows.some((row) => row[i] !== null)); // one image has no intervals
  fillTable(byId("models"), filled.map((i) => comparison.columns[i]), comparison.rows.map((row) => filled.map((i) => row[i])));
  byId("sentences").replaceChildren(...comparison.sentences.filter(Boolean).map((text) => element("li", {}, text)));
}

let asked = 0;
guarded(() => watchJob(base, showComparison, async () => { if (Date.now() - asked > 3000) { asked = Date.now(); await showCurve(); } }))();
