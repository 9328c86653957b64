// Choose or drop images and send them; the page of the job opens when they have arrived. Delete jobs and models.
import { ask, byId, guarded, plural, root } from "./common.js";

function say(text, isError = false) {
  byId("status").textContent = text;
  byId("status").className = isError ? "error" : "";
}

function send(files) {
  const data = new FormData();
  for (const name of ["model", "diameter", "channel", "title"]) { data.append(name, byId(name).value); }
  if (files === null) { data.append("sample", "true"); }
  for (const [file, path] of files || []) { data.append("files", file, path); }
  const request = new XMLHttpRequest();
  const sent = byId("sent");
  sent.hidden = false;
  say(files === null ? "The sample is made …" : `${plural(files.length, "file")} on the way …`);
  request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) { sent.value = event.loaded / event.total; } });
  request.addEventListener("load", () => {
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { answer = { error: `The server answered ${request.status}.` }; }
    sent.hidden = true;
    if (request.status === 201) { location.href = `${root}/jobs/${answer.id}`; } else { say(answer.error, true); }
  });
  request.addEventListener("error", () => { sent.hidden = true; say("The server can't be reached.", true); });
  request.open("POST", `${root}/api/v1/jobs`);
  request.setRequestHeader("Accept", "application/json");
  request.send(data);
}

const chosen = (input) => [...input.files].map((file) => [file, file.webkitRelativePath || file.name]);

for (const id of ["files", "folder"]) {
  byId(id).addEventListener("change", (event) => { if (event.target.files.length) { send(chosen(event.target)); event.target.value = ""; } });
}
byId("sample").addEventListener("click", () => send(null));
byId("upload").addEventListener("submit", (event) => event.preventDefault());

async function listEntry(entry) {
  if (entry.isFile) {
    const file = await new Promise((done, fail) => { entry.file(done, fail); });
    return [[file, entry.fullPath.replace(/^\//, "")]];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const part = await new Promise((done, fail) => { reader.readEntries(done, fail); });
    if (!part.length) { return found; }
    for (const one of part) { found.push(...await listEntry(one)); }
  }
}

const drop = byId("drop");
for (const name of ["dragover", "dragenter"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", guarded(async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  const files = [];
  for (const entry of entries) { files.push(...await listEntry(entry)); }
  if (files.length) { send(files); } else { say("There was no file in what was dropped.", true); }
}));

async function remove(button) {
  if (!window.confirm(button.dataset.question)) { return; }
  await ask(button.dataset.path, { method: "DELETE" });
  for (const option of byId("model").options) { if (option.value === button.dataset.model) { option.remove(); } }
  const [section, body] = [button.closest("section"), button.closest("tbody")];
  button.closest("tr").remove();
  const isEmpty = !body.rows.length;
  section.querySelector(".scroll").hidden = isEmpty;
  section.querySelector(".none").hidden = !isEmpty;
  section.querySelector("h2").focus();
}

for (const button of document.querySelectorAll("button.delete")) { button.addEventListener("click", guarded(() => remove(button))); }

const wanted = new URLSearchParams(location.search).get("model");
if (wanted && [...byId("model").options].some((option) => option.value === wanted)) { byId("model").value = wanted; }
