// Correct the cells of an image by mouse and by key; every edit is kept by the server at once.
import { ask, byId, element, plural, send } from "./common.js";
import { cellAt, centroid } from "./outlines.js";

const TOOLS = {
  select: "Click a cell to select it; with Shift or Several pressed, more than one. Drag to move the image.",
  draw: "Draw around a cell. Two fingers, or the right mouse button, move the image.",
  split: "Draw a line across a cell.",
  redraw: "Draw the selected cell's new outline.",
};

// After these edits the cells that came are selected.
const KEEP_CHOSEN = ["merge", "redraw", "classify"];

export class Editor {
  constructor(viewer) {
    this.viewer = viewer;
    this.cells = new Map();
    this.chosen = new Set();
    this.tool = "select";
    this.cross = null;
    this.corners = [];
    this.waiting = Promise.resolve();
    this.active = false;
    for (const tool of Object.keys(TOOLS)) { byId(`tool-${tool}`).addEventListener("click", () => this.use(tool)); }
    for (const [id, action] of Object.entries({ delete: () => this.remove(), merge: () => this.merge(), undo: () => this.send({ kind: "undo" }), redo: () => this.send({ kind: "redo" }) })) {
      byId(`edit-${id}`).addEventListener("click", action);
    }
    byId("several").addEventListener("click", () => byId("several").setAttribute("aria-pressed", String(!this.takesSeveral)));
    byId("edit-class").addEventListener("change", (event) => this.classify(Number(event.target.value)));
    byId("finished").addEventListener("change", (event) => this.send({ kind: event.target.checked ? "finish" : "reopen" }));
    byId("viewer").addEventListener("keydown", (event) => this.press(event));
  }

  async open(path, colours) {
    const answer = await ask(path);
    Object.assign(this, { path, colours, active: true });
    this.cells = new Map(answer.cells.map((cell) => [cell.id, cell]));
    this.chosen.clear();
    byId("edit-class").replaceChildren(...answer.categories.map((name, i) => element("option", { value: i }, name)));
    byId("class-field").hidden = answer.categories.length < 2;
    this.use("select");
    this.tell(answer);
    this.redraw();
  }

  close() {
    this.active = false;
    this.viewer.select([]);
    this.viewer.showCross(null);
    this.viewer.draws(false);
  }

  use(tool) {
    this.tool = tool;
    this.setCorners([]);
    for (const name of Object.keys(TOOLS)) { byId(`tool-${name}`).setAttribute("aria-pressed", String(name === tool)); }
    byId("tool-hint").textContent = TOOLS[tool];
    this.viewer.draws(tool !== "select");
  }

  get takesSeveral() { return byId("several").getAttribute("aria-pressed") === "true"; }

  redraw() {
    this.viewer.draw([...this.cells.values()], this.colours, new Set());
    this.choose();
  }

  choose() {
    const cells = [...this.chosen].map((id) => this.cells.get(id));
    this.viewer.select(cells);
    byId("chosen").textContent = cells.length === 1 ? `1 cell selected, ${Math.round(cells[0].area)} px².` : cells.length ? `${cells.length} cells selected.` : "None selected.";
  }

  tell(answer) {
    byId("count-here").textContent = `${plural(answer.total, "cell")} after ${plural(answer.edits, "correction")}.`;
    byId("edit-undo").disabled = !answer.can_undo;
    byId("edit-redo").disabled = !answer.can_redo;
    byId("finished").checked = answer.finished;
  }

  // Edits reach the server in the order in which they were made.
  send(edit) {
    const { path } = this; // of the image that was there when the edit was made
    this.waiting = this.waiting.then(async () => {
      const answer = await send(path, edit);
      if (path !== this.path) { return; }
      for (const id of answer.removed) { this.cells.delete(id); this.chosen.delete(id); }
      for (const cell of answer.cells) { this.cells.set(cell.id, cell); }
      if (KEEP_CHOSEN.includes(edit.kind)) { this.chosen = new Set(answer.cells.map((cell) => cell.id)); }
      this.tell(answer);
      this.redraw();
      byId("edit-error").textContent = "";
    }).catch((error) => { byId("edit-error").textContent = error.message; });
    return this.waiting;
  }

  tap(x, y, more) {
    const cell = cellAt([...this.cells.values()], x, y);
    if (!more && !this.takesSeveral) { this.chosen.clear(); }
    if (cell) { if (this.chosen.has(cell.id)) { this.chosen.delete(cell.id); } else { this.chosen.add(cell.id); } }
    this.choose();
  }

  drawn(points) {
    if (this.tool === "draw") { return this.send({ kind: "add", points, category: Number(byId("edit-class").value) || 0 }); }
    if (this.tool === "redraw") { return this.withOne((id) => this.send({ kind: "redraw", id, points })); }
    const across = points[Math.floor(points.length / 2)];
    const cell = cellAt([...this.cells.values()], ...across);
    const id = cell ? cell.id : [...this.chosen][0];
    return id === undefined ? this.say("Draw the line across a cell.") : this.send({ kind: "split", id, points });
  }

  withOne(action) { return this.chosen.size === 1 ? action([...this.chosen][0]) : this.say("Select one cell first."); }

