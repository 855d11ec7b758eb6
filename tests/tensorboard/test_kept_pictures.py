"""What is read of the pictures in event files: each epoch once, whatever became of the training."""

import numpy as np
import pytest
from PIL import Image

from facevae.errors import UserError
from facevae.tensorboard.events import EventWriter
from facevae.tensorboard.kept_pictures import kept_pictures, pixels

TAG = "samples/from the prior"


def write(folder, first_step, steps, shade):
    """An event file with a grey picture at each step, and what else a training writes."""
    writer = EventWriter(folder, first_step)
    for step in steps:
        writer.scalar("loss", 1.0, step)
        writer.image(TAG, np.full((4, 6, 3), shade + step, np.uint8), step)
        writer.image("another", np.zeros((2, 2, 3), np.uint8), step)
    writer.close()


def shades(folder):
    return {epoch: int(pixels(png)[0, 0, 0]) for epoch, png in kept_pictures(folder, [TAG])[TAG].items()}


def test_a_resumed_training_shows_each_epoch_as_it_was_written_last(tmp_path):
    write(tmp_path, 1, [1, 2, 3, 4], shade=10)
    write(tmp_path, 3, [3, 4, 5], shade=100)
    assert shades(tmp_path) == {1: 11, 2: 12, 3: 103, 4: 104, 5: 105}


def test_epochs_that_a_resumed_training_has_not_reached_again_are_gone(tmp_path):
    write(tmp_path, 1, [1, 2, 3, 4], shade=10)
    write(tmp_path, 3, [3], shade=100)
    assert shades(tmp_path) == {1: 11, 2: 12, 3: 103}


def test_epochs_of_version_0_1_which_counted_from_0_are_counted_from_1(tmp_path):
    write(tmp_path, 0, [0, 1], shade=10)
    write(tmp_path, 2, [2], shade=10)
    assert shades(tmp_path) == {1: 10, 2: 11, 3: 12}


def test_an_incomplete_event_at_the_end_is_passed_over(tmp_path):
    write(tmp_path, 1, [1, 2], shade=10)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-150])  # in the middle of the last picture of this tag, or after it
    assert 1 in shades(tmp_path)
    assert shades(tmp_path).keys() <= {1, 2}


def test_a_folder_without_event_files_has_kept_nothing(tmp_path):
    assert kept_pictures(tmp_path / "nowhere", [TAG]) == {TAG: {}}


def test_what_is_no_event_file_is_named(tmp_path):
    write(tmp_path, 1, [1], shade=10)
    (tmp_path / "events.out.tfevents.9999999999.facevae").mkdir()
    with pytest.raises(UserError, match=r"9999999999\.facevae': expected a file that .* a damaged one"):
        kept_pictures(tmp_path, [TAG])


def test_a_damaged_or_enormous_picture_is_refused(tmp_path):
    with pytest.raises(ValueError, match="damaged"):
        pixels(b"\x89PNG\r\n\x1a\n and no more")
    Image.new("1", (5000, 5000)).save(tmp_path / "large.png")
    with pytest.raises(ValueError, match="5000 by 5000"):
        pixels((tmp_path / "large.png").read_bytes())
