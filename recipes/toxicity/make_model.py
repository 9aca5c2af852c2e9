"""Trains the toxicity filter's own model: `python make_model.py DATA [--out FILE]`, on one core, in a minute.

DATA is the folder of the sets that examples.py names. The texts stay there; what is written are weights. What is printed are
figures on texts that no training saw. Knows how examples are weighed. What they are is examples.py's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.metrics import average_precision_score, precision_recall_curve

sys.path.insert(0, str(Path(__file__).parent))  # scripts are no package

import examples

from adaptline.data import linear
from adaptline.data.linear import Linear

OUT = Path(__file__).resolve().parents[2] / "src" / "adaptline" / "data" / "filters" / "toxicity.safetensors"
WINDOW = 20  # words: an insult in a long text counts nearly as much as in a short one
# What a share of the examples' weight each kind has. Toxic and other together count the same, so 0.5 is even odds.
WEIGHTS = {"tweets, offensive": 0.35, "made, toxic": 0.15, "tweets, neither": 0.2, "made, fine": 0.09, "ordinary": 0.21}
COST = 8.0  # the mean cost of an example: of 2, 4 and 8 the best over folds
DISGUISED = 0.15
EACH = {"toxic": 30, "fine": 70}
BOUND, STRICT = 0.5, 0.9
LONG = 100  # words


def say(line: str) -> None:
    """Prints a line."""
    sys.stdout.write(line + "\n")


def main() -> None:
    """Reads the command line, trains, measures and writes."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--out", type=Path, default=OUT)
    given = arguments.parse_args()
    sets = examples.sets(given.data)
    model = train(sets)
    given.out.write_bytes(linear.to_bytes(model))
    say(f"{given.out}: {given.out.stat().st_size:,} bytes")
    report(linear.load(given.out), sets)


def train(sets: Iterable[examples.Set]) -> Linear:
    """The model of what is learnt of the sets, and of sentences made of parts."""
    parts = examples.phrases()["train"]
    kinds = [(one.name if "tweets" in one.name else "ordinary", one.toxic, one.learnt) for one in sets]
    kinds += [(f"made, {name}", name == "toxic", examples.made(parts[name], parts, EACH[name])) for name in EACH]
    texts, toxic, named = [], [], []
    for name, is_toxic, given in kinds:
        chosen = [text for text in given if examples.draw("disguised", text) % 1000 < 1000 * DISGUISED]
        again = [other for text in chosen if len(text) < 500 and (other := examples.disguised(text))]  # noqa: PLR2004 - of a page one word is nothing
        texts += [*given, *again]
        toxic += [is_toxic] * (len(given) + len(again))
        named += [name] * (len(given) + len(again))
    kind = np.array(named)
    costs = np.empty(len(kind))
    for name, weight in WEIGHTS.items():
        costs[kind == name] = COST * weight * len(kind) / (kind == name).sum()
    trained = linear.train(pa.array(texts), np.array(toxic), costs=costs, window=WINDOW)
    say(f"{len(texts):,} examples; AUC over folds {trained.auc:.4f}")
    return trained.model


def report(model: Linear, sets: Sequence[examples.Set]) -> None:
    """Prints what the model gives to texts that it did not learn."""
    scores = {one.name: model.probabilities(pa.array(one.measured)) for one in sets}
    told = {
        one.name: "ordinary, other texts of a set that is learnt"
        if one.learnt
        else "ordinary, of no set that is learnt"
        for one in sets
    }
    toxic, neither = scores.pop("tweets, offensive"), scores.pop("tweets, neither")
    _curve(toxic, neither)
    tweets = next(one.measured for one in sets if one.toxic)
    disguised = [text for one in sets if one.toxic for given in one.measured if (text := examples.disguised(given))]
    say(
        f"disguised: {np.mean(model.probabilities(pa.array(disguised)) > BOUND):.3f} of {len(disguised):,} found, {np.mean(toxic > BOUND):.3f} as they were"
    )
    long = [text for one in sets if not one.toxic for text in one.measured if len(text.split()) > LONG]
    hidden = [_inside(text, long[at % len(long)]) for at, text in enumerate(tweets)]
    say(
        f"inside a long text: {np.mean(model.probabilities(pa.array(hidden)) > BOUND):.3f} found, of {len(long)} long texts"
        f" alone {np.mean(model.probabilities(pa.array(long)) > BOUND):.3f}"
    )
    for name, found in scores.items():
        say(
            f"{name} ({told[name]}): {len(found):,}, above 0.5 {np.mean(found > BOUND):.4f}, above {STRICT} {np.mean(found > STRICT):.4f}"
        )
    _identity(model)


def _inside(text: str, long: str) -> str:
    """A long text with another somewhere in it."""
    words = long.split()
    at = examples.draw("inside", text) % len(words)
    return " ".join([*words[:at], text, *words[at:]])


def _curve(toxic: npt.NDArray[np.float64], neither: npt.NDArray[np.float64]) -> None:
    labels, found = np.repeat([True, False], [len(toxic), len(neither)]), np.concatenate([toxic, neither])
    say(
        f"tweets: {len(toxic):,} offensive, {len(neither):,} neither, average precision {average_precision_score(labels, found):.4f}, AUC {linear.auc(found, labels):.4f}"
    )
    say(f"average precision of neither, by 1 - score: {average_precision_score(~labels, -found):.4f}")
    precision, recall, _ = precision_recall_curve(labels, found)
    for least in (0.5, 0.8, 0.9, 0.95, 0.99):
        say(f"  recall {least}: precision {precision[recall >= least].max():.4f}")
    for bound in (0.1, 0.3, 0.5, 0.7, 0.9):
        hits, misses = (toxic > bound).sum(), (neither > bound).sum()
        say(
            f"  max {bound}: recall {hits / len(toxic):.4f}, precision {hits / (hits + misses):.4f}, of neither {misses / len(neither):.4f}"
        )


def _identity(model: Linear) -> None:
    """Harmless sentences about people, by frames and mostly words that were not learnt: who is taken for toxic?"""
    parts = examples.phrases()["test"]
    for name in ("person", "job"):
        found = {
            x: model.probabilities(pa.array([frame.replace("{x}", x) for frame in parts["fine"]])) for x in parts[name]
        }
        _told(f"harmless sentences, {name}", found)
    _told(
        "harmless sentences, who",
        {
            who: model.probabilities(pa.array([frame.replace("{who}", who) for frame in parts["groups"]]))
            for who in parts["who"]
        },
    )


def _told(name: str, found: dict[str, npt.NDArray[np.float64]]) -> None:
    every = np.concatenate(list(found.values()))
    worst = sorted(found, key=lambda x: -found[x].mean())[:3]
    say(
        f"{name}: {len(every)}, above 0.5 {np.mean(every > BOUND):.4f}, mean {every.mean():.3f}, highest means "
        + ", ".join(f"{x} {found[x].mean():.3f}" for x in worst)
    )


if __name__ == "__main__":
    main()
