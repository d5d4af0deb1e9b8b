// The round trips that clients can expect, and what the checks take.

import {element, show, table} from "./elements.js";

const milliseconds = (value) => (value === undefined || value === null ? "–" : `${Math.round(value * 10) / 10} ms`);

export function showLatency(section, feed) {
  const body = element("div");
  const words = element("p");
  section.append(words, body);
  const draw = () => {
    const catchments = feed.latest("catchments");
    const endpoints = feed.latest("endpoints")?.endpoints ?? [];
    const votes = feed.latest("votes")?.endpoints ?? [];
    const names = (feed.latest("regions")?.regions ?? []).map((region) => region.name);
    words.textContent = catchments
      ? `Service ${catchments.service}: what its clients can expect, by measurement where there is any, else by `
        + "distance; and the last checks of the endpoints."
      : "";
    show(body, table(["region", "half of its clients#", "95 %#", "checks#", "checks of the fleet#"],
      names.map((name) => {
        const own = catchments?.regions.find((region) => region.name === name);
        const checks = endpoints.filter((endpoint) => endpoint.region === name && endpoint.last_probe)
          .map((endpoint) => endpoint.last_probe.duration_ms);
        const others = votes.filter((endpoint) => endpoint.region === name)
          .flatMap((endpoint) => endpoint.votes.map((vote) => vote.round_trip_ms)).filter((time) => time > 0);
        return [name, milliseconds(own?.median_ms), milliseconds(own?.p95_ms), range(checks), range(others)];
      }), "Expected round trips by region"));
  };
  feed.on("regions", draw);
  feed.on("catchments", draw);
}

function range(values) {
  if (values.length === 0) return "–";
  const [least, most] = [milliseconds(Math.min(...values)), milliseconds(Math.max(...values))];
  return least === most ? least : `${least} to ${most}`;
}
