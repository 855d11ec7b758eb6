// Finds the faces in a picture as facevae/face_finding does: a look at the whole, then closer ones at each face, upright.
// A point is [x, y]; a view's step to the right is [a, b] in the picture.

import { loadNetwork } from "./model.js";
import { importRuntime } from "./runtime.js";

const WHOLE = { file: "face_finding/face_detection_full_range.tflite", side: 192, grids: [[48, 1]] };
const CLOSE = { file: "face_finding/face_detection_short_range.tflite", side: 128, grids: [[16, 2], [8, 6]] };
const CANDIDATE_SCORE = 0.2; // of the first look, which may be unsure, as the second one decides
const LEAST_SCORE = 0.5;
const CLOSE_UP = 2.6; // side of the closer look, in widths of the face's box
const SURE = 0.65; // of a face that is seen in a part of the picture only
const FAR_OFF = 0.1; // of the face's width: the eyes lie so far from where they were thought that a third look is taken
const PART = 0.75; // of the longer side: the squares that are looked at where no face is seen in the whole
const SAME_FACE = 0.3; // overlap of two boxes above which they are one face
const MOST_FACES = 16;
const MIRRORED = [1, 0, 2, 3, 5, 4]; // the points of a mirrored face: eyes and ears change places

/** Loads both networks; the runtime must be started first. */
export async function loadFaceFinder() {
  return new FaceFinder(await Promise.all([WHOLE, CLOSE].map((detector) => Detector.load(detector))));
}

class FaceFinder {
  constructor([whole, close]) {
    this.whole = whole;
    this.close = close;
  }

  /**
   * The faces in a picture (an ImageBitmap, a video or a canvas), the largest first: {centre, width, points, score}.
   * With `small`, where none is found, also those that are small in the picture, which takes longer.
   */
  async find(picture, { small = false } = {}) {
    const [width, height] = sizeOf(picture);
    const whole = [this.whole, this.close].map(({ side }) => squareAt(width / 2, height / 2, Math.max(width, height), side));
    let faces = await this.closely(picture, await this.look(picture, [this.whole, this.close], whole));
    if (!faces.length && small) {
      const parts = overlapping(width, height, this.whole.side);
      const seen = await this.closely(picture, await this.look(picture, parts.map(() => this.whole), parts));
      faces = seen.filter(({ score }) => score >= SURE);
    }
    return faces.sort((one, other) => other.width - one.width);
  }

  /** What each detector takes for faces in its view. */
  async look(picture, detectors, views) {
    const seen = [];
    for (const [i, view] of views.entries()) {
      for (const face of await detectors[i].look(picture, view, CANDIDATE_SCORE)) seen.push(moved(face, view));
    }
    return averaged(seen).slice(0, MOST_FACES);
  }

  /** The candidates that are faces at a closer look, and at another where the first look was far off. */
  async closely(picture, candidates) {
    const faces = [];
    for (const candidate of candidates) {
      let face = await this.again(picture, candidate);
      if (face && isFarOff(face, candidate)) face = (await this.again(picture, face)) ?? face;
      if (face && !faces.some((other) => isSame(face, other))) faces.push(face);
    }
    return faces;
  }

  /** A face as it is seen upright and close, also in the picture that follows; null if there is none any more. */
  async again(picture, { centre, width, points }) {
    const [dx, dy] = [points[1][0] - points[0][0], points[1][1] - points[0][1]];
    const step = (CLOSE_UP * width) / CLOSE.side / Math.max(Math.hypot(dx, dy), 1e-6);
    const [a, b, half] = [step * dx, step * dy, CLOSE.side / 2];
    const view = { a, b, x: centre[0] - (a - b) * half, y: centre[1] - (b + a) * half };
    const face = inTheMiddle(await this.close.look(picture, view, LEAST_SCORE));
    if (!face) return null;
    const mirrored = inTheMiddle(await this.close.look(picture, view, LEAST_SCORE, true));
    return moved(mirrored ? mean(face, mirrored) : face, view);
  }
}

