// The world: who goes to which region, and who would if the chosen ones failed.
//
//     the choice (service, failed regions) ─┐
//     an edition's number ──────────────────┴─▶ v1/catchments ─▶ squares, arrows, "catchments" ─▶ regions.js

import {ask} from "./ask.js";
import {element, field, options, percent, regionColours, shape, show} from "./elements.js";
import {HEIGHT, WIDTH, outlinePath, project} from "./projection.js";

// Smaller moves are no arrows: of all people.
const LEAST_FLOW = 0.001;
const SIGNS = {healthy: "●", degraded: "◆", unknown: "?", unhealthy: "✕", removed: "✕", down: "✕", drain: "▽"};

export class WorldMap {
  // Names of regions that are asked about: what if they fail?
  without = new Set();
  #feed;
  #drawn = null;
  #isAsking = false;
  #land = shape("path", {class: "land"});
  #squares = shape("g");
  #flows = shape("g", {class: "flows"});
  #marks = shape("g");
  #service = element("select", {id: "map-service"});
  #words = element("p", {id: "map-words", role: "status"});
  #svg = shape("svg", {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group",
    "aria-label": "Map of the world with the regions and whom they get"});

  constructor(section, feed) {
    this.#feed = feed;
    this.#svg.append(
      shape("defs", {}, shape("marker", {id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4,
        markerWidth: 4, markerHeight: 4, orient: "auto"}, shape("path", {d: "M0 0L8 4L0 8Z"}))),
      this.#land, this.#squares, this.#flows, this.#marks);
    const reset = element("button", {type: "button", id: "map-reset", onclick: () => this.choose(null)},
      "As it is");
    section.append(element("div", {class: "controls"}, field("Service", this.#service), reset),
      this.#svg, this.#words);
    this.#service.addEventListener("change", () => this.#redraw());
    new ResizeObserver(([entry]) => this.#svg.style.setProperty(
      "--scale", WIDTH / Math.max(1, entry.contentRect.width))).observe(this.#svg);
    feed.on("regions", (list) => {
      this.#drawLand();
      this.#drawMarks(list.regions);
      this.#redraw();
    });
  }

  // Until it is there: the node may have been lost when it was asked for.
  async #drawLand() {
    if (this.#land.hasAttribute("d")) return;
    const outlines = await ask("dashboard/world.json").catch(() => null);
    if (outlines !== null) this.#land.setAttribute("d", outlinePath(outlines));
  }

  // Adds a region to those that fail, or takes it out again; null: none fails.
  choose(name) {
    if (name === null) this.without.clear();
    else if (!this.without.delete(name)) this.without.add(name);
    const known = this.#feed.latest("regions");
    if (known) this.#feed.tell("regions", known);
  }

  // Asks only if something else would be drawn than what is there.
  async #redraw() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      for (let wanted = this.#question(); wanted.key !== this.#drawn; wanted = this.#question()) {
        const report = await ask(wanted.path);
        options(this.#service, report.services, report.service);
        this.#drawn = wanted.key || this.#question(wanted.edition).key;
        this.#drawSquares(report);
        this.#drawFlows(report);
        this.#say(report);
        this.#feed.tell("catchments", report);
      }
    } catch (error) {
      this.#drawn = null;
      this.#words.textContent = `No catchments: ${error.message}`;
    } finally {
      this.#isAsking = false;
    }
  }

  // The first time nobody has chosen a service: then the node does.
  #question(edition = this.#feed.latest("regions").edition) {
    const query = new URLSearchParams();
    if (this.#service.value) query.set("service", this.#service.value);
    if (this.without.size > 0) query.set("without", [...this.without].join(","));
    const path = `v1/catchments?${query}`;
    return {path, edition, key: this.#service.value ? `${edition} ${path}` : ""};
  }

  #drawSquares({regions, squares, people}) {
    const side = 5;
    const paths = new Map();
    for (const [latitude, longitude, weight, before, after] of squares) {
      const [x, y] = project(latitude, longitude);
      const size = side * Math.min(1, 0.45 + Math.sqrt((weight / people) * 1000) * 0.55);
      const key = `${after} ${before !== after}`;
      const corner = `M${(x - size / 2).toFixed(1)} ${(y - size / 2).toFixed(1)}`;
      paths.set(key, `${paths.get(key) ?? ""}${corner}h${size.toFixed(1)}v${size.toFixed(1)}h-${size.toFixed(1)}z`);
    }
    const colours = regionColours(regions);
    const hasMoved = [...paths.keys()].some((key) => key.endsWith("true"));
    this.#squares.setAttribute("class", hasMoved ? "squares moving" : "squares");
    this.#squares.replaceChildren(...[...paths].map(([key, d]) => {
      const [index, isMoved] = key.split(" ");
      const path = shape("path", {d, class: isMoved === "true" ? "moved" : null,
        "data-region": regions[index].name});
      path.style.fill = colours.get(regions[index].name);
      return path;
    }));
  }

  #drawFlows({flows, regions}) {
    const places = new Map((this.#feed.latest("regions").regions).filter((region) => region.location)
      .map((region) => [region.name, project(region.location.latitude, region.location.longitude)]));
    const lines = flows.filter((flow) =>
      flow.share >= LEAST_FLOW && places.has(flow.from) && places.has(flow.to));
    const colours = regionColours(regions);
    this.#flows.replaceChildren(...lines.map((flow) => {
      const [[x1, y1], [x2, y2]] = [places.get(flow.from), places.get(flow.to)];
      const [middleX, middleY] = [(x1 + x2) / 2 + (y1 - y2) * 0.2, (y1 + y2) / 2 - Math.abs(x2 - x1) * 0.2];
      const line = shape("path", {d: `M${x1} ${y1}Q${middleX} ${middleY} ${x2} ${y2}`,
        "marker-end": "url(#arrow)", "data-flow": `${flow.from} ${flow.to}`},
      shape("title", {}, `${flow.from} → ${flow.to}: ${percent(flow.share)} of all people`));
      line.style.setProperty("--width", Math.max(1.2, Math.min(8, Math.sqrt(flow.share * 400))));
      line.style.stroke = colours.get(flow.to);
      return line;
    }));
  }

  #drawMarks(regions) {
    show(this.#marks, regions.filter((region) => region.location).map((region) => {
      const [x, y] = project(region.location.latitude, region.location.longitude);
      const isOut = this.without.has(region.name);
      const state = standing(region);
      const load = fullness(region);
      const words = load === null ? state : `${state}, ${percent(load)} full`;
      return shape("g", {
        id: `map-${region.name}`, class: `mark ${state}`, role: "button", tabindex: 0,
        transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, "aria-pressed": String(isOut),
        "aria-label": `${region.name}, ${words}. What if it fails?`,
        onclick: () => this.choose(region.name),
        onkeydown: (press) => {
          if (press.key !== "Enter" && press.key !== " ") return;
          press.preventDefault();
          this.choose(region.name);
        },
      },
      shape("circle", {class: "reach"}), shape("circle", {class: "disc"}),
      load === null ? [] : shape("circle", {class: "load", pathLength: 1,
        "stroke-dasharray": `${Math.min(1, load).toFixed(2)} 1`}),
      shape("text", {class: "sign"}, isOut ? "✕" : SIGNS[state] ?? "●"),
      shape("text", {class: x > WIDTH * 0.85 ? "name left" : "name"}, region.name));
    }));
  }

  #say({before, after, moved_share: moved, flows, edition, people}) {
    const most = flows.slice(0, 4).map((flow) => `${flow.from} → ${flow.to} ${percent(flow.share)}`);
    const where = most.length > 0 ? `: ${most.join(", ")}${flows.length > 4 ? " and others" : ""}` : "";
    show(this.#words, element("span", {}, people === 0
      ? "No database says where addresses are (geo.databases): nobody can be drawn."
      : this.without.size > 0
        ? `If ${[...this.without].join(" and ")} failed, ${percent(moved)} of all people would move${where}.`
        : moved > 0
          ? `${percent(moved)} of all people are not where they would be if all were well${where}.`
          : "All people go where they would if all were well. Choose a region to see what if it fails."),
    element("small", {}, ` ${before} → ${after}, edition ${edition}`));
  }
}

// How much of what it may take comes to a region; null where it declares no capacity.
function fullness({load, limit, capacity}) {
  const most = limit ?? capacity;
  return load === undefined || !most ? null : load / most;
}

// What a region is, in one word: an operator's if there is one, else the worst of its pools.
export function standing(region) {
  if (region.override !== "auto" && region.override !== "up") return region.override;
  const order = ["healthy", "degraded", "unknown", "unhealthy", "removed"];
  const worst = Math.max(...region.pools.map((pool) => order.indexOf(pool.health)));
  return order[worst] ?? "unused";
}
