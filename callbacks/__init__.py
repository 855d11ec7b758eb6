"""Keras callbacks that show what a face VAE learns, most of them in TensorBoard; each works in your own `fit`.

Those that show faces take a `SharedEncoding` of fixed faces, and work with any model that has
`encode(images) -> (mean, log_variance)` and `decode(latents) -> images`. `ProgressBar` needs a `facevae.VAE`,
`FitDensity` one with `density_components`.
"""

from callbacks.attribute_edit_pictures import AttributeEditPictures
from callbacks.custom_scalars_layout import CustomScalarsLayout
from callbacks.embedding_projector import EmbeddingProjector
from callbacks.fit_density import FitDensity
from callbacks.hyper_parameters import HyperParameters
from callbacks.interpolation_pictures import InterpolationPictures
from callbacks.latent_figures import LatentFigures
from callbacks.latent_statistics import LatentStatistics
from callbacks.machine_use import MachineUse
from callbacks.profile import Profile
from callbacks.progress_bar import ProgressBar
from callbacks.rate_distortion_figure import RateDistortionFigure
from callbacks.reconstruction_pictures import ReconstructionPictures
from callbacks.run_text import RunText
from callbacks.sample_pictures import SamplePictures
from callbacks.scalars import Scalars
from callbacks.shared_encoding import SharedEncoding
from callbacks.standard import standard_callbacks
from callbacks.step_curves import StepCurves
from callbacks.traversal_pictures import TraversalPictures

__all__ = [
    "AttributeEditPictures",
    "CustomScalarsLayout",
    "EmbeddingProjector",
    "FitDensity",
    "HyperParameters",
    "InterpolationPictures",
    "LatentFigures",
    "LatentStatistics",
    "MachineUse",
    "Profile",
    "ProgressBar",
    "RateDistortionFigure",
    "ReconstructionPictures",
    "RunText",
    "SamplePictures",
    "Scalars",
    "SharedEncoding",
    "StepCurves",
    "TraversalPictures",
    "standard_callbacks",
]
