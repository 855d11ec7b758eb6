"""Mistakes in a command line: one line each, with the flag and the nearest spelling."""

import pytest

import evaluate
import explore
import export
from facevae.errors import UserError
from facevae.training import parse_command_line

PARSE = {
    "train": parse_command_line,
    "evaluate": evaluate.parse_command_line,
    "explore": explore.parse,
    "export": export.parse_command_line,
}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        # Misspelt, abbreviated and foreign names of flags.
        ("train --latnt-dim 4", "--latnt-dim: there is no such flag. Did you mean --latent-dim?"),
        (
            "train --learning_rate 1e-3",
            "--learning_rate: there is no such flag. Did you mean --learning-rate?",
        ),
        ("train --lr 1e-3", "--lr: there is no such flag. Did you mean --learning-rate?"),
        ("train --bs=8", "--bs: there is no such flag. Did you mean --batch-size?"),
        ("train --batch 8", "--batch: there is no such flag. Did you mean --batch-size?"),
        ("train -epochs 3", "-epochs: there is no such flag. Did you mean --epochs?"),
        ("train --frobnicate", "--frobnicate: there is no such flag. All flags: python train.py --help"),
        ("evaluate runs/mine --sample 8", "--sample: there is no such flag. Did you mean --samples?"),
        ("evaluate --sample 8", "--sample: there is no such flag. Did you mean --samples?"),
        ("export runs/mine --format web", "--format: there is no such flag. Did you mean --formats?"),
        (
            "explore runs/mine generate --temprature 1",
            "--temprature: there is no such flag. Did you mean --temp",
        ),
        # A flag of another command.
        (
            "explore runs/mine latents --temperature 1",
            "--temperature: expected with generate or neighbours or compare only.",
        ),
        # Words that belong to no flag.
        ("train demo", "'demo': expected a flag, or nothing more."),
        ("train epochs=3", "'epochs': expected a flag, or nothing more. Did you mean --epochs?"),
        ("evaluate runs/mine runs/other", "'runs/other': expected a flag, or nothing more."),
        # Values.
        ("train --preset dmeo", "--preset: expected one of demo, reference, "),
        ("train --preset dmeo", "received 'dmeo'. Did you mean demo?"),
        ("train --latent-dim many", "--latent-dim: expected a whole number, received 'many'."),
        ("train --latent-dim 4.5", "--latent-dim: expected a whole number, received '4.5'."),
        ("train --latent-dim 0", "--latent-dim: expected at least 1 and at most"),
        ("train --learning-rate nan", "--learning-rate: expected a number, received nan."),
        ("train --learning-rate fast", "--learning-rate: expected a number, received 'fast'."),
        ("train --epochs", "--epochs: expected a value after it, received none."),
        ("train --resume=yes", "--resume/--no-resume: expected no value, received 'yes'."),
        (
            "evaluate runs/mine --which bset",
            "--which: expected one of last, best, sharpened, received 'bset'. Did you mean best?",
        ),
        ("evaluate runs/mine --save-images 8", "--save-images: expected 2 values after it, received others."),
        (
            "explore runs/mine generate --count 0",
            "--count: expected a whole number from 1 to 1,000, received '0'.",
        ),
        ("explore runs/mine generat", "COMMAND: expected one of reconstruct, generate, "),
        ("explore runs/mine generat", "received 'generat'. Did you mean generate?"),
        (
            "explore runs/mine edit 1 --eyes 1,2,3",
            "--eyes: expected four numbers separated by commas, received '1,2,3'.",
        ),
        (
            "explore runs/mine edit 1 --eyes 1,2,3,4 --box 1,2,3,4",
            "--box: expected alone, received together with --eyes.",
        ),
        ("explore runs/mine edit a.png --strength 1:2", "--strength: expected FROM:TO:COUNT"),
        ("explore runs/mine morph 3", "morph: expected at least two faces, received one."),
        # What is missing.
        ("evaluate", "expected run_dir, received none. All flags: python evaluate.py --help"),
        ("explore runs/mine", "expected COMMAND, received none. All flags: python explore.py --help"),
        ("explore runs/mine edit", "expected FACE, received none. All flags: python explore.py --help"),
        # Characters that a terminal would obey.
        ("train --\x1b[31m", "--\\x1b[31m: there is no such flag."),
        ("train --preset \x1b[31m", "received '\\x1b[31m'"),
    ],
)
def test_a_mistake_is_one_line_with_the_flag(line, said):
    command, *words = line.split(" ")
    with pytest.raises(UserError) as refused:
        PARSE[command](words)
    message = str(refused.value)
    assert said in message
    assert message.isprintable()


def test_words_after_two_dashes_are_no_flags():
    flags = explore.parse(["runs/mine", "reconstruct", "--count", "2", "--", "--odd.png"])
    assert (flags.count, flags.faces) == (2, ["--odd.png"])


def test_help_still_ends_with_status_0(capsys):
    with pytest.raises(SystemExit) as ended:
        evaluate.parse_command_line(["--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: evaluate.py")
