from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa
import pytest
from corpus import jaccard, make
from scoring import BOUNDS, Neighbours, Pair, read_kept, read_pairs, read_texts, right_rows, score

FOX = "the quick brown fox jumps over the lazy dog and runs far away into the woods"
NEAR = FOX + " tonight"
OTHER = "nothing of this stands in any of the others that are here to be compared"


def test_a_row_is_right_where_another_is_similar_enough_planted_or_not() -> None:
    neighbours = Neighbours([FOX, OTHER, NEAR])
    assert neighbours.similarity(0) == jaccard(FOX, NEAR) == 12 / 13
    assert neighbours.similarity(1) == 0
    assert right_rows([0, 1, 2], [], neighbours) == {0, 2}
    assert right_rows([1], [Pair(1, 0, 0.9)], neighbours) == {1}
    assert right_rows([1], [Pair(1, 0, 0.69)], neighbours) == set()


def test_the_index_finds_what_comparing_all_with_all_finds() -> None:
    """Short texts, texts without a word, equal ones, and scripts other than Latin among them."""
    draw = random.Random(0)  # noqa: S311 - guards nothing
    words = ["a", "B", "été", "日本", "x1", "_", "да", "c", "d"]
    texts = [" ".join(draw.choices(words, k=draw.randrange(12))) for _ in range(60)]
    texts += [texts[0], texts[7].upper(), "...", "!"]
    neighbours = Neighbours(texts)
    for at, text in enumerate(texts):
        assert neighbours.similarity(at) == max(jaccard(text, other) for i, other in enumerate(texts) if i != at)


def test_recall_per_bin_and_precision() -> None:
    pairs = [Pair(1, 0, 1.0), Pair(3, 2, 0.7), Pair(5, 4, 0.7499), Pair(7, 6, 0.699), Pair(9, 8, 0.1)]
    found = score({1, 2, 6, 20}, pairs, right={1, 2, 11})
    assert dict(zip(BOUNDS, found.planted, strict=True)) == dict.fromkeys(BOUNDS, 0) | {0.0: 1, 0.6: 1, 0.7: 2, 1.0: 1}
    assert dict(zip(BOUNDS, found.found, strict=True)) == dict.fromkeys(BOUNDS, 0) | {0.6: 1, 0.7: 1, 1.0: 1}
    assert found.recall() == 2 / 3
    assert found.recall(1.0) == 1
    assert (found.dropped, found.right, found.precision) == (4, 2, 0.5)


def test_nothing_dropped_is_nothing_wrong() -> None:
    assert score(set(), [Pair(1, 0, 1.0)], set()).precision == 1
    assert score(set(), [Pair(1, 0, 1.0)], set()).recall() == 0


def test_kept_rows_are_read_as_runners_and_data_sets_write_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no kept rows"):
        read_kept(tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "0.jsonl").write_text('{"id": 3, "text": "a"}\n{"id": "4"}\n{"text": "b"}\n', "utf-8")
    table = pa.table({"id": [7, 8]})
    with pa.OSFile(str(tmp_path / "data-0.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    assert read_kept(tmp_path) == {0, 3, 4, 7, 8}


def test_the_truth_of_a_made_corpus_is_true(tmp_path: Path) -> None:
    """Dropping all planted copies finds every pair."""
    make(tmp_path, 300, [])
    texts, pairs = read_texts(tmp_path), read_pairs(tmp_path)
    assert len(texts) == 300
    assert [json.loads(line)["id"] for line in (tmp_path / "corpus-0.jsonl").read_bytes().splitlines()] == list(
        range(150)
    )
    assert all(pair.similarity == jaccard(texts[pair.copy], texts[pair.original]) for pair in pairs)
    assert score({pair.copy for pair in pairs}, pairs, set()).recall(0.0) == 1
