"""facevae's commands as processes that are killed, at an instant or while they write a file."""

import glob
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from whole_files import expect

from facevae.files import WRITING

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Imported by each process before anything else: SIGUSR1 writes its stacks, also in the middle of C++ code.
DUMP_STACKS = """
import faulthandler, os, signal
if "KILL_TEST_STACKS" in os.environ and hasattr(faulthandler, "register"):
    faulthandler.register(signal.SIGUSR1, open(os.environ["KILL_TEST_STACKS"], "w"), all_threads=True)
"""
# The first that is found on the stack of the process' own thread says what it was doing.
DOING = {
    "writing a checkpoint or model": r"checkpoints\.py|in save_network|in whole_file",
    "writing TensorBoard's files": r"tensorboard/(events|projector)\.py",
    "pictures and figures": r"/callbacks/(?!progress_bar|scalars|profile)\w+\.py",
    "validation": r"trainer\.py\", line \d+ in evaluate",
    "training steps": r"trainer\.py\", line \d+ in fit",
    "preparing pictures": r"preparation\.py|records\.py|decoding\.py",
    "fitting the density": r"training/loop\.py\", line \d+ in finish",
    "evaluating": r"/evaluation/",
    "exporting": r"/exporting/",
}


class Command:
    """One of facevae's commands in a folder of its own, started and killed.

    Args:
        work: of the test.
        words: after the interpreter.
        target: the folder that it writes.
    """

    def __init__(self, work: pathlib.Path, words: list, target: pathlib.Path):
        self.work, self.target = work, target
        self.words = [sys.executable, *map(str, words)]

    def start(self) -> subprocess.Popen:
        stacks = self.work / "stacks"
        stacks.unlink(missing_ok=True)
        path = os.pathsep.join([str(self.work / "site"), str(ROOT)])
        environment = {**os.environ, "PYTHONPATH": path, "KILL_TEST_STACKS": str(stacks)}
        self._output = open(self.work / "output", "w+")  # noqa: SIM115
        return subprocess.Popen(
            self.words,
            cwd=self.work,
            env=environment,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self) -> float:
        """Runs to the end; returns the processor time that was used, seconds."""
        process, used = self.start(), 0.0
        while process.poll() is None:
            used = processor_seconds(process.pid) or used
            time.sleep(0.02)
        self.expect_success(process)
        return used

    def run_until(self, seconds: float | None, files: int, linger: float) -> str | None:
        """Runs until a processor time, or for so long after so many files have been begun; then kills.

        Returns:
            What it was doing; None if it ended by itself before.
        """
        earlier = set(begun_files(self.target))  # what a kill before this one left
        process, seen = self.start(), set()
        while process.poll() is None:
            if seconds is not None and (processor_seconds(process.pid) or 0.0) >= seconds:
                return self._kill(process)
            if seconds is None:
                seen |= set(begun_files(self.target)) - earlier
                if len(seen) >= files:
                    time.sleep(linger)
                    return self._kill(process)
            time.sleep(0.0005 if seconds is None else 0.005)
        self.expect_success(process)
        return None

    def expect_success(self, process: subprocess.Popen) -> None:
        self._output.seek(0)
        expect(
            process.returncode == 0,
            f"{self.words} ended with {process.returncode}: {self._output.read()[-3000:]}",
        )

    def _kill(self, process: subprocess.Popen) -> str:
        stacks = self.work / "stacks"
        if stacks.exists():
            process.send_signal(signal.SIGUSR1)
            deadline = time.monotonic() + 0.05
            while not stacks.stat().st_size and time.monotonic() < deadline:
                time.sleep(0.0005)
        # The group: decoding processes and whatever else belongs to it die with it.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return doing(stacks.read_text() if stacks.exists() else "")


def processor_seconds(pid: int) -> float | None:
    """User and system time of a process so far; None where it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def begun_files(target: pathlib.Path) -> list[str]:
    """What is being written now, or was when a process was killed."""
    patterns = [f"{'*/' * depth}{WRITING}*" for depth in range(4)]
    patterns.append(f"{WRITING}*/*/*")  # in a folder that is written as a whole
    return [path for pattern in patterns for path in glob.glob(f"{glob.escape(str(target))}/{pattern}")]


def doing(stacks: str) -> str:
    """What the thread was doing that runs the command, by the stack that faulthandler dumped."""
    for stack in stacks.split("\n\n"):
        if "in <module>" in stack and "importlib" not in stack:
            for what, pattern in DOING.items():
                if re.search(pattern, stack):
                    return what
    return "starting up"
