// Runs the exported networks with LiteRT.js on this device.

import { Tensor, loadAndCompile, loadLiteRt } from "./litert/index.js";

/** Loads the runtime and the decoder; the encoder is loaded for the first photograph. */
export async function loadModel(card) {
  await loadLiteRt(new URL("./litert/wasm/", import.meta.url).href);
  return new FaceModel(card, await loadNetwork(card.files.decoder));
}

/** Loads the network in `file`; the runtime must be loaded first. */
export function loadNetwork(file) {
  return loadAndCompile(new URL(file, import.meta.url).href, { accelerator: "wasm" });
}

/** The decoder, and the encoder after its first use. */
export class FaceModel {
  constructor(card, decoder) {
    this.card = card;
    this.decoder = decoder;
    this.encoder = null;
  }

  /** The image of a face {latent, strengths}: Float32Array of [size, size, 3] in [0, 1]. */
  async render({ latent, strengths }) {
    const inputs = { latent: [latent, [1, latent.length]] };
    let signature = "decode";
    if (strengths.length) {
      signature = "edit";
      inputs.strengths = [strengths, [1, strengths.length]];
    }
    return (await run(this.decoder, signature, inputs)).image;
  }

  /** The latent of a new face: from the fitted density where the model has one, else N(0, 1). */
  async newLatent() {
    const { from, noise } = this.card.sampling;
    const numbers = Float32Array.from({ length: noise }, normal);
    if (from !== "density") return numbers;
    return (await run(this.decoder, "sample", { noise: [numbers, [1, noise]] })).latent;
  }

  /** The latent of an image, an ImageData of the model's size. */
  async encode(image) {
    this.encoder ??= await loadNetwork(this.card.files.encoder);
    const size = this.card.image_size;
    const pixels = new Float32Array(size * size * 3);
    for (let i = 0; i < size * size; i++) {
      for (let c = 0; c < 3; c++) pixels[3 * i + c] = image.data[4 * i + c] / 255;
    }
    return (await run(this.encoder, "encode", { image: [pixels, [1, size, size, 3]] })).mean;
  }
}

async function run(network, signature, inputs) {
  const tensors = {};
  for (const [name, [values, shape]] of Object.entries(inputs)) tensors[name] = new Tensor(values, shape);
  let outputs = {};
  try {
    outputs = await network.run(signature, tensors);
    const values = {};
    for (const [name, tensor] of Object.entries(outputs)) values[name] = (await tensor.data()).slice();
    return values;
  } finally {
    // The browser does not garbage-collect the runtime's memory.
    for (const tensor of [...Object.values(tensors), ...Object.values(outputs)]) tensor.delete();
  }
}

/** A number from N(0, 1) (Box and Muller, 1958). */
export function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

/** Interpolates linearly between two faces {latent, strengths}: `start` for share 0, `end` for share 1. */
export function between(start, end, share) {
  const mixed = (a, b) => a.map((value, i) => value + share * (b[i] - value));
  return { latent: mixed(start.latent, end.latent), strengths: mixed(start.strengths, end.strengths) };
}
