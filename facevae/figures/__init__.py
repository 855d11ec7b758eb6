"""Pictures of faces and of latents, as arrays `uint8[height, width, 3]`.

Grids need numpy and Pillow only; matplotlib is imported when a name that draws with it is first used.
"""

import importlib
from typing import Any

from facevae.figures.grids import as_bytes as as_bytes
from facevae.figures.grids import enlarge as enlarge
from facevae.figures.grids import picture_grid as picture_grid
from facevae.figures.labelled import attribute_sheet as attribute_sheet
from facevae.figures.labelled import labelled_grid as labelled_grid

_EXPORTS = {
    "dimension_histograms": "facevae.figures.latent_figures",
    "map_by_attributes": "facevae.figures.latent_figures",
    "map_density": "facevae.figures.latent_figures",
    "map_with_density": "facevae.figures.latent_figures",
    "map_with_faces": "facevae.figures.latent_figures",
    "places_in_map": "facevae.figures.latent_figures",
}

__all__ = sorted([*_EXPORTS, "as_bytes", "attribute_sheet", "enlarge", "labelled_grid", "picture_grid"])


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facevae.figures' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
