"""export.py: the files that it writes, and its messages for wrong input."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from finished_run import DECODERS, NAMES, write_run
from places import ROOT

from facevae.configuration.config import Config
from facevae.run.run_folder import RunFolder


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A run with attributes and a density, exported to two formats."""
    from facevae.exporting.export import export_run
    from facevae.run.opened_run import OpenedRun

    run = write_run(tmp_path_factory.mktemp("runs") / "run")
    return run, export_run(OpenedRun(run.path), ("float32", "dynamic_int8"), checked_latents=16)


def export_py(*arguments, **options):
    """Runs the script in a process of its own."""
    command = [sys.executable, str(ROOT / "export.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def test_the_folder_holds_every_file_and_each_meets_its_aim(exported):
    run, export = exported
    present = {path.name for path in run.export.iterdir()} - {"web"}
    assert present == {
        "saved_model",
        "decoder_float32.tflite",
        "decoder_dynamic_int8.tflite",
        "encoder.tflite",
        "face_finding",
        "model_card.json",
        "MODEL_CARD.md",
        "MOBILE.md",
        "checks.json",
        "files.json",
    }
    results = {result.file: result for result in export.results}
    assert not any(result.problems or result.remarks for result in results.values())
    assert results["decoder_float32.tflite"].largest_error <= 1e-5
    assert results["decoder_dynamic_int8.tflite"].psnr >= 40.0
    assert all(results[name].delegated for name in ("decoder_float32.tflite", "encoder.tflite"))
    # An eighth of a grey level and a hundredth of a distance are no difference to the eye.
    assert results["decoder_float32.tflite"].sample_distance == pytest.approx(1.0, abs=0.01)
    assert results["decoder_float32.tflite"].sample_error < 0.125
    assert results["decoder_dynamic_int8.tflite"].sample_distance == pytest.approx(1.0, abs=0.2)
    assert results["encoder.tflite"].sample_distance is None
    weights = 4 * sum(int(np.prod(w.shape)) for w in _model(run).decoder.weights)
    assert weights <= results["decoder_float32.tflite"].bytes < 1.2 * weights + 50_000


def _model(run):
    import facevae

    return facevae.load(run.path)


def test_signatures_answer_as_the_model_does(exported):
    from ai_edge_litert.interpreter import Interpreter

    from facevae.run.opened_run import OpenedRun

    run, _ = exported
    model, directions = _model(run), OpenedRun(run.path).attributes.offered_only.directions
    interpreter = Interpreter(str(run.export / "decoder_float32.tflite"), num_threads=1)
    assert set(interpreter.get_signature_list()) == {"decode", "edit", "decode_uint8", "sample"}
    latent = np.random.default_rng(3).normal(size=(1, 8)).astype(np.float32)
    strengths = np.array([[1.0, 0.0, -0.5]], np.float32)
    image = interpreter.get_signature_runner("edit")(latent=latent, strengths=strengths)["image"]
    np.testing.assert_allclose(image, model.decode(latent + strengths @ directions), atol=1e-5)
    levels = interpreter.get_signature_runner("decode_uint8")(latent=latent)["image"]
    assert levels.dtype == np.uint8
    assert (levels[..., 3] == 255).all()
    off = np.abs(levels[..., :3].astype(float) - 255.0 * np.asarray(model.decode(latent)))
    assert off.max() <= 0.51
    new = interpreter.get_signature_runner("sample")(noise=np.full((1, 9), 0.3, np.float32))
    np.testing.assert_allclose(new["image"], model.decode(new["latent"]), atol=1e-5)


def test_signatures_share_their_weights_and_the_scales_of_them(exported):
    from ai_edge_litert import schema_py_generated as schema

    run, _ = exported
    model = schema.Model.GetRootAs((run.export / "decoder_dynamic_int8.tflite").read_bytes(), 0)
    scales = {}
    for graph in map(model.Subgraphs, range(model.SubgraphsLength())):
        for tensor in map(graph.Tensors, range(graph.TensorsLength())):
            if model.Buffers(tensor.Buffer()).DataLength() and tensor.Type() == schema.TensorType.INT8:
                address = tensor.Quantization().ScaleAsNumpy().ctypes.data
                scales.setdefault(tensor.Buffer(), []).append(address)
    everywhere = [places for places in scales.values() if len(places) >= 4]  # in all four signatures
    assert len(everywhere) >= 3
    assert all(len(set(places)) == 1 for places in everywhere)


@pytest.mark.parametrize("preset", ["demo", pytest.param("celeba128", marks=pytest.mark.slow)])
def test_the_presets_decoders_are_small_and_sampling_adds_at_most_15_percent(preset, tmp_path):
    import dataclasses

    from facevae.configuration.choosing import from_preset
    from facevae.editing.measuring import unmeasured
    from facevae.exporting.conversion import convert
    from facevae.exporting.export import make_exported_model
    from facevae.exporting.saved_model import write_for_conversion
    from facevae.exporting.tflite_file import finished
    from facevae.model.density import Mixture
    from facevae.training import build_model
    from facevae.training.runtime import Runtime

    config = from_preset(preset)
    model = build_model(config, Runtime("processor", "float32", False))
    random = np.random.default_rng(0)
    components, dimensions = config.density_components, config.latent_dim
    scales = np.eye(dimensions) + 0.01 * np.tril(random.normal(size=(components, dimensions, dimensions)))
    means = random.normal(size=(components, dimensions))
    model.density = Mixture(np.full(components, 1 / components), means, scales)
    latents = random.normal(size=(1000, dimensions)).astype(np.float32)
    attributes = random.integers(0, 2, (1000, 40), dtype=np.uint8)
    exported = make_exported_model(model, unmeasured(tuple("a" * 40), latents, attributes), config)
    weights = 4 * sum(int(np.prod(weight.shape)) for weight in model.decoder.weights)
    sizes = {}
    for kind, name in ((exported, "with"), (dataclasses.replace(exported, density=None), "without")):
        signatures = write_for_conversion(kind, tmp_path / name)
        decoder = [signature for signature in signatures if not signature.startswith("encode")]
        for form in ("float32", "dynamic_int8"):
            content = finished(convert(tmp_path / name, decoder, form, {}), bytes(10_000))
            sizes[form, name] = len(content) / weights
    for form, most in (("float32", 1.15), ("dynamic_int8", 0.30)):
        assert sizes[form, "without"] < sizes[form, "with"] <= 1.15 * sizes[form, "without"]
        assert sizes[form, "with"] <= most


def test_the_encoder_answers_as_the_model_does(exported):
    from ai_edge_litert.interpreter import Interpreter

    run, _ = exported
    image = np.random.default_rng(4).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    mean, log_variance = (np.asarray(part) for part in _model(run).encode(image))
    interpreter = Interpreter(str(run.export / "encoder.tflite"), num_threads=1)
    rgba = np.concatenate([image, np.full((1, 32, 32, 1), 7, np.uint8)], axis=-1)
    answer = interpreter.get_signature_runner("encode_uint8")(image=rgba)
    np.testing.assert_allclose(answer["mean"], mean, atol=0.02 * mean.std())
    np.testing.assert_allclose(answer["log_variance"], log_variance, atol=0.02)


def test_the_card_is_beside_the_files_and_inside_them_bit_for_bit(exported):
    from facevae.exporting.tflite_file import read_metadata

    run, _ = exported
    card = (run.export / "model_card.json").read_bytes()
    for path in run.export.glob("*.tflite"):
        assert read_metadata(path) == card
    facts = json.loads(card)
    assert [attribute["name"] for attribute in facts["attributes"]] == NAMES
    assert facts["sampling"]["from"] == "density"
    assert facts["signatures"]["edit"]["inputs"] == {
        "latent": [[1, 8], "float32"],
        "strengths": [[1, 3], "float32"],
    }
    assert facts["eyes"] == [[0.3975, 0.5], [0.6025, 0.5]]
    assert facts["seen_eyes"] == [[0.391, 0.5], [0.609, 0.5]]
    words = (run.export / "MODEL_CARD.md").read_text()
    assert "decoder_dynamic_int8.tflite" in words
    assert "identify nobody" in words


def test_the_saved_model_serves_without_keras(exported):
    run, _ = exported
    script = """
        import sys
        sys.modules["keras"] = None
        import tensorflow as tf
        loaded = tf.saved_model.load(sys.argv[1])
        faces = loaded.signatures["serving_default"](latent=tf.zeros([5, 8]))["image"]
        print(sorted(loaded.signatures), faces.shape, float(tf.math.reduce_std(faces[0])) > 0.01)
    """
    command = [
        sys.executable,
        "-c",
        "\n".join(map(str.strip, script.splitlines())),
        str(run.export / "saved_model/1"),
    ]
    process = subprocess.run(command, capture_output=True, text=True)
    expected = "['decode', 'edit', 'encode', 'sample', 'serving_default'] (5, 32, 32, 3) True"
    assert process.stdout.strip() == expected, process.stderr


def test_no_flag_needs_tensorflow():
    script = "import sys, export; export.parse_command_line(['run']); print('tensorflow' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert process.stdout.strip() == "False", process.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "does not exist"),
        (["empty"], "holds no run"),
        (["unfinished"], "no trained model yet.*--resume"),
        (["other_version"], "format 99.*Use the version"),
        (["damaged"], "does not load"),
        (["no_encodings"], "train.npz: missing or made by another model.*nothing_here"),
        (["run", "--output-dir", "thesis"], "something else in it"),
    ],
)
def test_bad_input_is_one_clear_message_and_leaves_nothing(
    exported, tmp_path, monkeypatch, capsys, arguments, message
):
    import export
    from facevae.command_line.ending import exit_on_user_error

    good, _ = exported
    monkeypatch.chdir(tmp_path)
    pathlib.Path("empty").mkdir()
    pathlib.Path("thesis").mkdir()
    pathlib.Path("thesis/chapter1.tex").write_text("")
    for name in ("run", "unfinished", "other_version", "damaged", "no_encodings"):
        shutil.copytree(good.path, name, ignore=shutil.ignore_patterns("export", ".export*"))
    RunFolder("unfinished").network("last").unlink()
    content = (
        pathlib.Path("other_version/run.json")
        .read_text()
        .replace('"format_version": 1', '"format_version": 99')
    )
    pathlib.Path("other_version/run.json").write_text(content)
    RunFolder("damaged").network("last").write_bytes(b"not a model")
    shutil.rmtree("no_encodings/encodings")
    content = json.loads(pathlib.Path("no_encodings/run.json").read_text())
    content["config"]["data"] = "nothing_here/"
    pathlib.Path("no_encodings/run.json").write_text(json.dumps(content))

    before = sorted(str(path) for path in tmp_path.rglob("*") if "lock" not in path.name)
    with pytest.raises(SystemExit) as ended, exit_on_user_error():
        export.main(arguments)
    assert ended.value.code == 2
    errors = capsys.readouterr().err.strip()
    assert errors.startswith("error: ")
    assert re.search(message, errors, re.DOTALL), errors
    assert sorted(str(path) for path in tmp_path.rglob("*") if "lock" not in path.name) == before


