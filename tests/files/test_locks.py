"""Locks: taken, waited for, free again."""

import pytest
from killed_writers import process_with

from facevae.errors import UserError
from facevae.files import locked

HOLDS_A_LOCK = (
    "with locked(sys.argv[1], 'taken'):\n    print('ready', flush=True); time.sleep(float(sys.argv[2]))"
)


def test_a_lock_that_is_taken_is_refused_in_the_words_that_were_given(tmp_path):
    lock = tmp_path / "not yet" / "lock"
    with (
        process_with(HOLDS_A_LOCK, lock, 60),
        pytest.raises(UserError, match=r"^another process is writing\.$"),
        locked(lock, "another process is writing."),
    ):
        pass
    with locked(lock, "another process is writing."):  # the other one was killed
        pass


def test_whoever_waits_says_so_at_once_and_goes_on_when_the_other_ends(tmp_path, capsys):
    with process_with(HOLDS_A_LOCK, tmp_path / "lock", 0.5) as other:
        with locked(tmp_path / "lock", "The other prepares: waiting for it.", wait=True):
            assert capsys.readouterr().out == "The other prepares: waiting for it.\n"
        assert other.wait(timeout=10) == 0
    with locked(tmp_path / "lock", "The other prepares: waiting for it.", wait=True):
        assert capsys.readouterr().out == ""


def test_a_lock_is_free_again_after_a_failure(tmp_path):
    for _ in range(2):
        with pytest.raises(RuntimeError), locked(tmp_path / "lock", "taken"):
            raise RuntimeError
