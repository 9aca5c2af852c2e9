"""What is counted of texts: n-grams, lengths and labels, exactly where there are few, closely where there are many."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pytest

from adaptline.data import diversity
from adaptline.data.diversity import Variety


def variety(texts: Sequence[str | None], labels: Sequence[str | None]) -> Variety:
    return diversity.variety(pa.array(texts, pa.string()), labels)


def test_known_answers() -> None:
    found = variety(["the cat sat", "The cat  ran!", "", None], ["a", "a", "b", None]).told()
    assert found["rows"] == 4
    assert found["grams"] == {"1": 4, "2": 3, "3": 2}  # the cat sat ran; the-cat cat-sat cat-ran; none over two texts
    assert found["distinct"] == {"1": pytest.approx(4 / 6, abs=1e-6), "2": 0.75, "3": 1.0}
    assert found["words"] == {"mean": 1.5, "p5": 0.0, "p25": 0.0, "median": 0.0, "p75": 3.0, "p95": 3.0}
    assert found["labels"] == {"a": 2, "b": 1}
    entropy = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert found["evenness"] == pytest.approx(entropy / math.log(2), abs=1e-6)


def test_of_nothing_nothing_is_told() -> None:
    found = Variety().told()
    assert (found["rows"], found["words"], found["evenness"]) == (0, {}, None)
    assert found["distinct"] == {"1": None, "2": None, "3": None}


def test_parts_add_up_to_the_whole_and_come_back_from_a_table() -> None:
    chance = random.Random(3)  # noqa: S311 - not for secrets
    texts = [" ".join(chance.choices([f"w{i}" for i in range(300)], k=9)) for _ in range(3000)]
    labels = [chance.choice("abc") for _ in texts]
    parts = [variety(texts[at : at + 700], labels[at : at + 700]) for at in range(0, 3000, 700)]
    joined = diversity.total(Variety.of_table(part.table()) for part in parts)
    assert joined.told() == variety(texts, labels).told()


def test_a_total_copies_no_labels() -> None:
    parts = [Variety(labels=Counter({f"{part} {i}": 1 for i in range(3000)})) for part in range(300)]
    spent = time.process_time()
    assert len(diversity.total(parts).labels) == 900_000
    assert time.process_time() - spent < 8  # 0.6 s; a copy at each addition makes it a minute


def test_many_are_counted_closely() -> None:
    chance = random.Random(4)  # noqa: S311 - not for secrets
    texts = [" ".join(str(chance.randrange(90_000)) for _ in range(20)) for _ in range(5000)]
    words = {word for text in texts for word in text.split()}
    pairs = {pair for text in texts for pair in zip(text.split(), text.split()[1:], strict=False)}
    found = variety(texts, [None] * len(texts)).told()["grams"]
    assert abs(found["1"] / len(words) - 1) < 0.05
    assert abs(found["2"] / len(pairs) - 1) < 0.05
