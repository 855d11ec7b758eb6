// The page: one face, and the buttons, sliders and tabs that change it.

import { between, loadModel } from "./model.js";
import { PhotoPlacer, drawEyeGuides } from "./photo.js";

const SAVED_SIZE = 512;
const element = (id) => document.getElementById(id);

let card, model, placer;
let face; // the face that is shown, {latent, strengths}
let origin; // its latent before any dimension slider was moved
let ends; // the two faces of the morph
let times = [];
let drawing = false;
let drawAgain = false;

element("not-running").remove();
start().catch(fail);

async function start() {
  card = await (await fetch("model.json")).json();
  for (const id of ["face", "morph-start", "morph-end"]) element(id).width = element(id).height = card.image_size;
  describe();
  model = await loadModel(card);
  placer = new PhotoPlacer(element("photo-dialog"), await guide());
  buildSliders();
  listen();
  await model.render({ latent: Float32Array.from(card.average_latent), strengths: neutral() }); // warms up
  const first = await newFace();
  ends = [first, { latent: await model.newLatent(), strengths: neutral() }];
  await drawEnds();
  for (const id of ["new-face", "photo", "save"]) element(id).disabled = false;
  element("photo").hidden = !card.files.encoder;
}

const neutral = () => new Float32Array(card.attributes.length);
const copyOf = ({ latent, strengths }) => ({ latent: latent.slice(), strengths: strengths.slice() });

async function newFace() {
  await show({ latent: await model.newLatent(), strengths: neutral() });
  return copyOf(face);
}

/** Shows a face and sets the sliders to its values. */
async function show(shown) {
  face = copyOf(shown);
  origin = face.latent.slice();
  setSliders();
  await draw();
}

/** Draws the face. Calls during a drawing are merged into one more drawing after it. */
async function draw() {
  if (drawing) {
    drawAgain = true;
    return;
  }
  drawing = true;
  try {
    do {
      drawAgain = false;
      const begun = performance.now();
      const pixels = await model.render(face);
      showTime(performance.now() - begun);
      paint(element("face"), pixels);
    } while (drawAgain);
  } catch (error) {
    fail(error);
  } finally {
    drawing = false;
  }
}

function paint(canvas, pixels) {
  const size = card.image_size;
  const image = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = Math.round(pixels[3 * i + c] * 255);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Shows the median time of the last 21 faces. */
function showTime(milliseconds) {
  times = [...times.slice(-20), milliseconds];
  const median = [...times].sort((a, b) => a - b)[times.length >> 1];
  element("status").textContent = `${median.toFixed(1)} ms per face, on this device`;
}

function fail(error) {
  console.error(error);
  element("status").textContent = `Error: ${error.message}`;
  element("status").classList.add("error");
}

// Sliders

function buildSliders() {
  const attributes = document.querySelector("#attributes .sliders");
  card.attributes.forEach(({ name, minimum, maximum }, index) => {
    attributes.append(slider(name.replaceAll("_", " "), minimum, maximum, () => face.strengths, index));
  });
  const dimensions = document.querySelector("#dimensions .sliders");
  for (const { dimension, minimum, maximum } of card.strongest_dimensions) {
    dimensions.append(slider(`Dimension ${dimension}`, minimum, maximum, () => face.latent, dimension));
  }
  if (!card.attributes.length) {
    element("tab-attributes").hidden = true;
    choose(element("tab-dimensions"));
  }
}

/** A slider for the number `numbers()[index]` of the face. */
function slider(text, minimum, maximum, numbers, index) {
  const label = document.createElement("label");
  label.className = "slider";
  const name = document.createElement("span");
  name.textContent = name.title = text;
  const input = document.createElement("input");
  Object.assign(input, { type: "range", min: minimum, max: maximum, step: (maximum - minimum) / 120 });
  const output = document.createElement("output");
  const write = () => { output.textContent = Number(input.value).toFixed(1); };
  input.addEventListener("input", () => {
    numbers()[index] = Number(input.value);
    write();
    draw();
  });
  input.fromFace = () => {
    input.value = numbers()[index];
    write();
  };
  label.append(name, input, output);
  return label;
}

function setSliders() {
  for (const input of document.querySelectorAll(".sliders input")) input.fromFace();
}

// Morphing

async function drawEnds() {
  paint(element("morph-start"), await model.render(ends[0]));
  paint(element("morph-end"), await model.render(ends[1]));
}

async function keep(index) {
  ends[index] = copyOf(face);
  element("morph-share").value = index;
  await drawEnds();
}

// Photographs

async function guide() {
  if (card.eyes) return (context, size) => drawEyeGuides(context, size, card.eyes);
  // The positions of the eyes are unknown: the average face is the guide instead.
  element("photo-help").textContent = element("photo-help").textContent.replace("the eyes are in the circles", "the face lies on the average face");
  const average = document.createElement("canvas");
  average.width = average.height = card.image_size;
  paint(average, await model.render({ latent: Float32Array.from(card.average_latent), strengths: neutral() }));
  return (context, size) => {
    context.globalAlpha = 0.4;
    context.drawImage(average, 0, 0, size, size);
    context.globalAlpha = 1;
  };
}

async function usePhoto(file) {
  let photo;
  try {
    photo = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(`Expected a picture that this browser can read, received ${file.name}. Choose a JPEG or PNG file.`);
  }
  const image = await placer.place(photo, card.image_size);
  if (image) await show({ latent: await model.encode(image), strengths: neutral() });
}

function save() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SAVED_SIZE;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(element("face"), 0, 0, SAVED_SIZE, SAVED_SIZE);
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "face.png";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }, "image/png");
}

// Tabs and buttons

function choose(chosen) {
  for (const tab of document.querySelectorAll('[role="tab"]')) {
    const selected = tab === chosen;
    tab.setAttribute("aria-selected", selected);
    tab.tabIndex = selected ? 0 : -1;
    element(tab.getAttribute("aria-controls")).hidden = !selected;
  }
}

function listen() {
  const on = (id, event, action) =>
    element(id).addEventListener(event, (...received) => Promise.resolve(action(...received)).catch(fail));
  on("new-face", "click", newFace);
  on("save", "click", save);
  on("photo", "click", () => element("photo-file").click());
  on("photo-file", "change", async () => {
    const [file] = element("photo-file").files;
    element("photo-file").value = ""; // so that the same file can be chosen again
    if (file) await usePhoto(file);
  });
  on("reset-attributes", "click", () => show({ latent: face.latent, strengths: neutral() }));
  on("reset-dimensions", "click", () => show({ latent: origin, strengths: face.strengths }));
  on("keep-start", "click", () => keep(0));
  on("keep-end", "click", () => keep(1));
  on("morph-share", "input", () => show(between(...ends, Number(element("morph-share").value))));
  for (const tab of document.querySelectorAll('[role="tab"]')) {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const tabs = [...document.querySelectorAll('[role="tab"]:not([hidden])')];
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
      choose(next);
      next.focus();
    });
  }
}

function describe() {
  const facts = [
    ["Model", `${card.image_size}×${card.image_size} pixels, ${card.latent_dim} latent dimensions, ${card.files.decoder}`],
    ["Trained on", `${card.training_data.name}. ${card.training_data.terms}`],
    ["Intended use", card.intended_use],
    ["Not for", card.not_for],
    ["Known bias", card.bias],
  ];
  const list = document.createElement("dl");
  for (const [name, text] of facts) {
    const [term, description] = ["dt", "dd"].map((tag) => document.createElement(tag));
    term.textContent = name;
    description.textContent = text;
    list.append(term, description);
  }
  element("about").append(list);
}
