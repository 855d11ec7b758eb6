// Enlarges images smoothly: cubic convolution (Keys, 1981), which keeps edges sharper than the browser's bilinear.

/** An ImageData of `side` × `side` from the model's [size, size, 3] in [0, 1]. At the true size it is exact. */
export function enlarged(pixels, size, side) {
  const result = new ImageData(side, side);
  const source = side === size ? pixels : columns(rows(pixels, size, side), size, side);
  for (let i = 0, j = 0; i < source.length; i += 3, j += 4) {
    // Clamped arrays round.
    result.data[j] = 255 * source[i];
    result.data[j + 1] = 255 * source[i + 1];
    result.data[j + 2] = 255 * source[i + 2];
    result.data[j + 3] = 255;
  }
  return result;
}

const tables = new Map();

/** For each target pixel the four source pixels and their weights. */
function taps(size, side) {
  const key = `${size} ${side}`;
  if (tables.has(key)) return tables.get(key);
  const indices = new Int32Array(4 * side);
  const weights = new Float32Array(4 * side);
  for (let target = 0; target < side; target++) {
    const place = ((target + 0.5) * size) / side - 0.5;
    const first = Math.floor(place) - 1;
    const t = place - Math.floor(place);
    weights[4 * target] = ((2 - t) * t - 1) * t / 2;
    weights[4 * target + 1] = ((3 * t - 5) * t * t + 2) / 2;
    weights[4 * target + 2] = ((4 - 3 * t) * t + 1) * t / 2;
    weights[4 * target + 3] = (t - 1) * t * t / 2;
    for (let k = 0; k < 4; k++) indices[4 * target + k] = Math.max(0, Math.min(size - 1, first + k));
  }
  if (tables.size > 40) tables.clear();
  tables.set(key, { indices, weights });
  return tables.get(key);
}

/** [size, size, 3] to [size, side, 3]. */
function rows(pixels, size, side) {
  const { indices, weights } = taps(size, side);
  const result = new Float32Array(size * side * 3);
  let j = 0;
  for (let y = 0; y < size; y++) {
    const row = y * size;
    for (let x = 0; x < side; x++) {
      const [a, b, c, d] = [0, 1, 2, 3].map((k) => 3 * (row + indices[4 * x + k]));
      const [wa, wb, wc, wd] = [weights[4 * x], weights[4 * x + 1], weights[4 * x + 2], weights[4 * x + 3]];
      for (let channel = 0; channel < 3; channel++) {
        result[j++] = wa * pixels[a + channel] + wb * pixels[b + channel] + wc * pixels[c + channel] + wd * pixels[d + channel];
      }
    }
  }
  return result;
}

/** [size, side, 3] to [side, side, 3]. */
function columns(pixels, size, side) {
  const { indices, weights } = taps(size, side);
  const length = 3 * side;
  const result = new Float32Array(side * length);
  for (let y = 0; y < side; y++) {
    const [a, b, c, d] = [0, 1, 2, 3].map((k) => length * indices[4 * y + k]);
    const [wa, wb, wc, wd] = [weights[4 * y], weights[4 * y + 1], weights[4 * y + 2], weights[4 * y + 3]];
    const target = y * length;
    for (let x = 0; x < length; x++) {
      result[target + x] = wa * pixels[a + x] + wb * pixels[b + x] + wc * pixels[c + x] + wd * pixels[d + x];
    }
  }
  return result;
}
