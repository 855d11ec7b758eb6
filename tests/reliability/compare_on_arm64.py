"""Do the exported files give the same pictures on a 64-bit Arm processor? Asked of an emulated one.

    python tests/reliability/compare_on_arm64.py EXPORT_FOLDER

Needs Linux on x86-64 with Debian's apt, pip and a network the first time; no root. The emulator (qemu-user) and
an Arm Python come from Debian, LiteRT for Arm from the package index that pip uses; they are kept in facevae's
cache. Every file runs every signature on the same inputs here and there, and the largest difference is printed. The
exit status is 1 when one is above its limit. Emulated times mean nothing and are not taken.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

SUITE, PYTHON = "trixie", "3.13"  # the first suite whose emulator runs LiteRT
EXAMPLES = 6
# Largest difference of a pixel in [0, 1]. Float kernels differ in the order of their sums; integer kernels that are
# inside XNNPACK do not, and a rounding more or less at their edges is one level.
LIMITS = {"float32": 1e-5, "float16": 1e-5, "dynamic_int8": 0.01, "int8": 1.0 / 255.0, "encoder": 1e-3}

# Runs on both sides, with numpy and LiteRT alone.
RUNNER = """
import json, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
folder, inputs, outputs = sys.argv[1:]
found = {}
with np.load(inputs) as stored:
    examples = dict(stored)
for name in json.loads(str(examples.pop("files"))):
    interpreter = Interpreter(f"{folder}/{name}", num_threads=1)
    for signature in interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(signature)
        keys = runner.get_input_details()
        for index in range(len(examples["latent"])):
            answer = runner(**{key: examples[key if signature != "encode_uint8" else "rgba"][index] for key in keys})
            for key, value in answer.items():
                found.setdefault(f"{name}/{signature}/{key}", []).append(value)
np.savez(outputs, **{key: np.concatenate(values) for key, values in found.items()})
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export_folder", type=pathlib.Path)
    folder = parser.parse_args().export_folder.resolve()
    cache = pathlib.Path(os.environ.get("FACEVAE_CACHE") or "~/.cache/facevae").expanduser()
    machine = arm_machine(cache / f"arm64-{SUITE}")
    with tempfile.TemporaryDirectory() as scratch:
        work = pathlib.Path(scratch)
        inputs = work / "inputs.npz"
        np.savez(inputs, **examples(folder))
        outputs = []
        for name, command, environment in (
            ("here", [sys.executable], {}),
            ("arm64", machine["command"], machine["environment"]),
        ):
            arguments = ["-c", RUNNER, str(folder), str(inputs), str(work / f"{name}.npz")]
            subprocess.run([*command, *arguments], env={**os.environ, **environment}, check=True)
            with np.load(work / f"{name}.npz") as stored:
                outputs.append(dict(stored))
    return compare(*outputs)


def compare(here: dict[str, np.ndarray], there: dict[str, np.ndarray]) -> int:
    """Prints the largest difference of each output; the exit status."""
    status = 0
    for key in sorted(here):
        values = [
            side[key].astype(np.float64) / (255.0 if side[key].dtype == np.uint8 else 1.0)
            for side in (here, there)
        ]
        limit = LIMITS[pathlib.Path(key).parts[0].removesuffix(".tflite").removeprefix("decoder_")]
        if here[key].dtype == np.uint8:
            limit = max(limit, 1.0 / 255.0)
        difference = float(np.abs(values[0] - values[1]).max())
        good = difference <= limit  # NaN is not
        status |= not good
        print(f"{'ok ' if good else 'BAD'} {key:50} largest difference {difference:.1e}, limit {limit:.1e}")
    return int(status)


def examples(folder: pathlib.Path) -> dict[str, np.ndarray]:
    """Inputs by the names that the signatures use, each [examples, 1, ...]."""
    card = json.loads((folder / "model_card.json").read_text())
    random = np.random.default_rng(0)
    size, latent_dim = card["image_size"], card["latent_dim"]
    normal = lambda count: random.standard_normal((EXAMPLES, 1, count), dtype=np.float32)  # noqa: E731
    rgba = random.integers(0, 256, (EXAMPLES, 1, size, size, 4), dtype=np.uint8)
    return {
        "files": np.array(json.dumps(sorted(path.name for path in folder.glob("*.tflite")))),
        "latent": normal(latent_dim),
        "noise": normal(latent_dim + 1),
        "strengths": 0.5 * normal(len(card["attributes"])),
        "rgba": rgba,
        "image": rgba[..., :3].astype(np.float32) / 255.0,
    }


