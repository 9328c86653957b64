// Correct the cells of an image by mouse and by key; every edit is kept by the server at once.
import { ask, byId, element } from "./common.js";
import { cellAt, centroid } from "./viewer.js";

const TOOLS = { select: "Click cells to select them; hold Shift for several.", draw: "Draw around a cell.", split: "Draw a line across a cell.", redraw: "Draw the selected cell's new outline." };

export class Editor {
  constructor(viewer, complain) {
    this.viewer = viewer;
    this.complain = complain;
    this.cells = new Map();
    this.chosen = new Set();
    this.tool = "select";
    this.cross = null;
    this.waiting = Promise.resolve();
    this.active = false;
    for (const tool of Object.keys(TOOLS)) { byId(`tool-${tool}`).addEventListener("click", () => this.use(tool)); }
    for (const [id, action] of Object.entries({ delete: () => this.remove(), merge: () => this.merge(), undo: () => this.send({ kind: "undo" }), redo: () => this.send({ kind: "redo" }) })) {
      byId(`edit-${id}`).addEventListener("click", action);
    }
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
    for (const name of Object.keys(TOOLS)) { byId(`tool-${name}`).setAttribute("aria-pressed", String(name === tool)); }
    byId("tool-hint").textContent = TOOLS[tool];
    this.viewer.draws(tool !== "select");
  }

  redraw() {
    this.viewer.draw([...this.cells.values()], this.colours, new Set());
    this.viewer.select([...this.chosen].map((id) => this.cells.get(id)));
    byId("chosen").textContent = this.chosen.size ? `${this.chosen.size} selected.` : "";
  }

  tell(answer) {
    byId("count-here").textContent = `${answer.total} cells after ${answer.edits} ${answer.edits === 1 ? "correction" : "corrections"}.`;
    byId("edit-undo").disabled = !answer.can_undo;
    byId("edit-redo").disabled = !answer.can_redo;
    byId("finished").checked = answer.finished;
  }

  // Edits reach the server in the order in which they were made.
  send(edit) {
    this.waiting = this.waiting.then(async () => {
      const answer = await ask(this.path, { method: "POST", body: JSON.stringify(edit), headers: { "Content-Type": "application/json", Accept: "application/json" } });
      for (const id of answer.removed) { this.cells.delete(id); this.chosen.delete(id); }
      for (const cell of answer.cells) { this.cells.set(cell.id, cell); }
      this.tell(answer);
      this.redraw();
      byId("edit-error").textContent = "";
    }).catch((error) => { byId("edit-error").textContent = error.message; });
    return this.waiting;
  }

  tap(x, y, more) {
    const cell = cellAt([...this.cells.values()], x, y);
    if (!more) { this.chosen.clear(); }
    if (cell) { if (this.chosen.has(cell.id)) { this.chosen.delete(cell.id); } else { this.chosen.add(cell.id); } }
    this.redraw();
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
    const now = ids.indexOf([...this.chosen][0]);
    const id = ids[(now + direction + ids.length) % ids.length];
    this.chosen = new Set([id]);
    this.viewer.move(...centroid(this.cells.get(id)));
    this.redraw();
  }

  // Without a mouse: a cross that arrow keys move, a round cell of the usual size, a cut through the shorter axis.
  moveCross(dx, dy) {
    const [width] = this.viewer.size;
    const span = this.viewer.plot.x_range.end - this.viewer.plot.x_range.start;
    const [x, y] = this.cross || this.viewer.centre();
    this.cross = [Math.min(Math.max(x + dx * span / 80, 0), width), Math.min(Math.max(y + dy * span / 80, 0), this.viewer.size[1])];
    this.viewer.showCross(this.cross);
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
    if (!this.viewer.plot || event.altKey) { return; }
    const command = event.ctrlKey || event.metaKey;
    const keys = command ? { z: () => this.send({ kind: "undo" }), y: () => this.send({ kind: "redo" }) } : {
      n: () => this.step(1), p: () => this.step(-1), Delete: () => this.remove(), Backspace: () => this.remove(), x: () => this.remove(),
      m: () => this.merge(), u: () => this.send({ kind: "undo" }), r: () => this.send({ kind: "redo" }), a: () => this.addRound(), s: () => this.cut(),
      Enter: () => this.tap(...(this.cross || this.viewer.centre()), event.shiftKey), Escape: () => { this.chosen.clear(); this.use("select"); this.redraw(); },
    };
    const views = command ? {} : {
      "+": () => this.viewer.zoom(1.5), "-": () => this.viewer.zoom(1 / 1.5), 0: () => this.viewer.fit(),
      ArrowLeft: () => this.moveCross(-1, 0), ArrowRight: () => this.moveCross(1, 0), ArrowUp: () => this.moveCross(0, -1), ArrowDown: () => this.moveCross(0, 1),
    };
    const number = Number(event.key);
    const action = views[event.key] || (this.active ? keys[event.key] : undefined);
    if (action) { event.preventDefault(); action(); } else if (this.active && !command && number >= 1 && number <= this.colours.length) { event.preventDefault(); this.classify(number - 1); }
  }
}
