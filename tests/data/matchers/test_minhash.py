"""The near-duplicate matcher, against brute force."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptline.data import bands as lsh
from adaptline.data.matchers.minhash import _batches, minhash, sketch
from adaptline.data.matching import SCHEMA, Start, in_part
from adaptline.data.text import Gram, fold, grams, jaccard
from adaptline.errors import UserError

Find = Callable[[str], Path]
WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
SENTENCES = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
CORPORA = st.lists(st.none() | SENTENCES, max_size=20)


def match(
    shards: Sequence[Sequence[str | None]],
    alive: Any = None,
    threshold: float = 0.8,
    bands: int | None = None,
    **of_sketch: Any,
) -> Any:
    """The matcher's table for texts."""
    given = [pa.array(texts, pa.string()) for texts in shards]
    tables = [sketch(texts, **of_sketch) for texts in given]
    masks = [np.array(mask, bool) for mask in alive or [[True] * len(texts) for texts in shards]]
    return minhash(tables, masks, given, threshold=threshold, bands=bands)


def lines(table: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(line.values()) for line in table.to_pylist()]


def gram_sets(texts: Sequence[str | None], kind: Gram = "char", size: int = 5) -> list[frozenset[str] | None]:
    return [None if text is None else frozenset(grams(fold(text), kind, size)) for text in texts]


def brute_force(texts: Sequence[str], threshold: float) -> dict[int, tuple[int, float]]:
    """Row -> the kept row that it must be dropped for, by exact counts over all kept rows."""
    holders: dict[str, list[int]] = {}
    sizes, found = np.zeros(len(texts), np.int64), {}
    for row, own in enumerate(gram_sets(texts)):
        assert own is not None
        held = chain.from_iterable(holders[gram] for gram in own if gram in holders)
        shared = np.bincount(np.fromiter(held, np.int64), minlength=1)
        alike = shared / np.maximum(sizes[: len(shared)] + len(own) - shared, 1)
        best = int(alike.argmax())
        if alike[best] >= threshold:
            found[row] = (best, float(alike[best]))
        else:
            sizes[row] = len(own)
            for gram in own:
                holders.setdefault(gram, []).append(row)
    return found


def test_a_near_duplicate_is_dropped_with_its_true_similarity() -> None:
    texts = [
        "How do I book a table for two people?",
        "Something else entirely.",
        "how do i book a table for two  people",
    ]
    (line,) = lines(match([texts]))
    one, _, other = gram_sets(texts)
    assert one is not None
    assert other is not None
    assert line == (0, 2, 0, 0, jaccard(one, other))
    assert 0.9 < line[4] < 1


def test_a_row_is_dropped_only_for_a_kept_row() -> None:
    # b is near a; c is near b but not near a: with b gone, c stays.
    a, b, c = "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz12", "abcdefghijklmnopqrstuvwxyz12345"
    assert [line[1] for line in lines(match([[a, b, c]], threshold=0.85))] == [1]
    assert [line[1] for line in lines(match([[b, c]], threshold=0.85))] == [1]


def test_the_most_similar_kept_row_is_named_and_the_earliest_of_equals() -> None:
    far, near, last = "0123456789abcdefghij", "0123456789abcdefghijkl-----", "0123456789abcdefghijkl----"
    assert [line[1::2][:2] for line in lines(match([[far, near, last]], threshold=0.5))] == [(1, 0), (2, 0)]
    assert [line[1::2][:2] for line in lines(match([[far, near, last]], threshold=0.75))] == [(2, 1)]


def test_null_texts_never_match_and_short_texts_match_only_themselves() -> None:
    assert [line[1] for line in lines(match([[None, None, "ab", "abc", "AB ", "", " "]]))] == [4, 6]


def test_word_grams_forgive_punctuation_and_ask_for_whole_words() -> None:
    texts = ["one two three four five six", "one, two; three four - five six!", "one two three four five sixes"]
    assert [line[1] for line in lines(match([texts], ngram="word", size=3, threshold=0.7))] == [1]


def test_nothing_at_all() -> None:
    assert lines(minhash([], [], [])) == []
    assert lines(match([[], []])) == []
    assert lines(match([["alone"]])) == []


