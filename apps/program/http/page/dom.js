// Elements without a framework. Text is only ever set as text: what a record holds stays what it is.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, given, children) {
  attributes(element, given);
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);
export const html = (tag, given = {}, ...children) => fill(document.createElement(tag), given, children);
export const svg = (tag, given = {}, ...children) => fill(document.createElementNS(SVG, tag), given, children);

/** Sets an attribute where it changes; null removes it. */
export function attribute(element, name, value) {
  if (value == null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

export function attributes(element, given) {
  for (const [name, value] of Object.entries(given)) attribute(element, name, value);
}

/** Sets the text where it changes: selections stay, and nothing is said twice. */
export function text(element, value) {
  if (element.textContent !== String(value)) element.textContent = value;
}

const known = new WeakMap();  // parent -> key -> child

/**
 * Makes the children of `parent` those of `items`, in their order: create(item) makes a new one, update(element,
 * item) brings each up to date, and one whose key is gone goes. What stays keeps focus, selection and transitions.
 */
export function keyed(parent, items, keyOf, create, update) {
  const before = known.get(parent) ?? new Map();
  const now = new Map();
  let next = parent.firstChild;
  for (const item of items) {
    const key = keyOf(item);
    const element = before.get(key) ?? create(item);
    before.delete(key);
    now.set(key, element);
    update(element, item);
    if (element === next) next = next.nextSibling;
    else parent.insertBefore(element, next);
  }
  for (const element of before.values()) element.remove();
  known.set(parent, now);
}

/** The children of `parent` as table rows of these cells, each a text or {text, className, header, title, boxed}. */
export function rows(parent, items, keyOf, cellsOf) {
  keyed(parent, items, keyOf, () => html("tr"), (row, item) => {
    const cells = cellsOf(item);
    while (row.children.length < cells.length) {
      const {header, boxed} = cells[row.children.length];
      row.append(header ? html("th", {scope: "row"}) : html("td", {}, ...(boxed ? [html("span")] : [])));
    }
    cells.forEach((cell, index) => {
      text(cell.boxed ? row.children[index].firstChild : row.children[index], cell.text ?? cell);
      attribute(row.children[index], "class", cell.className);
      attribute(row.children[index], "title", cell.title);
    });
  });
}
