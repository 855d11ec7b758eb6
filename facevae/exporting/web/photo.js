// Aligns a photograph with the guides: the encoder was trained on faces at one position and size.

import { drawBorders } from "./face_finding.js";

export const VIEW = 512; // side of the dialog's canvas, pixels

export class PhotoPlacer {
  /** Uses the canvas in `dialog`; `guide(context, size)` draws the guides over the photograph. */
  constructor(dialog, guide) {
    this.dialog = dialog;
    this.guide = guide;
    this.canvas = dialog.querySelector("canvas");
    this.canvas.width = this.canvas.height = VIEW;
    this.zoomInput = dialog.querySelector("#photo-zoom");
    this.turnInput = dialog.querySelector("#photo-turn");
    this.pointers = new Map();
    this.listen();
  }

  /**
   * Opens the dialog with an ImageBitmap, placed as a view of `VIEW` pixels shows it (see face_finding.js), or whole.
   * Resolves to an ImageData of `size` × `size` pixels, null if cancelled.
   */
  place(photo, size, view = null) {
    this.photo = photo;
    this.cover = VIEW / Math.min(photo.width, photo.height); // scale at which the photograph just covers the canvas
    this.x = this.y = 0; // from the canvas centre to the photograph's, canvas pixels
    this.scale = this.cover;
    this.turnInput.value = 0;
    if (view) this.start(view);
    this.pointers.clear();
    this.draw();
    this.dialog.showModal();
    this.canvas.focus();
    return new Promise((resolve) => {
      this.dialog.onclose = () => {
        resolve(this.dialog.returnValue === "use" ? this.crop(size) : null);
        photo.close();
      };
    });
  }

  start({ a, b, x, y }) {
    const square = a * a + b * b;
    const [dx, dy] = [this.photo.width / 2 - x, this.photo.height / 2 - y];
    this.scale = 1 / Math.sqrt(square);
    this.x = (a * dx + b * dy) / square - VIEW / 2;
    this.y = (a * dy - b * dx) / square - VIEW / 2;
    const turn = (-Math.atan2(b, a) * 180) / Math.PI;
    const most = Math.max(30, Math.ceil(Math.abs(turn)));
    Object.assign(this.turnInput, { min: -most, max: most, value: turn });
  }

  crop(size) {
    // Halved step by step: scaling down in one step would skip most pixels of a large photograph.
    let side = size;
    while (side * 2 <= VIEW * 2) side *= 2;
    let canvas = square(side);
    this.paint(canvas.getContext("2d"), side);
    while (side > size) {
      const half = square((side /= 2));
      half.getContext("2d").drawImage(canvas, 0, 0, side, side);
      canvas = half;
    }
    return canvas.getContext("2d").getImageData(0, 0, size, size);
  }

  paint(context, side) {
    const unit = side / VIEW;
    context.imageSmoothingQuality = "high";
    context.save();
    context.translate(side / 2 + this.x * unit, side / 2 + this.y * unit);
    context.rotate((this.turnInput.value * Math.PI) / 180);
    context.scale(this.scale * unit, this.scale * unit);
    context.translate(-this.photo.width / 2, -this.photo.height / 2);
    drawBorders(context, this.photo, this.photo.width, this.photo.height); // the encoder has never seen an empty border
    context.drawImage(this.photo, 0, 0);
    context.restore();
  }

  draw() {
    const context = this.canvas.getContext("2d");
    this.paint(context, VIEW);
    this.guide(context, VIEW);
    this.zoomInput.value = Math.log(this.scale / this.cover / 0.5) / Math.log(16);
  }

  move(x, y) {
    // The centre of the canvas stays on the photograph.
    const reachX = (this.photo.width * this.scale) / 2;
    const reachY = (this.photo.height * this.scale) / 2;
    this.x = Math.max(-reachX, Math.min(reachX, this.x + x));
    this.y = Math.max(-reachY, Math.min(reachY, this.y + y));
    this.draw();
  }

  zoom(factor, x = 0, y = 0) {
    const scale = Math.max(this.cover * 0.5, Math.min(this.cover * 8, this.scale * factor));
    const real = scale / this.scale;
    this.scale = scale;
    this.x = x + (this.x - x) * real; // the point at (x, y) stays there
    this.y = y + (this.y - y) * real;
    this.move(0, 0);
  }

  /** Position of a pointer relative to the canvas centre, in canvas pixels. */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const unit = VIEW / box.width;
    return { x: (event.clientX - box.left - box.width / 2) * unit, y: (event.clientY - box.top - box.height / 2) * unit };
  }

  listen() {
    const { canvas, dialog } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, this.at(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = this.pointers.get(event.pointerId);
      if (!before) return;
      const now = this.at(event);
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) {
        const apart = (a) => Math.hypot(a.x - other.x, a.y - other.y);
        const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
        this.move((now.x - before.x) / 2, (now.y - before.y) / 2);
        this.zoom(apart(now) / Math.max(apart(before), 1), middle.x, middle.y);
      } else {
        this.move(now.x - before.x, now.y - before.y);
      }
      this.pointers.set(event.pointerId, now);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    }
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const { x, y } = this.at(event);
      this.zoom(Math.exp(-event.deltaY / 400), x, y);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 32 : 8;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (moves[event.key]) this.move(...moves[event.key]);
      else if (event.key === "+" || event.key === "=") this.zoom(1.05);
      else if (event.key === "-") this.zoom(1 / 1.05);
      else return;
      event.preventDefault();
    });
    this.zoomInput.addEventListener("input", () => {
      this.zoom((this.cover * 0.5 * 16 ** this.zoomInput.value) / this.scale);
    });
    this.turnInput.addEventListener("input", () => this.draw());
    dialog.querySelector("#photo-use").addEventListener("click", () => dialog.close("use"));
    dialog.querySelector("#photo-cancel").addEventListener("click", () => dialog.close("cancel"));
    dialog.addEventListener("cancel", () => { dialog.returnValue = "cancel"; });
  }
}

/** Draws circles where the encoder expects the eyes, [[x, y], [x, y]] as fractions of the image side. */
export function drawEyeGuides(context, size, eyes) {
  const radius = (eyes[1][0] - eyes[0][0]) * size * 0.28;
  for (const [width, colour] of [[6, "rgb(0 0 0 / 60%)"], [2.5, "#fff"]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    for (const [x, y] of eyes) {
      context.beginPath();
      context.arc(x * size, y * size, radius, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

function square(side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  canvas.getContext("2d").imageSmoothingQuality = "high";
  return canvas;
}