def test_the_guide_names_what_the_export_has(exported):
    run, _ = exported
    card = json.loads((run.export / "model_card.json").read_text())
    guide = (run.export / "MOBILE.md").read_text()
    for name, sides in card["signatures"].items():
        inputs = ", ".join(f"`{key}: {dtype}{shape}`" for key, (shape, dtype) in sides["inputs"].items())
        assert re.search(rf"\| `{name}` \| \S+ \| {re.escape(inputs)} \|", guide)
    for index, name in enumerate(NAMES):
        assert f"| {index} | {name} | -2.0 | 2.0 |" in guide
    assert "turns 8 numbers into a face" in guide
    named = set(re.findall(r"(?<!\*)\b\w+\.tflite", guide)) - {"decoder.tflite"}
    there = {path.name for folder in (".", "face_finding") for path in (run.export / folder).glob("*.tflite")}
    assert named == there - {"decoder_float32.tflite"}


@pytest.mark.parametrize("file", ["decoder_dynamic_int8.tflite", "encoder.tflite"])
def test_the_runtime_of_the_guide_runs_each_signature_by_its_names(exported, file):
    """`CompiledModel`, which the Android app uses, answers as `Interpreter`, which the iOS app uses."""
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.interpreter import Interpreter

    run, _ = exported
    content = (run.export / file).read_bytes()
    compiled, interpreter = CompiledModel.from_buffer(content), Interpreter(model_content=content)
    card = json.loads((run.export / "model_card.json").read_text())
    random = np.random.default_rng(5)
    signatures = compiled.get_signature_list()
    assert set(signatures) == {s for s in card["signatures"] if s.startswith("encode") == (file[0] == "e")}
    for signature in signatures:
        sides = card["signatures"][signature]
        given = {
            name: (random.random(shape) if dtype == "float32" else random.integers(0, 256, shape)).astype(
                dtype
            )
            for name, (shape, dtype) in sides["inputs"].items()
        }
        inputs = {name: compiled.create_input_buffer_by_name(signature, name) for name in given}
        outputs = {name: compiled.create_output_buffer_by_name(signature, name) for name in sides["outputs"]}
        for name, values in given.items():
            inputs[name].write(values.ravel())
        compiled.run_by_name(signature, inputs, outputs)
        for name, values in interpreter.get_signature_runner(signature)(**given).items():
            answer = outputs[name].read(values.size, values.dtype.type).reshape(values.shape)
            np.testing.assert_array_equal(answer, values)