# -----------------------------------------------------------------------------------------------------------------
# The Arm machine
# -----------------------------------------------------------------------------------------------------------------


def arm_machine(folder: pathlib.Path) -> dict:
    """The command that starts Python on the emulated machine, put together on first use."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".arm64-", dir=folder.parent) as scratch:
            aside = pathlib.Path(scratch) / "machine"
            aside.mkdir()
            unpack_debian("amd64", "qemu-user", aside / "emulator", aside, dependencies=False)
            unpack_debian("arm64", f"python{PYTHON} libstdc++6", aside / "root", aside, dependencies=True)
            # What Debian's installation does besides unpacking.
            (aside / "root" / "lib").symlink_to("usr/lib")
            install_wheels(aside / "wheels")
            shutil.rmtree(aside / "apt")
            os.replace(aside, folder)
    root = folder / "root"
    return {
        "command": [
            str(folder / "emulator/usr/bin/qemu-aarch64"),
            *("-L", str(root), str(root / f"usr/bin/python{PYTHON}")),
        ],
        "environment": {"PYTHONPATH": str(folder / "wheels"), "PYTHONHOME": str(root / "usr")},
    }


def unpack_debian(
    architecture: str, packages: str, target: pathlib.Path, work: pathlib.Path, dependencies: bool
) -> None:
    """Downloads packages of the suite with apt, in a state of its own, and unpacks them without installing."""
    apt = work / "apt" / architecture
    for name in ("lists/partial", "archives/partial", "etc/apt.conf.d", "etc/preferences.d"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (apt / "sources.list").write_text(
        f"deb [arch={architecture} signed-by={keyring}] {mirror()} {SUITE} main\n"
    )
    options = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Sandbox::User": "",
        "Dir::Etc": str(apt / "etc"),
        "Dir::Etc::SourceList": str(apt / "sources.list"),
        "Dir::State": str(apt),
        "Dir::State::Lists": str(apt / "lists"),
        "Dir::State::status": str(apt / "status"),
        "Dir::Cache": str(apt),
        "Dir::Cache::archives": str(apt / "archives"),
        "Acquire::Languages": "none",
        "Debug::NoLocking": "true",
    }
    command = [
        "apt-get",
        "-qq",
        *(part for key, value in options.items() for part in ("-o", f"{key}={value}")),
    ]
    run([*command, "update"])
    if dependencies:
        wanted = ["install", "--download-only", "--yes", "--no-install-recommends", *packages.split()]
        run([*command, *wanted])
    else:
        run([*command, "download", *packages.split()], cwd=apt / "archives")
    for package in sorted((apt / "archives").glob("*.deb")):
        run(["dpkg-deb", "-x", str(package), str(target)])


def mirror() -> str:
    """Where this machine's apt gets Debian from."""
    places = [
        pathlib.Path("/etc/apt/sources.list"),
        *sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*")),
    ]
    for place in places:
        if place.suffix in (".list", ".sources") and place.is_file():
            text = "\n".join(line for line in place.read_text().splitlines() if not line.startswith("#"))
            for address in re.findall(r"\S+://\S+", text):
                if address.rstrip("/").endswith("/debian"):
                    return address
    sys.exit("error: apt's sources name no Debian mirror; this script needs Debian or one of its mirrors.")


def install_wheels(target: pathlib.Path) -> None:
    """LiteRT of this machine's version, and what it needs, for the Arm Python."""
    from importlib.metadata import version

    wanted = [f"ai-edge-litert=={version('ai-edge-litert')}", f"numpy=={version('numpy')}", "flatbuffers"]
    platforms = [f"--platform=manylinux_{release}_aarch64" for release in ("2_27", "2_28", "2_17")]
    run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"),
            *(
                f"--target={target}",
                f"--python-version={PYTHON}",
                "--implementation=cp",
                f"--abi=cp{PYTHON.replace('.', '')}",
            ),
            *("--platform=manylinux2014_aarch64", *platforms, "--platform=any", *wanted),
        ]
    )


def run(command: list[str], **options) -> None:
    """Runs a command; its last words when it fails."""
    process = subprocess.run(command, capture_output=True, text=True, **options)
    if process.returncode:
        sys.exit(f"error: {command[0]} failed: {(process.stderr or process.stdout).strip()[-500:]}")


if __name__ == "__main__":
    sys.exit(main())
