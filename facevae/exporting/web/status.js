// What the page says: short notes, which go by themselves, and errors, which stay as long as their cause.

import { element } from "./dom.js";

const NOTE_MILLISECONDS = 4000;
const errors = new Map(); // by cause
let forget;

/** Says something once. */
export function say(text) {
  clearTimeout(forget);
  element("status").textContent = text;
  forget = setTimeout(() => { element("status").textContent = ""; }, NOTE_MILLISECONDS);
}

/** Does something. Its error is shown until the same is done with success, or the error is closed. */
export async function attempt(cause, action) {
  try {
    const result = await action();
    settle(cause);
    return result;
  } catch (error) {
    console.error(error);
    errors.delete(cause);
    errors.set(cause, error.message);
    showErrors();
    return undefined;
  }
}

/** Takes the error of a cause away. */
export function settle(cause) {
  if (errors.delete(cause)) showErrors();
}

export function listenForClosing() {
  element("error").querySelector("button").addEventListener("click", () => {
    errors.clear();
    showErrors();
  });
}

function showErrors() {
  const newest = [...errors.values()].at(-1);
  element("error").hidden = newest === undefined;
  element("error").querySelector("p").textContent = newest ?? "";
}
