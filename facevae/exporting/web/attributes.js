// The sliders of the attributes: the clearest first, in groups, the rest behind "more".

import { element, make } from "./dom.js";
import { sliderRow } from "./sliders.js";

const SHOWN = 8; // at once
// Where the model's card has no measure of how clear each is: attributes that are seen in small pictures.
const SEEN_FIRST = ["Smiling", "Eyeglasses", "Young", "Male", "Blond_Hair", "Black_Hair", "Bangs", "Mouth_Slightly_Open"];
const GROUPS = [
  ["Eyes and brows", /eye|brow/i],
  ["Mouth and nose", /mouth|lip|smil|nose/i],
  ["Beard", /beard|goatee|mustache|shadow|sideburn/i],
  ["Hair", /hair|bald|bang/i],
  ["Worn", /wearing|glasses|hat|neck/i],
  ["Whole face", /./],
];

/** Builds the sliders; without attributes there are none, and false is returned. */
export function buildAttributes(work, attributes) {
  const order = attributes.map((attribute, index) => ({ ...attribute, index }));
  order.sort((a, b) => (b.clearness ?? 0) - (a.clearness ?? 0) || familiarity(a) - familiarity(b) || a.index - b.index);
  const first = order.slice(0, SHOWN);
  const rest = order.slice(SHOWN);
  const panel = element("attributes");
  panel.replaceChildren(...groups(work, first));
  if (rest.length) {
    panel.append(make("details", { id: "more-attributes" },
      make("summary", { textContent: `More features (${rest.length})` }), ...groups(work, rest)));
  }
  return attributes.length > 0;
}

function groups(work, attributes) {
  const named = new Map();
  for (const attribute of attributes) {
    const group = groupOf(attribute.name);
    named.set(group, [...(named.get(group) ?? []), attribute]);
  }
  return [...named].map(([group, members]) => make("fieldset", {}, make("legend", { textContent: group }),
    ...members.map(({ name, minimum, maximum, index }) =>
      sliderRow(work, { text: words(name), minimum, maximum, index, numbers: (face) => face.strengths }))));
}

const familiarity = ({ name }) => (SEEN_FIRST.includes(name) ? SEEN_FIRST.indexOf(name) : SEEN_FIRST.length);

export const groupOf = (name) => GROUPS.find(([, pattern]) => pattern.test(name))[0];

/** `Mouth_Slightly_Open` as people write it. */
export function words(name) {
  const text = name.replaceAll("_", " ").toLowerCase().replace("5 o clock", "5 o’clock");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
