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
