// The image with the outlines of its cells, to zoom, pan, point and draw on: BokehJS.
/* global Bokeh */

const COLOURS = { selected: "#ffffff", drawn: "#ffd500", cross: "#ffd500" };

export class Viewer {
  constructor(place, { onTap, onStroke }) {
    this.place = place;
    this.onTap = onTap;
    this.onStroke = onStroke;
    this.size = [0, 0];
    this.drawing = false;
    const lines = () => new Bokeh.ColumnDataSource({ data: { xs: [], ys: [] } });
    this.picture = new Bokeh.ColumnDataSource({ data: { url: [], x: [], y: [], w: [], h: [] } });
    this.cells = new Bokeh.ColumnDataSource({ data: { xs: [], ys: [], colour: [] } });
    this.selected = lines();
    this.stroke = lines();
    this.cross = new Bokeh.ColumnDataSource({ data: { x: [], y: [] } });
  }

  async show(url, width, height) {
    if (!this.plot) { await this.make(); }
    if (this.url !== url) {
      this.url = url;
      this.picture.data = { url: [url], x: [0], y: [0], w: [width], h: [height] };
    }
    if (this.size[0] === width && this.size[1] === height) { return; }
    this.size = [width, height];
    this.fit();
  }

  fit() {
    const [width, height] = this.size;
    const box = this.place.getBoundingClientRect();
    const scale = Math.max(width / box.width, height / box.height);
    this.range(width / 2, height / 2, box.width * scale, box.height * scale);
  }

  range(x, y, width, height) {
    this.plot.x_range.setv({ start: x - width / 2, end: x + width / 2 });
    this.plot.y_range.setv({ start: y + height / 2, end: y - height / 2 });
  }

  centre() {
    const { x_range: across, y_range: down } = this.plot;
    return [(across.start + across.end) / 2, (down.start + down.end) / 2];
  }

  zoom(factor) {
    const [x, y] = this.centre();
    const { x_range: across, y_range: down } = this.plot;
    this.range(x, y, (across.end - across.start) / factor, (down.start - down.end) / factor);
  }

  move(x, y) {
    const { x_range: across, y_range: down } = this.plot;
    this.range(x, y, across.end - across.start, down.start - down.end);
  }

  async make() {
    this.plot = Bokeh.Plotting.figure({
      tools: "pan,wheel_zoom", active_scroll: "wheel_zoom", sizing_mode: "stretch_both", output_backend: "webgl",
      x_range: new Bokeh.Range1d({ start: 0, end: 1 }), y_range: new Bokeh.Range1d({ start: 1, end: 0 }),
      background_fill_color: "#000000", border_fill_color: "#000000", outline_line_color: null, min_border: 0,
      toolbar_location: null, match_aspect: true, x_axis_type: null, y_axis_type: null,
    });
    const outline = (source, more) => this.plot.patches({ xs: { field: "xs" }, ys: { field: "ys" }, source, fill_alpha: 0, ...more });
    this.plot.image_url({ url: { field: "url" }, x: { field: "x" }, y: { field: "y" }, w: { field: "w" }, h: { field: "h" }, anchor: "top_left", source: this.picture });
    outline(this.cells, { line_color: { field: "colour" }, line_width: 1.5 });
    outline(this.selected, { line_color: COLOURS.selected, line_width: 3.5 });
    this.plot.multi_line({ xs: { field: "xs" }, ys: { field: "ys" }, source: this.stroke, line_color: COLOURS.drawn, line_width: 2.5 });
    this.plot.scatter({ x: { field: "x" }, y: { field: "y" }, source: this.cross, marker: "cross", size: 24, line_color: COLOURS.cross, line_width: 2 });
    this.pan = this.plot.toolbar.tools.find((tool) => tool.type === "PanTool");
    this.plot.on_event("tap", (event) => { if (!this.drawing) { this.onTap(event.x, event.y, event.modifiers?.shift); } });
    this.plot.on_event("panstart", (event) => { if (this.drawing) { this.points = [[event.x, event.y]]; } });
    this.plot.on_event("pan", (event) => { if (this.drawing && this.points) { this.points.push([event.x, event.y]); this.showStroke(this.points); } });
    this.plot.on_event("panend", () => {
      if (!this.drawing || !this.points) { return; }
      const { points } = this;
      this.points = null;
      this.showStroke([]);
      this.onStroke(points);
    });
    await Bokeh.Plotting.show(this.plot, this.place);
  }

  draws(drawing) {
    this.drawing = drawing;
    this.plot.toolbar.active_drag = drawing ? null : this.pan;
    this.place.classList.toggle("drawing", drawing);
  }

  showStroke(points) {
    this.stroke.data = points.length ? { xs: [points.map(([x]) => x)], ys: [points.map(([, y]) => y)] } : { xs: [], ys: [] };
  }

  showCross(point) { this.cross.data = point ? { x: [point[0]], y: [point[1]] } : { x: [], y: [] }; }

  draw(cells, colours, hidden) {
    const shown = cells.filter((cell) => !hidden.has(cell.class)).flatMap((cell) => cell.rings.map((ring) => [ring, colours[cell.class]]));
    this.cells.data = { xs: shown.map(([ring]) => ring.x), ys: shown.map(([ring]) => ring.y), colour: shown.map(([, colour]) => colour) };
  }

  select(cells) {
    const rings = cells.flatMap((cell) => cell.rings);
    this.selected.data = { xs: rings.map((ring) => ring.x), ys: rings.map((ring) => ring.y) };
  }
}

function isInRing({ x, y }, px, py) {
  let inside = false;
  for (let i = 0, j = x.length - 1; i < x.length; j = i++) {
    if ((y[i] > py) !== (y[j] > py) && px < (x[j] - x[i]) * (py - y[i]) / (y[j] - y[i]) + x[i]) { inside = !inside; }
  }
  return inside;
}

// The smallest cell under a point.
export function cellAt(cells, x, y) {
  const under = cells.filter((cell) => cell.rings.filter((ring) => isInRing(ring, x, y)).length % 2 === 1);
  return under.sort((one, other) => one.area - other.area)[0];
}

export function centroid(cell) {
  const { x, y } = cell.rings[0];
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return [mean(x), mean(y)];
}