@pytest.mark.parametrize(
    ("formats", "removed", "decoder"),
    [
        (("float32", "dynamic_int8"), "*[8r].tflite", "decoder_float32.tflite"),
        (("float32",), "*.tflite", None),
    ],
)
def test_guide_and_page_use_only_files_that_passed_their_checks(
    exported, tmp_path, monkeypatch, formats, removed, decoder
):
    from facevae.exporting import export, web_page
    from facevae.run.opened_run import OpenedRun

    run, _ = exported
    checked, page_files = export.run_checks, []

    def failing(path, *arguments):
        result = checked(path, *arguments)
        if path.match(removed):
            result.problems.append("wrong")
        return result

    def write_page(folder, card, decoder, encoder, faces):
        assert faces.shape[0] == 4
        page_files.append((decoder, encoder))
        return []

    monkeypatch.setattr(export, "run_checks", failing)
    monkeypatch.setattr(web_page, "write_page", write_page)
    made = export.export_run(OpenedRun(run.path), formats, str(tmp_path / "export"), checked_latents=8)
    assert {path.name for path in made.folder.glob("*.tflite")} == {decoder} - {None}
    guide = made.folder / "MOBILE.md"
    if decoder:
        words = re.sub(r"^```\w+\n.*?^```$", "", guide.read_text(), flags=re.DOTALL | re.MULTILINE)
        assert set(re.findall(r"(?<!\*)\b\w+\.tflite", words)) == {decoder, "decoder.tflite"}
        assert page_files == [(decoder, None)]
        assert made.notes == []
    else:
        assert not guide.exists()
        assert page_files == []
        assert made.notes == ["No MOBILE.md and no web page: no decoder passed its checks."]


