// Keeps the page on the device, so that it starts without a network, and announces newer versions.

import { element } from "./dom.js";

/** Keeps this version of the page with a build of the runtime. Browsers do so for https and this machine only. */
export async function keepForOffline(build, version) {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  const registration = await workers.register(`service-worker.js?build=${build}`, { updateViaCache: "none" });
  watch(registration.waiting, version);
  registration.addEventListener("updatefound", () => watch(registration.installing, version));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") registration.update().catch(() => {}); // no network
  });
  await workers.ready;
  document.body.dataset.offline = "";
}

/** Lets a new worker take over if it is of this page's version, and offers a reload otherwise. */
function watch(worker, version) {
  if (!worker) return;
  const check = async () => {
    if (worker.state !== "installed" || !navigator.serviceWorker.controller) return;
    if (await versionOf(worker) === version) worker.postMessage("take over");
    else offer(worker);
  };
  worker.addEventListener("statechange", check);
  check();
}

function versionOf(worker) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    worker.postMessage("version", [port2]);
  });
}

function offer(worker) {
  element("update").hidden = false;
  element("update").querySelector("button").onclick = () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
    worker.postMessage("take over");
  };
}
