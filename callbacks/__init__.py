"""Keras callbacks that show in TensorBoard what a face VAE learns; each can be taken into one's own `fit`."""

from callbacks.face_callback import FaceCallback
from callbacks.fit_density import FitDensity
from callbacks.progress_bar import ProgressBar
from callbacks.reconstruction_pictures import ReconstructionPictures
from callbacks.sample_pictures import SamplePictures
from callbacks.scalars import Scalars
from callbacks.shared_encoding import SharedEncoding
from callbacks.standard import standard_callbacks

__all__ = [
    "FaceCallback",
    "FitDensity",
    "ProgressBar",
    "ReconstructionPictures",
    "SamplePictures",
    "Scalars",
    "SharedEncoding",
    "standard_callbacks",
]
