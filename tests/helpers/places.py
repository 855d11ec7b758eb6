"""Where the project's parts lie, for tests that start programs or read files."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
RELIABILITY = ROOT / "tests" / "reliability"
FIXTURES = ROOT / "tests" / "fixtures"
