// What all pages share.
export const root = document.body.dataset.root;

export async function ask(path, options = {}) {
  const answer = await fetch(root + path, { headers: { Accept: "application/json" }, ...options });
  if (answer.status === 401) { location.href = `${root}/login`; }
  const text = await answer.text();
  const content = text && answer.headers.get("content-type").includes("json") ? JSON.parse(text) : text;
  if (!answer.ok) { throw new Error(content.error || `The server answered ${answer.status}.`); }
  return content;
}

export const byId = (id) => document.getElementById(id);

export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) { node.setAttribute(key, value); }
  node.append(...children);
  return node;
}

export function fillTable(table, columns, rows) {
  const isNumber = (value) => typeof value === "number";
  const shown = (value) => (isNumber(value) && !Number.isInteger(value) ? value.toFixed(3) : String(value ?? ""));
  const kind = (value) => (isNumber(value) ? { class: "number" } : {});
  const head = element("tr", {}, ...columns.map((name, i) => element("th", { scope: "col", ...(rows.length ? kind(rows[0][i]) : {}) }, name)));
  const lines = rows.map((row) => element("tr", {}, ...row.map((value, i) => (i ? element("td", kind(value), shown(value)) : element("th", { scope: "row" }, shown(value))))));
  table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...lines));
}

function complain(error) {
  byId("progress").hidden = false;
  byId("doing").className = "error";
  byId("doing").textContent = error.message;
}

export const guarded = (action) => (...values) => {
  Promise.resolve().then(() => action(...values)).catch(complain);
};

const STATES = { queued: "Waiting", running: "Working", done: "Done", failed: "Failed", cancelled: "Cancelled" };

function remaining(answer, since) {
  if (!answer.done || !answer.total || answer.done >= answer.total) { return ""; }
  const seconds = Math.round((Date.now() - since) / 1000 * (answer.total - answer.done) / answer.done);
  return seconds > 90 ? `, about ${Math.round(seconds / 60)} minutes left` : `, about ${seconds} s left`;
}

// Show how far a job is until it ends.
export async function watchJob(base, onDone, onStep = () => {}) {
  let [began, doing] = [Date.now(), ""];
  byId("cancel").addEventListener("click", guarded(() => ask(`${base}/cancel`, { method: "POST" })));
  for (;;) {
    const answer = await ask(base);
    if (answer.doing !== doing) { [began, doing] = [Date.now(), answer.doing]; }
    byId("progress-title").textContent = STATES[answer.state];
    byId("doing").textContent = answer.message || (answer.total ? `${answer.doing}: ${answer.done} of ${answer.total}${remaining(answer, began)}` : answer.doing);
    byId("done").max = answer.total || 1;
    byId("done").value = answer.done;
    const ended = ["done", "failed", "cancelled"].includes(answer.state);
    byId("cancel").hidden = ended;
    if (answer.state === "failed") { byId("doing").className = "error"; }
    await onStep(answer);
    if (answer.state === "done") { await onDone(answer); }
    if (ended) { return; }
    await new Promise((wake) => { setTimeout(wake, 250); });
  }
}
