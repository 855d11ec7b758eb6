// Sliders for numbers of the work face.

import { make } from "./dom.js";

const STEPS = 120;

/** A row with a slider for the number that `numbers(face)[index]` is. `ends`: what stands left and right of it. */
export function sliderRow(work, { text, minimum, maximum, numbers, index, ends = [] }) {
  const input = make("input", { type: "range", min: minimum, max: maximum, step: (maximum - minimum) / STEPS, "aria-label": text });
  const value = make("span", { className: "value", "aria-hidden": "true" });
  const name = make("span", { className: "name", textContent: text });
  const [low, high] = ends;
  const row = make("label", { className: ends.length ? "slider pictured" : "slider" });
  row.append(...(ends.length ? [low, input, high] : [name, input, value]));

  const write = (number) => {
    const zero = ends.length ? numbers(origin(work))[index] : 0;
    const words = signed(number - zero);
    value.textContent = words;
    input.setAttribute("aria-valuetext", words);
    const place = (at) => Math.max(0, Math.min(100, (100 * (at - minimum)) / (maximum - minimum)));
    const [from, to] = [place(zero), place(number)].sort((a, b) => a - b);
    input.style.setProperty("--from", `${from}%`);
    input.style.setProperty("--to", `${to}%`);
    row.toggleAttribute("data-moved", Math.abs(number - zero) > 1e-6);
  };
  const move = (number) => {
    numbers(work.face)[index] = number;
    write(number);
    work.dispatchEvent(new Event("moved"));
    work.draw();
  };
  input.addEventListener("input", () => {
    const number = Number(input.value);
    // The steps of a slider need not meet its neutral point: near it, it snaps.
    move(Math.abs(number) < (maximum - minimum) / STEPS / 2 && !ends.length ? 0 : number);
  });
  input.addEventListener("change", () => work.settle());
  work.addEventListener("shown", () => {
    input.value = numbers(work.face)[index];
    write(numbers(work.face)[index]);
  });
  return row;
}

const origin = (work) => ({ latent: work.face.origin, strengths: work.face.strengths });

function signed(number) {
  const rounded = number.toFixed(1);
  if (Number(rounded) === 0) return "0";
  return number > 0 ? `+${rounded}` : rounded.replace("-", "−");
}
