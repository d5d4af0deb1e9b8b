// What has happened, the newest first.

import {clock, element, show} from "./elements.js";

const MOST = 100;

export function showEvents(section, feed) {
  const list = element("ol", {class: "events scroll", tabindex: 0, "aria-label": "Events, the newest first"},
    element("li", {}, "Nothing has happened yet."));
  section.append(list);
  feed.on("events", (events) => show(list, events.slice(0, MOST).map((event) => element("li", {},
    element("time", {datetime: event.at, title: event.at}, clock(new Date(event.at))),
    ` ${event.kind.replaceAll("_", " ")} `, element("strong", {}, event.subject ?? ""),
    event.to ? ` ${event.from ?? ""} → ${event.to}` : "",
    element("small", {}, [event.cause, event.author && `by ${event.author}`].filter(Boolean)
      .map((text) => ` · ${text}`).join(""))))));
}
