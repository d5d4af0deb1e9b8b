// When each region was well, in the last half hour, told from the events.

import {clock, element, show} from "./elements.js";

const SPAN = 30 * 60 * 1000;

export function showTimeline(section, feed) {
  const body = element("div", {class: "timeline"});
  section.append(body);
  let drawnAt = 0;
  const draw = () => {
    const list = feed.latest("regions")?.regions;
    if (!list) return;
    drawnAt = Date.now();
    show(body, list.flatMap((region) => region.pools.map((pool) => row(region, pool, feed.events, drawnAt))));
  };
  feed.on("regions", draw);
  // The line goes on while nothing happens.
  feed.on("tick", (now) => { if (now - drawnAt > 10000) draw(); });
}

// From now back: before each event the region was what the event came from.
function row(region, pool, events, now) {
  const subject = `${region.name}/${pool.pool}`;
  const start = now - SPAN;
  let end = now;
  let state = pool.health;
  const bars = [];
  const add = (from, cause) => {
    const bar = element("span", {class: `bar ${state}`, title: `${state} from ${clock(new Date(from))}${cause}`});
    bar.style.left = `${((from - start) / SPAN) * 100}%`;
    bar.style.width = `${((end - from) / SPAN) * 100}%`;
    bars.push(bar);
  };
  let changes = 0;
  for (const event of events) {
    if (event.kind !== "region_health" || event.subject !== subject) continue;
    const at = Date.parse(event.at);
    if (at <= start) break;
    add(at, event.cause ? `: ${event.cause}` : "");
    [end, state, changes] = [at, event.from, changes + 1];
  }
  add(start, " or before");
  const words = `${subject}: ${pool.health}, ${changes} changes in the last half hour`;
  return element("div", {class: "line"}, element("span", {class: "name"}, subject),
    element("span", {class: "bars", role: "img", "aria-label": words}, bars));
}
