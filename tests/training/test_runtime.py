import logging

import pytest
import tensorflow as tf

from facevae.training import devices, runtime
from facevae.training.many_workers.workers import Workers


@pytest.fixture
def processor(monkeypatch, tmp_path):
    """A function that makes this a processor with some flags."""
    find = devices.has_bfloat16_units

    def processor(flags):
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: fpu {flags}\nbugs\t\t: amx_bf16\n")
        monkeypatch.setattr(devices, "has_bfloat16_units", lambda: find(str(tmp_path / "cpuinfo")))

    return processor


def test_auto_means_16_bits_where_the_processor_has_matrix_units_for_them(processor):
    processor("avx512_bf16 amx_tile amx_bf16 amx_int8")
    assert runtime.choose_runtime().precision == "mixed_bfloat16"
    assert runtime.choose_runtime(begun=True).precision == "float32"  # as 0.1 began it
    assert runtime.choose_runtime("float32").precision == "float32"


def test_workers_take_the_chiefs_precision(processor):
    class OfAnotherChief(Workers):
        def broadcast(self, content):
            assert content == "float32"
            return "mixed_bfloat16"

    processor("avx2")
    assert runtime.choose_runtime(workers=OfAnotherChief()).precision == "mixed_bfloat16"


def test_16_bits_made_for_gpus_are_warned_of_on_a_processor(caplog):
    with caplog.at_level(logging.WARNING, "facevae"):
        assert runtime.choose_runtime("mixed_float16").precision == "mixed_float16"
    assert "made for GPUs" in caplog.text


def test_on_a_processor_auto_means_float32_without_xla(processor):
    processor("avx512f avx512_bf16")
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


def test_a_system_that_lists_no_flags_has_no_matrix_units():
    assert not devices.has_bfloat16_units("/no/such/file")
