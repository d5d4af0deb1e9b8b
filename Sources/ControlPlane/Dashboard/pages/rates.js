// How many decisions a second, of DNS and of the proxy, for each region: now, and over the last minutes.

import {element, shape, show, table} from "./elements.js";
import {Rates, read} from "./metrics.js";

const COUNTERS = {
  azimuth_dns_steered_total: "DNS", azimuth_proxy_decisions_total: "proxy",
};
// Points of a line: two seconds apart.
const MOST_POINTS = 90;

export function showRates(section, feed) {
  const rates = new Rates();
  const history = new Map();
  const body = element("div", {}, element("p", {}, "Waiting for two readings."));
  section.append(body);
  feed.on("metrics", (text) => {
    const sums = new Map();
    for (const {name, labels, value} of read(text, Object.keys(COUNTERS))) {
      for (const key of [`${labels.region || "none"} ${COUNTERS[name]}`, `all ${COUNTERS[name]}`]) {
        sums.set(key, (sums.get(key) ?? 0) + value);
      }
    }
    const now = rates.take(sums, Date.now());
    if (!now) return;
    const names = [...(feed.latest("regions")?.regions ?? []).map((region) => region.name), "none", "all"];
    const rows = names.filter((name) => name !== "none" || now.get("none DNS") || now.get("none proxy"))
      .map((name) => {
        const pair = Object.values(COUNTERS).map((kind) => now.get(`${name} ${kind}`) ?? 0);
        const points = [...(history.get(name) ?? []), pair[0] + pair[1]].slice(-MOST_POINTS);
        history.set(name, points);
        return [name, ...pair.map((rate) => rate.toFixed(1)), line(points)];
      });
    feed.tell("rates", now);
    show(body, table(["region", "DNS#", "proxy#", "last 3 minutes"], rows, "Decisions a second by region"));
  });
}

function line(points) {
  const most = Math.max(...points, 1e-9);
  const d = points.map((point, index) => `${index === 0 ? "M" : "L"}${
    (100 - (points.length - 1 - index) * (100 / MOST_POINTS)).toFixed(1)} ${(19 - (point / most) * 18).toFixed(1)}`);
  return shape("svg", {class: "spark", viewBox: "0 0 100 20", preserveAspectRatio: "none", "aria-hidden": "true"},
    shape("path", {d: d.join("")}));
}
