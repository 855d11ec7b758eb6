"""A batch that the machine's memory cannot hold is refused before training."""

import pytest

import facevae
from facevae.configuration.choosing import from_preset
from facevae.errors import UserError
from facevae.run.run_folder import RunFolder
from facevae.training import memory, train
from facevae.training.runtime import Runtime


def test_a_batch_that_memory_cannot_hold_is_refused_with_one_that_it_can(tmp_path, blob_dataset, monkeypatch):
    config = from_preset("demo", image_size=32, width=64, batch_size=48, epochs=1)
    model = facevae.VAE(image_size=32, width=64, latent_dim=config.latent_dim, density_components=10)
    room = memory.step_bytes(model, 20)
    monkeypatch.setattr(memory, "available_bytes", lambda: room)
    there = rf"there are {room / 1e9:.1f} GB"
    message = rf"batch_size: a step of 48 faces of 32x32 takes about .* GB.*{there}.*Give at most --batch-size (19|20)"
    with pytest.raises(UserError, match=message):
        train(config, RunFolder(tmp_path), blob_dataset, Runtime("processor", "float32", False))


def test_memory_grows_with_batch_and_width_and_is_known_here():
    models = [facevae.VAE(image_size=32, width=width, latent_dim=4) for width in (8, 64)]
    narrow, wide = ([memory.step_bytes(model, batch) for batch in (0, 1, 101)] for model in models)
    assert narrow[2] - narrow[0] == 101 * (narrow[1] - narrow[0])
    assert all(a < b for a, b in zip(narrow, wide, strict=True))
    assert memory.available_bytes() > 10_000_000
