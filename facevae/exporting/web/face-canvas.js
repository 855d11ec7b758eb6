// Paints faces on canvases, at the pixels that the device has there.

import { enlarged } from "./enlarge.js";

const LARGEST = 960; // pixels a side; more would cost time and show nothing more
const painted = new WeakMap();
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) if (target.width !== wanted(target)) draw(target);
});

/** Paints the model's [size, size, 3] in [0, 1] over a canvas, and again whenever the canvas changes its size. */
export function paint(canvas, pixels, size) {
  painted.set(canvas, { pixels, size });
  draw(canvas);
  sizes.observe(canvas);
}

/** What is painted on a canvas: {pixels, size}. */
export const paintedOn = (canvas) => painted.get(canvas);

function wanted(canvas) {
  const { size } = painted.get(canvas);
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  return side ? Math.max(size, Math.min(LARGEST, side)) : size;
}

function draw(canvas) {
  const { pixels, size } = painted.get(canvas);
  const side = wanted(canvas);
  if (canvas.width !== side) canvas.width = canvas.height = side;
  canvas.getContext("2d").putImageData(enlarged(pixels, size, side), 0, 0);
}
