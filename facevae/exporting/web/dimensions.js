// The sliders of the strongest latent dimensions: small pictures show what each does.

import { element, make } from "./dom.js";
import { paint } from "./face-canvas.js";
import { faceOf } from "./face.js";
import { sliderRow } from "./sliders.js";
import { attempt } from "./status.js";

/** Builds the sliders. Their pictures are drawn when they are first seen. */
export function buildDimensions(work, model) {
  const { strongest_dimensions: dimensions, average_latent: average, attributes } = model.card;
  const pictures = [];
  const picture = (dimension, value) => {
    const canvas = make("canvas", { className: "end", "aria-hidden": "true" });
    pictures.push({ canvas, dimension, value });
    return canvas;
  };
  element("dimensions").querySelector(".sliders").replaceChildren(
    ...dimensions.map(({ dimension, minimum, maximum }, i) => sliderRow(work, {
      text: `Variation ${i + 1}`,
      minimum,
      maximum,
      index: dimension,
      numbers: (face) => face.latent,
      ends: [picture(dimension, minimum), picture(dimension, maximum)],
    })),
  );
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    attempt("drawing", drawPictures);
  });
  seen.observe(element("dimensions"));

  async function drawPictures() {
    for (const { canvas, dimension, value } of pictures) {
      const face = faceOf(Float32Array.from(average), attributes.length);
      face.latent[dimension] = value;
      paint(canvas, await model.render(face), model.card.image_size);
    }
  }
}
