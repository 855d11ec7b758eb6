"""The files of the embedding projector, read with the code of its plugin."""

import numpy as np
import pytest
from PIL import Image
from tensorboard.plugins.projector import projector_plugin

from facevae.tensorboard import projector


def _as_the_plugin_reads(path, shape):
    # The plugin's own readers: its public door is a server's route, which would not say in which form it read a file.
    try:
        return projector_plugin._read_tensor_tsv_file(str(path))
    except UnicodeDecodeError:
        return projector_plugin._read_tensor_binary_file(str(path), shape)


def test_points_are_read_as_binary_with_their_values(tmp_path):
    random = np.random.default_rng(0)
    points = random.standard_normal((50, 7)).astype(np.float32)
    shape = projector.write_points(tmp_path / "a.bytes", points)
    assert shape == (50, 7)
    np.testing.assert_allclose(_as_the_plugin_reads(tmp_path / "a.bytes", shape), points, rtol=1 / 30000)


@pytest.mark.parametrize("first_line", [b"\n", b"abc\n", b"1.0\t2.0\t3.0\n", b"\xc3\xa4\n"])
def test_points_whose_bytes_are_text_are_still_read_as_binary(tmp_path, first_line):
    content = (first_line + b"\x40" * 48)[: 12 * 4]
    points = np.frombuffer(content, "<f4").reshape(4, 3)
    shape = projector.write_points(tmp_path / "a.bytes", points)
    read = _as_the_plugin_reads(tmp_path / "a.bytes", shape)
    assert read.shape == (4, 3)
    np.testing.assert_allclose(read, points, rtol=1 / 30000)
    assert (read.ravel()[1:] == points.ravel()[1:]).all()


@pytest.mark.parametrize("dimensions", [1, 2])
def test_points_of_fewer_than_three_dimensions_are_padded(tmp_path, dimensions):
    points = np.ones((4, dimensions), np.float32)
    assert projector.write_points(tmp_path / "a.bytes", points) == (4, 3)
    read = _as_the_plugin_reads(tmp_path / "a.bytes", (4, 3))
    np.testing.assert_allclose(read, np.pad(points, [(0, 0), (0, 3 - dimensions)]), rtol=1 / 30000)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_points_that_are_not_finite_are_refused(tmp_path, value):
    with pytest.raises(ValueError, match="finite"):
        projector.write_points(tmp_path / "a.bytes", np.full((2, 3), value, np.float32))
    assert not list(tmp_path.iterdir())


def test_one_column_has_no_header_and_several_have_one():
    assert projector.columns_text({"name": ["a", "b"]}) == "a\nb\n"
    assert projector.columns_text({"name": ["a", "b"], "kind": ["x\ty", "z"]}) == "name\tkind\na\tx y\nb\tz\n"


def test_thumbnails_are_in_the_order_of_the_points(tmp_path):
    colours = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 0], [0, 250, 250]], np.uint8)
    tiles = np.broadcast_to(colours[:, None, None], (5, 16, 16, 3))
    projector.write_thumbnails(tmp_path / "a.jpg", tiles)
    sheet = np.asarray(Image.open(tmp_path / "a.jpg")).astype(int)
    assert sheet.shape == (48, 48, 3)  # a square of 3 by 3
    for index, colour in enumerate(colours):
        row, column = divmod(index, 3)
        assert np.abs(sheet[row * 16 + 8, column * 16 + 8] - colour).max() < 6


@pytest.mark.parametrize(("count", "side"), [(1, 48), (2000, 48), (20_000, 48), (40_000, 40), (1_000_000, 8)])
def test_thumbnails_shrink_to_fit_one_sheet(count, side):
    assert projector.thumbnail_side(count, image_size=64) == side
    assert int(np.ceil(np.sqrt(count))) * side <= projector.LARGEST_SHEET


