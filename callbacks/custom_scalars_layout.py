"""The charts of TensorBoard's Custom Scalars tab."""

from tensorboard.plugins.custom_scalar import layout_pb2

from callbacks.event_callback import EventCallback

# Category, chart, tags. A tag is drawn for every run that has it, so training and validation share a chart.
CHARTS = {
    "Loss, nats per image": {
        "loss: training and validation": ["loss"],
        "reconstruction loss (distortion)": ["reconstruction_loss"],
        "KL (rate)": ["kl_loss"],
        "mean squared error": ["mse"],
    },
    "Latents": {
        "active units": ["active_units"],
        "σ of the decoder": ["sigma"],
        "KL weight": ["kl_weight"],
    },
    "Optimisation": {
        "learning rate": ["learning_rate"],
        "gradient norm": ["gradient_norm"],
        "images per second": ["images_per_second"],
    },
}


class CustomScalarsLayout(EventCallback):
    """Lays out charts of losses, latents and optimisation, each with training and validation together.

    Args:
        log_dir: folder of the TensorBoard run to write to.
    """

    def begin(self, epoch: int) -> None:
        layout = layout_pb2.Layout(
            category=[
                layout_pb2.Category(title=title, chart=[_chart(*chart) for chart in charts.items()])
                for title, charts in CHARTS.items()
            ]
        )
        self.writer.custom_scalars(layout, epoch)
        self.writer.flush()


def _chart(title, tags):
    # The tab matches regular expressions from the start of a tag; `$` excludes longer tags.
    content = layout_pb2.MultilineChartContent(tag=[f"{tag}$" for tag in tags])
    return layout_pb2.Chart(title=title, multiline=content)