def test_the_card_of_a_celeba_model_tells_its_terms_and_its_bias():
    from facevae.exporting.model_card import bias, eye_positions, training_data

    labels = {"name": "faces", "attribute_names": ["5_o_Clock_Shadow", "Attractive", "Male", "Young"]}
    for config, data in ((Config(data="celeb_a"), {}), (Config(data="/somewhere/faces"), labels)):
        assert "non-commercial research" in training_data(config, data)["terms"]
        # Eyes at (69.5, 111) and (107.5, 111) of 178×218, cropped to 178×178.
        # The detector sees them at (69.1, 113) and (108.8, 113).
        positions = eye_positions(config, data)
        np.testing.assert_allclose(positions["eyes"], [[0.3904, 0.5112], [0.6039, 0.5112]], atol=1e-3)
        np.testing.assert_allclose(positions["seen_eyes"], [[0.3882, 0.5225], [0.6112, 0.5225]], atol=1e-3)
    text = bias(labels["attribute_names"], drawn=False)
    assert "The labels Attractive, Young, Male are opinions" in text
    assert "opinions" not in bias(NAMES, drawn=True)
    unknown = Config(data="/somewhere/else"), {"name": "else", "attribute_names": []}
    assert "Unknown" in training_data(*unknown)["terms"]
    assert eye_positions(*unknown) == {"eyes": None, "seen_eyes": None}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "signatures"),
    [
        ({}, {"decode", "edit", "decode_uint8", "sample"}),
        ({"network": "reference"}, {"decode", "edit", "decode_uint8", "sample"}),
        ({"attributes": False}, {"decode", "decode_uint8", "sample"}),
        ({"density": False}, {"decode", "edit", "decode_uint8"}),
    ],
)
def test_every_kind_of_run_exports_to_every_format(tmp_path, settings, signatures):
    from ai_edge_litert.interpreter import Interpreter

    run = write_run(tmp_path / "run", **settings)
    process = export_py(run.path)
    assert process.returncode == 0, process.stderr
    assert "warning" not in process.stderr
    assert {path.name for path in run.export.iterdir()} >= DECODERS
    for name in DECODERS:
        interpreter = Interpreter(str(run.export / name))
        assert set(interpreter.get_signature_list()) == signatures
        assert name in process.stdout
    if "edit" not in signatures:
        said = (
            "No edit signature: the run has no attributes that the model can change. Its strongest latent dim"
        )
        assert said in process.stdout


