// The nodes of a fleet, what each finds of the endpoints, and where operators disagree.

import {request} from "./ask.js";
import {apart, element, show, table} from "./elements.js";

export function showFleet(section, feed) {
  const parts = {fleet: element("div"), votes: element("div"), conflicts: element("div")};
  const problem = element("p", {class: "problem", role: "alert"});
  section.append(parts.fleet, problem, parts.conflicts, element("details", {id: "votes"},
    element("summary", {}, "Who finds what of each endpoint"), parts.votes));
  feed.on("fleet", (fleet) => {
    section.hidden = false;
    show(parts.fleet, nodes(fleet));
  });
  feed.on("votes", (report) => show(parts.votes, votes(report)));
  const acknowledge = async (target) => {
    problem.textContent = "";
    try {
      await request("POST", `v1/conflicts/${target.split("/").map(encodeURIComponent).join("/")}/acknowledge`);
    } catch (error) {
      problem.textContent = error.message;
    }
    feed.refresh();
  };
  feed.on("conflicts", ({conflicts}) => show(parts.conflicts, conflicts.length === 0 ? null : [
    element("h3", {}, "Operators have said different things"),
    table(["target", "holds", "was said", ""], conflicts.map((one) => [one.target, one.state,
      one.words.map((word) => `${word.state} by ${word.author} on ${word.node}: ${word.reason}`).join("; "),
      element("button", {type: "button", id: `acknowledge-${one.target}`,
        "aria-label": `What holds of ${one.target} is what is meant`, onclick: () => acknowledge(one.target)},
      "What holds is meant")]), "Conflicts")]));
}

function nodes({fleet, store, nodes: list}) {
  const lag = store.lag_seconds === undefined ? "" : `, ${store.lag_seconds.toFixed(1)} s behind`;
  return [
    element("p", {}, `Fleet ${fleet}: the store is ${store.connected ? `connected by ${store.member}${lag}`
      : `lost${store.fault ? ` (${store.fault})` : ""}`}.`),
    table(["node", "region", "version", "heard of", "revision#", "how it is"], list.map((node) => [
      node.id, [node.region, node.zone].filter(Boolean).join(" / "), node.version,
      apart(new Date(Date.now() - node.heartbeat_age_seconds * 1000)),
      `${node.revision}${node.revision === node.wanted_revision ? "" : ` of ${node.wanted_revision}`}`,
      node.straggles ? element("span", {class: "state unhealthy"}, node.straggles) : "as it should be",
    ]), "Nodes of the fleet"),
  ];
}

function votes({standing, isolated, endpoints}) {
  return [
    element("p", {}, `Of health this node is ${standing.replaceAll("_", " ")}${
      isolated ? "; what it finds of other regions counts for nothing" : ""}.`),
    table(["endpoint", "what counts", "by", "found down#", "who finds what"], endpoints.map((endpoint) => [
      endpoint.id, endpoint.health, (endpoint.basis ?? "–").replaceAll("_", " "),
      `${endpoint.voices_down} of ${endpoint.voices}`,
      endpoint.votes.map((vote) => `${vote.node} ${vote.health}${vote.isolated ? " (cut off)" : ""}`).join(", "),
    ]), "Votes"),
  ];
}
