// The face that one works with.

import { paint } from "./face-canvas.js";
import { copyOf, isNeutral, neutralOf } from "./face.js";
import { History } from "./history.js";
import { merged } from "./merging.js";
import { attempt } from "./status.js";

/** Events: `shown` after another face is shown, `settled` after a change is complete, `history` for undo and redo. */
export class WorkFace extends EventTarget {
  constructor(model, canvas) {
    super();
    this.model = model;
    this.canvas = canvas;
    this.face = null;
    this.history = new History(() => this.dispatchEvent(new Event("history")));
    this.draw = merged(() => attempt("drawing", () => this.drawOnce()));
  }

  /** Shows another face, and remembers it. */
  async show(face) {
    await this.preview(face);
    this.settle();
  }

  /** Shows a face that is not remembered until `settle`. */
  async preview(face) {
    this.face = copyOf(face);
    this.dispatchEvent(new Event("shown"));
    await this.draw();
  }

  /** Remembers the present face: a change is complete. */
  settle() {
    this.history.add(copyOf(this.face));
    this.dispatchEvent(new Event("settled"));
  }

  undo() { return this.restore(this.history.undo()); }

  redo() { return this.restore(this.history.redo()); }

  toNeutral() { return this.isNeutral ? undefined : this.show(neutralOf(this.face)); }

  get isNeutral() { return isNeutral(this.face); }

  async restore(face) {
    if (!face) return;
    await this.preview(face);
    this.dispatchEvent(new Event("settled"));
  }

  async drawOnce() {
    paint(this.canvas, await this.model.render(this.face), this.model.card.image_size);
  }
}
