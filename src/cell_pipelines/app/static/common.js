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

export function send(path, content, method = "POST") {
  return ask(path, { method, body: JSON.stringify(content), headers: { "Content-Type": "application/json", Accept: "application/json" } });
}

export const byId = (id) => document.getElementById(id);

export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) { node.setAttribute(key, value); }
  node.append(...children);
  return node;
}

export const plural = (count, name) => `${count} ${name}${count === 1 ? "" : "s"}`;

export function fillTable(table, columns, rows) {
  const isNumber = (value) => typeof value === "number";
  const shown = (value) => (isNumber(value) && !Number.isInteger(value) ? value.toFixed(3) : String(value ?? ""));
  const kind = (value) => (isNumber(value) ? { class: "number" } : {});
  const head = element("tr", {}, ...columns.map((name, i) => element("th", { scope: "col", ...(rows.length ? kind(rows[0][i]) : {}) }, name)));
  const lines = rows.map((row) => element("tr", {}, ...row.map((value, i) => (i ? element("td", kind(value), shown(value)) : element("th", { scope: "row" }, shown(value))))));
  table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...lines));
}

// What can't be done is said at the edge of the window, wherever one is on the page.
export function complain(text) {
  byId("problem-text").textContent = text;
  byId("problem").hidden = !text;
}

export const guarded = (action) => (...values) => {
  complain("");
  return Promise.resolve().then(() => action(...values)).catch((error) => complain(error.message));
};

// Of calls while one runs only the last is made, so that a slider never waits for what it has passed.
export function latest(action) {
  let [isRunning, next] = [false, null];
  return async function run(...values) {
    if (isRunning) { next = values; return; }
    isRunning = true;
    try { await action(...values); } finally { isRunning = false; }
    if (next) { const again = next; next = null; await run(...again); }
  };
}

const STATES = { queued: "Waiting", running: "Working", done: "Done", failed: "Failed", cancelled: "Cancelled" };

function remaining(answer, since) {
  if (!answer.done || !answer.total || answer.done >= answer.total) { return ""; }
  const seconds = Math.round((Date.now() - since) / 1000 * (answer.total - answer.done) / answer.done);
  return seconds > 90 ? `, about ${Math.round(seconds / 60)} minutes left` : `, about ${seconds} s left`;
}

function showProgress(answer, began) {
  const words = answer.state === "queued" ? "Jobs that came before are done first." : answer.doing || "The model is loaded.";
  byId("progress-title").textContent = STATES[answer.state];
  byId("doing").textContent = answer.message || (answer.state === "cancelled" ? "This job was cancelled." : answer.total ? `${answer.doing}: ${answer.done} of ${answer.total}${remaining(answer, began)}` : words);
  byId("doing").className = answer.state === "failed" ? "error" : "";
  byId("done").max = answer.total || 1;
  byId("done").value = answer.done;
}

function end(answer) {
  byId("cancel").hidden = true;
  byId("leave").hidden = true;
  byId("done").hidden = true;
  byId("again").hidden = answer.state === "done";
  byId("progress").hidden = answer.state === "done"; // what came of it is on the page
}

async function rename(base) {
  const title = window.prompt("Name of the job", byId("job-title").textContent);
  if (title === null) { return; }
  const answer = await send(`${base}/title`, { title });
  byId("job-title").textContent = answer.title;
  document.title = answer.title;
}

// Show how far a job is until it ends.
export async function watchJob(base, onDone, onStep = () => {}) {
  let [began, doing] = [Date.now(), ""];
  byId("rename").addEventListener("click", guarded(() => rename(base)));
  byId("cancel").addEventListener("click", guarded(() => ask(`${base}/cancel`, { method: "POST" })));
  for (;;) {
    const answer = await ask(base);
    if (answer.doing !== doing) { [began, doing] = [Date.now(), answer.doing]; }
    showProgress(answer, began);
    const hasEnded = ["done", "failed", "cancelled"].includes(answer.state);
    if (hasEnded) { end(answer); }
    await onStep(answer);
    if (answer.state === "done") { await onDone(answer); }
    if (hasEnded) { return; }
    await new Promise((wake) => { setTimeout(wake, 250); });
  }
}

const WHEN = { dateStyle: "medium", timeStyle: "short" };
for (const time of document.querySelectorAll("time[datetime]")) {
  time.textContent = new Intl.DateTimeFormat(undefined, WHEN).format(new Date(time.dateTime));
}
byId("problem-close").addEventListener("click", () => complain(""));
