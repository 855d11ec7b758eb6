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
    "Inside the epochs: the axis counts training steps": {
        "loss by step": ["by step/loss"],
        "reconstruction loss by step": ["by step/reconstruction_loss"],
        "KL by step": ["by step/kl_loss"],
        "gradient norm by step": ["by step/gradient_norm"],
        "images per second by step": ["by step/images_per_second"],
    },
    "Machine: the axis counts training steps": {
        "processor cores in use": ["machine by step/processor cores in use by this process"],
        "processor of the machine, %": ["machine by step/processor of the machine in %"],
        "memory in GB": [
            "machine by step/memory of this process in GB",
            "machine by step/memory of GPU [0-9]+ in GB",
        ],
        "memory of the machine, %": ["machine by step/memory of the machine in %"],
    },
}


class CustomScalarsLayout(EventCallback):
    """Lays out charts of losses, latents, optimisation and machine; training and validation share theirs.

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
