// Saving and sharing the face.

import { element } from "./dom.js";
import { enlarged } from "./enlarge.js";
import { linkTo } from "./share-link.js";
import { attempt, say } from "./status.js";

const ENLARGED = 1024; // pixels a side at most

/** Makes the buttons of the dialog work. */
export function listenForSaving(work, model) {
  const dialog = element("save-dialog");
  const size = model.card.image_size;
  const large = Math.min(ENLARGED, 8 * size);
  element("save-enlarged").textContent = `Save enlarged, ${large}×${large}`;
  element("save-true").textContent = `Save true size, ${size}×${size}`;
  element("share-link").hidden = !navigator.share;
  element("save").addEventListener("click", () => dialog.showModal());
  const on = (id, action) => element(id).addEventListener("click", () => {
    dialog.close();
    attempt("saving", action);
  });
  on("save-enlarged", () => save(work, model, large));
  on("save-true", () => save(work, model, size));
  on("copy-link", () => copy(linkTo(work.face, model.card)));
  on("share-link", () => share(linkTo(work.face, model.card)));
}

async function save(work, model, side) {
  const pixels = await model.render(work.face);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  canvas.getContext("2d").putImageData(enlarged(pixels, model.card.image_size, side), 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `face-${side}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

async function copy(link) {
  try {
    await navigator.clipboard.writeText(link);
    say("Link copied.");
  } catch {
    // Clipboards are open to pages from https and this machine only.
    history.replaceState(history.state, "", link);
    say("The link to this face is in the address bar: copy it there.");
  }
}

async function share(link) {
  try {
    await navigator.share({ title: document.title, url: link });
  } catch (error) {
    if (error.name !== "AbortError") await copy(link);
  }
}
