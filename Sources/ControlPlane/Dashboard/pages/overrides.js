// What operators have said, and a dialog to say more.

import {request} from "./ask.js";
import {apart, element, field, percent, show, table} from "./elements.js";

const EXPIRIES = {"in 30 minutes": "30m", "in an hour": "1h", "in 4 hours": "4h", "in a day": "1d", never: ""};

export function showOverrides(section, feed) {
  const body = element("div");
  const problem = element("p", {class: "problem", role: "alert"});
  section.append(
    element("p", {}, element("button", {type: "button", id: "set-override", onclick: () => openDialog(feed)},
      "Set an override…")), problem, body);
  const takeBack = async (target) => {
    problem.textContent = "";
    try {
      await request("DELETE", `v1/overrides/${target.split("/").map(encodeURIComponent).join("/")}`);
    } catch (error) {
      problem.textContent = error.message;
    }
    feed.refresh();
  };
  feed.on("overrides", ({overrides}) => show(body, overrides.length === 0
    ? element("p", {}, "No operator has said anything: the checks decide.")
    : table(["target", "state", "reason", "author", "since", "ends", ""], overrides.map((one) => [
      one.target,
      [one.state, one.dial === undefined ? null : `dial ${percent(one.dial)}`].filter(Boolean).join(", "),
      one.reason + (one.conflict ? " (operators disagree)" : "") + (one.local_only ? " (on this node alone)" : ""),
      one.author, moment(one.set_at), one.expires_at ? moment(one.expires_at) : "never",
      element("button", {type: "button", id: `take-back-${one.target}`,
        "aria-label": `Take back the override of ${one.target}`, onclick: () => takeBack(one.target)}, "Take back"),
    ]), "Overrides")));
}

function moment(text) {
  return element("time", {datetime: text, title: text}, apart(new Date(text)));
}

function openDialog(feed) {
  const targets = [...new Set([
    ...(feed.latest("regions")?.regions ?? []).map((region) => region.name),
    ...(feed.latest("endpoints")?.endpoints ?? []).flatMap(({id, region, pool}) => [`${region}/${pool}`, id])])];
  const choice = (id, values) => element("select", {id}, values.map((value) => element("option", {value}, value)));
  const inputs = {
    target: element("input", {id: "override-target", list: "override-targets", required: true, autocomplete: "off"}),
    state: choice("override-state", ["drain", "down", "up", "auto"]),
    dial: element("input", {id: "override-dial", placeholder: "30%, of a region", pattern: "[0-9.]+%", size: 12}),
    reason: element("input", {id: "override-reason", required: true, maxlength: 500}),
    author: element("input", {id: "override-author", required: true, maxlength: 500, autocomplete: "username"}),
    expiry: choice("override-expiry", Object.keys(EXPIRIES)),
  };
  const problem = element("div", {class: "problem", role: "alert"});
  const send = async (rule) => {
    const {target, state, dial, reason, author, expiry} =
      Object.fromEntries(Object.entries(inputs).map(([key, input]) => [key, input.value.trim()]));
    const body = {state, reason, author, ...(dial && {dial}),
      ...(EXPIRIES[expiry] && {expires_in: EXPIRIES[expiry]}), ...(rule && {override_rule: rule})};
    problem.replaceChildren();
    try {
      const path = `v1/overrides/${target.split("/").map(encodeURIComponent).join("/")}`;
      if ((await request("PUT", path, body)) === undefined) return;
      dialog.close();
      feed.refresh();
    } catch (error) {
      const broken = error.status === 409 && error.message.match(/safety rule (\w+)/)?.[1];
      show(problem, element("p", {}, error.message), broken
        ? element("button", {type: "button", onclick: () => send(broken)}, `It is meant: break ${broken}`) : null);
    }
  };
  const dialog = element("dialog", {id: "override-dialog", "aria-labelledby": "override-title",
    onclose: () => dialog.remove()},
  element("form", {onsubmit: (submit) => { submit.preventDefault(); send(null); }},
    element("h2", {id: "override-title"}, "Set an override"),
    element("datalist", {id: "override-targets"}, targets.map((value) => element("option", {value}))),
    field("Target: region, region/pool or endpoint", inputs.target), field("State", inputs.state),
    field("Dial", inputs.dial), field("Reason", inputs.reason), field("Author", inputs.author),
    field("Ends", inputs.expiry), problem,
    element("p", {class: "buttons"}, element("button", {type: "submit"}, "Set"),
      element("button", {type: "button", onclick: () => dialog.close()}, "Cancel"))));
  document.body.append(dialog);
  dialog.showModal();
}
