"""The rooms of docs/architecture.md, and the one direction of imports between them."""

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent


def modules():
    """Every module of the project, by name, packages under the name of their folder."""
    files = [*ROOT.glob("facevae/**/*.py"), *ROOT.glob("callbacks/*.py")]
    files += [ROOT / f"{script}.py" for script in ("train", "evaluate", "explore", "export")]
    names = (".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files)
    return {name.removesuffix(".__init__"): file for name, file in zip(names, files, strict=True)}


def rooms():
    """The rooms in the order of the drawing, each with the modules and packages that it names."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = re.search(r"```text\n(.*?)```", page, re.DOTALL).group(1)
    found = {}
    for line in drawing.splitlines():
        if match := re.match(r"(\w[\w ]*?)  +(.+)", line):
            found[match[1]] = match[2].split()
        elif match := re.match(r" +(\w.*)", line):
            found[list(found)[-1]] += match[1].split()
    return found


def room_of(name):
    """The number of a module's room; a module of a package stands where the package stands."""
    for number, members in enumerate(rooms().values()):
        if any(f"{name}.".startswith((f"facevae.{member}.", f"{member}.")) for member in members):
            return number
    raise AssertionError(f"{name} stands in no room of docs/architecture.md")


def imports(file, known):
    """The project's modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                member = f"{node.module}.{alias.name}"
                yield member if member in known else node.module


def test_every_module_stands_in_one_room_and_every_room_is_inhabited():
    members = [member for room in rooms().values() for member in room]
    assert len(set(members)) == len(members)
    known = modules()
    for member in members:
        assert f"facevae.{member}" in known or member in known, member
    for name in known:
        if name != "facevae":
            room_of(name)


def test_a_room_imports_from_itself_and_from_rooms_before_it():
    known = modules()
    wrong = [
        f"{name} imports {imported}"
        for name, file in known.items()
        if name != "facevae"  # the package's own page lists what users take from all rooms
        for imported in imports(file, known)
        if imported != "facevae" and room_of(imported) > room_of(name)
    ]
    assert wrong == []


def test_the_direction_is_checked_in_places_where_it_matters():
    order = {
        name: room_of(name) for name in ("facevae.data.images", "facevae.model", "callbacks.scalars", "train")
    }
    assert list(order.values()) == sorted(set(order.values()))
    package = ROOT / "facevae" / "model"
    found = {name for file in ("vae.py", "trainer.py") for name in imports(package / file, modules())}
    assert {"facevae.model.networks", "facevae.model.losses"} <= found
