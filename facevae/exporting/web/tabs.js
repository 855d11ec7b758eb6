// Tabs: arrow keys, Home and End move between them.

import { stopAt, useArrowKeys } from "./arrow-keys.js";
import { element } from "./dom.js";

const tabs = () => [...document.querySelectorAll('[role="tab"]:not([hidden])')];

export function listenToTabs() {
  for (const tab of tabs()) tab.addEventListener("click", () => chooseTab(tab));
  useArrowKeys(document.querySelector('[role="tablist"]'), tabs, chooseTab);
}

export function chooseTab(chosen) {
  for (const tab of document.querySelectorAll('[role="tab"]')) {
    tab.setAttribute("aria-selected", tab === chosen);
    element(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
  }
  stopAt(tabs(), chosen);
}
