// The image with the outlines of its cells, to zoom and pan: BokehJS.
/* global Bokeh */

export class Viewer {
  constructor(place) {
    this.place = place;
    this.picture = new Bokeh.ColumnDataSource({ data: { url: [], x: [], y: [], w: [], h: [] } });
    this.cells = new Bokeh.ColumnDataSource({ data: { xs: [], ys: [], colour: [] } });
    this.size = [0, 0];
  }

  async show(url, width, height) {
    if (!this.plot) { await this.make(); }
    this.picture.data = { url: [url], x: [0], y: [0], w: [width], h: [height] };
    if (this.size[0] === width && this.size[1] === height) { return; }
    this.size = [width, height];
    this.fit();
  }

  fit() {
    const [width, height] = this.size;
    const box = this.place.getBoundingClientRect();
    const scale = Math.max(width / box.width, height / box.height);
    const [dx, dy] = [box.width * scale - width, box.height * scale - height];
    this.plot.x_range.setv({ start: -dx / 2, end: width + dx / 2 });
    this.plot.y_range.setv({ start: height + dy / 2, end: -dy / 2 });
  }

  async make() {
    this.plot = Bokeh.Plotting.figure({
      tools: "pan,wheel_zoom,box_zoom,reset", active_scroll: "wheel_zoom", sizing_mode: "stretch_both",
      x_range: new Bokeh.Range1d({ start: 0, end: 1 }), y_range: new Bokeh.Range1d({ start: 1, end: 0 }),
      background_fill_color: "#000000", border_fill_color: "#000000", toolbar_location: "right", match_aspect: true,
      x_axis_type: null, y_axis_type: null,
    });
    this.plot.image_url({ url: { field: "url" }, x: { field: "x" }, y: { field: "y" }, w: { field: "w" }, h: { field: "h" }, anchor: "top_left", source: this.picture });
    this.plot.patches({ xs: { field: "xs" }, ys: { field: "ys" }, source: this.cells, fill_alpha: 0, line_color: { field: "colour" }, line_width: 2 });
    await Bokeh.Plotting.show(this.plot, this.place);
  }

  draw(cells, colours, hidden) {
    const shown = cells.filter((cell) => !hidden.has(cell.class)).flatMap((cell) => cell.rings.map((ring) => [ring, colours[cell.class]]));
    this.cells.data = { xs: shown.map(([ring]) => ring.x), ys: shown.map(([ring]) => ring.y), colour: shown.map(([, colour]) => colour) };
  }
}
