"""Example inputs for calibration and checks: latents of typical, sampled, stretched and edited faces."""

from statistics import NormalDist

import numpy as np

from facevae.editing.face_attributes import FaceAttributes
from facevae.exporting.conversion import Examples
from facevae.exporting.graphs import ExportedModel
from facevae.exporting.sample_distance import SAMPLES, SampleSets, make_sample_sets
from facevae.run.encodings import Encodings

# Stretched latents lie this many times as far from the average latent as encoded faces do.
STRETCH = 1.5


def signature_inputs(exported: ExportedModel, encodings: Encodings, count: int, seed: int) -> Examples:
    """Inputs of every signature of an export.

    The latents of `decode` are, in equal shares, encoded training faces, samples of the density (or the prior),
    encoded faces stretched away from the average latent, and edited ones; those of `edit` are encoded and sampled.

    Args:
        exported: what is exported.
        encodings: of training faces.
        count: number of examples of each signature.
        seed: the same seed gives the same examples.

    Returns:
        For each signature its inputs by name, each with `count` as the leading axis.
    """
    random = np.random.default_rng(seed)
    faces = encodings.sample(seed)
    encoded = faces[random.integers(len(faces), size=count)]
    noise = random.standard_normal((count, faces.shape[1] + 1), dtype=np.float32)
    if exported.density:
        # In the middle of a component's interval: near its edge, rounding to 8 bits may choose the next component.
        edges = np.concatenate([[0.0], np.cumsum(exported.density.weights, dtype=np.float64)])
        middles = np.clip((edges[1:] + edges[:-1]) / 2.0 / edges[-1], 1e-9, 1.0 - 1e-9)
        normal = np.array([NormalDist().inv_cdf(middle) for middle in middles], np.float32)
        noise[:, -1] = normal[np.arange(count) % len(normal)]
    sampled = exported.density.latents(noise) if exported.density else noise[:, :-1]
    average = encodings.mean.mean(axis=0)
    stretched = average + STRETCH * (encoded - average)

    plain = _interleave(encoded, sampled)
    kinds = [encoded, sampled, stretched]
    inputs = {"sample": {"noise": noise}} if exported.density else {}
    if edits := exported.edits:
        strengths = _strengths(random, count, edits)
        kinds.append(plain + strengths @ edits.directions)
        inputs["edit"] = {"latent": plain, "strengths": strengths}
    inputs["decode"] = inputs["decode_uint8"] = {"latent": _interleave(*kinds)}

    # Decoded faces, half of them with noise, take the place of photographs: an export needs no data set.
    images = exported.model.decode_all(plain)
    grain = random.normal(0.0, 0.1, images.shape).astype(np.float32)
    images[::2] = np.clip(images[::2] + grain[::2], 0.0, 1.0)
    inputs["encode"] = {"image": images}
    rgba = np.full((*images.shape[:-1], 4), 255, np.uint8)
    rgba[..., :3] = np.round(images * 255.0)
    inputs["encode_uint8"] = {"image": rgba}
    return inputs


def references(exported: ExportedModel, inputs: Examples) -> Examples:
    """Outputs of the float32 model for the inputs of `signature_inputs`, computed without the exported graphs."""
    model = exported.model
    answers = {"decode": {"image": model.decode_all(inputs["decode"]["latent"])}}
    levels = np.full((*answers["decode"]["image"].shape[:-1], 4), 255, np.uint8)
    levels[..., :3] = np.round(answers["decode"]["image"] * 255.0)
    answers["decode_uint8"] = {"image": levels}
    if exported.edits and (edit := inputs.get("edit")):
        answers["edit"] = {
            "image": model.decode_all(edit["latent"] + edit["strengths"] @ exported.edits.directions)
        }
    if exported.density and (sample := inputs.get("sample")):
        latents = exported.density.latents(sample["noise"])
        answers["sample"] = {"image": model.decode_all(latents), "latent": latents}
    for name in ("encode", "encode_uint8"):
        images = inputs[name]["image"][..., :3]
        mean, log_variance = model.encode_all(images)
        answers[name] = {"mean": mean, "log_variance": log_variance}
    return answers


def sample_sets(exported: ExportedModel, seed: int) -> SampleSets:
    """New faces of the float32 model, by which those of a decoder file are judged; see `SampleSets`.

    Args:
        exported: what is exported.
        seed: the same seed gives the same faces.
    """
    numbers = exported.model.latent_dim + (exported.density is not None)
    inputs = np.random.default_rng(seed).standard_normal((2 * SAMPLES, numbers), dtype=np.float32)
    latents = exported.density.latents(inputs) if exported.density else inputs
    return make_sample_sets(inputs, exported.model.decode_all(latents))


def _interleave(*kinds: np.ndarray) -> np.ndarray:
    """One array of the same shape that takes row i from `kinds[i % len(kinds)]`."""
    turn = np.arange(len(kinds[0])) % len(kinds)
    return np.stack(kinds)[turn, np.arange(len(turn))].astype(np.float32)


def _strengths(random: np.random.Generator, count: int, edits: FaceAttributes) -> np.ndarray:
    """Random strengths of one to three attributes in each row, the others 0: `float32[count, attributes]`."""
    attributes = len(edits.names)
    strengths = np.zeros((count, attributes), np.float32)
    for row in strengths:
        chosen = random.choice(attributes, size=min(attributes, int(random.integers(1, 4))), replace=False)
        # As far as one slider goes at most, also where several are moved.
        row[chosen] = random.uniform(edits.minimum[chosen], edits.maximum[chosen]) / len(chosen)
    return strengths
