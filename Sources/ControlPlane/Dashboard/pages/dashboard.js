// Puts the panels on the page, each from the file of its name.

import {request} from "./ask.js";
import {clock} from "./elements.js";
import {showEvents} from "./events.js";
import {showExplain} from "./explain.js";
import {Feed, SOURCES} from "./feed.js";
import {showFleet} from "./fleet.js";
import {showLatency} from "./latency.js";
import {WorldMap} from "./map.js";
import {showOverrides} from "./overrides.js";
import {showRates} from "./rates.js";
import {showRegions} from "./regions.js";
import {showSimulator} from "./simulator.js";
import {showTimeline} from "./timeline.js";
import {offerToForget, token} from "./token.js";

// Figures that are older than this are called old.
const OLD = 6000;

const part = (id) => document.getElementById(id);
const feed = new Feed();

function showHeader() {
  feed.on("status", (status) => {
    document.title = `Azimuth · ${status.node}`;
    part("node").textContent = status.node;
    part("edition").textContent = `${status.version}, edition ${status.edition}, revision ${status.revision}, `
      + `${status.ready ? "ready" : "not ready yet"}`;
    part("attribution").textContent = status.attribution;
  });
  const [state, age] = part("connection").children;
  const say = () => {
    const seconds = feed.heard === null ? null : Math.round((Date.now() - feed.heard) / 1000);
    const isOld = feed.heard !== null && Date.now() - feed.heard > OLD;
    const word = feed.isLost ? "Connection lost" : feed.refusal !== null ? "No right to look" : seconds === null ? "Connecting" : isOld ? "Old figures" : "Live";
    // Only when it changes, so that it is read out once.
    if (state.textContent !== word) state.textContent = word;
    const isWell = !feed.isLost && feed.refusal === null && !isOld;
    document.body.dataset.connection = isWell ? "live" : "lost";
    part("give-token").hidden = feed.refusal === null || token() !== null;
    age.textContent = !isWell
      ? `${feed.refusal === null ? "" : `The node says: ${feed.refusal}. `}What you see is ${feed.heard === null ? "nothing yet" : `of ${clock(new Date(feed.heard))}, ${seconds} s ago`}. `
        + "Trying again every 2 s."
      : seconds === null ? "" : `${seconds} s ago`;
  };
  feed.on("connection", say);
  feed.on("tick", say);
}

// Where looking wants a token, a person is asked for one by itself once, and then when they say so.
function offerToGiveToken() {
  const give = () => request("GET", SOURCES.status).catch(() => null).then(() => feed.refresh());
  part("give-token").addEventListener("click", give);
  let hasAsked = false;
  feed.on("connection", ({refusal}) => {
    if (refusal === null || hasAsked) return;
    hasAsked = true;
    give();
  });
}

showHeader();
const map = new WorldMap(part("map"), feed);
showRegions(part("regions"), feed, map);
showRates(part("rates"), feed);
showTimeline(part("timeline"), feed);
showOverrides(part("overrides"), feed);
showExplain(part("explain"));
showSimulator(part("simulator"), feed);
showLatency(part("latency"), feed);
showEvents(part("events"), feed);
showFleet(part("fleet"), feed);
offerToForget();
offerToGiveToken();
feed.start();
