"""Do edits and faces asked for by attribute do what they say?

For a run whose faces have attributes (`python benchmarks/attribute_edits.py RUN_DIR`). A classifier that the directions
were not made with, of another architecture, trained on the training faces themselves, sharp and blurred, reads the
edits of test faces: how many gain or lose the attribute at strengths 1 and 2, and what share of their other attributes
changes meanwhile, against its reading of the unedited reconstruction. Then it reads new faces asked for with and
without each offered attribute, and with pairs of them. Their variety is the recall of real test faces that have what
was asked for, in the encoder's latents, beside that of new faces of all kinds and all test faces, as many of each. The
results are in `attribute_edits.md`.
"""

import argparse
import itertools
import pathlib

import keras
import numpy as np
from attribute_directions import balanced_accuracy, read, train_classifier
from tqdm import tqdm

from facevae.command_line.ending import exit_on_user_error
from facevae.command_line.text_table import markdown
from facevae.latents import precision_and_recall
from facevae.run.opened_run import add_data_flags, open_from_flags

CLASSIFIER_SEED, SAMPLE_SEED = 7, 11
NEW_FACES, MOST_REAL, MOST_PAIRS = 100, 100, 6


EDIT_COLUMNS = (
    "attribute",
    "offered",
    "flips at 1",
    "others",
    "flips at 2",
    "others at 2",
    "ends",
    "accuracy",
)


def edits_table(opened, classifier, faces):
    """Lines of Markdown: each attribute's edits on test faces."""
    model, attributes = opened.model, opened.attributes
    test = opened.dataset.test
    indices = np.arange(min(faces, len(test)))
    latents = model.encode_all(test.images(indices))[0]
    before = read(classifier, model.decode_all(latents))
    accuracy = balanced_accuracy(before, test.attributes(indices))
    rows, offered = [], []
    order = np.argsort(-attributes.clearness, kind="stable")
    for index in tqdm(order, "Editing", leave=False):
        if attributes.reader is None or not attributes.flipped[index]:
            continue
        signs = np.where(before[:, index], -1.0, 1.0)[:, None].astype(np.float32)
        cells = []
        for strength in (1.0, 2.0):
            moved = latents + strength * signs * attributes.directions[index]
            changed = read(classifier, model.decode_all(moved)) != before
            cells += [changed[:, index].mean(), np.delete(changed, index, axis=1).mean()]
        if attributes.offered[index]:
            offered.append(cells)
        ends = f"{attributes.minimum[index]:g} to {attributes.maximum[index]:g}"
        rows.append(
            (
                attributes.names[index],
                "yes" if attributes.offered[index] else "no",
                *(f"{cell:.1%}" for cell in cells),
                ends,
                f"{accuracy[index]:.2f}",
            )
        )
    mean = np.mean(offered, axis=0) if offered else np.zeros(4)
    met = sum(cells[2] >= 0.85 for cells in offered)
    said = (
        f"{len(offered)} of {len(attributes.names)} attributes are offered; {met} of these flip on at least 85 % of "
        f"{len(indices)} test faces at strength 2. Mean of the offered: {mean[2]:.1%} flips and {mean[3]:.1%} of the "
        "other attributes."
    )
    return f"{markdown(EDIT_COLUMNS, rows)}\n{said}"


def generation_table(opened, classifier):
    """Lines of Markdown: new faces asked for by attribute."""
    model, attributes, test = opened.model, opened.attributes, opened.dataset.test
    temperature = opened.viewing_temperature
    names = attributes.offered_names
    asked = [{name: has} for name in names for has in (True, False)]
    asked += [{one: True, other: False} for one, other in itertools.pairwise(names)][:MOST_PAIRS]
    labels, encoded = test.attributes(slice(None)) > 0, model.encode_all(test.images(slice(None)))[0]

    def recall(real, wanted):
        count = min(len(real), MOST_REAL)
        new = model.sample(count, SAMPLE_SEED, temperature=temperature, attributes=wanted)
        return precision_and_recall(real[:count], model.encode_all(new)[0])[1] if count > 10 else np.nan

    rows = []
    for wanted in tqdm(asked, "Asking for faces", leave=False):
        indices, values = [attributes.index(name) for name in wanted], np.array(list(wanted.values()))
        new = model.sample(NEW_FACES, SAMPLE_SEED, temperature=temperature, attributes=wanted)
        right = (read(classifier, new)[:, indices] == values).all(axis=1).mean()
        real = encoded[(labels[:, indices] == values).all(axis=1)]
        likewise = encoded[:: max(1, len(encoded) // max(1, min(len(real), MOST_REAL)))]
        title = ", ".join(("" if has else "no ") + name for name, has in wanted.items())
        rows.append(
            (
                title,
                f"{right:.0%}",
                f"{recall(real, wanted):.2f}",
                f"{recall(likewise[: len(real)], None):.2f}",
            )
        )
    columns = ("asked for", "right", "recall", "recall of all, by all")
    met = sum(float(row[1].rstrip("%")) >= 90 for row in rows)
    return f"{markdown(columns, rows)}\n{met} of {len(rows)} are right on at least 90 % of {NEW_FACES} faces."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", help="a run whose faces have attributes")
    parser.add_argument("--faces", type=int, default=200, help="test faces that are edited (default: 200)")
    parser.add_argument("--epochs", type=int, default=4, help="of the classifier (default: 4)")
    parser.add_argument("--classifier", help="a .keras file that keeps it; trained if there is none")
    add_data_flags(parser)
    flags = parser.parse_args()
    opened = open_from_flags(flags)
    dataset = opened.dataset
    if flags.classifier and pathlib.Path(flags.classifier).exists():
        classifier = keras.models.load_model(flags.classifier)
    else:
        images, labels = dataset.train.images(slice(None)), dataset.train.attributes(slice(None))
        classifier = train_classifier(images, labels, flags.epochs, CLASSIFIER_SEED)
        if flags.classifier:
            classifier.save(flags.classifier)
    print(edits_table(opened, classifier, flags.faces))
    print()
    print(generation_table(opened, classifier))


if __name__ == "__main__":
    with exit_on_user_error():
        main()
