"""Copy an exported model into the two example apps: python examples/copy_model.py RUN_DIR.

RUN_DIR is a run that export.py has exported, or an export folder.
"""

import pathlib
import shutil
import sys

from facevae.command_line.ending import exit_on_user_error
from facevae.command_line.parser import Parser
from facevae.errors import UserError, printable
from facevae.exporting.formats import ENCODER_FILE, preferred_decoder

EXAMPLES = pathlib.Path(__file__).parent
# Where each app looks for its files.
APPS = {
    "Android": EXAMPLES / "android" / "app" / "src" / "main" / "assets",
    "iOS": EXAMPLES / "ios" / "Faces.swiftpm" / "Resources",
}


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="copy_model.py", description=__doc__)
    parser.add_argument("run_dir", help="folder of an exported run, or an export folder")
    files = files_for_apps(pathlib.Path(parser.parse_args(arguments).run_dir))
    for app, folder in APPS.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ENCODER_FILE).unlink(missing_ok=True)  # of an earlier model, whose faces it knows
        for name, source in files.items():
            shutil.copyfile(source, folder / name)
        print(f"{app}: {', '.join(files)} in {printable(str(folder))}")
    return 0


def files_for_apps(place: pathlib.Path) -> dict[str, pathlib.Path]:
    """The files that an app needs, by the names under which it looks for them.

    Args:
        place: a run's folder or an export's.

    Raises:
        UserError: there is no export with a decoder.
    """
    folder = place / "export" if (place / "export").is_dir() else place
    decoder = preferred_decoder({path.name for path in folder.glob("*.tflite")})
    if decoder is None or not (folder / "model_card.json").is_file():
        raise UserError(
            f"{place}: expected an export with a decoder and model_card.json, found none. "
            "Export the run first: python export.py RUN_DIR."
        )
    files = {"decoder.tflite": folder / decoder, "model_card.json": folder / "model_card.json"}
    if (folder / ENCODER_FILE).is_file():
        files[ENCODER_FILE] = folder / ENCODER_FILE
    return files


if __name__ == "__main__":
    with exit_on_user_error():
        sys.exit(main())
