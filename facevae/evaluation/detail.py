"""How fine the detail of a set of images is, and whether it lies on a grid.

Pure functions of arrays: sums over images, which are divided at the end, so that sets are read in batches.
"""

import numpy as np

WAVELENGTHS = ((2, 4), (4, 8), (8, 16))  # pixels, from and to: octaves of the spectrum
PERIODS = (2, 4)  # pixels: the patches that decoders are made of


def band_powers(images: np.ndarray) -> np.ndarray:
    """The power of the images' detail in each octave of `WAVELENGTHS`, summed over the images.

    Of the mean of the colour channels under a Hann window, without which the borders of an image look like detail.

    Args:
        images: `uint8[batch, side, side, 3]`.

    Returns:
        `float64[len(WAVELENGTHS)]`.
    """
    side = images.shape[1]
    grey = images.mean(axis=-1, dtype=np.float64) / 255.0
    window = np.hanning(side + 1)[:-1]
    centred = (grey - grey.mean(axis=(1, 2), keepdims=True)) * window[:, None] * window
    power = (np.abs(np.fft.fft2(centred)) ** 2).sum(axis=0)
    frequency = np.fft.fftfreq(side)
    radius = np.hypot(frequency[:, None], frequency)
    bands = [(radius > 1.0 / longest) & (radius <= 1.0 / shortest) for shortest, longest in WAVELENGTHS]
    return np.array([power[band].sum() for band in bands])


def sharpness(powers: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Amplitude of detail over that of real images, in each octave: 1 where images are as sharp.

    The square root of the ratio of powers. Of images blurred by a Gaussian of σ pixels, detail of the wavelength λ
    keeps exp(−2π²σ²/λ²). Noise and grids are detail, too, so that they raise it.

    Args:
        powers: `float64[bands]`, `band_powers` of the images.
        reference: `float64[bands]`, of as many real images.
    """
    return np.sqrt(powers / np.maximum(reference, np.finfo(np.float64).tiny))


def grid_steps(images: np.ndarray) -> np.ndarray:
    """Sums of the differences of neighbouring pixels: across the borders of cells, and elsewhere.

    Args:
        images: `uint8[batch, side, side, 3]`.

    Returns:
        `float64[len(PERIODS), 2]`, the mean difference across the borders of cells of so many pixels, and the mean
        difference elsewhere, both summed over the images.
    """
    grey = images.mean(axis=-1, dtype=np.float64)
    steps = sum(np.abs(np.diff(grey, axis=axis)).mean(axis=3 - axis).sum(axis=0) for axis in (1, 2))
    place = np.arange(len(steps)) + 1
    return np.array([[steps[place % p == 0].mean(), steps[place % p > 0].mean()] for p in PERIODS])


def lattice(steps: np.ndarray) -> np.ndarray:
    """Differences across the borders of cells over those elsewhere: near 1 where no grid shows.

    Args:
        steps: `float64[len(PERIODS), 2]`, `grid_steps`.

    Returns:
        `float64[len(PERIODS)]`; 1 for images without any difference.
    """
    across, elsewhere = steps.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((across == 0.0) & (elsewhere == 0.0), 1.0, across / elsewhere)
