// The regions as a table: what the map shows, for those who cannot see it or have no room for it.

import {element, grouped, percent, regionColours, show, table} from "./elements.js";
import {standing} from "./map.js";

export function showRegions(section, feed, map) {
  const body = element("div", {}, element("p", {}, "Nothing is known yet."));
  section.append(body);
  const draw = () => {
    const list = feed.latest("regions")?.regions;
    if (!list) return;
    const catchments = feed.latest("catchments");
    const colours = regionColours(list);
    const rows = list.map((region) => {
      const own = catchments?.regions.find((one) => one.name === region.name);
      const swatch = element("span", {class: "swatch", "aria-hidden": "true"});
      swatch.style.background = colours.get(region.name);
      const isOut = map.without.has(region.name);
      return [
        element("span", {}, swatch, region.name), state(region),
        own ? shares(own) : "", load(region), admission(region),
        element("button", {type: "button", id: `what-if-${region.name}`, "aria-pressed": String(isOut),
          "aria-label": `What if ${region.name} fails?`, onclick: () => map.choose(region.name)},
        isOut ? "it fails" : "what if it fails?"),
      ];
    });
    show(body, table(
      ["region", "health", "gets of all people#", "new connections/s, of capacity#", "takes#", ""], rows, "Regions"));
  };
  feed.on("regions", draw);
  feed.on("catchments", draw);
}

function state(region) {
  const word = standing(region);
  const details = region.pools.flatMap((pool) => [
    `${pool.pool} ${pool.healthy_endpoints}/${pool.endpoints}`,
    pool.hold && pool.hold.replaceAll("_", " "), pool.flapping && "flapping",
    pool.ramp < 1 && `ramp ${percent(pool.ramp)}`,
  ]).filter(Boolean).join(", ");
  return element("span", {class: `state ${word}`}, word, element("small", {}, ` ${details}`));
}

function shares({share_before: before, share_after: after}) {
  const [from, to] = [percent(before), percent(after)];
  return from === to ? to : element("strong", {}, `${from} → ${to}`);
}

function load({load, capacity, limit}) {
  if (load === undefined && capacity === undefined) return "–";
  const most = limit ?? capacity;
  return `${load === undefined ? "?" : grouped(load)}${most === undefined ? "" : ` of ${grouped(most)}`}`;
}

// The part of its clients that it takes, by dial and by load.
function admission({dial, opening}) {
  return percent(dial * opening);
}
