// The sheet of new faces.

import { stopAt, useArrowKeys } from "./arrow-keys.js";
import { element, make } from "./dom.js";
import { paint } from "./face-canvas.js";
import { faceOf } from "./face.js";
import { merged } from "./merging.js";
import { attempt } from "./status.js";

export const COUNT = 12;

/** Grey places for the faces, until there is a model. */
export function buildTiles() {
  element("faces").replaceChildren(...Array.from({ length: COUNT }, (_, i) =>
    make("button", { className: "tile", disabled: true, "aria-label": `Face ${i + 1}` }, make("canvas"))));
  useArrowKeys(element("faces"), tiles);
}

const tiles = () => [...element("faces").children];

/** Pages of new faces. `choose(face)` hears which one is taken. */
export class Sheet {
  constructor(model, temperature, choose) {
    this.model = model;
    this.temperature = temperature;
    this.pages = [];
    this.page = -1;
    this.faces = []; // those on the sheet
    this.round = 0;
    this.draw = merged(() => attempt("drawing", () => this.drawOnce()));
    tiles().forEach((tile, i) => {
      tile.disabled = false;
      tile.addEventListener("click", () => {
        if (!this.faces[i]) return;
        this.mark(tile);
        choose(this.faces[i]);
      });
    });
    stopAt(tiles(), tiles()[0]);
  }

  /** The next page: one that was seen before, or new faces. */
  more() {
    this.page += 1;
    this.pages[this.page] ??= Array.from({ length: COUNT }, () => this.model.newNoise());
    return this.redraw();
  }

  earlier() {
    this.page = Math.max(0, this.page - 1);
    return this.redraw();
  }

  /** Draws the same faces closer to the typical face, or further from it. */
  setTemperature(temperature) {
    this.temperature = temperature;
    return this.redraw();
  }

  redraw() {
    this.mark(null);
    this.round += 1;
    return this.draw();
  }

  async drawOnce() {
    const round = this.round;
    for (const [i, noise] of this.pages[this.page].entries()) {
      const { latent, image } = await this.model.sample(noise, this.temperature);
      if (round !== this.round) return; // the page or the temperature has changed: begin again
      this.faces[i] = faceOf(latent, this.model.card.attributes.length);
      paint(tiles()[i].firstChild, image, this.model.card.image_size);
      if (i === 0) performance.mark("face drawn");
      if (i % 3 === 2) await new Promise(requestAnimationFrame);
    }
  }

  mark(chosen) {
    for (const tile of tiles()) tile.toggleAttribute("data-chosen", tile === chosen);
  }
}
