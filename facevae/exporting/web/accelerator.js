// Draws the work face on the graphics processor, where the device has one that draws the same pixels faster.

import { loadNetwork, runNetwork } from "./model.js";
import { importRuntime } from "./runtime.js";

const FAST_ENOUGH = 8; // milliseconds a face: within one frame of a screen, faster cannot be seen
const LEVEL = 1 / 255; // the largest difference that is allowed
const ROUNDS = 5;

/**
 * Compares WebGPU with WebAssembly on a few faces, and lets the model draw with the faster one.
 * Returns a sentence that says which, and why. `fastEnough` and `compile` are for tests.
 */
export async function chooseAccelerator(model, fastEnough = FAST_ENOUGH, compile = compileForGpu) {
  if (model.medianTime() <= fastEnough) return "WebAssembly, fast enough here";
  let gpu = null;
  try {
    gpu = await compile(model);
    if (!gpu) return "WebAssembly; this browser offers no WebGPU";
    const { difference, ratio } = await compared(model, gpu);
    if (!(difference <= LEVEL)) throw new Error("other pixels");
    if (!(ratio < 0.8)) throw new Error("not faster");
    model.drawer = gpu;
    return "WebGPU, faster than WebAssembly here";
  } catch (error) {
    gpu?.delete?.();
    return `WebAssembly; WebGPU was tried (${error.message})`;
  }
}

/** The decoder for the graphics processor; null where there is none, or it cannot run all of the decoder. */
async function compileForGpu(model) {
  const { getDefaultEnvironment } = await importRuntime();
  if (!getDefaultEnvironment().webGpuDevice) return null;
  const network = await loadNetwork(model.card.files.decoder, undefined, "webgpu");
  if (network.isFullyAccelerated) return network;
  network.delete();
  return null;
}

/** The largest difference of pixels in [0, 1], and the time of `other` over that of the model's decoder. */
export async function compared(model, other) {
  let difference = 0;
  const times = { own: [], other: [] };
  for (let round = 0; round <= ROUNDS; round++) {
    const { latent } = await model.sample(model.newNoise(), 1);
    const [signature, inputs] = model.drawing({ latent, strengths: new Float32Array(model.card.attributes.length) });
    const timed = async (network) => {
      const begun = performance.now();
      const { image } = await runNetwork(network, signature, inputs);
      return { image, time: performance.now() - begun };
    };
    // In the model's turn, so that nothing else is drawn meanwhile.
    const [own, its] = await model.inTurn(async () => [await timed(model.decoder), await timed(other)]);
    its.image.forEach((value, i) => {
      const apart = Math.abs(value - own.image[i]);
      if (!(apart <= difference)) difference = apart; // also if it is not a number
    });
    if (round === 0) continue; // compiles and warms up
    times.own.push(own.time);
    times.other.push(its.time);
  }
  const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
  return { difference, ratio: median(times.other) / median(times.own) };
}
