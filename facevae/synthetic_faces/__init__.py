"""Procedurally drawn faces with known attributes and factors, and a tensorflow-datasets builder for them.

Drawing needs numpy only; tensorflow-datasets is imported when `SyntheticFaces` or `builder_for` is first used.
"""

from facevae.synthetic_faces.attributes import ATTRIBUTE_NAMES, CORRELATIONS
from facevae.synthetic_faces.factors import FACTOR_NAMES, FaceParameters, sample_faces
from facevae.synthetic_faces.renderer import render

__all__ = [
    "ATTRIBUTE_NAMES",
    "CORRELATIONS",
    "FACTOR_NAMES",
    "FaceParameters",
    "SyntheticFaces",
    "builder_for",
    "render",
    "sample_faces",
]


def __getattr__(name):
    if name in ("SyntheticFaces", "builder_for"):
        from facevae.synthetic_faces import builder

        return getattr(builder, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
