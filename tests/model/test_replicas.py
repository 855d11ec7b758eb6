"""Several devices and processes compute what one device would: each runs tests/helpers/replica_program.py."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from places import ROOT
from worker_helpers import ENDING_SECONDS, tf_configs

from facevae.model import replicas

PROGRAM = ROOT / "tests" / "helpers" / "replica_program.py"


def run_program(folder, strategy, configs=(None,)):
    """The results of each process of the program, as dictionaries of arrays."""
    processes = []
    try:
        for index, config in enumerate(configs):
            environment = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
            environment |= {"PYTHONPATH": str(ROOT)} | ({"TF_CONFIG": config} if config else {})
            command = [sys.executable, PROGRAM, folder / f"{index}.npz", strategy]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
            processes.append(subprocess.Popen(command, env=environment, cwd=ROOT, text=True, **pipes))
        outputs = [process.communicate(timeout=ENDING_SECONDS)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    for process, output in zip(processes, outputs, strict=True):
        assert process.returncode == 0, output[-5000:]
    return [dict(np.load(folder / f"{index}.npz")) for index in range(len(configs))]


@pytest.fixture(scope="module")
def one_device(tmp_path_factory):
    return run_program(tmp_path_factory.mktemp("none"), "none")[0]


@pytest.fixture(scope="module")
def two_devices(tmp_path_factory):
    return run_program(tmp_path_factory.mktemp("mirrored"), "mirrored")[0]


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    return run_program(tmp_path_factory.mktemp("workers"), "multi_worker", tf_configs(2))


def of(results, group):
    """The entries whose names begin with `group` and a space."""
    return {name: value for name, value in results.items() if name.startswith(f"{group} ")}


def check_equal_to_one_device(results, one):
    for group in ("synchronized", "first weights", "weights"):
        assert of(one, group)
        for name, expected in of(one, group).items():
            np.testing.assert_allclose(
                results[name], expected, rtol=1e-5, atol=1e-5, equal_nan=False, err_msg=name
            )


def check_sixteen_bits(results, one):
    assert not results["moved by a step with NaN"]
    assert results["scale after it"] == 0.5
    assert results["mixed mse after"] < results["mixed mse before"]
    assert results["mixed mse after"] == pytest.approx(float(one["mixed mse after"]), rel=0.05)
    # Muon's matrix products on a processor depend in the last bit on how its threads divide them.
    assert results["mixed difference"] < 1e-7


def test_on_one_device_sums_and_their_gradients_are_those_of_the_inputs():
    assert replicas.count() == 1
    assert replicas.position() == 0
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        total, same = replicas.total((tf.reduce_sum(x * x), x))
    np.testing.assert_array_equal(same, x)
    np.testing.assert_array_equal(tape.gradient(total, x), [2.0, 4.0])


@pytest.mark.slow
def test_two_devices_take_the_steps_of_one_and_report_its_numbers(one_device, two_devices):
    """Loss, σ, free bits, gradients, noise and an uneven last batch of validation are the global batch's."""
    assert (one_device["replicas"], two_devices["replicas"]) == (1, 2)
    check_equal_to_one_device(two_devices, one_device)
    assert two_devices["difference"] == 0.0


@pytest.mark.slow
def test_by_default_each_device_normalises_its_part_and_all_keep_the_same_statistics(one_device, two_devices):
    assert two_devices["default difference"] == 0.0
    # Other numbers than one device's, since BatchNormalization sees halves of the batch, and close to them.
    assert two_devices["default loss"] != pytest.approx(float(one_device["default loss"]), rel=1e-5)
    assert two_devices["default loss"] == pytest.approx(float(one_device["default loss"]), rel=0.05)


@pytest.mark.slow
def test_xla_around_the_passes_changes_nothing(two_devices):
    for name, expected in of(two_devices, "default").items():
        compiled = two_devices[name.replace("default", "xla")]
        np.testing.assert_allclose(compiled, expected, rtol=1e-4, atol=1e-5, equal_nan=False, err_msg=name)
    assert two_devices["xla difference"] == 0.0


@pytest.mark.slow
def test_adam_moves_the_weights_of_all_devices_alike(one_device, two_devices, workers):
    for results in (two_devices, *workers):
        assert results["adam mse"] == pytest.approx(float(one_device["adam mse"]), rel=1e-3)
        assert results["adam difference"] == 0.0


@pytest.mark.slow
def test_a_decoder_is_sharpened_on_two_devices_or_by_two_workers_as_on_one(one_device, two_devices, workers):
    names = of(one_device, "sharpening")
    assert len(names) > 40
    for results in (two_devices, *workers):
        assert results["sharpening difference"] == 0.0
        for name in set(names) - {"sharpening difference"}:
            np.testing.assert_allclose(
                results[name], names[name], rtol=1e-3, atol=1e-4, equal_nan=False, err_msg=name
            )


@pytest.mark.slow
def test_sixteen_bits_on_two_devices(one_device, two_devices):
    check_sixteen_bits(two_devices, one_device)


@pytest.mark.slow
def test_images_out_of_range_on_one_device_are_refused_and_move_nothing(two_devices):
    assert re.match(
        r"images: expected float32 in \[0, 1\], received values from .* to 2\d\d.*: divide by 255",
        str(two_devices["refusal"]),
    )
    assert not two_devices["moved by what is refused"]
    assert two_devices["steps counted by it"] == 0


@pytest.mark.slow
def test_two_workers_take_the_steps_of_one_device_and_end_with_equal_weights(one_device, workers):
    assert [results["replicas"] for results in workers] == [2] * 2
    for results in workers:
        check_equal_to_one_device(results, one_device)
        for name, expected in workers[0].items():
            np.testing.assert_array_equal(results[name], expected, err_msg=name)


@pytest.mark.slow
def test_sixteen_bits_on_two_workers(one_device, workers):
    check_sixteen_bits(workers[0], one_device)
