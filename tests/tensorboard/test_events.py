"""Event files, as TensorBoard reads them."""

import gc
import os
import pathlib

import numpy as np
import pytest
from callback_helpers import images, read, values

from facevae.errors import UserError
from facevae.tensorboard.events import EventWriter


def test_tensorboard_reads_back_the_written_values(tmp_path):
    writer = EventWriter(tmp_path)
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (9, 13, 3), np.uint8)
    writer.scalar("curve", 0.25, 3)
    writer.image("group/picture", picture, 3, "what it is")
    writer.histogram("distribution", np.array([0.0, 0.0, 1.0]), 3)
    writer.text("words", "some *words*", 3)
    writer.close()
    accumulator = read(tmp_path)
    assert values(accumulator, "curve") == {3: np.float32(0.25)}
    assert (images(accumulator, "group/picture")[3] == picture).all()
    buckets = values(accumulator, "distribution")[3]
    assert buckets[0, 2] == 2.0
    assert buckets[-1, 2] == 1.0
    assert (buckets[0, 0], buckets[-1, 1]) == (0.0, 1.0)
    assert values(accumulator, "words")[3].item() == b"some *words*"
    assert accumulator.SummaryMetadata("group/picture").summary_description == "what it is"


def test_flushed_events_can_be_read_while_the_writer_is_open(tmp_path):
    writer = EventWriter(tmp_path)
    writer.scalar("a", 1.0, 0)
    writer.flush()
    assert values(read(tmp_path), "a") == {0: 1.0}
    writer.close()


def test_a_shared_writer_is_closed_when_all_users_have_closed_it(tmp_path):
    first, second = EventWriter.shared(tmp_path), EventWriter.shared(tmp_path)
    assert first is second
    first.close()
    second.scalar("a", 1.0, 0)
    second.close()
    assert second.closed
    third = EventWriter.shared(tmp_path, first_step=1)
    assert third is not first
    third.close()
    assert values(read(tmp_path), "a") == {0: 1.0}


def test_a_writer_that_nobody_closed_is_closed_when_it_is_gone(tmp_path):
    writer = EventWriter.shared(tmp_path)
    writer.scalar("a", 1.0, 0)
    del writer
    gc.collect()
    assert values(read(tmp_path), "a") == {0: 1.0}


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"log folder: .*file/logs' cannot be written \(Not a directory\)"):
        EventWriter(tmp_path / "file" / "logs")


def _leads_to(descriptor, file):
    link = pathlib.Path("/proc/self/fd", descriptor)
    return link.exists() and link.samefile(file)  # the one that lists the folder is gone


def test_a_full_disk_is_a_user_error(tmp_path):
    if not pathlib.Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    writer = EventWriter(tmp_path)
    (file,) = tmp_path.iterdir()
    (descriptor,) = (entry for entry in os.listdir("/proc/self/fd") if _leads_to(entry, file))
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, int(descriptor))  # the open event file is on a full disk from here on
    os.close(full)
    writer.scalar("a", 1.0, 0)
    with pytest.raises(UserError, match="No space left on device"):
        writer.flush()
    assert writer.closed  # what is left in its buffer would fail again when Python ends
