// What the model is, and what it is not for.

import { element, make } from "./dom.js";

/** Fills the dialog; `facts()` gives what is known only later, [term, text] pairs. */
export function listenForAbout(card, facts) {
  element("about-open").addEventListener("click", () => {
    const lines = [
      ["Model", `${card.image_size}×${card.image_size} pixels, ${card.latent_dim} latent dimensions, ${card.files.decoder}`],
      ...facts(),
      ["Trained on", `${card.training_data.name}. ${card.training_data.terms}`],
      ["Intended use", card.intended_use],
      ["Not for", card.not_for],
      ["Known bias", card.bias.replaceAll("_", " ")],
      ["Your data", "Everything is drawn on this device. Nothing that you do here is sent anywhere."],
    ];
    element("about").querySelector("dl").replaceChildren(
      ...lines.flatMap(([term, text]) => [make("dt", { textContent: term }), make("dd", { textContent: text })]));
    element("about").showModal();
    element("about").scrollTop = 0;
  });
}
