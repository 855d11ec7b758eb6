import dataclasses
import json
import os

import hypothesis
import numpy as np
import pytest
from configurations import FIELDS, configurations, within_limits
from hypothesis import strategies

from facevae.configuration.choosing import from_preset, resumed
from facevae.configuration.config import Config, check_settings
from facevae.configuration.presets import PRESETS
from facevae.errors import UserError
from facevae.training import parse_command_line


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_valid_configuration_that_survives_json(preset):
    config = from_preset(preset)
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_giving_epochs_clears_the_presets_minutes_and_vice_versa():
    assert from_preset("demo", epochs=3).minutes is None
    assert from_preset("celeba64", minutes=5.0).epochs is None
    both = from_preset("demo", epochs=3, minutes=5.0)
    assert (both.epochs, both.minutes) == (3, 5.0)


LIMITS = [
    (field.name, limit, outside)
    for field in dataclasses.fields(Config)
    for limit, outside in (
        (field.metadata["minimum"], -1),
        (field.metadata["maximum"], +1),
    )
    if limit is not None
]


@pytest.mark.parametrize(("name", "limit", "outside"), LIMITS)
def test_limits_are_inclusive_and_values_beyond_are_refused_by_name(name, limit, outside):
    chosen = {name: limit, **({"sample_from": "prior"} if name == "density_components" else {})}
    chosen |= {"network": "reference"} if name == "dropout" else {}
    assert getattr(from_preset("demo", **chosen), name) == limit
    step = max(abs(limit) * 0.5, 1) if isinstance(limit, int) else abs(limit) * 0.5 + 1e-12
    chosen[name] = type(limit)(limit + outside * step)
    with pytest.raises(UserError, match=f"{name}: expected at least"):
        from_preset("demo", **chosen)


def test_every_number_has_both_limits():
    numbers = [f.name for f in dataclasses.fields(Config) if type(FIELDS[f.name][0]) in (int, float)]
    assert {name for name, *_ in LIMITS} >= set(numbers) - {"image_size"}
    assert all(len([limit for name, limit, _ in LIMITS if name == number]) in (0, 2) for number in numbers)


@hypothesis.settings(max_examples=300, deadline=None, derandomize=True)
@hypothesis.given(configurations())
def test_a_configuration_is_refused_by_a_fields_name_or_survives_file_and_command_line(chosen):
    problem = None
    try:
        config = Config(**chosen)
    except UserError as error:
        problem = str(error)
    if problem:
        refused = set(problem.split(":")[0].split(", "))
        assert refused
        assert refused <= set(chosen) - set(within_limits(chosen)), problem
        assert "received" in problem
        return
    assert len(within_limits(chosen)) == len(chosen)
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == dataclasses.replace(
        config, **{name: f.default for name, f in UNSAVED.items()}
    )
    places = (
        {} if config.data_dir is None else {"data_dir": os.path.abspath(os.path.expanduser(config.data_dir))}
    )
    parsed = from_preset("demo", **parse_command_line(flags_of(config)))
    assert parsed == dataclasses.replace(config, preset="demo", **places)


UNSAVED = {f.name: f for f in dataclasses.fields(Config) if not f.metadata["saved"]}


def flags_of(config):
    """The command line that asks for a configuration; what is None is left out, as its flag would be."""
    flags = []
    for name, value in dataclasses.asdict(config).items():
        flag = name.replace("_", "-")
        if type(value) is bool:
            flags.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None and name != "preset":
            flags.append(f"--{flag}={value}")
    return flags


@hypothesis.given(
    name=strategies.sampled_from(sorted(FIELDS.keys() - {"preset"})),
    value=strategies.one_of(
        *(strategies.none(), strategies.booleans(), strategies.integers(), strategies.floats()),
        *(strategies.text(), strategies.lists(strategies.integers()), strategies.binary()),
    ),
)
@hypothesis.settings(max_examples=300, deadline=None, derandomize=True)
def test_a_value_of_any_kind_is_accepted_or_refused_by_its_fields_name(name, value):
    problem, config = None, None
    try:
        config = from_preset("demo", **{name: value})
    except UserError as error:
        problem = str(error)
    assert (name in problem) if problem else getattr(config, name) == value


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"crop": "9" * 6000}, "crop: expected square or a side in pixels from 8 to 99999"),
        ({"crop": "7"}, "crop: expected"),
        ({"image_size": 48}, "image_size: expected one of 32, 64, 128, 256, received 48"),
        ({"network": "compct"}, "Did you mean compact"),
        ({"learning_rate": float("nan")}, "learning_rate: expected a number, received nan"),
        (
            {"latent_dim": True},
            "latent_dim: expected a whole number, received True. Give a number from 1 to 1024",
        ),
        ({"image_size": 64.0}, "image_size: expected one of 32, 64, 128, 256, received 64.0"),
        ({"learning_rate": 10**400}, "learning_rate: expected a number, received 1000"),
        ({"crop": "centre"}, "crop: expected square or a side in pixels"),
        ({"density_components": 0}, "density_components: expected at least 1 with sample_from density"),
        ({"dropout": 0.5}, "dropout: expected 0 with the network compact, which has none, received 0.5"),
        ({"epochs": None, "minutes": None}, "expected at least one of them"),
    ],
)
def test_bad_values_are_refused_with_field_and_value(chosen, message):
    with pytest.raises(UserError, match=message):
        from_preset("demo", **chosen)


def test_a_part_of_the_settings_is_checked_alone_and_given_back_as_python_numbers():
    settings = {"latent_dim": np.int64(8), "kl_weight": np.float32(0.5), "dropout": 0, "network": "compact"}
    checked = check_settings(settings)
    assert checked == {"latent_dim": 8, "kl_weight": 0.5, "dropout": 0.0, "network": "compact"}
    assert [type(value) for value in checked.values()] == [int, float, float, str]
    assert check_settings({"density_components": 0}) == {"density_components": 0}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent_dim": np.float64(8.0)}, "latent_dim: expected a whole number"),
        ({"latent_dim": np.int64(0)}, "latent_dim: expected at least 1 and at most 1024, received 0"),
        ({"dropout": np.bool_(True)}, "dropout: expected a number"),
        ({"free_bits": np.float32("nan")}, "free_bits: expected a number, received nan"),
        (
            {"network": "compact", "dropout": 0.5},
            "dropout: expected 0 with the network compact, which has none, received 0.5",
        ),
        ({"sample_from": "density", "density_components": 0}, "density_components: expected at least 1"),
    ],
)
def test_a_part_of_the_settings_is_refused_as_the_whole_would_be(settings, message):
    with pytest.raises(UserError, match=message):
        check_settings(settings)


def test_saved_form_with_unknown_or_missing_keys_is_refused_by_name():
    saved = from_preset("demo").to_dict()
    del saved["width"]
    with pytest.raises(UserError, match=r"run.json: .*unknown \['colour'\], missing \['width'\]"):
        Config.from_dict({**saved, "colour": 1}, where="run.json")


def test_resume_changes_only_what_may_change():
    saved = from_preset("demo")
    assert resumed(saved, {"epochs": 7, "xla": "off", "seed": 0}).epochs == 7
    with pytest.raises(UserError, match=r"--latent-dim 3 \(the run has 128\), --seed 1 \(the run has 0\)"):
        resumed(saved, {"latent_dim": 3, "seed": 1, "epochs": 2})
