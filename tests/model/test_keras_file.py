import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

from facevae.errors import UserError
from facevae.model import VAE
from facevae.model.keras_file import read_model


@pytest.fixture
def path(tmp_path):
    return tmp_path / "last.keras"


def test_a_model_trained_in_16_bits_comes_back_in_float32(path):
    trained = VAE(image_size=32, latent_dim=3, width=8, dtype="mixed_bfloat16")
    trained.float32_copy().save(path)
    model = read_model(path)
    assert {layer.dtype_policy.name for layer in model.decoder.layers} == {"float32"}
    for ours, theirs in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_damaged_file_is_refused_with_its_path(path):
    path.write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(UserError, match=r"last\.keras: expected a model saved by facevae"):
        read_model(path)


def test_a_file_that_would_execute_code_is_refused(path, tmp_path):
    marker = tmp_path / "executed"
    name = str(marker)
    lambda_layer = keras.layers.Lambda(lambda x: (open(name, "w").close(), x)[1])
    keras.Sequential([keras.Input((2,)), lambda_layer]).save(path)
    assert marker.exists()  # building it executed the code, so that loading it would show
    marker.unlink()
    with pytest.raises(UserError, match=r"last\.keras"):
        read_model(path)
    assert not marker.exists()


def test_another_model_is_refused(path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    with pytest.raises(UserError, match=r"expected a facevae\.VAE, received a Sequential"):
        read_model(path)


# -----------------------------------------------------------------------------------------------------------------
# Files made to do harm
# -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def whole(path):
    """The parts of a good file: config.json as a dictionary, metadata.json and the weights as bytes."""
    VAE(image_size=32, latent_dim=3, width=8).save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return {**parts, "config.json": json.loads(parts["config.json"])}


def write(path, parts, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, json.dumps(content) if isinstance(content, dict) else content)


def change_weights(content, change):
    """The weights' file after `change(file)`."""
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        change(file)
    return buffer.getvalue()


def replace_first(file, make):
    """Puts something else in the place of an array."""
    group = file["encoder/layers/conv2d/vars"]
    del group["0"]
    make(group)


HOSTILE_WEIGHTS = {
    "an array of 4 TB": lambda g: g.create_dataset("0", (10**12,), "f4", chunks=(2**20,)),
    "a compressed array": lambda g: g.create_dataset("0", (10**6,), "f4", compression="gzip"),
    "a link within": lambda g: g.update({"0": h5py.SoftLink("/encoder")}),
    "a link to a file": lambda g: g.update({"0": h5py.ExternalLink("/etc/passwd", "/")}),
    "bytes of a file": lambda g: g.create_dataset("0", (16,), "u1", external=[("/etc/passwd", 0, 16)]),
    "an array of others": lambda g: g.create_virtual_dataset("0", h5py.VirtualLayout((4,), "f4")),
    "text": lambda g: g.create_dataset("0", data="text"),
    "objects": lambda g: g.create_dataset("0", (3,), h5py.ref_dtype),
    "a group in itself": lambda g: g.update({"0": g}),
    "another shape": lambda g: g.create_dataset("0", data=np.zeros((2, 2), np.float32)),
}


@pytest.mark.parametrize("kind", HOSTILE_WEIGHTS)
def test_weights_that_are_no_plain_arrays_are_refused(path, whole, kind):
    weights = change_weights(
        whole["model.weights.h5"], lambda file: replace_first(file, HOSTILE_WEIGHTS[kind])
    )
    write(path, {**whole, "model.weights.h5": weights})
    with pytest.raises(UserError, match=r"last\.keras: expected a model saved by facevae") as caught:
        read_model(path)
    assert ("model.weights.h5" in str(caught.value)) == (kind != "another shape")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"latent_dim": 10**9}, "latent_dim: expected at least 1 and at most"),
        ({"width": 10**6}, "width: expected"),
        ({"density_components": 10**6}, "density_components: expected"),
        ({"image_size": 2**20}, "image_size: expected one of"),
        ({"width": "8"}, "width: expected a whole number"),
        ({"network": "../../x"}, "network: expected one of"),
    ],
)
def test_settings_beyond_the_limits_are_refused_before_a_network_is_built(path, whole, changes, reason):
    config = whole["config.json"]
    write(path, {**whole, "config.json": {**config, "config": {**config["config"], **changes}}})
    with pytest.raises(UserError, match=rf"last\.keras: .*{reason}"):
        read_model(path)


def test_modules_that_a_file_names_are_not_imported(path, whole, tmp_path, monkeypatch):
    marker = tmp_path / "executed"
    (tmp_path / "harm.py").write_text(f"import os; os.mkdir({str(marker)!r})\nclass Harm: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    harm = {"module": "harm", "class_name": "Harm", "config": {}, "registered_name": None}
    config = whole["config.json"]
    write(path, {**whole, "config.json": {**config, "module": "harm"}})
    assert read_model(path).latent_dim == 3  # the module is not looked at
    write(path, {**whole, "config.json": {**config, "config": {**config["config"], "dtype": harm}}})
    assert read_model(path).latent_dim == 3
    for description in (harm, {**harm, "registered_name": "facevae>VAE"}, {**config, "config": harm}):
        write(path, {**whole, "config.json": description})
        with pytest.raises(UserError, match=r"last\.keras"):
            read_model(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda parts: {**parts, "config.json": b"[" * 100_000}, "nested too deeply"),
        (lambda parts: {**parts, "config.json": b"[]"}, "describes no model"),
        (lambda parts: {**parts, "config.json": b" " * (2**20 + 1)}, "config.json is larger"),
        (
            lambda parts: {name: parts[name] for name in parts if name != "model.weights.h5"},
            "model.weights.h5",
        ),
        (lambda parts: {**parts, "model.weights.h5": b"no weights"}, "does not load"),
    ],
)
def test_parts_that_are_missing_or_something_else_are_refused(path, whole, change, reason):
    write(path, change(whole))
    with pytest.raises(UserError, match=rf"last\.keras: .*{reason}"):
        read_model(path)


def test_a_compressed_file_is_refused_before_it_fills_the_memory(path, whole):
    write(path, {**whole, "model.weights.h5": bytes(2**26)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000
    with pytest.raises(UserError, match="is compressed"):
        read_model(path)
