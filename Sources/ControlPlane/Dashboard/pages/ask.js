// Asks the node, with the token if a person has given one.

import {askForToken, forget, token} from "./token.js";

// An answer that takes longer counts as lost: to the page itself, and to a person who waits for it.
const PATIENCE = 5000;
const PATIENCE_OF_PERSON = 30000;

// An answer that is none, in the words of the node (RFC 9457).
export class Refusal extends Error {
  constructor(status, problem) {
    const details = (problem.errors ?? []).map(
      (error) => [error.pointer ?? error.parameter, error.detail].filter(Boolean).join(": "));
    super([problem.detail ?? `HTTP ${status}`, ...details].join("; "));
    this.status = status;
  }

  // It is of who asks: whatever they ask, the answer is the same.
  get isOfWhoAsks() { return [401, 403, 429].includes(this.status); }
}

// What the page asks for by itself. A token that is refused is forgotten; nobody is asked for another.
export async function ask(path, {patience = PATIENCE, method = "GET", body} = {}) {
  const answer = await send(path, AbortSignal.timeout(patience), {
    method, body: body === undefined ? undefined : JSON.stringify(body)},
  body === undefined ? {} : {"Content-Type": "application/json"});
  if (answer.status === 204) return null;
  const isJSON = answer.headers.get("content-type")?.startsWith("application/json");
  return isJSON ? answer.json() : answer.text();
}

// What a person asks for: they give a token where one is needed, and another if it is the wrong one.
// Returns undefined where they give up.
export async function request(method, path, body) {
  let complaint = "";
  let isTokenNeeded = method !== "GET";
  for (;;) {
    if (isTokenNeeded && token() === null && !(await askForToken(complaint))) return undefined;
    const shown = token();
    try {
      return await ask(path, {patience: PATIENCE_OF_PERSON, method, body});
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 401) throw error;
      isTokenNeeded = true;
      complaint = shown === null ? "" : error.message;
    }
  }
}

// Server-sent events (HTML Living Standard §9.2) as they come, until the node ends them or the signal
// does: objects of their fields. The browser's own EventSource shows no token.
export async function* events(path, signal) {
  const answer = await send(path, signal, {cache: "no-store"});
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    const messages = (rest + value).split("\n\n");
    rest = messages.pop();
    yield* messages.map((message) => Object.fromEntries(
      [...message.matchAll(/^(\w+): (.*)$/gm)].map(([, field, text]) => [field, text])));
  }
}

async function send(path, signal, settings = {}, headers = {}) {
  const shown = token();
  const answer = await fetch(path, {cache: "no-cache", ...settings, signal,
    headers: shown === null ? headers : {...headers, Authorization: `Bearer ${shown}`}});
  if (answer.ok) return answer;
  if (answer.status === 401) forget(shown);
  throw new Refusal(answer.status, await answer.json().catch(() => ({})));
}
