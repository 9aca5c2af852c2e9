"""Leaks of evaluation items into rows, against brute force."""

from __future__ import annotations

import csv
import gzip
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adaptline as al
from adaptline.core import recipe, registry, rows
from adaptline.core.sources import Tasks, find_tasks
from adaptline.data.filters import decontaminate as module
from adaptline.data.filters.decontaminate import decontaminate
from adaptline.data.text import fold, grams, jaccard
from adaptline.errors import UserError

Find = Callable[[str], Path]
NewTasks = Callable[..., Tasks]
SENTENCES = st.lists(st.sampled_from(["book", "a", "table", "for", "two", "Two", "now"]), max_size=6).map(" ".join)


@pytest.fixture
def tasks(tmp_path: Path) -> NewTasks:
    """Task files of plain items: name -> texts."""

    def make(**items: Sequence[str]) -> Tasks:
        for name, texts in items.items():
            write_task(tmp_path, name, texts)
        return find_tasks([f"{name}.toml" for name in items], tmp_path)

    return make


def write_task(folder: Path, name: str, texts: Sequence[str]) -> None:
    lines = "".join(json.dumps({"question": text, "intent": "x"}) + "\n" for text in texts)
    (folder / f"{name}.jsonl").write_text(lines, "utf-8")
    (folder / f"{name}.toml").write_text(f'files = ["{name}.jsonl"]\ntext = "question"\nlabel = "intent"\n', "utf-8")


def shard(texts: Sequence[str | None]) -> Any:
    messages = [None if text is None else [{"role": "text", "content": text}] for text in texts]
    return rows.table({"messages": messages}, len(texts))


def chat(*turns: tuple[str, str]) -> Any:
    return rows.table({"messages": [[{"role": role, "content": content} for role, content in turns]]}, 1)


def likeness(text: str, item: str) -> float:
    """The score of a text for one item, by its definition."""
    of_item = set(grams(item))
    return 1.0 if len(of_item) >= 20 and item in text else jaccard(set(grams(text)), of_item)


def test_a_leak_is_found_with_its_item(tasks: NewTasks) -> None:
    against = tasks(route=["Where is my order?", "Book a table for two"], other=["Cancel it please"])
    found = decontaminate(shard(["book a  TABLE for two", "cancel it please!", "zzzzzzzz", None, ""]), against=against)
    assert found.to_pylist() == [
        {"score": 1.0, "because": "route: route.jsonl:2"},
        {"score": 12 / 13, "because": "other: other.jsonl:1"},
        {"score": 0.0, "because": None},
        {"score": None, "because": None},
        {"score": None, "because": None},
    ]


def test_of_equals_the_first_item_is_named(tasks: NewTasks) -> None:
    found = decontaminate(shard(["same text"]), against=tasks(a=["other text", "same text"], b=["Same Text"]))
    assert found[0].as_py() == {"score": 1.0, "because": "a: a.jsonl:2"}


def test_only_what_is_asked_is_compared_and_each_turn_by_itself(tasks: NewTasks) -> None:
    against = tasks(a=["What is the capital of France?"])
    question = ("user", "what is the capital of france?")
    for turns in (
        [question, ("assistant", "Paris.")],
        [("system", "You answer in one word, in French, and never explain."), question],
        [("user", "Hello there, I have two questions."), ("assistant", "Go on."), question, ("assistant", "Paris.")],
    ):
        assert decontaminate(chat(*turns), against=against).field("score").to_pylist() == [1.0]
    answered = chat(("user", "Repeat a question."), ("assistant", "What is the capital of France?"))
    assert decontaminate(answered, against=against).field("score").to_pylist()[0] < 0.1
    assert decontaminate(chat(("system", "x")), against=against).field("score").to_pylist() == [None]


