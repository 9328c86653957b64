// Outlines of cells: which lie where, and how they are drawn on a canvas.
const COLOURS = { halo: "#000000", selected: "#ffffff", inside: "rgba(255, 255, 255, 0.3)", drawn: "#ffd500" };
const LEAST_STEP_PX = 0.75; // finer steps of an outline can't be seen
const AT_ONCE = 250; // outlines in one path; longer paths are drawn more slowly

const boxes = new WeakMap();

// The cell's bounds: x and y from, x and y to.
function boxOf(cell) {
  let box = boxes.get(cell);
  if (!box) {
    box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const { x, y } of cell.rings) {
      for (let i = 0; i < x.length; i++) {
        box[0] = Math.min(box[0], x[i]); box[1] = Math.min(box[1], y[i]);
        box[2] = Math.max(box[2], x[i]); box[3] = Math.max(box[3], y[i]);
      }
    }
    boxes.set(cell, box);
  }
  return box;
}

export function isNear(cell, { x, y }, [width, height]) {
  const box = boxOf(cell);
  return box[2] >= x && box[3] >= y && box[0] <= x + width && box[1] <= y + height;
}

function trace(context, cell, view) {
  const step = LEAST_STEP_PX / view.scale;
  for (const { x, y } of cell.rings) {
    if (!x.length) { continue; }
    let [lastX, lastY] = [x[0], y[0]];
    context.moveTo((lastX - view.x) * view.scale, (lastY - view.y) * view.scale);
    for (let i = 1; i < x.length; i++) {
      if (Math.abs(x[i] - lastX) + Math.abs(y[i] - lastY) < step) { continue; }
      lastX = x[i]; lastY = y[i];
      context.lineTo((lastX - view.x) * view.scale, (lastY - view.y) * view.scale);
    }
    context.closePath();
  }
}

export function strokeCells(context, cells, colours, view) {
  context.lineJoin = "round";
  context.lineWidth = view.scale < 0.5 ? 1 : 1.5;
  colours.forEach((colour, number) => {
    const mine = cells.filter((cell) => cell.class === number);
    context.strokeStyle = colour;
    for (let from = 0; from < mine.length; from += AT_ONCE) {
      context.beginPath();
      for (const cell of mine.slice(from, from + AT_ONCE)) { trace(context, cell, view); }
      context.stroke();
    }
  });
}

// Selected cells: a white line with a black one around it, and a lighter inside.
export function markCells(context, cells, view) {
  if (!cells.length) { return; }
  context.lineJoin = "round";
  context.beginPath();
  for (const cell of cells) { trace(context, cell, view); }
  context.fillStyle = COLOURS.inside;
  context.fill("evenodd");
  for (const [colour, width] of [[COLOURS.halo, 6], [COLOURS.selected, 3]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }
}

export function strokeLine(context, points, view) {
  if (points.length < 2) { return; }
  context.beginPath();
  points.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"]((x - view.x) * view.scale, (y - view.y) * view.scale));
  for (const [colour, width] of [[COLOURS.halo, 4.5], [COLOURS.drawn, 2.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
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
  const under = cells.filter((cell) => isNear(cell, { x, y }, [0, 0]) && cell.rings.filter((ring) => isInRing(ring, x, y)).length % 2 === 1);
  return under.sort((one, other) => one.area - other.area)[0];
}

export function centroid(cell) {
  const { x, y } = cell.rings[0];
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return [mean(x), mean(y)];
}
