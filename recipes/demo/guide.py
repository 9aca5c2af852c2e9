"""The guide's texts: what is written of a place from its record, and a visitor's review in a line.

Knows records, reviews and their phrases (../world). Training and test share no sentence and no place, and no place of
either is in what the small base model has read.
"""

from __future__ import annotations

import sys
from pathlib import Path

from draws import Draws

sys.path.append(str(Path(__file__).resolve().parent.parent / "world"))  # scripts are no package

import eateries
import names

Text = dict[str, str]  # task, prompt, completion, place

TRAINING = {"describe": 1_500, "sum_up": 700}
TESTING = 200  # of each task


def texts(seed: int) -> tuple[list[Text], dict[str, list[Text]]]:
    """What is to be learnt, its tasks mixed; and the test items of each task."""
    places: set[str] = set()
    training: list[Text] = []
    for task, count in TRAINING.items():
        for number in range(count):
            training.append(_text(task, Draws(seed, "guide", task, number), "train"))
            places.add(training[-1]["place"])
    testing: dict[str, list[Text]] = {}
    for task in TRAINING:
        testing[task] = []
        number = 0
        while len(testing[task]) < TESTING:
            text = _text(task, Draws(seed, "guide test", task, number), "test")
            number += 1
            if text["place"] not in places:  # an invented name may come up twice
                testing[task].append(text)
    return Draws(seed, "guide order").shuffled(training), testing


def _text(task: str, draws: Draws, which: eateries.PhraseSet) -> Text:
    if task == "describe":
        values = eateries.record(draws, demo=True)
        asked, answer, place = eateries.bracketed(values), eateries.description(draws, values, which), values["name"]
    else:
        place = names.place(draws, demo=True)
        review, answer = eateries.review(draws, which, place)
        asked = f"Review: {review}"
    return {"task": task, "prompt": asked, "completion": answer, "place": place}
