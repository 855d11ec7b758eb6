"""Pictures of faces and of latents.

Grids are arrays `uint8[height, width, 3]` and need only NumPy and Pillow. What is drawn by matplotlib is its `Figure`,
which `to_pixels` makes an array. Matplotlib is imported on the first use of a function that draws with it.
"""

import importlib
from typing import Any

from facevae.figures.cards import attribute_edit_card as attribute_edit_card
from facevae.figures.cards import interpolation_card as interpolation_card
from facevae.figures.cards import reconstruction_card as reconstruction_card
from facevae.figures.cards import sample_card as sample_card
from facevae.figures.cards import traversal_card as traversal_card
from facevae.figures.face_grids import COLUMNS as COLUMNS
from facevae.figures.face_grids import attribute_edit_grid as attribute_edit_grid
from facevae.figures.face_grids import attribute_sheet as attribute_sheet
from facevae.figures.face_grids import interpolation_grid as interpolation_grid
from facevae.figures.face_grids import neighbour_grid as neighbour_grid
from facevae.figures.face_grids import reconstruction_grid as reconstruction_grid
from facevae.figures.face_grids import sample_grid as sample_grid
from facevae.figures.face_grids import traversal_grid as traversal_grid
from facevae.figures.grids import as_bytes as as_bytes
from facevae.figures.grids import enlarge as enlarge
from facevae.figures.grids import image_grid as image_grid
from facevae.figures.grids import stacked as stacked
from facevae.figures.labelled import labelled_grid as labelled_grid
from facevae.figures.photographs import numbered_faces as numbered_faces
from facevae.figures.photographs import photograph_sheet as photograph_sheet

_EXPORTS = {
    "dimension_histograms": "facevae.figures.latent_dimensions",
    "dimensions_figure": "facevae.figures.latent_dimensions",
    "map_by_attributes": "facevae.figures.latent_maps",
    "map_density": "facevae.figures.latent_maps",
    "map_with_density": "facevae.figures.latent_maps",
    "map_with_faces": "facevae.figures.latent_maps",
    "places_in_map": "facevae.figures.latent_maps",
    "rate_distortion_figure": "facevae.figures.training_figures",
    "to_pixels": "facevae.figures.canvas",
}

__all__ = sorted(
    [
        *_EXPORTS,
        "COLUMNS",
        "as_bytes",
        "attribute_edit_card",
        "attribute_edit_grid",
        "attribute_sheet",
        "enlarge",
        "image_grid",
        "interpolation_grid",
        "interpolation_card",
        "labelled_grid",
        "neighbour_grid",
        "numbered_faces",
        "photograph_sheet",
        "reconstruction_card",
        "reconstruction_grid",
        "sample_card",
        "sample_grid",
        "stacked",
        "traversal_card",
        "traversal_grid",
    ]
)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facevae.figures' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
