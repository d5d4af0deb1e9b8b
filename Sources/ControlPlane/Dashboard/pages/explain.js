// Why a client gets what it gets, step by step, as `azimuth explain` says it.

import {request} from "./ask.js";
import {element, field, show, table} from "./elements.js";

export function showExplain(section) {
  const address = element("input", {id: "explain-address", required: true, placeholder: "133.11.0.1", autocomplete: "off"});
  const name = element("input", {id: "explain-name", required: true, placeholder: "www.example.org", autocomplete: "off"});
  const type = element("select", {id: "explain-type"},
    ["A", "AAAA", "listener"].map((value) => element("option", {value}, value)));
  const answer = element("div", {id: "explain-answer", "aria-live": "polite"});
  section.append(element("form", {class: "controls", onsubmit: async (submit) => {
    submit.preventDefault();
    const query = new URLSearchParams({ip: address.value.trim()});
    if (type.value === "listener") query.set("listener", name.value.trim());
    else {
      query.set("name", name.value.trim());
      query.set("type", type.value);
    }
    try {
      const report = await request("GET", `v1/route?${query}`);
      if (report !== undefined) show(answer, decision(report));
    } catch (error) {
      show(answer, element("p", {class: "problem"}, error.message));
    }
  }}, field("Address of the client", address), field("Name", name), field("Type", type),
  element("button", {type: "submit"}, "Explain")), answer);
}

function decision(report) {
  const {client, outcome} = report;
  const what = report.name ? `${report.name} ${report.type}` : `listener ${report.listener}`;
  const regions = outcome.regions.join(", ") || outcome.kind;
  const addresses = outcome.addresses.join(" ") || outcome.targets?.join(" ") || "no address";
  const facts = [
    ["client", place(client.place)], ["cohort", `${client.cohort}, decided on ${client.source}`],
    ["fences", client.fences.join(", ")], ["service", `${report.service}, edition ${report.edition}`],
    ["outcome", `${outcome.kind}, basis ${outcome.basis}, scope /${report.scope}${
      report.ttl === undefined ? "" : `, TTL ${report.ttl} s`}`],
    ["primary", report.primary && `${report.primary.region}, epoch ${report.primary.epoch}`],
  ].filter(([, value]) => value);
  return [
    element("p", {class: "headline"}, `${report.ip} → ${what} → ${regions} (${addresses})`),
    element("dl", {}, facts.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)])),
    element("h3", {}, "Steps"),
    element("ol", {class: "steps"}, report.steps.map((step) => element("li", {}, step))),
    element("h3", {}, "Candidates"),
    table(["region", "distance#", "round trip#", "health", "why"], report.candidates.map((one) => [
      `${one.chosen ? "▶ " : ""}${one.region}`,
      one.distance_km === undefined ? "–" : `${Math.round(one.distance_km)} km`,
      one.latency_ms === undefined ? "–" : `${Math.round(one.latency_ms)} ms`,
      `${one.health} ${one.healthy_endpoints}/${one.endpoints}`, one.reason]), "Candidates"),
  ];
}

function place({city, subdivision, country, continent, asn, latitude, longitude}) {
  const parts = [city, subdivision ?? country, continent, asn && `AS${asn}`].filter(Boolean);
  const where = latitude === undefined ? "" : ` at ${latitude}, ${longitude}`;
  return parts.length > 0 || where ? parts.join(", ") + where : "nothing is known of this address";
}
