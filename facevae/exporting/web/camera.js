// The camera: its picture, the face in it, and what the model makes of the face, with the sliders applied.

import { element } from "./dom.js";
import { paint } from "./face-canvas.js";
import { faceOf } from "./face.js";
import { aligning, drawView, loadFaceFinder } from "./face_finding.js";
import { attempt } from "./status.js";

const REASONS = {
  NotAllowedError: "The camera is not allowed here. Allow it for this page in the browser's settings, or choose a photo.",
  NotFoundError: "No camera was found. Connect one, or choose a photo.",
  NotReadableError: "The camera is in use by another program. Close it there, or choose a photo.",
};
const NOWHERE = "The camera works only on https pages and on this machine itself. Choose a photo instead.";
const LOOK_AGAIN = 30; // frames until the whole picture is searched again

/** Makes the button work; `show(face)` receives the face of the frozen frame. */
export function listenForCamera(model, work, show) {
  const { files, seen_eyes: eyes } = model.card;
  element("camera").hidden = !(files.encoder && files.detector && eyes);
  element("camera").disabled = false;
  const dialog = element("camera-dialog");
  let stream;
  let frozen;
  dialog.addEventListener("close", () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
  });
  element("camera-close").addEventListener("click", () => dialog.close());
  element("camera-freeze").addEventListener("click", () => attempt("camera", async () => {
    dialog.close();
    if (frozen) await show(frozen);
  }));
  element("camera").addEventListener("click", () => attempt("camera", async () => {
    stream = await opened();
    frozen = null;
    const video = element("camera-video");
    video.srcObject = stream;
    dialog.showModal();
    try {
      await video.play();
      await live(model, work, video, () => dialog.open, (face) => {
        frozen = face;
        element("camera-freeze").disabled = !face;
      });
    } finally {
      dialog.close();
    }
  }));
}

async function opened() {
  if (!navigator.mediaDevices) throw new Error(NOWHERE);
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 } } });
  } catch (error) {
    throw new Error(REASONS[error.name] ?? `The camera could not be opened (${error.message}).`, { cause: error });
  }
}

/** Draws frame after frame; `seen(face)` receives each frame's face, or null. */
async function live(model, work, video, isOpen, seen) {
  const size = model.card.image_size;
  const finder = await loadFaceFinder();
  const crop = element("camera-face");
  crop.width = crop.height = size;
  const context = crop.getContext("2d", { willReadFrequently: true });
  let found = null;
  let times = [];
  for (let frame = 0; isOpen(); frame++) {
    await new Promise(requestAnimationFrame);
    if (!video.videoWidth) continue;
    // The face is where it was in the last frame, nearly.
    if (found && frame % LOOK_AGAIN) found = await finder.again(video, found);
    if (!found) [found = null] = await finder.find(video);
    element("camera-none").hidden = Boolean(found);
    if (!found) {
      seen(null);
      continue;
    }
    drawView(context, video, aligning(found, model.card.seen_eyes, size), size, true);
    const face = faceOf(await model.encode(context.getImageData(0, 0, size, size)), model.card.attributes.length);
    face.strengths.set(work.face.strengths);
    paint(element("camera-decoded"), await model.render(face), size);
    seen(face);
    times = [...times.slice(-30), performance.now()];
    if (times.length > 2) {
      const rate = (1000 * (times.length - 1)) / (times.at(-1) - times[0]);
      element("camera-rate").textContent = `${rate.toFixed(0)} frames a second, on this device`;
    }
  }
}

/** Says, before anyone uploads a face, that a model of drawings draws. */
export function sayIfDrawings(card) {
  const isDrawn = card.training_data.name === "synthetic_faces";
  for (const place of document.querySelectorAll(".drawings")) place.hidden = !isDrawn;
  return isDrawn;
}

