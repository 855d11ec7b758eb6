// The page: loads the model, then joins its parts.

import { listenForAbout } from "./about.js";
import { chooseAccelerator } from "./accelerator.js";
import { buildAttributes } from "./attributes.js";
import { buildDimensions } from "./dimensions.js";
import { listenForCamera, sayIfDrawings } from "./camera.js";
import { element } from "./dom.js";
import { Downloads, fetched } from "./download.js";
import { FaceModel, loadNetwork } from "./model.js";
import { keepForOffline } from "./offline.js";
import { listenForPhotographs } from "./photograph.js";
import { startRuntime } from "./runtime.js";
import { listenForSaving } from "./saving.js";
import { faceInAddress, linkTo } from "./share-link.js";
import { Sheet, buildTiles } from "./sheet.js";
import { Shelf } from "./shelf.js";
import { attempt, listenForClosing } from "./status.js";
import { chooseTab, listenToTabs } from "./tabs.js";
import { goToWork, listenToViews, view } from "./views.js";
import { WorkFace } from "./work-face.js";

export let model; // the page's own, also for tests
export let work;
export let sheet;
let accelerator = "WebAssembly";

element("not-running").remove();
buildTiles();
listenForClosing();
listenToTabs();
listenToViews();
attempt("start", start);

async function start() {
  const card = await (await fetched("model.json")).json();
  const { build, decoder } = await load(card);
  performance.mark("model loaded");
  model = new FaceModel(card, decoder);
  work = new WorkFace(model, element("face"));
  join(card);
  await sheet.more();
  performance.mark("sheet drawn");
  const given = await attempt("link", () => faceInAddress(card));
  if (given) openGiven(given);
  else await work.show(sheet.faces[0]);
  for (const id of ["keep", "save", "photo"]) element(id).disabled = false;
  document.body.dataset.ready = "";
  chooseAccelerator(model).then((chosen) => { accelerator = chosen; });
  // Private windows and full disks refuse; the page works all the same.
  keepForOffline(build, card.page_version).catch((error) => console.warn("Not kept for times without a network:", error));
}

/** Loads the runtime and the decoder together, and shows how far they are. */
async function load(card) {
  const downloads = new Downloads(card.bytes, (share, loaded, total) => {
    element("loading-share").value = share;
    element("loading-text").textContent = `Loading the model: ${megabytes(loaded)} of ${megabytes(total)} MB`;
  });
  try {
    const file = downloads.fetch(card.files.decoder);
    file.catch(() => {}); // is awaited below
    const build = await startRuntime(downloads);
    return { build, decoder: await loadNetwork(card.files.decoder, () => file) };
  } finally {
    element("loading").hidden = true;
  }
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

function join(card) {
  const { minimum, maximum, typical } = temperatures(card);
  sheet = new Sheet(model, typical, (face) => {
    work.show(face);
    goToWork();
  });
  Object.assign(element("temperature"), { min: minimum, max: maximum, step: 0.01, value: typical });
  element("temperature").addEventListener("input", () => sheet.setTemperature(Number(element("temperature").value)));
  element("more").addEventListener("click", () => turn(() => sheet.more()));
  element("earlier").addEventListener("click", () => turn(() => sheet.earlier()));
  element("sheet-controls").hidden = false;

  if (!buildAttributes(work, card.attributes)) {
    element("tab-attributes").hidden = true;
    chooseTab(element("tab-dimensions"));
  }
  buildDimensions(work, model);
  new Shelf(work, model);
  listenForSaving(work, model);
  const showFound = (face) => {
    goToWork();
    return work.show(face);
  };
  listenForPhotographs(model, showFound);
  listenForCamera(model, work, showFound);
  sayIfDrawings(card);
  listenForAbout(card, () => [
    ["On this device", `${model.medianTime().toFixed(1)} ms for each face. ${accelerator}. ${offlineNote()}`],
  ]);
  listenForUndo();
  addEventListener("hashchange", () => attempt("link", () => {
    const face = faceInAddress(card);
    if (face) openGiven(face);
  }));
}

const offlineNote = () => ("offline" in document.body.dataset
  ? "The page also starts without a network." : "The page needs a network to start.");

/** The range of the temperature slider; its default is the model's best where that was measured. */
function temperatures({ sampling }) {
  return { minimum: 0.3, maximum: 1.2, typical: sampling.temperature ?? 0.7 };
}

function turn(action) {
  action();
  element("earlier").disabled = sheet.page === 0;
}

function openGiven(face) {
  work.show(face);
  goToWork();
}

function listenForUndo() {
  const update = () => {
    element("undo").disabled = !work.history.canUndo;
    element("redo").disabled = !work.history.canRedo;
  };
  const changed = () => { element("neutral").disabled = work.isNeutral; };
  work.addEventListener("history", update);
  work.addEventListener("shown", changed);
  work.addEventListener("moved", changed);
  work.addEventListener("settled", () => {
    // The address reproduces the face, in the view that shows it.
    if (view() === "work") history.replaceState(history.state, "", linkTo(work.face, model.card));
  });
  element("undo").addEventListener("click", () => work.undo());
  element("redo").addEventListener("click", () => work.redo());
  element("neutral").addEventListener("click", () => work.toNeutral());
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) work.redo();
    else work.undo();
  });
}