class Detector {
  static async load({ file, side, grids }) {
    const detector = new Detector();
    detector.network = await loadNetwork(file);
    detector.canvas = new OffscreenCanvas(side, side);
    detector.context = detector.canvas.getContext("2d", { willReadFrequently: true });
    return Object.assign(detector, { side, anchors: anchors(grids) });
  }

  /** The faces in a view of a picture, in the view's pixels. */
  async look(picture, view, leastScore, mirrored = false) {
    const { side, context } = this;
    drawView(context, picture, view, side);
    const { data } = context.getImageData(0, 0, side, side);
    const values = new Float32Array(3 * side * side);
    for (let i = 0; i < side * side; i++) {
      const from = 4 * (mirrored ? i - (i % side) + side - 1 - (i % side) : i);
      for (let c = 0; c < 3; c++) values[3 * i + c] = data[from + c] / 127.5 - 1;
    }
    const [boxes, logits] = await this.run(values);
    const found = [];
    logits.forEach((logit, i) => {
      const score = 1 / (1 + Math.exp(-logit));
      if (score < leastScore) return;
      const pair = (k) => [boxes[16 * i + 2 * k], boxes[16 * i + 2 * k + 1]];
      const place = (k) => pair(k).map((value, axis) => value + side * this.anchors[i][axis]);
      const face = { centre: place(0), size: pair(1), points: [2, 3, 4, 5, 6, 7].map(place), score };
      found.push(mirrored ? mirror(face, side) : face);
    });
    return averaged(found);
  }

  /** The network's boxes and scores. */
  async run(values) {
    const { Tensor } = await importRuntime();
    const input = new Tensor(values, [1, this.side, this.side, 3]);
    let outputs = [];
    try {
      outputs = await this.network.run([input]);
      const read = await Promise.all(outputs.map(async (tensor) => (await tensor.data()).slice()));
      return read.sort((one, other) => other.length - one.length);
    } finally {
      for (const tensor of [input, ...outputs]) tensor.delete(); // the browser does not collect the runtime's memory
    }
  }
}

/** Draws the view of a picture: black beyond its borders, or its border repeated. */
export function drawView(context, picture, { a, b, x, y }, side, repeated = false) {
  const [width, height] = sizeOf(picture);
  const square = a * a + b * b;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#000";
  context.fillRect(0, 0, side, side);
  // The inverse of the view: from the picture to it.
  context.setTransform(a / square, -b / square, b / square, a / square, -(a * x + b * y) / square, (b * x - a * y) / square);
  if (repeated) drawBorders(context, picture, width, height);
  context.drawImage(picture, 0, 0, width, height);
  context.setTransform(1, 0, 0, 1, 0, 0);
}

/** Draws a picture's outermost pixels over what lies beyond it. */
export function drawBorders(context, picture, width, height) {
  const far = 4 * Math.max(width, height);
  for (const [from, length, to, reach] of [[0, 1, -far, far + 1], [width - 1, 1, width - 1, far]]) {
    context.drawImage(picture, from, 0, length, 1, to, -far, reach, far + 1);
    context.drawImage(picture, from, height - 1, length, 1, to, height - 1, reach, far);
    context.drawImage(picture, from, 0, length, height, to, 0, reach, height);
  }
  context.drawImage(picture, 0, 0, width, 1, 0, -far, width, far + 1);
  context.drawImage(picture, 0, height - 1, width, 1, 0, height - 1, width, far);
}

/** The view of `side` pixels in which a face's eyes lie at [[x, y], [x, y]], in fractions of the side. */
export function aligning({ points: [left, right] }, [seenLeft, seenRight], side) {
  const [u, v] = [0, 1].map((axis) => side * (seenRight[axis] - seenLeft[axis]));
  const [dx, dy] = [0, 1].map((axis) => right[axis] - left[axis]);
  const square = u * u + v * v;
  const [a, b] = [(dx * u + dy * v) / square, (dy * u - dx * v) / square];
  const [s, t] = seenLeft.map((value) => side * value);
  return { a, b, x: left[0] - a * s + b * t, y: left[1] - b * s - a * t };
}

