"""The rooms of docs/architecture.md are those on disk, and imports go one way between them."""

import ast
import re

from places import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = re.findall(r"^(\w+)", re.search(r"```text\n(.*?)```", PAGE, re.DOTALL).group(1), re.MULTILINE)
COMMANDS = ("train", "evaluate", "explore", "export")


def modules():
    """Every module of the project by name, packages under the name of their folder."""
    files = [*ROOT.glob("facevae/**/*.py"), *ROOT.glob("callbacks/*.py")]
    files += [ROOT / f"{command}.py" for command in COMMANDS]
    names = (".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files)
    found = {name.removesuffix(".__init__"): file for name, file in zip(names, files, strict=True)}
    found.pop("facevae")  # the package's own page lists what users take from all rooms
    return found


def room_of(name):
    """The folder, or the module beside the folders, in which a module lies."""
    parts = name.split(".")
    return parts[1] if parts[0] == "facevae" else parts[0]


def imports(file, known):
    """The project's modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                member = f"{node.module}.{alias.name}"
                if member in known or node.module in known:
                    yield member if member in known else node.module


def test_the_page_lists_the_rooms_on_disk():
    on_disk = {path.parent.name for path in ROOT.glob("facevae/*/__init__.py")}
    on_disk |= {path.stem for path in ROOT.glob("facevae/*.py")} - {"__init__"}
    assert sorted(ROOMS) == sorted({*on_disk, "callbacks", *COMMANDS})


def test_a_room_imports_only_from_itself_and_from_rooms_above_it():
    known = modules()
    wrong = [
        f"{name} imports {imported}"
        for name, file in known.items()
        for imported in imports(file, known)
        if ROOMS.index(room_of(imported)) > ROOMS.index(room_of(name))
    ]
    assert wrong == []


def test_imports_are_found_where_they_matter():
    known = modules()
    package = ROOT / "facevae" / "model"
    found = {name for file in ("vae.py", "trainer.py") for name in imports(package / file, known)}
    assert {"facevae.model.networks", "facevae.model.losses", "facevae.configuration.config"} <= found
    assert "facevae.training" in set(imports(ROOT / "train.py", known))


def test_nothing_imports_a_command():
    known = modules()
    assert [n for n, f in known.items() if {*imports(f, known)} & {*COMMANDS}] == []


def test_the_modules_that_the_page_names_are_there():
    named = re.findall(r"`([\w/]+\.py)`", PAGE)
    assert len(named) > 20
    for path in named:
        places = (ROOT / path, ROOT / "facevae" / path, ROOT / "facevae" / "training" / path)
        assert any(place.is_file() for place in places), path