@pytest.mark.slow
def test_a_mixed_precision_model_exports_as_the_float32_one(tmp_path):
    from ai_edge_litert.interpreter import Interpreter

    from facevae.exporting.conversion import convert
    from facevae.exporting.export import in_float32
    from facevae.exporting.graphs import ExportedModel
    from facevae.exporting.saved_model import write_for_conversion
    from facevae.exporting.tflite_file import operations
    from facevae.model import VAE

    mixed = VAE(image_size=32, latent_dim=8, width=8, dtype="mixed_float16")
    plain = mixed.float32_copy()
    contents, graphs = [], []
    for model in (mixed, plain):
        folder = tmp_path / model.dtype_policy.name
        write_for_conversion(ExportedModel(in_float32(model), None, None), folder)
        contents.append(convert(folder, ["decode"], "float32", {}))
        (folder / "decoder.tflite").write_bytes(contents[-1])
        graphs.append(operations(folder / "decoder.tflite"))
    assert graphs[0] == graphs[1]

    latent = np.random.default_rng(5).normal(size=(1, 8)).astype(np.float32)
    images = [
        Interpreter(model_content=c).get_signature_runner("decode")(latent=latent)["image"] for c in contents
    ]
    np.testing.assert_array_equal(*images)


@pytest.mark.slow
@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mount") is None, reason="mounting a small disk needs root"
)
@pytest.mark.parametrize("size", ["16k", "200k", "450k"])  # variables, graph, and .tflite files of the export
def test_a_full_disk_is_one_clear_line_and_leaves_the_earlier_export(exported, tmp_path, size):
    good, _ = exported
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        earlier = disk / "export" / "model_card.json"
        earlier.parent.mkdir()
        earlier.write_text("{}")
        process = export_py(good.path, "--output-dir", disk / "export")
        assert process.returncode == 2
        (line,) = [line for line in process.stderr.splitlines() if "error" in line]
        expected = (
            f"error: export: {str(disk / 'export')!r} cannot be written (No space left on device). Make room"
        )
        assert expected in line
        assert list((disk / "export").iterdir()) == [earlier]
        assert {path.name for path in disk.iterdir()} == {"export", ".export.lock"}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_exports_survive_kills_at_any_instant(exported, tmp_path):
    """After each kill the folder holds one complete export, and the next export succeeds."""
    good, _ = exported
    run = pathlib.Path(shutil.copytree(good.path, tmp_path / "run"))
    random = np.random.default_rng(6)
    for _ in range(5):
        command = [sys.executable, str(ROOT / "export.py"), str(run), "--formats", "float32"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=float(random.uniform(3.0, 14.0)))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        folder = run / "export"
        checks = json.loads((folder / "checks.json").read_text())
        assert all((folder / entry["file"]).exists() for entry in checks)
    assert export_py(run, "--formats", "float32").returncode == 0
    assert {path.name for path in run.iterdir() if path.name.startswith(".")} <= {".export.lock"}
