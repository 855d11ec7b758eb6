"""Measure a trained run on its test split: python evaluate.py RUN_DIR.

Reconstruction, likelihood, how far samples are from test faces, and whether training faces were memorised. The
figures are printed and kept as evaluation.json in the run folder, and as curves in TensorBoard.
"""

import argparse

from facevae.errors import UserError, exit_on_user_error
from facevae.opened_run import add_data_flags, open_from_flags
from facevae.quiet import without_native_notes

# -----------------------------------------------------------------------------------------------------------------
# Flags
# -----------------------------------------------------------------------------------------------------------------


def parse_command_line(arguments: list[str] | None = None) -> argparse.Namespace:
    """The flags; those of a kind are checked here, before TensorFlow is loaded."""
    parser = argparse.ArgumentParser(
        prog="evaluate.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("run_dir", help="folder of the run, as train.py named it")
    parser.add_argument(
        "--which",
        choices=("best", "last"),
        help="lowest validation loss, or newest (default: newest; of a run with --early-stopping the other)",
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=10_000,
        help="most samples to judge; never more than there are test faces (default: 10000; 1,000 at 64x64 take 40 s "
        "of processor time, and the first evaluation on a data set about 100 s more)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of every random draw (default: 0)")
    parser.add_argument(
        "--save-images",
        nargs=2,
        metavar=("N", "DIR"),
        help="also write N samples and N test faces to DIR/samples and DIR/references, for pytorch-fid or clean-fid",
    )
    add_data_flags(parser)
    flags = parser.parse_args(arguments)
    if flags.samples < 8:
        raise UserError(
            f"--samples: expected at least 8, received {flags.samples}. Some thousand give steady figures."
        )
    if flags.seed < 0:
        raise UserError(f"--seed: expected at least 0, received {flags.seed}. Give another, or leave it out.")
    if flags.save_images:
        count, folder = flags.save_images
        if not count.isdecimal() or int(count) < 1:
            raise UserError(
                f"--save-images: expected how many pictures and a folder, received {count!r} for N. "
                "Give, say, --save-images 10000 fid."
            )
        flags.save_images = int(count), folder
    return flags


def main(arguments: list[str] | None = None) -> None:
    flags = parse_command_line(arguments)
    opened = open_from_flags(flags)  # before the seconds that TensorFlow takes to import

    with without_native_notes():
        from facevae.evaluation import evaluate, open_evaluation, save, save_images, table

    # -------------------------------------------------------------------------------------------------------------
    # Run and data
    # -------------------------------------------------------------------------------------------------------------
    evaluated = open_evaluation(opened, flags.samples, flags.seed)

    # -------------------------------------------------------------------------------------------------------------
    # Pictures for other tools
    # -------------------------------------------------------------------------------------------------------------
    if flags.save_images:
        print(save_images(evaluated, *flags.save_images))

    # -------------------------------------------------------------------------------------------------------------
    # Figures
    # -------------------------------------------------------------------------------------------------------------
    figures = evaluate(evaluated)
    save(opened.run, figures)
    print(f"\n{table(figures)}\n\nWritten to {opened.run.evaluation}")


if __name__ == "__main__":
    with exit_on_user_error():
        main()
