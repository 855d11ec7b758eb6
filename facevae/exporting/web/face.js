// A face: {latent, strengths, origin}. `origin` is its latent before any variation was moved.

/** A face without changes. */
export function faceOf(latent, attributes) {
  return { latent: latent.slice(), strengths: new Float32Array(attributes), origin: latent.slice() };
}

export function copyOf({ latent, strengths, origin }) {
  return { latent: latent.slice(), strengths: strengths.slice(), origin: origin.slice() };
}

/** The face without its changes. */
export const neutralOf = (face) => faceOf(face.origin, face.strengths.length);

export function isNeutral({ latent, strengths, origin }) {
  return strengths.every((value) => value === 0) && latent.every((value, i) => value === origin[i]);
}

/** Interpolates linearly between two faces: `start` for share 0, `end` for share 1. */
export function between(start, end, share) {
  const mixed = (name) => start[name].map((value, i) => value + share * (end[name][i] - value));
  return { latent: mixed("latent"), strengths: mixed("strengths"), origin: mixed("origin") };
}

/** A point on the way through several faces: the first for share 0, the last for share 1. */
export function along(faces, share) {
  const place = share * (faces.length - 1);
  const first = Math.min(Math.floor(place), faces.length - 2);
  return between(faces[first], faces[first + 1], place - first);
}
