// What the node says: asked every two seconds, and at once when it tells of an event. Panels listen to
// what they show. While nobody looks at the page nothing is asked.
//
//     /v1/events ──▶ event ──▶ at once ┐
//                                      ├─▶ status, regions, endpoints, overrides, metrics ─▶ panels
//     every two seconds ───────────────┘

import {Refusal, ask, events} from "./ask.js";
import {token} from "./token.js";

const PERIOD = 2000;
export const SOURCES = {
  status: "v1/status", regions: "v1/regions", endpoints: "v1/endpoints",
  overrides: "v1/overrides", metrics: "metrics",
};
const FLEET_SOURCES = {fleet: "v1/fleet", votes: "v1/fleet/votes", conflicts: "v1/conflicts"};
const MOST_EVENTS = 2000;
// Events that come together are shown together.
const GATHERING = 50;

export class Feed {
  // The newest first.
  events = [];
  // When everything was last answered, or null.
  heard = null;
  isLost = false;
  // Why the node tells this page nothing, in its words, or null.
  refusal = null;
  #listeners = new Map();
  #latest = new Map();
  #isAsking = false;
  #asksAgain = false;
  #following = null;
  #last = 0;
  #gathering = null;
  #isInFleet = true;

  // Calls the listener with each new value of a name, and at once if there is one.
  on(name, listener) {
    const known = this.#listeners.get(name) ?? [];
    this.#listeners.set(name, [...known, listener]);
    if (this.#latest.has(name)) listener(this.#latest.get(name));
  }

  latest(name) { return this.#latest.get(name); }

  tell(name, value) {
    this.#latest.set(name, value);
    for (const listener of this.#listeners.get(name) ?? []) listener(value);
  }

  start() {
    document.addEventListener("visibilitychange", () => this.#look());
    setInterval(() => { if (!document.hidden) this.refresh(); }, PERIOD);
    setInterval(() => this.tell("tick", Date.now()), 1000);
    this.#look();
  }

  // Asks for everything now.
  async refresh() {
    if (this.#isAsking) {
      this.#asksAgain = true;
      return;
    }
    this.#isAsking = true;
    do {
      this.#asksAgain = false;
      await this.#round();
    } while (this.#asksAgain);
    this.#isAsking = false;
  }

  // Who is refused asks for one thing alone, until there is a token or none is needed.
  async #round() {
    if (this.refusal !== null && token() === null && !(await this.#take({status: SOURCES.status}))) return;
    await this.#take(this.#isInFleet ? {...SOURCES, ...FLEET_SOURCES} : SOURCES);
  }

  // Asks for some sources, and tells what they say. Returns whether all could be asked.
  async #take(sources) {
    const answers = await Promise.allSettled(Object.values(sources).map((path) => ask(path)));
    const wasLost = this.isLost;
    this.isLost = false;
    this.refusal = null;
    Object.keys(sources).forEach((name, index) => {
      const {status, value, reason} = answers[index];
      if (status === "fulfilled") this.tell(name, value);
      else if (!(reason instanceof Refusal)) this.isLost = true;
      else if (reason.isOfWhoAsks) this.refusal = reason.message;
      else if (name === "fleet" && reason.status === 404) this.#isInFleet = false;
    });
    const isWell = !this.isLost && this.refusal === null;
    if (isWell) this.heard = Date.now();
    this.tell("connection", this);
    if (wasLost && !this.isLost) {
      this.#isInFleet = true;
      // The stream may hang on a connection that nobody has ended.
      this.#look();
    }
    return isWell;
  }

  // A stream takes one of the few connections that a browser has to a server: only who looks has one.
  #look() {
    this.#following?.abort();
    if (document.hidden) return;
    this.refresh();
    this.#following = new AbortController();
    this.#follow(this.#following.signal);
  }

  async #follow(signal) {
    while (!signal.aborted) {
      try {
        if (this.refusal === null) {
          for await (const message of events(`v1/events?since=${this.#last}`, signal)) {
            if (signal.aborted) return;
            this.#gather(message);
          }
        }
      } catch {
        // The rounds tell what is wrong.
      }
      await new Promise((resolve) => { setTimeout(resolve, PERIOD); });
    }
  }

  // A message without an id is no event.
  #gather({id, data}) {
    if (id === undefined) return;
    const event = JSON.parse(data);
    this.#last = event.id;
    this.events.unshift(event);
    if (this.events.length > MOST_EVENTS) this.events.pop();
    this.#gathering ??= setTimeout(() => {
      this.#gathering = null;
      this.tell("events", this.events);
      this.refresh();
    }, GATHERING);
  }
}