def test_an_item_of_several_turns_is_found_in_several_turns(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Tell a joke"}, {"role": "user", "content": "And one more of that kind"}]
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": turns}) + "\n", "utf-8")
    (tmp_path / "a.toml").write_text('files = "a.jsonl"', "utf-8")
    against = find_tasks("a.toml", tmp_path)
    split = chat(("user", "tell a joke"), ("assistant", "No."), ("user", "and one more of that kind"))
    assert decontaminate(split, against=against)[0].as_py() == {"score": 1.0, "because": "a: a.jsonl:1"}


QUESTION = "What is the capital of the Republic of France?"
AROUND = "Dear all, yesterday somebody wrote to us: {} We did not know what to say, so we ask you. Yours, A. and B."


def test_an_item_quoted_in_a_long_text_is_a_leak(tasks: NewTasks) -> None:
    found = decontaminate(shard([AROUND.format(QUESTION.upper())]), against=tasks(a=["Something else", QUESTION]))
    assert found[0].as_py() == {"score": 1.0, "because": "a: a.jsonl:2"}


def test_a_short_item_is_a_phrase_that_anybody_writes(tasks: NewTasks) -> None:
    texts = [AROUND.format(item) for item in ("abcdefghijklmnopqrstuvw", "abcdefghijklmnopqrstuvwx")]
    scores = [
        decontaminate(shard([text]), against=tasks(**{name: [name]})).field("score").to_pylist()[0]
        for text, name in zip(texts, ("abcdefghijklmnopqrstuvw", "abcdefghijklmnopqrstuvwx"), strict=True)
    ]
    assert scores[0] < 0.3, "19 n-grams"
    assert scores[1] == 1.0, "20 n-grams"


def test_an_item_in_pieces_is_no_quote(tasks: NewTasks) -> None:
    item = "abcdefgh ijklmnop qrstuvwx yz012345"
    halves = f"{item[:20]} and then {item[12:]} and so on, and so on, for as long as it takes to say all of it"
    assert set(grams(item)) <= set(grams(halves)), "every n-gram is there"
    assert decontaminate(shard([halves]), against=tasks(a=[item])).field("score").to_pylist()[0] < 0.5


def test_a_quote_of_words_may_have_other_punctuation_but_no_other_words(tasks: NewTasks) -> None:
    item = " ".join(f"word{i}" for i in range(21))
    texts = [f"he said -- {item.replace(' ', ', ')}! -- and " + "left " * 60, f"he said: {item}0 " + "left " * 60]
    found = decontaminate(shard(texts), against=tasks(a=[item]), ngram="word", size=2).field("score").to_pylist()
    assert found[0] == 1.0
    assert found[1] < 0.9


def test_word_grams(tasks: NewTasks) -> None:
    against = tasks(a=["one two three four five six"])
    found = decontaminate(shard(["One, two, three, four!"]), against=against, ngram="word", size=2)
    assert found.field("score").to_pylist() == [3 / 5]


@given(st.lists(SENTENCES.filter(bool), min_size=1, max_size=8), st.lists(SENTENCES, max_size=8))
@settings(max_examples=40, deadline=None)
def test_the_score_is_the_true_maximum(tmp_path_factory: Any, items: list[str], texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("tasks")
    write_task(folder, "t", items)
    found = decontaminate(shard(texts), against=find_tasks("t.toml", folder)).to_pylist()
    for text, verdict in zip(texts, found, strict=True):
        alike = [likeness(fold(text), fold(item)) for item in items]
        if fold(text):
            assert verdict["score"] == max(alike)
            place = f"t: t.jsonl:{alike.index(max(alike)) + 1}"
            assert verdict["because"] == (place if max(alike) else None)
        else:
            assert verdict["score"] is None


def judged(against: Tasks, *given: tuple[str | None, str | None, str, int]) -> list[tuple[float | None, str | None]]:
    """Score and reason of rows: what each asks, its split, its file and its row."""
    asked, splits, files, numbers = (list(column) for column in zip(*given, strict=True))
    table = rows.table(
        {
            "messages": shard(asked)["messages"].combine_chunks(),
            "split": splits,
            "file": files,
            "row": numbers,
        },
        len(given),
    )
    return [(found["score"], found["because"]) for found in decontaminate(table, against=against).to_pylist()]


@pytest.mark.parametrize("split", ["test", "held_out", "Test", " TEST ", "held-out", "Held out", "benchmark", "eval"])
def test_an_item_that_nothing_learns_from_is_not_found_in_its_own_task(tasks: NewTasks, split: str) -> None:
    against = tasks(route=["Where is my order?", "Where is my order!!"], other=["Cancel it please"])
    found = judged(
        against,
        ("where is my ORDER?", split, "copy.jsonl", 7),  # by its text, in whatever file
        ("Where is <NAME> order?", split, "data/route.jsonl", 1),  # by its place, whatever a rule before made of it
        ("Where is <NAME> order?", split, "data/route.jsonl", 3),  # no item has this number
        ("Cancel it please", split, "data/route.jsonl", 2),  # an item of one task, and found in another
        (None, split, "route.jsonl", 1),
    )
    assert found[0] == (0.0, "itself, route: route.jsonl:1")
    assert found[1] == (0.0, "itself, route: route.jsonl:1")
    assert found[2][0] is not None
    assert 0 < found[2][0] < 1
    assert found[2][1] == "route: route.jsonl:1"
    assert found[3] == (0.0, "itself, route: route.jsonl:2")  # it is an item of both
    assert found[4] == (None, None)


def test_an_item_of_one_task_is_found_in_another(tasks: NewTasks) -> None:
    against = tasks(route=["Where is my order?"], other=["Where is my order"])
    assert judged(against, ("Where is my order?", "test", "route.jsonl", 1)) == [(13 / 14, "other: other.jsonl:1")]


@pytest.mark.parametrize(
    "split",
    [
        *("train", "validation", "val", "valid", "dev", None),
        *("Train", "TRAIN", "train ", "training", "train_sft", "default", "dev_test"),  # a name that is not known, too
    ],
)
def test_an_item_that_is_learnt_from_is_a_leak(tasks: NewTasks, split: str | None) -> None:
    found = judged(tasks(route=["Where is my order?"]), ("Where is my order?", split, "route.jsonl", 1))
    assert found == [(1.0, "route: route.jsonl:1")]


def test_the_index_is_built_once_for_the_same_meaning(tasks: NewTasks, tmp_path: Path) -> None:
    module._index.cache_clear()
    against = tasks(a=["some item"])
    for _ in range(3):
        decontaminate(shard(["x"]), against=against)
        decontaminate(shard(["x"]), against=find_tasks("a.toml", tmp_path))
    assert module._index.cache_info().misses == 1
    decontaminate(shard(["x"]), against=against, size=4)
    write_task(tmp_path, "a", ["another item"])
    found = decontaminate(shard(["another item"]), against=find_tasks("a.toml", tmp_path))
    assert found.field("score").to_pylist() == [1.0]
    assert module._index.cache_info().misses == 3


def test_an_item_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"question": "fine"}\n{"question": \n', "utf-8")
    (tmp_path / "a.toml").write_text('files = "a.jsonl"\ntext = "question"', "utf-8")
    with pytest.raises(UserError, match="row 2 cannot be read") as told:
        decontaminate(shard(["x"]), against=find_tasks("a.toml", tmp_path))
    assert (told.value.where, told.value.line) == ("a.jsonl", 2)


def test_a_task_without_texts_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"question": " "}\n', "utf-8")
    (tmp_path / "a.toml").write_text('files = "a.jsonl"\ntext = "question"', "utf-8")
    with pytest.raises(UserError, match="task 'a' has no items with a text"):
        decontaminate(shard(["x"]), against=find_tasks("a.toml", tmp_path))


def test_four_fifths_is_out_by_default_and_just_below_is_in() -> None:
    bound = registry.load("filter", "decontaminate").options["defaults"]["max"]
    assert 7998 / 9999 <= bound < 0.8  # nothing of fewer than 10,000 n-grams lies between


def read_banking(find: Find, part: str) -> list[str]:
    with find(f"clf_banking77/{part}.csv").open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


def read_clinc(find: Find, part: str) -> list[str]:
    with gzip.open(find("clf_clinc150/data_full.json.gz"), "rt", encoding="utf-8") as file:
        return [text for text, _ in json.load(file)[part]]


def test_the_test_split_of_a_real_set_stays_and_what_leaks_of_it_goes(real_data: Find, tmp_path: Path) -> None:
    """The task is the very file whose rows are the split test; 143 of its rows have a row of train at 0.8."""
    for part in ("train", "test"):
        (tmp_path / f"{part}.csv").symlink_to(real_data(f"clf_banking77/{part}.csv"))
    (tmp_path / "bank.toml").write_text('files = "test.csv"\ntext = "text"\nlabel = "category"\n')
    tables = {
        "raw": {"step": "ingest", "files": {part: f"{part}.csv" for part in ("train", "test")}},
        "clean": {"step": "curate", "from": "raw", "do": ["unicode", {"use": "decontaminate", "against": "bank.toml"}]},
    }
    source = recipe.from_tables(tables, "r", tmp_path)
    assert [entry.notes for entry in al.plan(source)] == [(), ()]
    al.run(source)
    (shown,) = al.show(source, "clean")
    assert shown["splits"]["test"] == 3080
    assert 100 < shown["methods"][-1]["dropped"] == 10003 - shown["splits"]["train"] < 300


def test_a_split_step_says_what_is_learnt_from(tmp_path: Path) -> None:
    write_task(tmp_path, "t", [f"question {i} of {40 - i}" for i in range(40)])
    kept = []
    for seed in (0, 1):
        tables = {
            "raw": {"step": "ingest", "files": "t.jsonl", "text": "question"},
            "parts": {"step": "split", "from": "raw", "share": {"train": 0.5, "test": 0.5}, "seed": seed},
            "clean": {"step": "curate", "from": "parts", "do": [{"use": "decontaminate", "against": "t.toml"}]},
        }
        source = recipe.from_tables(tables, "r", tmp_path)
        al.run(source)
        (parts,), (clean,) = al.show(source, "parts"), al.show(source, "clean")
        assert clean["splits"] == {"test": parts["splits"]["test"]}
        kept.append(al.export(source, "clean", tmp_path / f"kept{seed}.jsonl").read_text())
    assert kept[0] != kept[1]  # a row that changes its place has another score


@pytest.mark.parametrize(
    ("read", "near", "same"), [(read_banking, 140, 59), (read_clinc, 148, 94)], ids=["banking", "clinc"]
)
def test_leaks_between_the_parts_of_real_sets(
    real_data: Find, tasks: NewTasks, read: Callable[[Find, str], list[str]], near: int, same: int
) -> None:
    """Rows of test that have a row of train at 0.8; the numbers are those of brute force over all pairs.

    Without those in which a row of train stands whole they are 103 and 79, and 7 and 2 have the same n-grams.
    """
    against = tasks(train=read(real_data, "train"))
    started = time.process_time()
    scores = decontaminate(shard(read(real_data, "test")), against=against).field("score").to_pylist()
    assert time.process_time() - started < 10
    assert sum(score >= 0.8 for score in scores) == near
    assert sum(score == 1.0 for score in scores) == same