@given(CORPORA, st.sampled_from([0.3, 0.5, 0.8, 1.0]), st.data())
@settings(max_examples=60, deadline=None)
def test_every_drop_is_right_whatever_was_missed(
    texts: list[str | None], threshold: float, data: st.DataObject
) -> None:
    alive = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    found = lines(match([texts], [alive], threshold=threshold))
    sets, dropped = gram_sets(texts), {line[1] for line in found}
    assert [line[1] for line in found] == sorted(dropped)
    for _, row, _, of, score in found:
        one, other = sets[row], sets[of]
        assert one is not None
        assert other is not None
        assert score == jaccard(one, other) >= threshold
        assert of < row
        assert alive[row]
        assert alive[of]
        assert of not in dropped


@given(CORPORA, CORPORA)
@settings(max_examples=40, deadline=None)
def test_appending_changes_no_earlier_line(texts: list[str | None], more: list[str | None]) -> None:
    before = lines(match([texts]))
    assert lines(match([texts, more]))[: len(before)] == before


@given(CORPORA, st.integers(0, 20), st.data())
@settings(max_examples=40, deadline=None)
def test_cutting_into_shards_changes_nothing(texts: list[str | None], at: int, data: st.DataObject) -> None:
    alive = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    starts = [0, min(at, len(texts))]
    whole = lines(match([texts], [alive]))
    parts = lines(match([texts[:at], texts[at:]], [alive[:at], alive[at:]]))
    assert [(starts[s] + r, starts[of_s] + of_r, score) for s, r, of_s, of_r, score in parts] == [
        (row, of, score) for _, row, _, of, score in whole
    ]


@given(CORPORA, st.data())
@settings(max_examples=40, deadline=None)
def test_a_row_that_is_out_is_as_if_it_were_not_there(texts: list[str | None], data: st.DataObject) -> None:
    alive = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    nulled = [text if lives else None for text, lives in zip(texts, alive, strict=True)]
    assert lines(match([texts], [alive])) == lines(match([nulled]))


def test_many_copies_cost_one_comparison_each() -> None:
    original = "a text that is said again and again and again"
    texts = [f"{original} {row % 7}" for row in range(3000)]
    found = match([texts])
    assert found.num_rows == 2999
    assert set(found["of_row"].to_pylist()) == {0}
    assert in_part(found, 1) == [0]


def test_templates_are_compared_in_part_and_the_result_says_so() -> None:
    draw = random.Random(0)  # noqa: S311 - a corpus, not a secret
    names = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(400)]
    texts = [f"please write a short story about {name} in the style of a poet" for name in names]
    found, truth = match([texts], threshold=0.75), brute_force(texts, 0.75)
    assert in_part(found, 1)[0] > 100
    dropped = {line[1] for line in lines(found)}
    assert len(dropped & set(truth)) >= 0.9 * len(truth)


