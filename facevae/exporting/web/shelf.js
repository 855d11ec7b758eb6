// The shelf: faces that one keeps, and the morph through them.

import { element, make } from "./dom.js";
import { paint } from "./face-canvas.js";
import { along, copyOf } from "./face.js";
import { decoded, encoded } from "./share-link.js";
import { attempt, say } from "./status.js";

const MOST = 24;

/** Keeps faces on this device, for each model on its own. */
export class Shelf {
  constructor(work, model) {
    this.work = work;
    this.model = model;
    this.place = `kept faces of ${model.card.model_id}`;
    this.kept = this.read();
    element("keep").addEventListener("click", () => this.keep());
    element("morph-share").addEventListener("input", () => this.morph());
    element("morph-share").addEventListener("change", () => work.settle());
    this.show();
  }

  keep() {
    if (this.kept.length >= MOST) {
      say(`The shelf is full (${MOST} faces). Take one from it first.`);
      return;
    }
    this.kept.push({ face: copyOf(this.work.face), morphs: true });
    this.changed();
    say(this.kept.length === 1 ? "Kept on the shelf. Keep another to morph between them." : "Kept on the shelf.");
  }

  remove(entry) {
    const at = this.kept.indexOf(entry);
    this.kept.splice(at, 1);
    this.changed();
    const next = element("kept").children[Math.min(at, this.kept.length - 1)];
    (next?.querySelector("button") ?? element("tab-shelf")).focus();
  }

  /** Shows the face at the slider's place on the way through the chosen faces. */
  morph() {
    const faces = this.kept.filter(({ morphs }) => morphs).map(({ face }) => face);
    if (faces.length >= 2) this.work.preview(along(faces, Number(element("morph-share").value)));
  }

  changed() {
    this.write();
    this.show();
  }

  show() {
    element("shelf-empty").hidden = this.kept.length > 0;
    element("tab-shelf").textContent = this.kept.length ? `Shelf (${this.kept.length})` : "Shelf";
    element("morph").hidden = this.kept.filter(({ morphs }) => morphs).length < 2;
    element("kept").replaceChildren(...this.kept.map((entry, i) => this.item(entry, i)));
  }

  item(entry, i) {
    const canvas = make("canvas");
    const open = make("button", { className: "tile", "aria-label": `Kept face ${i + 1}`, onclick: () => this.work.show(entry.face) }, canvas);
    const morphs = make("input", { type: "checkbox", checked: entry.morphs, onchange: () => {
      entry.morphs = morphs.checked;
      element("morph").hidden = this.kept.filter((other) => other.morphs).length < 2;
      this.write();
    } });
    const remove = make("button", { className: "quiet", textContent: "Remove", "aria-label": `Remove kept face ${i + 1}`, onclick: () => this.remove(entry) });
    attempt("drawing", async () => paint(canvas, await this.model.render(entry.face), this.model.card.image_size));
    return make("li", {}, open, make("label", {}, morphs, "Morph"), remove);
  }

  read() {
    try {
      const entries = JSON.parse(localStorage.getItem(this.place)) ?? [];
      return entries.map(({ face, morphs }) => ({ face: decoded(face, this.model.card), morphs }));
    } catch {
      return []; // storage is turned off, or holds what this page did not write
    }
  }

  write() {
    try {
      const entries = this.kept.map(({ face, morphs }) => ({ face: encoded(face, this.model.card), morphs }));
      localStorage.setItem(this.place, JSON.stringify(entries));
    } catch {
      say("This browser stores nothing for this page: kept faces go when it is closed.");
    }
  }
}
