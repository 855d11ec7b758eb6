"""Disks that take no more and folders that may not be written, also for root."""

import contextlib
import ctypes
import os
import pathlib
import resource
import subprocess

import pytest


@contextlib.contextmanager
def files_no_longer_than(size: int):
    """Writes beyond `size` bytes of a file fail, as on a full disk; any user may ask for that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def small_disk(folder: pathlib.Path, megabytes: int):
    """A disk of its own at `folder`. Yields a function that makes it larger."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o"]
    if subprocess.run([*mount, f"size={megabytes}m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("needs leave to mount a small disk; the same failures without one are tested beside this")
    try:
        yield lambda larger: subprocess.run([*mount, f"remount,size={larger}m", folder], check=True)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextlib.contextmanager
def read_only(folder: pathlib.Path):
    """This thread may not write to `folder`: its mode forbids that, and root's privilege to ignore it is put away."""
    mode = folder.stat().st_mode
    folder.chmod(0o555)
    try:
        with without_roots_privileges():
            yield
    finally:
        folder.chmod(mode)


@contextlib.contextmanager
def without_roots_privileges():
    """Modes of files count for this thread, also when it is root's."""
    if os.geteuid() != 0:
        yield
        return
    # capabilities(7), Linux: of the thread's effective set CAP_DAC_OVERRIDE (1) and CAP_DAC_READ_SEARCH (2).
    library = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this thread
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
    assert library.capget(header, sets) == 0
    before = sets[0]
    sets[0] &= ~0b110
    assert library.capset(header, sets) == 0
    try:
        yield
    finally:
        sets[0] = before
        assert library.capset(header, sets) == 0
