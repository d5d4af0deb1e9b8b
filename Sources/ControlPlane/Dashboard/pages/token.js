// The token for changes. It lives in this page's memory alone: a reload forgets it.

import {element, field} from "./elements.js";
import {Refusal, ask} from "./feed.js";

let token = null;

// Asks for the token if there is none, and again if it is the wrong one. Returns undefined where the
// person gives up.
export async function change(method, path, body) {
  let complaint = "";
  for (;;) {
    if (token === null && !(await askForToken(complaint))) return undefined;
    try {
      return await ask(path, {
        method, body: body === undefined ? undefined : JSON.stringify(body),
        headers: {Authorization: `Bearer ${token}`, ...(body === undefined ? {} : {"Content-Type": "application/json"})},
        signal: AbortSignal.timeout(30000),
      });
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 401) throw error;
      forget();
      complaint = error.message;
    }
  }
}

function forget() {
  token = null;
  document.getElementById("forget-token").hidden = true;
}

export function offerToForget() {
  document.getElementById("forget-token").addEventListener("click", forget);
}

function askForToken(complaint) {
  return new Promise((resolve) => {
    const input = element("input", {type: "password", id: "token", autocomplete: "off", required: true});
    const dialog = element("dialog", {id: "token-dialog", "aria-labelledby": "token-title"},
      element("form", {method: "dialog", onsubmit: () => { token = input.value; }},
        element("h2", {id: "token-title"}, "Token"),
        element("p", {}, "Changes want a token whose scope is operate. It is kept until this page is closed or loaded anew."),
        complaint ? element("p", {class: "problem", role: "alert"}, complaint) : null,
        field("Token", input),
        element("p", {class: "buttons"}, element("button", {type: "submit"}, "Go on"),
          element("button", {type: "button", onclick: () => dialog.close()}, "Cancel"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      document.getElementById("forget-token").hidden = token === null;
      resolve(token !== null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
