// From a photograph to a face.

import { element } from "./dom.js";
import { paint } from "./face-canvas.js";
import { faceOf } from "./face.js";
import { aligning, loadFaceFinder } from "./face_finding.js";
import { PhotoPlacer, VIEW, drawEyeGuides } from "./photo.js";
import { attempt } from "./status.js";

/** Makes the button work; `show(face)` receives the face of a photograph. Without an encoder there is no button. */
export function listenForPhotographs(model, show) {
  element("photo").hidden = !model.card.files.encoder;
  let placer;
  element("photo").addEventListener("click", () => element("photo-file").click());
  element("photo-file").addEventListener("change", () => attempt("photograph", async () => {
    const [file] = element("photo-file").files;
    element("photo-file").value = ""; // so that the same file can be chosen again
    if (!file) return;
    const photo = await readPhotograph(file);
    placer ??= new PhotoPlacer(element("photo-dialog"), await guide(model));
    const image = await placer.place(photo, model.card.image_size, await placed(model.card, photo));
    if (image) await show(faceOf(await model.encode(image), model.card.attributes.length));
  }));
}

let finder; // loaded for the first photograph

/** The view that puts the largest face where the model expects it; null, and said so, where none is found. */
async function placed(card, photo) {
  if (!card.files.detector || !card.seen_eyes) return null;
  finder ??= await loadFaceFinder();
  const faces = await finder.find(photo, { small: true });
  const say = (text) => { element("photo-found").textContent = text; };
  say("");
  if (!faces.length) say("No face was found: place it by hand.");
  else if (faces.length > 1) say(`${faces.length} faces were found: the largest is placed. Drag to another one.`);
  return faces.length ? aligning(faces[0], card.seen_eyes, VIEW) : null;
}

async function readPhotograph(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(`Expected a picture that this browser can read, received ${file.name}. Choose a JPEG or PNG file.`);
  }
}

async function guide(model) {
  const { card } = model;
  if (card.eyes) return (context, size) => drawEyeGuides(context, size, card.eyes);
  // The positions of the eyes are unknown: the average face is the guide instead.
  element("photo-help").textContent = element("photo-help").textContent.replace("the eyes are in the circles", "the face lies on the average face");
  const average = document.createElement("canvas");
  paint(average, await model.render(faceOf(Float32Array.from(card.average_latent), card.attributes.length)), card.image_size);
  return (context, size) => {
    context.globalAlpha = 0.4;
    context.drawImage(average, 0, 0, size, size);
    context.globalAlpha = 1;
  };
}
