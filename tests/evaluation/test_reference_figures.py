import dataclasses

import pytest
from places import BENCHMARKS

from facevae.evaluation.evaluators import declared_metrics
from facevae.evaluation.reference_figures import CELEBA, FIGURES, SYNTHETIC, reference_note

CELEBA_NAMES = ("5_o_Clock_Shadow", *(f"attribute {number}" for number in range(39)))


@pytest.mark.parametrize(
    ("name", "attributes", "said"),
    [
        ("synthetic_faces", ("Smiling",), "mean squared error 0.00765, PSNR 21.54 dB, SSIM 0.591"),
        ("photographs", CELEBA_NAMES, "mean squared error 0.01035, PSNR 20.24 dB, SSIM 0.566"),
        ("photographs", ("Smiling",), None),
    ],
)
def test_the_figures_are_those_of_the_kind_of_data(blob_dataset, name, attributes, said):
    dataset = dataclasses.replace(blob_dataset, name=name, attribute_names=attributes, image_size=64)
    note = reference_note(dataset)
    assert (note is None) == (said is None)
    assert said is None or said in note
    assert reference_note(dataclasses.replace(dataset, image_size=128)) is None


def test_every_figure_is_of_a_declared_metric_and_in_the_table_of_the_benchmark():
    table = (BENCHMARKS / "face_quality.md").read_text(encoding="utf-8")
    declared = {metric.name: metric for metric in declared_metrics()}
    for kind in (SYNTHETIC, CELEBA):
        for name, value in FIGURES[kind].items():
            assert f"| {format(value, declared[name].number_format)} |" in table, name
