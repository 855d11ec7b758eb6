import keras
import numpy as np
import pytest

import facevae
from facevae.config import from_preset
from facevae.errors import UserError
from facevae.run_folder import RunFolder


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.save(from_preset("demo", image_size=32))
    run.network("best").parent.mkdir()
    return run


def test_a_model_trained_in_16_bits_comes_back_in_float32(run):
    trained = facevae.VAE(image_size=32, latent_dim=3, width=8, dtype="mixed_bfloat16")
    trained.float32_copy().save(run.network("best"))
    model = facevae.load(run.path)
    assert {layer.dtype_policy.name for layer in model.decoder.layers} == {"float32"}
    for ours, theirs in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_unfinished_run_says_how_to_go_on(run):
    with pytest.raises(UserError, match=r"no trained model yet.*--resume"):
        facevae.load(run.path)


def test_only_best_and_last_exist(run):
    with pytest.raises(UserError, match="expected best or last, received 'newest'"):
        facevae.load(run.path, "newest")


def test_a_damaged_file_is_refused_with_its_path(run):
    run.network("best").write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(UserError, match=r"best\.keras: expected a model saved by facevae"):
        facevae.load(run.path)


def test_a_file_that_would_execute_code_is_refused(run, tmp_path):
    marker = tmp_path / "executed"
    path = str(marker)
    lambda_layer = keras.layers.Lambda(lambda x: (open(path, "w").close(), x)[1])
    keras.Sequential([keras.Input((2,)), lambda_layer]).save(run.network("best"))
    assert marker.exists()  # building it executed the code, so that loading it would show
    marker.unlink()
    with pytest.raises(UserError, match=r"best\.keras"):
        facevae.load(run.path)
    assert not marker.exists()


def test_another_model_is_refused(run):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(run.network("best"))
    with pytest.raises(UserError, match=r"expected a facevae\.VAE, received a Sequential"):
        facevae.load(run.path)