def test_recall_is_what_the_formula_says() -> None:
    """Pairs of known similarity, planted alone: the share that is found lies within 4 standard deviations."""
    draw = random.Random(1)  # noqa: S311 - a corpus, not a secret
    for bands, kept_grams in ((21, 85), (8, 85), (8, 92)):
        chance, pairs, similarities = 0.0, [], []
        for _ in range(400):
            text = [chr(draw.randrange(0x4E00, 0x9000)) for _ in range(100)]
            pairs += [
                "".join(text),
                "".join(text[:kept_grams]) + "".join(draw.choices("abcdefghijklmnop", k=100 - kept_grams)),
            ]
            one, other = gram_sets(pairs[-2:])
            assert one is not None
            assert other is not None
            similarities.append(jaccard(one, other))
        chance = float(np.mean([lsh.find_chance(s, bands, 128 // bands) for s in similarities]))
        found = match([pairs], threshold=0.6, bands=bands).num_rows / len(similarities)
        deviation = (chance * (1 - chance) / len(similarities)) ** 0.5
        assert abs(found - chance) <= 4 * deviation + 1e-9, (bands, found, chance)


def test_the_minima_estimate_the_similarity() -> None:
    draw = random.Random(2)  # noqa: S311 - a corpus, not a secret
    text = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=400))
    pair = [text, text[:350] + "".join(draw.choices("0123456789", k=50))]
    one, other = gram_sets(pair)
    assert one is not None
    assert other is not None
    signatures = [
        np.frombuffer(s, np.uint16) for s in sketch(pa.array(pair), permutations=2048)["signature"].to_pylist()
    ]
    estimate = float((signatures[0] == signatures[1]).mean())
    assert abs(estimate - jaccard(one, other)) < 4 * 0.5 / 2048**0.5


def test_unrelated_texts_share_no_minima_in_16_bits() -> None:
    texts = ["".join(chr(0x4E00 + 60 * row + i) for i in range(60)) for row in range(50)]
    signatures = np.array([np.frombuffer(s, np.uint16) for s in sketch(pa.array(texts))["signature"].to_pylist()])
    equal = sum(int((signatures[i] == signatures[:i]).sum()) for i in range(50))
    assert equal <= 20  # 156,800 comparisons of 16 bits: 2.4 expected


def test_the_sketch_is_the_same_in_any_company_and_differs_by_seed() -> None:
    texts = [f"text number {row} of a few" for row in range(600)] + [None]
    whole = sketch(pa.array(texts, pa.string()))
    parts = pa.concat_tables([sketch(pa.array(texts[:100], pa.string())), sketch(pa.array(texts[100:], pa.string()))])
    assert whole.equals(parts.combine_chunks())
    assert whole["signature"].null_count == 1
    assert whole["signature"].type == pa.binary(256)
    other = sketch(pa.array(texts, pa.string()), seed=7)
    assert not whole["signature"].equals(other["signature"])


def test_a_sketch_lives_through_parquet(tmp_path: Path) -> None:
    texts = pa.array(["some text to be found", None, "some text to be found!"], pa.string())
    table = sketch(texts, ngram="word", size=2)
    pq.write_table(table, tmp_path / "sketch.parquet")
    back = pq.read_table(tmp_path / "sketch.parquet")
    assert back.schema.metadata == {b"ngram": b"word", b"size": b"2"}
    mask = [np.ones(3, bool)]
    assert lines(minhash([back], mask, [texts])) == lines(minhash([table], mask, [texts])) != []


def banking(find: Find) -> list[str]:
    rows = []
    for part in ("train.csv", "test.csv"):
        with find(f"clf_banking77/{part}").open(encoding="utf-8", newline="") as file:
            rows += [row["text"] for row in csv.DictReader(file)]
    return rows


def clinc(find: Find) -> list[str]:
    with gzip.open(find("clf_clinc150/data_full.json.gz"), "rt", encoding="utf-8") as file:
        return [text for part in json.load(file).values() for text, _ in part]


@pytest.mark.parametrize(
    ("corpus", "near"), [(banking, 236), pytest.param(clinc, 530, marks=pytest.mark.slow)], ids=["banking", "clinc"]
)
def test_real_near_duplicates_are_found_as_by_brute_force(
    real_data: Find, corpus: Callable[[Find], list[str]], near: int
) -> None:
    texts = corpus(real_data)
    found = {row: (of, score) for _, row, _, of, score in lines(match([texts]))}
    assert found == brute_force(texts, 0.8)
    assert len(found) == near


@pytest.mark.slow
@pytest.mark.parametrize(("corpus", "near"), [(banking, 731), (clinc, 1731)], ids=["banking", "clinc"])
def test_a_lower_threshold_misses_as_little(real_data: Find, corpus: Callable[[Find], list[str]], near: int) -> None:
    texts = corpus(real_data)
    found, truth = match([texts], threshold=0.7)["row"].to_pylist(), brute_force(texts, 0.7)
    assert len(truth) == near
    assert len(set(truth) - set(found)) <= 0.005 * near
    assert len(set(found) - set(truth)) <= 0.005 * near  # what is kept instead may in turn drop another


def edited(text: str, share: float, draws: random.Random) -> str:
    """A text with some of its characters changed, put in or left out."""
    characters = list(text)
    for _ in range(max(1, int(share * len(text)))):
        at = draws.randrange(len(characters) - 1)
        characters[at : at + draws.choice([0, 1, 1, 2])] = draws.choice(["", text[at // 2], text[at // 3]])
    return "".join(characters)


@pytest.mark.parametrize(("ngram", "size", "at_least"), [("char", 5, 4000), ("word", 3, 1000)])
def test_copies_of_sentences_in_thirteen_languages_are_found(
    real_data: Find, ngram: Gram, size: int, at_least: int
) -> None:
    with gzip.open(real_data("par_pud/pud_parallel.tsv.gz"), "rt", encoding="utf-8") as file:
        _, *rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    draws = random.Random(1)  # noqa: S311 - for a test
    near, missed, chinese = 0, 0, 0
    for at in range(1, 14):
        texts = [row[at] for row in rows[:500]]
        copies = [edited(text, draws.choice([0.01, 0.02, 0.05]), draws) for text in texts]
        found = {row: (of, score) for _, row, _, of, score in lines(match([texts + copies], ngram=ngram, size=size))}
        sets = gram_sets(texts + copies, ngram, size)
        assert all(
            score >= 0.8 and jaccard(sets[row] or set(), sets[of] or set()) == score
            for row, (of, score) in found.items()
        )
        due = [row for row in range(500, 1000) if jaccard(sets[row - 500] or set(), sets[row] or set()) >= 0.8]
        near, missed = near + len(due), missed + len(set(due) - set(found))
        chinese += len(due) if any("\u4e00" <= letter <= "\u9fff" for letter in texts[0]) else 0
    assert near >= at_least
    assert chinese >= 100  # by words, too: each character is one where none are parted by spaces
    assert missed <= 0.002 * near


def test_revisions_of_real_documents_are_found_as_by_brute_force(real_data: Find) -> None:
    with gzip.open(real_data("neardup_doc_revisions/starlette_docs.jsonl.gz"), "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    texts, lineages = [row["text"] for row in rows], [row["lineage"] for row in rows]
    found = {row: (of, score) for _, row, _, of, score in lines(match([texts]))}
    assert found == brute_force(texts, 0.8)
    # Six pages were renamed along the way.
    assert (len(found), sum(lineages[row] == lineages[of] for row, (of, _) in found.items())) == (155, 149)


@given(CORPORA, st.sampled_from([0.3, 0.5, 0.8]), st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_known_of_the_first_shards_changes_no_verdict(
    texts: list[str | None], threshold: float, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(texts)), min_size=3, max_size=3)))
    shards = [texts[start:end] for start, end in zip([0, *cuts], [*cuts, len(texts)], strict=True)]
    alive = [data.draw(st.lists(st.booleans(), min_size=len(shard), max_size=len(shard))) for shard in shards]
    whole = match(shards, alive, threshold=threshold)
    arrays = [pa.array(shard, pa.string()) for shard in shards]
    masks = [np.array(mask, bool) for mask in alive]
    for first in range(1, 4):
        known = Start(first, match(shards[:first], alive[:first], threshold=threshold))
        more = minhash([sketch(array) for array in arrays], masks, arrays, known, threshold=threshold)
        assert lines(known.drops) + lines(more) == lines(whole)


def test_what_is_known_changes_no_verdict_where_buckets_overflow() -> None:
    chance = random.Random(5)  # noqa: S311 - a corpus, not a secret
    form = " ".join(f"field{number} ......" for number in range(40))
    texts = [f"{form} {chance.randrange(10**9)} {chance.randrange(10**9)}" for _ in range(900)]
    texts += [texts[700], texts[850], texts[0]]  # copies of rows that no bucket remembers, and of one that all do
    shards = [texts[start : start + 200] for start in range(0, len(texts), 200)]
    whole = match(shards, threshold=0.97)
    arrays = [pa.array(shard) for shard in shards]
    masks = [np.ones(len(shard), bool) for shard in shards]
    known = Start(4, match(shards[:4], threshold=0.97))
    more = minhash([sketch(array) for array in arrays], masks, arrays, known, threshold=0.97)
    assert lines(known.drops) + lines(more) == lines(whole)
    assert [line[1] for line in lines(more)][-3:] == [100, 101, 102]
    both = [sum(counts) for counts in zip(in_part(known.drops, 5), in_part(more, 5), strict=True)]
    assert both == in_part(whole, 5)
    assert sum(both) > 0


def within(memory: int, array: pa.Array, threshold: float) -> pa.Table:
    """The matcher's table where texts may take so many bytes at a time."""

    class Little(Start):
        def room(self, taken: int, rows: int) -> int:
            assert taken >= rows
            return memory

    masks = [np.ones(len(array), bool)]
    return minhash([sketch(array)], masks, [array], Little(0, SCHEMA.empty_table()), threshold=threshold)


@given(CORPORA, st.sampled_from([0.3, 0.5, 0.8]), st.integers(1, 2000))
@settings(max_examples=60, deadline=None)
def test_little_memory_changes_no_verdict(texts: list[str | None], threshold: float, memory: int) -> None:
    array = pa.array(texts, pa.string())
    found = within(memory, array, threshold)
    assert lines(found) == lines(match([texts], threshold=threshold))


def test_little_memory_changes_no_verdict_where_buckets_overflow() -> None:
    chance = random.Random(6)  # noqa: S311 - a corpus, not a secret
    forms = [" ".join(f"{kind}{number} ......" for number in range(40)) for kind in ("field", "box", "entry")]
    texts = [f"{chance.choice(forms)} {chance.randrange(10**9)} {chance.randrange(10**9)}" for _ in range(1200)]
    texts += [chance.choice(texts) for _ in range(50)]
    array = pa.array(texts)
    sketches, masks = [sketch(array)], [np.ones(len(texts), bool)]
    whole = minhash(sketches, masks, [array], threshold=0.93)
    for memory in (1, 100_000):
        found = within(memory, array, 0.93)
        assert lines(found) == lines(whole)
        assert in_part(found, 1) == in_part(whole, 1) != [0]


def test_batches_hold_whole_groups_and_no_more_than_memory() -> None:
    groups = np.array([0, 1, 0, 3, 1, 5, 3, 5, 8], np.int32)
    sizes = np.array([10, 10, 10, 30, 10, 1, 30, 1, 99])
    assert [batch.tolist() for batch in _batches(groups, sizes, 40)] == [[0, 1, 2, 4], [3, 6], [5, 7]]
    assert [batch.tolist() for batch in _batches(groups, sizes, 1000)] == [[0, 1, 2, 3, 4, 5, 6, 7]]
    assert list(_batches(groups[:2], sizes[:2], 40)) == []


def by_best(texts: Sequence[str], score: Sequence[float | None], best: str, cut: int) -> list[tuple[int, int, float]]:
    """(row, of, similarity) of the matcher that keeps the best, over two shards."""
    parts = [pa.array(part, pa.string()) for part in (texts[:cut], texts[cut:])]
    numbers = [pa.array(part, pa.float64()).to_numpy(zero_copy_only=False) for part in (score[:cut], score[cut:])]
    masks = [np.ones(len(part), bool) for part in parts]
    found = minhash([sketch(part) for part in parts], masks, parts, scores=numbers, threshold=0.5, best=best)
    return [
        (line["row"] + cut * line["shard"], line["of_row"] + cut * line["of_shard"], line["score"])
        for line in found.to_pylist()
    ]


@given(
    st.lists(SENTENCES, min_size=1, max_size=20).flatmap(
        lambda texts: st.tuples(
            st.just(texts), st.lists(st.none() | st.integers(-3, 3), min_size=len(texts), max_size=len(texts))
        )
    ),
    st.sampled_from(["quality", "-quality"]),
    st.integers(0, 20),
)
@settings(max_examples=150)
def test_the_best_stays(corpus: tuple[list[str], list[float | None]], best: str, cut: int) -> None:
    texts, score = corpus
    sign = 1 if best.startswith("-") else -1
    order = sorted(range(len(texts)), key=lambda row: (score[row] is None, sign * (score[row] or 0), row))
    wanted = brute_force([texts[row] for row in order], 0.5)
    rows = sorted((order[row], order[of], similarity) for row, (of, similarity) in wanted.items())
    assert by_best(texts, score, best, min(cut, len(texts))) == rows


def test_the_longest_stays_in_characters() -> None:
    texts = [
        "one two three four fife six",
        "one two three four five six seven",
        "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9",
        "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9a",
        "else",
    ]
    given_ = pa.array(texts)
    for best, wanted in (("length", [(0, 1), (2, 3)]), ("-length", [(1, 0), (3, 2)])):
        found = minhash([sketch(given_)], [np.ones(5, bool)], [given_], threshold=0.4, best=best)
        assert [(line["row"], line["of_row"]) for line in found.to_pylist()] == wanted
    with pytest.raises(ValueError, match="no scores of quality"):
        minhash([sketch(given_)], [np.ones(5, bool)], [given_], best="quality")


def test_rows_for_which_there_is_no_room_are_refused_with_what_they_take() -> None:
    array = pa.array(["the same text for all of them"] * 50)
    start = Start(0, SCHEMA.empty_table(), 1 << 20)
    with pytest.raises(UserError, match=r"50 rows take more than (?s:.*)--memory 3\d\dMB"):
        minhash([sketch(array)], [np.ones(50, bool)], [array], start)
