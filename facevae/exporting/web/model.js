// Runs the exported networks on this device.

import { fetched } from "./download.js";
import { importRuntime } from "./runtime.js";

/** Loads the network in `file`; the runtime must be started first. `load(file)` gives its response. */
export async function loadNetwork(file, load = fetched, accelerator = "wasm") {
  const { loadAndCompile } = await importRuntime();
  const bytes = new Uint8Array(await (await load(file)).arrayBuffer());
  return loadAndCompile(bytes, { accelerator });
}

/** The decoder, and the encoder after its first use. */
export class FaceModel {
  constructor(card, decoder) {
    this.card = card;
    this.decoder = decoder;
    this.drawer = decoder; // draws the work face; accelerator.js may choose another
    this.encoder = null;
    this.turn = Promise.resolve();
    this.milliseconds = []; // of the last drawings
  }

  /** The image of a face {latent, strengths}: Float32Array of [size, size, 3] in [0, 1]. */
  async render(face) {
    return (await this.run(this.drawer, ...this.drawing(face))).image;
  }

  /** The signature that draws a face, and its inputs. */
  drawing({ latent, strengths }) {
    const inputs = { latent: [latent, [1, latent.length]] };
    if (!strengths.length) return ["decode", inputs];
    return ["edit", { ...inputs, strengths: [strengths, [1, strengths.length]] }];
  }

  /** Numbers of N(0, 1) that make a new face. */
  newNoise() {
    return Float32Array.from({ length: this.card.sampling.noise }, normal);
  }

  /** A new face from its noise: {latent, image}. A lower temperature keeps closer to the typical face. */
  async sample(noise, temperature) {
    const latentDim = this.card.latent_dim;
    // The last number of a density's noise chooses its component, and has no temperature.
    const scaled = noise.map((value, i) => (i < latentDim ? temperature * value : value));
    if (this.card.sampling.from !== "density") {
      const { image } = await this.run(this.decoder, "decode", { latent: [scaled, [1, latentDim]] });
      return { latent: scaled, image };
    }
    return this.run(this.decoder, "sample", { noise: [scaled, [1, noise.length]] });
  }

  /** The latent of an image, an ImageData of the model's size. */
  async encode(image) {
    this.encoder ??= await loadNetwork(this.card.files.encoder);
    const size = this.card.image_size;
    const pixels = new Float32Array(size * size * 3);
    for (let i = 0; i < size * size; i++) {
      for (let c = 0; c < 3; c++) pixels[3 * i + c] = image.data[4 * i + c] / 255;
    }
    return (await this.run(this.encoder, "encode", { image: [pixels, [1, size, size, 3]] })).mean;
  }

  /** The median time of a drawing on this device, milliseconds. */
  medianTime() {
    return [...this.milliseconds].sort((a, b) => a - b)[this.milliseconds.length >> 1];
  }

  /** Runs a signature; one at a time. */
  run(network, signature, inputs) {
    return this.inTurn(async () => {
      const begun = performance.now();
      const outputs = await runNetwork(network, signature, inputs);
      if (network !== this.encoder) this.milliseconds = [...this.milliseconds.slice(-20), performance.now() - begun];
      return outputs;
    });
  }

  /** Does something after all that was asked for before. */
  inTurn(action) {
    const mine = this.turn.then(action);
    this.turn = mine.catch(() => {});
    return mine;
  }
}

/** Runs a signature on {name: [values, shape]}; the outputs by name. */
export async function runNetwork(network, signature, inputs) {
  const { Tensor } = await importRuntime();
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
