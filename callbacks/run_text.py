"""Texts about a run, and a guide to TensorBoard's tabs."""

import os
from collections.abc import Mapping

from callbacks.event_callback import EventCallback
from facevae import arguments


class RunText(EventCallback):
    """Writes texts to TensorBoard's Text tab once per training, at the step of its first epoch.

    Args:
        log_dir: folder of the TensorBoard run to write to.
        texts: Markdown by title; the tab sorts by title.
    """

    def __init__(self, log_dir: str | os.PathLike[str], texts: Mapping[str, str]):
        super().__init__(log_dir)
        mapping = arguments.instance("texts", texts, Mapping, "Give Markdown by title.")
        for title in arguments.names("texts", mapping):
            arguments.instance(f"texts: {title}", mapping[title], str, "Give Markdown.")
        self.texts = dict(mapping)

    def begin(self, epoch: int) -> None:
        for title, markdown in self.texts.items():
            self.writer.text(title, markdown, epoch)
        self.writer.flush()


_TABS = {
    "**Scalars**, **Custom Scalars**": (
        "losses in nats per image, learning rate, KL weight, images per second, a point for each epoch; Custom Scalars "
        "draws training and validation in one chart. In the run *steps* the horizontal axis counts training steps: "
        "*by step* is the training inside the epochs, *machine by step* processor and memory",
        "a validation loss that rises while the training loss falls: overfitting. `kl_loss` near 0: the decoder "
        "ignores the latents. Few processor cores in use and few images per second: the pictures come too slowly",
    ),
    "**Images**": (
        "groups 1 to 7; the slider above a picture steps through the epochs",
        "*1* reconstructions sharpen first; *2* samples from the density sharpen with them, those from the prior "
        "later or never; *3* the mean face, one latent dimension per row; *4* every step between two faces should be "
        "a face; *5* one attribute per row, the rest of the face should stay the same; *6* where a histogram departs "
        "from the line of N(0, 1), samples from the prior look wrong; *7* rate against distortion",
    ),
    "**Histograms**, **Distributions**": (
        "the latent dimensions over the epochs",
        "dimensions with spread 1 and KL 0 carry nothing",
    ),
    "**Projector**": (
        "posterior means of validation faces, their mean, the origin, and the centroid of each attribute; the last "
        "entry of the list on the left, *with N(0, 1)*, adds samples from the prior",
        "*Color by* an attribute: pink faces have it, cyan ones do not; untick *Spherize data* to see true distances; "
        "PCA first, then UMAP or t-SNE. The "
        "newest epoch opens first: reload the page while training goes on, and choose earlier epochs in the list",
    ),
    "**HParams**": (
        "one row per run, if TensorBoard is started on the folder of all runs",
        "sort by a metric",
    ),
}

HOW_TO_READ = "\n\n".join(f"{tab}: {shows}.\n\n> {look_for}" for tab, (shows, look_for) in _TABS.items())