  say(text) { byId("edit-error").textContent = text; }

  remove() { return this.chosen.size ? this.send({ kind: "delete", ids: [...this.chosen] }) : this.say("Select cells first."); }

  merge() { return this.chosen.size > 1 ? this.send({ kind: "merge", ids: [...this.chosen] }) : this.say("Select two or more cells first."); }

  classify(category) { if (this.chosen.size) { this.send({ kind: "classify", ids: [...this.chosen], category }); } }

  step(direction) {
    const ids = [...this.cells.keys()].sort((one, other) => one - other);
    if (!ids.length) { return; }
    const now = this.chosen.size ? ids.indexOf([...this.chosen].at(-1)) : (direction > 0 ? -1 : 0);
    const id = ids[(now + direction + ids.length) % ids.length];
    if (!this.takesSeveral) { this.chosen.clear(); }
    this.chosen.delete(id);
    this.chosen.add(id);
    this.viewer.reveal(...centroid(this.cells.get(id)));
    this.choose();
  }

  // Without a mouse: a cross that arrow keys move, a round cell of the usual size, a cut through the shorter axis.
  moveCross(dx, dy) {
    const step = Math.max(...this.viewer.span) / 80;
    const [x, y] = this.cross || this.viewer.centre();
    const within = (value, most) => Math.min(Math.max(value, 0), most);
    this.cross = [within(x + dx * step, this.viewer.size[0]), within(y + dy * step, this.viewer.size[1])];
    this.viewer.reveal(...this.cross);
    this.viewer.showCross(this.cross);
  }

  // Corners one by one, for what a mouse draws in one stroke.
  addCorner() {
    if (this.tool === "select") { this.say("Press D, O or L first: add, redraw, split."); return; }
    this.setCorners([...this.corners, this.cross || this.viewer.centre()]);
  }

  setCorners(corners) {
    this.corners = corners;
    this.viewer.showStroke(corners);
  }

  enter(more) {
    if (!this.corners.length) { this.tap(...(this.cross || this.viewer.centre()), more); return; }
    const { corners } = this;
    this.setCorners([]);
    this.drawn(corners);
  }

  addRound() {
    const areas = [...this.cells.values()].map((cell) => cell.area).sort((one, other) => one - other);
    const radius = Math.sqrt((areas[Math.floor(areas.length / 2)] || 300) / Math.PI);
    const [x, y] = this.cross || this.viewer.centre();
    const turns = Array.from({ length: 24 }, (_, i) => i / 24 * 2 * Math.PI);
    this.send({ kind: "add", category: Number(byId("edit-class").value) || 0, points: turns.map((turn) => [x + radius * Math.cos(turn), y + radius * Math.sin(turn)]) });
  }

  cut() {
    this.withOne((id) => {
      const { x, y } = this.cells.get(id).rings[0];
      const [cx, cy] = centroid(this.cells.get(id));
      const sum = (f) => x.reduce((total, _, i) => total + f(x[i] - cx, y[i] - cy), 0);
      const along = 0.5 * Math.atan2(2 * sum((a, b) => a * b), sum((a) => a * a) - sum((_, b) => b * b));
      const far = Math.max(...x) - Math.min(...x) + Math.max(...y) - Math.min(...y);
      const [dx, dy] = [-Math.sin(along) * far, Math.cos(along) * far];
      return this.send({ kind: "split", id, points: [[cx - dx, cy - dy], [cx + dx, cy + dy]] });
    });
  }

  press(event) {
    if (!this.viewer.url || event.altKey) { return; }
    const isCommand = event.ctrlKey || event.metaKey;
    const action = isCommand ? this.command(event.key) : this.view(event.key, event.shiftKey ? 5 : 1) || (this.active ? this.key(event.key, event.shiftKey) : null);
    if (action) { event.preventDefault(); action(); }
  }

  command(key) {
    return this.active ? { z: () => this.send({ kind: "undo" }), y: () => this.send({ kind: "redo" }) }[key] : null;
  }

  view(key, far) {
    return {
      "+": () => this.viewer.zoom(1.5), "-": () => this.viewer.zoom(1 / 1.5), 0: () => this.viewer.fit(),
      ArrowLeft: () => this.moveCross(-far, 0), ArrowRight: () => this.moveCross(far, 0), ArrowUp: () => this.moveCross(0, -far), ArrowDown: () => this.moveCross(0, far),
    }[key];
  }

  key(key, more) {
    const number = Number(key);
    if (number >= 1 && number <= this.colours.length) { return () => this.classify(number - 1); }
    return {
      n: () => this.step(1), p: () => this.step(-1), x: () => this.remove(), delete: () => this.remove(), backspace: () => this.remove(),
      m: () => this.merge(), s: () => this.cut(), a: () => this.addRound(), u: () => this.send({ kind: "undo" }), r: () => this.send({ kind: "redo" }),
      d: () => this.use("draw"), o: () => this.use("redraw"), l: () => this.use("split"), " ": () => this.addCorner(), enter: () => this.enter(more),
      escape: () => { this.chosen.clear(); this.use("select"); this.choose(); },
    }[key.toLowerCase()];
  }
}