/** The view of a square of a picture, from its middle and its side there. */
const squareAt = (x, y, across, side) => ({ a: across / side, b: 0, x: x - across / 2, y: y - across / 2 });

/** The views of overlapping squares that cover a picture: two along each side that is longer than they are. */
function overlapping(width, height, side) {
  const across = PART * Math.max(width, height);
  const along = (length) => (length <= across ? [length / 2] : [across / 2, length - across / 2]);
  return along(height).flatMap((y) => along(width).map((x) => squareAt(x, y, across, side)));
}

const sizeOf = (picture) => [picture.videoWidth ?? picture.width, picture.videoHeight ?? picture.height];

function anchors(grids) {
  const all = [];
  for (const [cells, count] of grids) {
    for (let cell = 0; cell < cells * cells; cell++) {
      const at = [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
      for (let i = 0; i < count; i++) all.push(at);
    }
  }
  return all;
}

/** A face of a view, in the picture. */
function moved({ centre, size, points, score }, { a, b, x, y }) {
  const place = ([u, v]) => [a * u - b * v + x, b * u + a * v + y];
  const scaled = size.map((value) => Math.hypot(a, b) * value);
  return { centre: place(centre), size: scaled, width: scaled[0], points: points.map(place), score };
}

function mirror(face, side) {
  const place = ([x, y]) => [side - x, y];
  return { ...face, centre: place(face.centre), points: MIRRORED.map((k) => place(face.points[k])) };
}

function mean(one, other) {
  const middle = (p, q) => p.map((value, axis) => (value + q[axis]) / 2);
  return {
    centre: middle(one.centre, other.centre),
    size: middle(one.size, other.size),
    points: one.points.map((point, k) => middle(point, other.points[k])),
    score: one.score,
  };
}

/** One face for each group of boxes that overlap with its surest one: their mean, weighted by the scores. */
function averaged(found) {
  let left = [...found].sort((one, other) => other.score - one.score);
  const faces = [];
  while (left.length) {
    const same = left.filter((face) => face === left[0] || overlap(left[0], face) > SAME_FACE);
    const total = same.reduce((sum, { score }) => sum + score, 0);
    const weighted = (get) => [0, 1].map((axis) => same.reduce((sum, face) => sum + face.score * get(face)[axis], 0) / total);
    const size = weighted((face) => face.size);
    const points = left[0].points.map((_, k) => weighted((face) => face.points[k]));
    faces.push({ centre: weighted((face) => face.centre), size, width: size[0], points, score: left[0].score });
    left = left.filter((face) => !same.includes(face));
  }
  return faces;
}

/** Intersection over union of two faces' boxes. */
function overlap(one, other) {
  const common = [0, 1].map((axis) => {
    const low = Math.max(one.centre[axis] - one.size[axis] / 2, other.centre[axis] - other.size[axis] / 2);
    const high = Math.min(one.centre[axis] + one.size[axis] / 2, other.centre[axis] + other.size[axis] / 2);
    return Math.max(high - low, 0);
  });
  const shared = common[0] * common[1];
  return shared / (one.size[0] * one.size[1] + other.size[0] * other.size[1] - shared);
}

function inTheMiddle(faces) {
  const away = ({ centre }) => Math.max(...centre.map((value) => Math.abs(value - CLOSE.side / 2)));
  const nearest = [...faces].sort((one, other) => away(one) - away(other))[0];
  return nearest && away(nearest) <= CLOSE.side / 4 ? nearest : null;
}

/** Whether the eyes of a face lie elsewhere than they were thought to. */
function isFarOff(face, thought) {
  const away = [0, 1].map((eye) => Math.hypot(...[0, 1].map((axis) => face.points[eye][axis] - thought.points[eye][axis])));
  return Math.max(...away) > FAR_OFF * face.width;
}

/** Whether the middle of one box is in the inner half of the other. */
function isSame(one, other) {
  const apart = Math.hypot(one.centre[0] - other.centre[0], one.centre[1] - other.centre[1]);
  return apart < Math.max(one.width, other.width) / 4;
}
