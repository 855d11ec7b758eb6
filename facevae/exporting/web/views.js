// Small windows show the sheet or the work face; large ones show both. The browser's back button leads back.

import { element } from "./dom.js";

export function listenToViews() {
  element("all-faces").addEventListener("click", () => {
    if (history.state?.view === "work") history.back();
    else show("sheet");
  });
  addEventListener("popstate", (event) => show(event.state?.view ?? "sheet"));
}

/** Shows the work face. */
export function goToWork() {
  if (view() === "work") return;
  history.pushState({ view: "work" }, "");
  show("work");
}

export const view = () => document.body.dataset.view;

function show(name) {
  document.body.dataset.view = name;
  if (name === "sheet") element("faces").querySelector('[tabindex="0"]')?.focus({ preventScroll: true });
}
