// Where clients would go, before and after a change, asked of the running node.

import {request} from "./ask.js";
import {element, field, grouped, options, percent, show, table} from "./elements.js";

export function showSimulator(section, feed) {
  const service = element("select", {id: "simulate-service"});
  const load = element("input", {id: "simulate-load", type: "number", min: 0, placeholder: "as measured"});
  const choices = {down: element("div"), drain: element("div")};
  const answer = element("div", {id: "simulate-answer", "aria-live": "polite"});
  const button = element("button", {type: "submit"}, "Simulate");
  section.append(element("form", {onsubmit: async (submit) => {
    submit.preventDefault();
    const chosen = (kind) => [...choices[kind].querySelectorAll("input:checked")].map((box) => box.value);
    button.disabled = true;
    try {
      const report = await request("POST", "v1/simulate", {
        down: chosen("down"), drain: chosen("drain"), services: [service.value],
        ...(load.value && {load: Number(load.value)})});
      if (report !== undefined) show(answer, result(report));
    } catch (error) {
      show(answer, element("p", {class: "problem"}, error.message));
    } finally {
      button.disabled = false;
    }
  }}, element("div", {class: "controls"}, field("Service", service), field("New connections/s", load)),
  ...Object.entries({down: "Fail", drain: "Drained"}).map(([kind, title]) =>
    element("fieldset", {}, element("legend", {}, title), choices[kind])), button), answer);
  feed.on("catchments", ({services}) => options(service, services));
  let known = "";
  feed.on("regions", ({regions}) => {
    const names = regions.map((region) => region.name);
    if (names.join() === known) return;
    known = names.join();
    for (const [kind, box] of Object.entries(choices)) {
      box.replaceChildren(...names.map((name) => element("label", {class: "choice"},
        element("input", {type: "checkbox", value: name, id: `simulate-${kind}-${name}`}), ` ${name}`)));
    }
  });
}

function result(report) {
  const latency = (value) => (value ? `${value.median_ms.toFixed(1)} / ${value.p95_ms.toFixed(1)} ms` : "–");
  return [
    element("p", {}, `${report.scenario.join(", ")}; ${grouped(report.weight)} at ${
      grouped(report.clients)} addresses: ${report.population_source}`),
    ...report.services.flatMap((service) => [
      element("h3", {}, `${service.name}: ${percent(service.moved_share)} of the clients move`),
      table(["region", "before#", "after#", "load before#", "load after#"],
        [...service.regions, service.refused].map((one) => [one.name, percent(one.share_before),
          percent(one.share_after), grouped(one.load_before), grouped(one.load_after)]), `Shares of ${service.name}`),
      element("p", {}, `Round trip, median / 95 %: ${latency(service.latency_before)} → ${
        latency(service.latency_after)}`),
      element("ul", {}, service.flows.slice(0, 8).map((flow) =>
        element("li", {}, `${flow.from} → ${flow.to}: ${percent(flow.share)}`))),
    ]),
    report.capacities.length === 0 ? null : table(["region", "capacity#", "before#", "after#"],
      report.capacities.map((one) => [one.region, grouped(one.connections_per_second),
        grouped(one.load_before), grouped(one.load_after)]), "Capacities"),
  ];
}