def test_more_thumbnails_than_a_sheet_holds_are_refused():
    with pytest.raises(ValueError, match="at most 1,048,576 points, received 1,100,000"):
        projector.thumbnail_side(1_100_000, 64)


def _cloud(folder, name, points):
    files = [f"projector/{name}.{ending}" for ending in ("bytes", "tsv", "jpg")]
    shape = projector.write_points(folder / files[0], points)
    for file in files[1:]:
        (folder / file).write_bytes(b"x")
    return projector.Cloud(name, files[0], shape, files[1], files[2], 48)


def test_the_configuration_is_read_back_and_clouds_without_their_files_are_left_out(tmp_path):
    clouds = [_cloud(tmp_path, name, np.ones((4, 3), np.float32)) for name in ("a", "b", "c")]
    projector.write_config(tmp_path, clouds)
    assert projector.read_config(tmp_path) == clouds
    (tmp_path / clouds[0].points).write_bytes(b"torn")
    (tmp_path / clouds[1].thumbnails).unlink()
    assert projector.read_config(tmp_path) == [clouds[2]]


def test_a_damaged_configuration_gives_no_clouds(tmp_path):
    assert projector.read_config(tmp_path) == []
    (tmp_path / projector.CONFIG).write_text("embeddings { tensor_name: ")
    assert projector.read_config(tmp_path) == []


def test_each_configuration_has_a_checkpoint_of_another_name_and_without_matrices(tmp_path):
    import tensorflow as tf

    names = []
    for _ in range(3):
        projector.write_config(tmp_path, [])
        names.append(tf.train.latest_checkpoint(tmp_path))
    assert len(set(names)) == 3
    shapes = tf.train.load_checkpoint(names[-1]).get_variable_to_shape_map().values()
    assert all(len(shape) != 2 for shape in shapes)  # a matrix would be listed as an embedding


@pytest.mark.parametrize(
    "path",
    [
        "../outside.bytes",
        "projector/../../outside.bytes",
        "{folder}/outside.bytes",
        "projector/a/b.bytes",
        "",
    ],
)
def test_a_configuration_with_files_outside_the_folder_gives_no_clouds(tmp_path, path):
    logs = tmp_path / "logs"
    (tmp_path / "outside.bytes").write_bytes(b"1234" * 3)
    cloud = _cloud(logs, "a", np.ones((1, 3), np.float32))
    projector.write_config(logs, [cloud])
    assert projector.read_config(logs) == [cloud]
    config = logs / projector.CONFIG
    config.write_text(config.read_text().replace("projector/a.bytes", path.format(folder=tmp_path)))
    assert projector.read_config(logs) == []


def test_a_configuration_without_shapes_or_of_enormous_size_gives_no_clouds(tmp_path):
    (tmp_path / "projector").mkdir()
    for ending in ("bytes", "tsv", "jpg"):
        (tmp_path / f"projector/a.{ending}").write_bytes(b"")
    names = 'tensor_path: "projector/a.bytes" metadata_path: "projector/a.tsv"'
    (tmp_path / projector.CONFIG).write_text(f"embeddings {{ {names} }}")
    assert projector.read_config(tmp_path) == []
    (tmp_path / projector.CONFIG).write_text("#" * (2**20 + 1))
    assert projector.read_config(tmp_path) == []


def test_files_outside_the_folder_that_the_checkpoint_file_lists_are_not_deleted(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    precious = [tmp_path / "work.index", tmp_path / "work.data-00000-of-00001"]
    for path in precious:
        path.write_text("years of work")
    (logs / "checkpoint").write_text(
        'model_checkpoint_path: "shown-x"\n'
        + f'all_model_checkpoint_paths: "{tmp_path}/work"\nall_model_checkpoint_paths: "../work"\n' * 3
    )
    for _ in range(4):
        projector.write_config(logs, [])
    assert all(path.read_text() == "years of work" for path in precious)
    assert {path.name.split(".")[0] for path in logs.glob("shown-*")} == {"shown-3", "shown-4"}
