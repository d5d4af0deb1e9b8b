// The token, and the dialog that asks for it. It lives in this page's memory alone: a reload forgets it.

import {element, field} from "./elements.js";

let kept = null;
let asking = null;

export const token = () => kept;

function keep(value) {
  kept = value;
  document.getElementById("forget-token").hidden = value === null;
}

// Forgets a token, unless there is another one by now.
export function forget(refused) {
  if (kept === refused) keep(null);
}

export function offerToForget() {
  document.getElementById("forget-token").addEventListener("click", () => keep(null));
}

// Opens the dialog, unless it is open: then whoever asks waits for the same. Returns whether a token was given.
export function askForToken(complaint) {
  asking ??= openDialog(complaint).finally(() => { asking = null; });
  return asking;
}

function openDialog(complaint) {
  return new Promise((resolve) => {
    const input = element("input", {type: "password", id: "token", autocomplete: "off", required: true});
    let isGiven = false;
    const dialog = element("dialog", {id: "token-dialog", "aria-labelledby": "token-title"},
      element("form", {method: "dialog", onsubmit: () => {
        isGiven = true;
        keep(input.value);
      }},
      element("h2", {id: "token-title"}, "Token"),
      element("p", {}, "Changes want a token whose scope is operate; to look, one of scope read is enough where any "
        + "is needed. It is kept until this page is closed or loaded anew."),
      complaint ? element("p", {class: "problem", role: "alert"}, complaint) : null,
      field("Token", input),
      element("p", {class: "buttons"}, element("button", {type: "submit"}, "Go on"),
        element("button", {type: "button", onclick: () => dialog.close()}, "Cancel"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(isGiven);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
