// What the node says: asked every two seconds, and at once when it tells of an event. Panels listen to
// what they show. While nobody looks at the page nothing is asked.
//
//     /v1/events ──▶ event ──▶ at once ┐
//                                      ├─▶ status, regions, endpoints, overrides, metrics ─▶ panels
//     every two seconds ───────────────┘

const PERIOD = 2000;
// An answer that takes longer counts as lost.
const PATIENCE = 5000;
const SOURCES = {
  status: "v1/status", regions: "v1/regions", endpoints: "v1/endpoints",
  overrides: "v1/overrides", metrics: "metrics",
};
const FLEET_SOURCES = {fleet: "v1/fleet", votes: "v1/fleet/votes", conflicts: "v1/conflicts"};
// As docs/events.md lists them.
const KINDS = [
  "endpoint_health", "endpoint_flapping", "region_health", "region_hold", "region_ramp",
  "region_load", "region_dial", "primary_changed", "override_set", "override_removed",
  "override_expired", "configuration_accepted", "configuration_refused", "node_ready",
  "anycast_standing",
];
const MOST_EVENTS = 2000;
// Events that come together are shown together.
const GATHERING = 50;

// An answer that is none, in the words of the node (RFC 9457).
export class Refusal extends Error {
  constructor(status, problem) {
    const details = (problem.errors ?? []).map(
      (error) => [error.pointer ?? error.parameter, error.detail].filter(Boolean).join(": "));
    super([problem.detail ?? `HTTP ${status}`, ...details].join("; "));
    this.status = status;
  }
}

export async function ask(path, settings = {}) {
  const answer = await fetch(path, {cache: "no-store", signal: AbortSignal.timeout(PATIENCE), ...settings});
  if (!answer.ok) throw new Refusal(answer.status, await answer.json().catch(() => ({})));
  if (answer.status === 204) return null;
  const isJSON = answer.headers.get("content-type")?.startsWith("application/json");
  return isJSON ? answer.json() : answer.text();
}

export class Feed {
  // The newest first.
  events = [];
  // When everything was last answered, or null.
  heard = null;
  isLost = false;
  #listeners = new Map();
  #latest = new Map();
  #isAsking = false;
  #asksAgain = false;
  #stream = null;
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

  async #round() {
    const sources = Object.entries(this.#isInFleet ? {...SOURCES, ...FLEET_SOURCES} : SOURCES);
    const answers = await Promise.allSettled(sources.map(([, path]) => ask(path)));
    let isLost = false;
    answers.forEach((answer, index) => {
      const name = sources[index][0];
      if (answer.status === "fulfilled") this.tell(name, answer.value);
      else if (!(answer.reason instanceof Refusal)) isLost = true;
      else if (name === "fleet" && answer.reason.status === 404) this.#isInFleet = false;
    });
    if (!isLost) this.heard = Date.now();
    if (isLost !== this.isLost && !isLost) this.#isInFleet = true;
    this.isLost = isLost;
    this.tell("connection", {isLost, heard: this.heard});
  }

  // A stream takes one of the few connections that a browser has to a server: only who looks has one.
  #look() {
    this.#stream?.close();
    this.#stream = null;
    if (document.hidden) return;
    this.refresh();
    const stream = new EventSource(`v1/events?since=${this.#last}`);
    this.#stream = stream;
    for (const kind of KINDS) stream.addEventListener(kind, (message) => this.#take(message));
    stream.addEventListener("error", () => {
      if (stream.readyState !== EventSource.CLOSED) return;
      setTimeout(() => { if (this.#stream === stream) this.#look(); }, PERIOD);
    });
  }

  #take(message) {
    const event = JSON.parse(message.data);
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
