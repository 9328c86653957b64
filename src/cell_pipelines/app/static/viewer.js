// The image with the outlines of its cells, to zoom, pan, point and draw on: two canvases, the cells below the marks.
import { element } from "./common.js";
import { isNear, markCells, strokeCells, strokeLine } from "./outlines.js";

const MOST_SCALE = 64;
const TAP_PX = 6;
const WHEEL = 0.0015;

export class Viewer {
  constructor(place, { onTap, onStroke }) {
    Object.assign(this, { place, onTap, onStroke, size: [0, 0], drawing: false, isWhole: true, cells: [], colours: [], hidden: new Set() });
    this.view = { x: 0, y: 0, scale: 1 }; // the image's point at the top left; pixels of the page to a pixel of the image
    this.marks = { selected: [], stroke: [], cross: null };
    this.layers = ["cells", "marks"].map((name) => element("canvas", { class: name, "aria-hidden": "true" }));
    place.replaceChildren(...this.layers);
    this.pointers = new Map();
    this.stale = [false, false];
    for (const [name, action] of [["pointerdown", "press"], ["pointermove", "drag"], ["pointerup", "release"], ["pointercancel", "release"]]) {
      place.addEventListener(name, (event) => this[action](event));
    }
    place.addEventListener("wheel", (event) => { event.preventDefault(); this.zoom(Math.exp(-event.deltaY * WHEEL), this.at(event)); }, { passive: false });
    place.addEventListener("contextmenu", (event) => { if (this.drawing) { event.preventDefault(); } });
    new ResizeObserver(() => this.resize()).observe(place);
  }

  async show(url, width, height) {
    if (this.wanted === url && this.url === url) { return; }
    this.wanted = url;
    const picture = new Image();
    picture.src = url;
    await picture.decode();
    if (this.wanted !== url) { return; } // another image was chosen meanwhile
    const isOther = this.size[0] !== width || this.size[1] !== height;
    Object.assign(this, { url, picture, size: [width, height] });
    if (isOther) { this.isWhole = true; this.resize(); }
    this.paint();
  }

  draw(cells, colours, hidden) { Object.assign(this, { cells, colours, hidden }); this.paint(); }

  select(cells) { this.mark({ selected: cells }); }

  showStroke(stroke) { this.mark({ stroke }); }

  showCross(cross) { this.mark({ cross }); }

  draws(drawing) { this.drawing = drawing; this.place.classList.toggle("drawing", drawing); }

  get span() { return [this.place.clientWidth / this.view.scale, this.place.clientHeight / this.view.scale]; }

  centre() { return [this.view.x + this.span[0] / 2, this.view.y + this.span[1] / 2]; }

  fit() {
    const [width, height] = this.size;
    if (!width || !this.place.clientWidth) { return; }
    this.view.scale = Math.min(this.place.clientWidth / width, this.place.clientHeight / height);
    this.move(width / 2, height / 2);
    this.isWhole = true;
  }

  move(x, y) {
    const [width, height] = this.span;
    this.look(x - width / 2, y - height / 2, this.view.scale);
  }

  // Zoom about a point of the image, which stays where it is; about the centre where none is given.
  zoom(factor, [x, y] = this.centre()) {
    if (!this.url) { return; }
    const least = Math.min(this.place.clientWidth / this.size[0], this.place.clientHeight / this.size[1]) / 4;
    const scale = Math.min(Math.max(this.view.scale * factor, least), Math.max(MOST_SCALE, least));
    const kept = this.view.scale / scale;
    this.look(x - (x - this.view.x) * kept, y - (y - this.view.y) * kept, scale);
  }

  // The image never leaves the window: its nearest point to the centre stays there.
  look(x, y, scale) {
    const [width, height] = [this.place.clientWidth / scale, this.place.clientHeight / scale];
    const within = (start, length, whole) => Math.min(Math.max(start, -length / 2), whole - length / 2);
    this.view = { x: within(x, width, this.size[0]), y: within(y, height, this.size[1]), scale };
    this.isWhole = false;
    this.paint();
  }

  reveal(x, y) {
    const [width, height] = this.span;
    if (x < this.view.x || y < this.view.y || x > this.view.x + width || y > this.view.y + height) { this.move(x, y); }
  }

  at(event) {
    const box = this.place.getBoundingClientRect();
    return [this.view.x + (event.clientX - box.left - this.place.clientLeft) / this.view.scale, this.view.y + (event.clientY - box.top - this.place.clientTop) / this.view.scale];
  }

