// A face in the address's fragment, which browsers do not send to servers.

import { faceOf } from "./face.js";

// A number is stored in 16 bits, in steps of 1/4096: from −8 to 8.
const STEPS = 4096;
const KEY = "face=";

/** The face as text: the model's id, then its latent and strengths. */
export function encoded({ latent, strengths }, card) {
  const numbers = Int16Array.from([...latent, ...strengths], (value) => Math.max(-32768, Math.min(32767, Math.round(value * STEPS))));
  const bytes = new Uint8Array(numbers.length * 2);
  const view = new DataView(bytes.buffer);
  numbers.forEach((number, i) => view.setInt16(2 * i, number, true));
  const text = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return `${card.model_id}.${text}`;
}

/** The face in a text; an Error says what is wrong with it. */
export function decoded(text, card) {
  const [id, code] = text.split(".");
  if (id !== card.model_id) throw new Error("This link is to a face of another model, which only the page of that model can draw.");
  const length = card.latent_dim + card.attributes.length;
  let bytes = "";
  try {
    bytes = atob(code.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    // as one of a wrong length
  }
  if (bytes.length !== 2 * length) throw new Error("This link to a face is not complete. Ask for it again, or copy all of it.");
  const view = new DataView(Uint8Array.from(bytes, (character) => character.charCodeAt(0)).buffer);
  const numbers = Float32Array.from({ length }, (_, i) => view.getInt16(2 * i, true) / STEPS);
  const face = faceOf(numbers.slice(0, card.latent_dim), card.attributes.length);
  face.strengths.set(numbers.slice(card.latent_dim));
  return face;
}

/** The address of this page with a face. */
export function linkTo(face, card) {
  const address = new URL(location.href);
  address.hash = KEY + encoded(face, card);
  return address.href;
}

/** The face in the address, null if there is none. */
export function faceInAddress(card) {
  const hash = location.hash.slice(1);
  return hash.startsWith(KEY) ? decoded(hash.slice(KEY.length), card) : null;
}
