import logging

import pytest
import tensorflow as tf

from facevae.training import devices, runtime


def test_on_a_processor_auto_means_float32_without_xla():
    machine = runtime.choose_runtime()
    assert (machine.precision, machine.xla) == ("float32", False)
    assert str(machine).startswith("Training on the processor (")
    assert str(machine).endswith("in float32, XLA off.")


def test_explicit_choices_are_used():
    machine = runtime.choose_runtime("mixed_bfloat16", "on")
    assert (machine.precision, machine.xla) == ("mixed_bfloat16", True)


@pytest.fixture
def one_gpu(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["GPU:0"] if kind == "GPU" else [])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": "Some GPU"})
    grown = []
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda gpu, on: grown.append((gpu, on)))
    return grown


def test_on_a_gpu_auto_means_mixed_float16_with_xla_and_memory_on_demand(one_gpu):
    machine = runtime.choose_runtime()
    assert machine == runtime.Runtime("Some GPU", "mixed_float16", True)
    assert one_gpu == [("GPU:0", True)]


def test_xla_that_does_not_compile_is_left_out_with_a_warning(one_gpu, monkeypatch, caplog):
    def fail(_):
        raise tf.errors.InternalError(None, None, "libdevice not found at ./libdevice.10.bc")

    monkeypatch.setattr(tf, "function", lambda *_, **__: fail)
    with caplog.at_level(logging.WARNING, "facevae"):
        assert not runtime.choose_runtime().xla
    assert "goes on without it" in caplog.text
    assert "libdevice not found" in caplog.text
    assert runtime.choose_runtime(xla="on").xla  # "on" is not overruled


def test_the_tiny_function_compiles_on_this_machine():
    assert devices.why_xla_fails() is None


def test_a_card_that_tensorflow_does_not_see_gets_the_install_command(monkeypatch, caplog):
    monkeypatch.setattr(devices, "has_nvidia_card", lambda: True)
    with caplog.at_level(logging.WARNING, "facevae"):
        runtime.choose_runtime()
    assert 'pip install -e ".[gpu]"' in caplog.text