  press(event) {
    this.place.focus({ preventScroll: true });
    if (!this.url) { return; }
    this.place.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { start: [event.clientX, event.clientY], last: [event.clientX, event.clientY] });
    const isFirst = this.pointers.size === 1;
    this.points = isFirst && this.drawing && event.button === 0 ? [this.at(event)] : null;
    this.isTap = isFirst && event.button === 0;
    if (!isFirst) { this.showStroke([]); }
  }

  drag(event) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) { return; }
    const now = [event.clientX, event.clientY];
    if (this.points) {
      this.points.push(...(event.getCoalescedEvents?.() || [event]).map((one) => this.at(one)));
      this.showStroke(this.points);
    } else if (this.pointers.size === 2) {
      this.pinch(event.pointerId, now);
    } else if (!this.isTap || isFar(pointer.start, now)) {
      this.isTap = false;
      this.look(this.view.x - (now[0] - pointer.last[0]) / this.view.scale, this.view.y - (now[1] - pointer.last[1]) / this.view.scale, this.view.scale);
    } else { return; }
    pointer.last = now;
  }

  // Two fingers: what was between them stays there, and grows as their distance does.
  pinch(moved, now) {
    const [other] = [...this.pointers].filter(([id]) => id !== moved).map(([, pointer]) => pointer.last);
    const before = this.pointers.get(moved).last;
    const centre = (one) => ({ clientX: (one[0] + other[0]) / 2, clientY: (one[1] + other[1]) / 2 });
    const anchor = this.at(centre(before));
    this.zoom(Math.hypot(now[0] - other[0], now[1] - other[1]) / Math.max(Math.hypot(before[0] - other[0], before[1] - other[1]), 1), anchor);
    const [x, y] = this.at(centre(now));
    this.look(this.view.x + anchor[0] - x, this.view.y + anchor[1] - y, this.view.scale);
  }

  release(event) {
    if (!this.pointers.delete(event.pointerId)) { return; }
    const { points } = this;
    this.points = null;
    if (points) { this.showStroke([]); }
    if (event.type === "pointercancel" || this.pointers.size) { this.isTap = false; return; }
    if (points) { this.onStroke(points); } else if (this.isTap) { this.onTap(...this.at(event), event.shiftKey); }
  }

  resize() {
    const [width, height, dense] = [this.place.clientWidth, this.place.clientHeight, window.devicePixelRatio || 1];
    if (!width) { return; }
    for (const layer of this.layers) { layer.width = Math.round(width * dense); layer.height = Math.round(height * dense); }
    if (this.isWhole) { this.fit(); } else { this.paint(); }
  }

  paint() { this.later(0); this.later(1); }

  mark(marks) { Object.assign(this.marks, marks); this.later(1); }

  later(layer) {
    if (!this.stale.includes(true)) { requestAnimationFrame(() => this.repaint()); }
    this.stale[layer] = true;
  }

  repaint() {
    const [cells, marks] = this.stale;
    this.stale = [false, false];
    if (cells) { this.paintCells(this.begin(0)); }
    if (marks) { this.paintMarks(this.begin(1)); }
  }

  begin(layer) {
    const canvas = this.layers[layer];
    const context = canvas.getContext("2d");
    const dense = canvas.width / (this.place.clientWidth || 1);
    context.setTransform(dense, 0, 0, dense, 0, 0);
    context.clearRect(0, 0, this.place.clientWidth, this.place.clientHeight);
    return context;
  }

  paintCells(context) {
    if (!this.picture) { return; }
    const { x, y, scale } = this.view;
    context.imageSmoothingEnabled = scale * this.size[0] / this.picture.width < 2;
    context.drawImage(this.picture, -x * scale, -y * scale, this.size[0] * scale, this.size[1] * scale);
    const seen = this.cells.filter((cell) => !this.hidden.has(cell.class) && isNear(cell, this.view, this.span));
    strokeCells(context, seen, this.colours, this.view);
  }

  paintMarks(context) {
    markCells(context, this.marks.selected, this.view);
    strokeLine(context, this.marks.stroke, this.view);
    if (!this.marks.cross) { return; }
    const [[x, y], arm] = [this.marks.cross, 12 / this.view.scale];
    strokeLine(context, [[x - arm, y], [x + arm, y]], this.view);
    strokeLine(context, [[x, y - arm], [x, y + arm]], this.view);
  }
}

const isFar = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]) > TAP_PX;
