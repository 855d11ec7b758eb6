// Says in words why the page cannot start. A plain old script: it runs where modules do not.

"use strict";

(() => {
  const how = "In the folder of the project, <code>python export.py RUN --serve</code> opens it; so does <code>python -m http.server</code> in this folder, at http://localhost:8000/.";

  function explain(message) {
    const place = () => document.getElementById("not-running");
    const write = () => {
      if (!place()) return;
      place().innerHTML = `<p>${message}</p>`;
      place().classList.add("explained");
      document.body.classList.add("stopped");
    };
    if (place()) write();
    else document.addEventListener("DOMContentLoaded", write);
  }

  if (location.protocol === "file:") {
    explain(`This page was opened as a file. Browsers let it load its model only from a server. ${how}`);
  } else if (typeof WebAssembly === "undefined") {
    explain("This browser has no WebAssembly, with which the page draws faces, or it is turned off. On an iPhone, Lockdown Mode turns it off: allow this site there. Elsewhere, use a current Firefox, Chrome, Edge or Safari.");
  } else if (!("noModule" in HTMLScriptElement.prototype) || !window.ResizeObserver || !window.HTMLDialogElement) {
    explain("This browser is too old for this page. Use a current Firefox, Chrome, Edge or Safari.");
  }

  // A script that cannot be loaded reports here, also when another script imports it.
  document.addEventListener("error", (event) => {
    if (event.target.tagName === "SCRIPT" && location.protocol !== "file:") {
      explain("A script of this page could not be loaded: the network failed, something here blocks it, or a file is missing on the server. Reload; if that does not help, copy the whole folder to the server again.");
    }
  }, true);
})();
