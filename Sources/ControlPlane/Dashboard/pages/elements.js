// Makes elements. Text goes in as text and never as markup.

const SVG = "http://www.w3.org/2000/svg";
// Where clients are who get no region, among those who get one.
const REFUSED = "refused";

// element("td", {class: "number"}, "12"): attributes, then children: text, elements, or lists of them.
// An attribute that is a function listens: {onclick: …}; true is an empty one; null and false are none.
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

// table(["region", "share"], [["tokyo", "17 %"], …], "what it is of"): cells are text or elements.
// Columns whose head ends with "#" are numbers.
export function table(heads, rows, caption) {
  const isNumber = heads.map((head) => head.endsWith("#"));
  const type = (index) => ({class: isNumber[index] ? "number" : null});
  const id = `table-${caption.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
  return element("div", {class: "scroll", id, tabindex: 0, role: "region", "aria-label": caption},
    element("table", {},
      element("caption", {class: "unseen"}, caption),
      element("thead", {}, element("tr", {}, heads.map((head, index) =>
        element("th", {scope: "col", ...type(index)}, head.replace(/#$/, ""))))),
      element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell, index) =>
        element(index === 0 ? "th" : "td", {scope: index === 0 ? "row" : null, ...type(index)}, cell)))))));
}

export function field(label, control) {
  return element("label", {}, element("span", {}, label), control);
}

export function options(select, values, chosen) {
  if ([...select.options].map((option) => option.value).join("\n") === values.join("\n")) return;
  const before = chosen ?? select.value;
  select.replaceChildren(...values.map((value) =>
    element("option", {value, selected: value === before}, value)));
}

// Puts new children in place, unless what is there is the same or somebody is at it: a table that is
// drawn anew every second must not take the focus or a selection away.
export function show(parent, ...children) {
  const made = children.flat().filter((child) => child !== null && child !== undefined);
  const old = [...parent.childNodes];
  if (old.length === made.length && old.every((node, index) => node.isEqualNode(made[index]))) return;
  const focused = parent.contains(document.activeElement) ? document.activeElement.id : "";
  parent.replaceChildren(...made);
  if (focused) document.getElementById(focused)?.focus();
}

export const percent = (share) => `${(share * 100).toFixed(1)} %`;
export const grouped = (number) => Math.round(number).toLocaleString("en");
export const clock = (date) => date.toLocaleTimeString("en-GB");

// "in 29 min", "3 s ago" of a date.
export function apart(date) {
  const seconds = (date - Date.now()) / 1000;
  const size = Math.abs(seconds);
  const text = size < 90 ? `${Math.round(size)} s` : size < 5400 ? `${Math.round(size / 60)} min`
    : size < 129600 ? `${Math.round(size / 3600)} h` : `${Math.round(size / 86400)} days`;
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

// A colour for each region, told apart as well as so many can be. The order of the list does not
// matter: what names the same regions gives them the same colours.
export function regionColours(regions) {
  const names = regions.map((region) => region.name).filter((name) => name !== REFUSED).sort();
  const colours = new Map(names.map((name, index) => {
    const hue = (200 + (index * 360) / names.length) % 360;
    return [name, `oklch(var(--lightness-${index % 2}) 0.15 ${hue.toFixed(0)})`];
  }));
  return colours.set(REFUSED, "var(--refused)");
}
