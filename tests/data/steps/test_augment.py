"""augment: who gets children, what they keep of their parents, and that a larger share or an append makes only what is new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lines
import pyarrow as pa
import pytest

import adaptline as al
from adaptline.core import recipe as recipes
from adaptline.core.rows import Ref
from adaptline.core.run import run
from adaptline.core.store import Store
from adaptline.data import children
from adaptline.errors import RunError, UserError

MINE = '''
from adaptline import Passage, Refused, augmenter


@augmenter(version=1)
def louder(passages: list[Passage]) -> list[str | Refused]:
    """A number after every text, drawn; those of parking are refused, what is loud already is left."""
    return [_louder(passage) for passage in passages]


def _louder(passage: Passage) -> str | Refused:
    if "parking" in passage.text:
        return Refused("parking", "no " + passage.text)
    return passage.text if passage.text.endswith("!") else f"{passage.text} {passage.draws.below(10**9)}"


@augmenter(version=1)
def constant(passages: list[Passage]) -> list[str | Refused]:
    """The same words."""
    return ["yes"] * len(passages)


@augmenter(version=1)
def guarded(passages: list[Passage]) -> list[str | Refused]:
    """What is protected."""
    return [" ".join(passage.protected) for passage in passages]


@augmenter(version=1)
def fewer(passages: list[Passage]) -> list[str | Refused]:
    """Loses one."""
    return [passage.text + "." for passage in passages][1:]


@augmenter(version=1)
def numbers(passages: list[Passage]) -> list[str | Refused]:
    """No texts."""
    return [7 for _ in passages]


@augmenter(version=1)
def together(passages: list[Passage]) -> list[str | Refused]:
    """How many texts and characters it got at once."""
    letters = sum(len(passage.text) for passage in passages)
    return [f"{number} {len(passages)} {letters}" for number, _ in enumerate(passages)]


@augmenter(version=1)
def lazy(passages: list[Passage]) -> list[str | Refused]:
    """No list."""
    return (passage.text for passage in passages)
'''

Row = dict[str, Any]


def made(
    folder: Path,
    do: list[Any],
    *,
    files: str = "*.jsonl",
    ingest: Row | None = None,
    store: str = "store",
    **given: Any,
) -> tuple[dict[str, Any], list[list[Row]]]:
    """The manifest of an augment step, and the rows of its shards with the split that they have."""
    (folder / "mine.py").write_text(MINE)
    tables = {
        "raw": {"step": "ingest", "files": files, **(ingest or {})},
        "more": {"step": "augment", "from": "raw", "do": do, **given},
    }
    artifact = run(recipes.from_tables(tables, "more", folder), store=folder / store)[-1]
    opened = Store.open(folder / store)
    manifest = opened.manifest(artifact.key)
    assert manifest is not None
    return manifest, shards_of(opened, manifest)


def shards_of(store: Store, manifest: dict[str, Any]) -> list[list[Row]]:
    found = []
    for shard in manifest["shards"]:
        rows = store.read(Ref(*shard["text"])).to_pylist()
        said = store.read(Ref(*shard["split"])).to_pylist() if shard["split"] else [{}] * len(rows)
        found.append([{**row, **more} for row, more in zip(rows, said, strict=True)])
    return found


def children_of(shards: list[list[Row]]) -> list[Row]:
    return [row for shard in shards for row in shard if row["parent_shard"]]


def texts_of(rows: list[Row]) -> list[str]:
    return ["\n".join(message["content"] for message in row["messages"]) for row in rows]


def some(count: int, start: int = 0) -> list[Row]:
    return [
        {"text": f"message number {i}", "label": f"l{i % 3}", "split": ("train", "train", "test")[i % 3], "user": i}
        for i in range(start, start + count)
    ]


def test_children_follow_the_given_rows_and_keep_what_their_parents_have(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", some(30))
    ingest = {"label": "label", "group": "user", "subject": ["user"]}
    manifest, shards = made(tmp_path, [{"use": "./mine.py:louder", "share": 1.0}], ingest=ingest)
    given, found = shards[0], children_of(shards)
    assert len(found) == 20  # those of "test" have none
    assert [row["parent_shard"] for row in given] == [None] * 30
    for child in found:
        parent = given[child["parent_row"]]
        assert child["parent_shard"] == manifest["shards"][0]["text"][1]
        same = set(child) - {"messages", "parent_shard", "parent_row"}
        assert {name: child[name] for name in same} == {name: parent[name] for name in same}
        assert child["split"] == "train"
        assert texts_of([child])[0].startswith(texts_of([parent])[0] + " ")


def test_a_step_that_divides_the_rows_gives_children_their_parents_split(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": f"message number {i}"} for i in range(200)])
    (tmp_path / "mine.py").write_text(MINE)
    tables = {
        "raw": {"step": "ingest", "files": "*.jsonl"},
        "parts": {"step": "split", "from": "raw", "share": {"train": 0.5, "test": 0.5}},
        "clean": {"step": "curate", "from": "parts", "do": [{"use": "length", "min": 17}]},
        "more": {"step": "augment", "from": "clean", "do": [{"use": "./mine.py:louder", "share": 1.0}], "of": "test"},
    }
    artifact = run(recipes.from_tables(tables, "more", tmp_path), store=tmp_path / "store")[-1]
    store = Store.open(tmp_path / "store")
    manifest = store.manifest(artifact.key)
    assert manifest is not None
    shards = shards_of(store, manifest)
    kept = store.read(Ref(*manifest["shards"][0]["keep"]))["keep"].to_pylist()
    found = children_of(shards)
    assert not all(kept)
    assert {row["split"] for row in found} == {"test"}
    wanted = {i for i, row in enumerate(shards[0]) if row["split"] == "test" and kept[i]}
    assert {row["parent_row"] for row in found} == wanted


def test_a_child_may_not_be_divided_from_its_parent(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", some(3))
    (tmp_path / "mine.py").write_text(MINE)
    tables = {
        "raw": {"step": "ingest", "files": "*.jsonl"},
        "more": {"step": "augment", "from": "raw", "do": ["./mine.py:louder"]},
        "clean": {"step": "curate", "from": "more", "do": ["exact"]},
        "parts": {"step": "split", "from": "clean", "share": {"train": 1.0}},
    }
    with pytest.raises(UserError, match=r"\[more\] augmented(?s:.*)Split first"):
        run(recipes.from_tables(tables, "more", tmp_path), store=tmp_path / "store")
    assert not (tmp_path / "store" / "units").exists() or not list((tmp_path / "store" / "units").iterdir())


def test_every_child_that_was_asked_for_is_made_or_refused_by_a_gate(tmp_path: Path) -> None:
    texts = ["a word", "parking here", "loud!", "another word", ""]
    lines.write(tmp_path / "a.jsonl", [{"text": text} for text in texts])
    manifest, shards = made(tmp_path, [{"use": "./mine.py:louder", "share": 1.0, "copies": 2}])
    (story,) = manifest["detail"]["augmenters"]
    assert (story["asked"], story["made"], story["refused"]) == (8, 4, {"parking": 2, "copy": 2})
    assert [row["parent_row"] for row in children_of(shards)] == [0, 0, 3, 3]
    assert manifest["detail"]["summary"] == "5 rows and 4 children of them"


def test_an_augmenter_gets_a_bounded_number_of_passages_and_characters_at_once(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": f"message number {i}"} for i in range(1600)])
    lines.write(tmp_path / "b.jsonl", [{"text": f"{i} " + "long " * 30_000} for i in range(30)])
    use = {"use": "./mine.py:together", "share": 1.0, "copies": 5}
    told = [[int(one) for one in text.split()] for text in texts_of(children_of(made(tmp_path, [use])[1]))]
    assert len(told) == 1630 * 5
    assert max(count for _, count, _ in told) == children.AT_ONCE
    assert max(letters for *_, letters in told) <= 1_000_000


def test_a_text_that_is_too_long_is_refused_and_given_to_no_augmenter(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": "x" * (children.LONGEST + more)} for more in (0, 1)])
    manifest, _ = made(tmp_path, [{"use": "./mine.py:together", "share": 1.0}])
    (story,) = manifest["detail"]["augmenters"]
    assert (story["asked"], story["made"], story["refused"]) == (2, 1, {"too_long": 1})


def test_copies_that_say_the_same_are_made_once(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": "no"}, {"text": "yes"}])
    manifest, shards = made(tmp_path, [{"use": "./mine.py:constant", "share": 1.0, "copies": 3}])
    (story,) = manifest["detail"]["augmenters"]
    assert (story["made"], story["refused"]) == (1, {"copy": 3, "repeat": 2})
    assert texts_of(children_of(shards)) == ["yes"]


def test_noise_without_rates_makes_nothing_but_copies_which_are_refused(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", some(9))
    rates = dict.fromkeys(("typo", "swap", "drop", "double", "ocr", "case", "punctuation", "word", "space"), 0.0)
    manifest, shards = made(tmp_path, [{"use": "noise", "share": 1.0, **rates}])
    (story,) = manifest["detail"]["augmenters"]
    assert (story["asked"], story["made"], story["refused"]) == (6, 0, {"copy": 6})
    assert len(shards) == 1


def test_of_a_chat_what_the_user_says_is_said_otherwise(tmp_path: Path) -> None:
    chat = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "where is it"},
        {"role": "assistant", "content": "which one"},
        {"role": "user", "content": "the parking"},
        {"role": "assistant", "content": "there"},
    ]
    lines.write(tmp_path / "a.jsonl", [{"messages": chat}])
    _, shards = made(tmp_path, [{"use": "./mine.py:louder", "share": 1.0}])
    (child,) = children_of(shards)
    said = [message["content"] for message in child["messages"]]
    assert said[0] == "be brief"
    assert said[1].startswith("where is it ")
    assert said[2:] == ["which one", "the parking", "there"]  # refused: it stays as it was
    _, shards = made(tmp_path, [{"use": "./mine.py:louder", "share": 1.0, "on": "response"}])
    (child,) = children_of(shards)
    assert [m["content"] for m in child["messages"]][:4] == [m["content"] for m in chat][:4]
    assert child["messages"][4]["content"].startswith("there ")


def test_label_and_references_are_protected(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": "one", "label": "parking", "references": ["a b", "c"]}])
    _, shards = made(tmp_path, [{"use": "./mine.py:guarded", "share": 1.0}], ingest={"label": "label"})
    assert texts_of(children_of(shards)) == ["parking a b c"]


def test_a_larger_share_contains_a_smaller_one_and_makes_only_what_is_new(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", some(3000))
    small, few = made(tmp_path, [{"use": "./mine.py:louder", "share": 0.05}])
    large, many = made(tmp_path, [{"use": "./mine.py:louder", "share": 0.1}])
    shards = len([shard for shard in few if not shard[0]["parent_shard"]])
    assert small["record"]["units"]["ran"]["louder"] == 2 * shards  # the bands below .01 and .05
    assert large["record"]["units"]["ran"]["louder"] == shards  # that below .1
    assert large["record"]["units"]["found"]["louder"] == 2 * shards
    less, more = set(texts_of(children_of(few))), set(texts_of(children_of(many)))
    assert less < more
    assert abs(len(less) / 2000 - 0.05) < 0.015
    assert abs(len(more) / 2000 - 0.1) < 0.02


def test_a_grid_reaches_a_share_by_the_method_or_its_name(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", some(300))
    (tmp_path / "mine.py").write_text(MINE)
    do = [{"use": "./mine.py:louder", "name": "first"}, {"use": "./mine.py:louder", "name": "second", "share": 0}]
    tables = {
        "raw": {"step": "ingest", "files": "*.jsonl"},
        "more": {"step": "augment", "from": "raw", "do": do, "each": {"first.share": [0, 1.0]}},
    }
    store = Store.open(tmp_path / "store")
    artifacts = run(recipes.from_tables(tables, "more", tmp_path), store=tmp_path / "store")
    manifests = [store.manifest(artifact.key) for artifact in artifacts if artifact.step == "more"]
    assert [[story["made"] for story in m["detail"]["augmenters"]] for m in manifests if m] == [[0, 0], [200, 0]]


def test_an_append_makes_only_new_units(tmp_path: Path) -> None:
    wide = [{**row, "wide": "w" * 4000} for row in some(1000)]
    do = [{"use": "./mine.py:louder", "share": 0.1}]
    lines.write(tmp_path / "a.jsonl", wide[:900])
    _, first = made(tmp_path, do)
    lines.write(tmp_path / "a.jsonl", wide)
    after, second = made(tmp_path, do)
    whole, third = made(tmp_path, do, store="another")
    old, new = set(texts_of(children_of(first))), set(texts_of(children_of(second)))
    assert old < new
    ran, found = after["record"]["units"]["ran"]["louder"], after["record"]["units"]["found"]["louder"]
    assert found > ran > 0
    assert ran + found == whole["record"]["units"]["ran"]["louder"]
    assert new == set(texts_of(children_of(third)))


def test_children_are_the_same_whatever_the_sharding_and_the_order_of_methods(tmp_path: Path) -> None:
    records = some(600)
    lines.write(tmp_path / "one" / "a.jsonl", records)
    lines.write(tmp_path / "many" / "a.jsonl", [{**record, "wide": "w" * 8000} for record in records])
    first = {"use": "./mine.py:louder", "share": 0.5}
    second = {"use": "./mine.py:guarded", "share": 0.5}
    _, one = made(tmp_path / "one", [first, second], ingest={"label": "label"})
    _, many = made(tmp_path / "many", [second, first], ingest={"label": "label"})
    assert len([shard for shard in many if not shard[0]["parent_shard"]]) > 1

    def said(shards: list[list[Row]]) -> list[tuple[int, str]]:
        found = [
            (row["row"], text) for row, text in zip(children_of(shards), texts_of(children_of(shards)), strict=True)
        ]
        louder = [one for one in found if not one[1].startswith("l")]
        return louder + [one for one in found if one not in louder]  # method by method, each in the order of the rows

    assert said(one) == said(many)


def test_the_number_of_workers_changes_no_byte(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", [{**row, "wide": "w" * 8000} for row in some(400)])
    (tmp_path / "mine.py").write_text(MINE)
    tables = {
        "raw": {"step": "ingest", "files": "*.jsonl"},
        "more": {"step": "augment", "from": "raw", "do": [{"use": "./mine.py:louder", "share": 0.5}, "noise"]},
    }
    found = recipes.from_tables(tables, "more", tmp_path)
    digests = {
        workers: run(found, store=tmp_path / f"store-{workers}", workers=workers)[-1].digest for workers in (1, 3)
    }
    assert digests[1] == digests[3]


def test_a_defect_that_was_planted_in_a_parent_is_not_looked_for_in_its_children(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": "one text"}, {"text": "one text"}, {"text": "another"}])
    lines.write(tmp_path / "planted.jsonl", [{"kind": "exact_duplicate", "file": "a.jsonl", "row": 2}])
    (tmp_path / "mine.py").write_text(MINE)
    tables = {
        "raw": {"step": "ingest", "files": "a.jsonl"},
        "more": {"step": "augment", "from": "raw", "do": [{"use": "./mine.py:louder", "share": 1.0}]},
        "clean": {"step": "curate", "from": "more", "do": ["exact"]},
        "truth": {"step": "audit", "from": "clean", "planted": "planted.jsonl"},
    }
    artifact = run(recipes.from_tables(tables, "more", tmp_path), store=tmp_path / "store")[-1]
    manifest = Store.open(tmp_path / "store").manifest(artifact.key)
    assert manifest is not None
    assert manifest["record"]["summary"] == "1 of 1 planted defects found"


def test_a_split_that_no_row_has_is_told(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", some(6))
    with pytest.raises(UserError, match=r"no row has the split 'tran'(?s:.*)'train'"):
        made(tmp_path, ["./mine.py:louder"], of="tran")


def test_another_seed_makes_others(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", some(300))
    do = [{"use": "./mine.py:louder", "share": 0.2}]
    assert texts_of(children_of(made(tmp_path, do)[1])) != texts_of(children_of(made(tmp_path, do, seed=1)[1]))


def test_without_augmentation_the_rows_are_what_they_were(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", some(30))
    manifest, shards = made(tmp_path, ["./mine.py:louder"], augmented=False)
    raw = Store.open(tmp_path / "store").manifest(next(iter(manifest["inputs"].values()))[0])
    assert raw is not None
    assert manifest["digest"] == raw["digest"]
    assert not children_of(shards)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("fewer", r"fewer failed: ValueError: 0 texts for 1 passages"),
        ("numbers", r"numbers failed: TypeError: 7 is no text, and not Refused"),
        ("lazy", r"lazy failed: TypeError: it gives generator"),
    ],
)
def test_what_is_no_answer_is_told_with_the_methods_name(tmp_path: Path, method: str, words: str) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": "one"}])
    with pytest.raises(RunError, match=words):
        made(tmp_path, [{"use": f"./mine.py:{method}", "share": 1.0}])


def test_typed_columns_of_a_source_stay_typed(tmp_path: Path) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pa.table({"text": ["one", "two"], "when": pa.array([1, 2], pa.timestamp("s"))})
    pq.write_table(table, tmp_path / "a.parquet")
    _, shards = made(tmp_path, [{"use": "./mine.py:louder", "share": 1.0}], files="a.parquet")
    found = children_of(shards)
    assert len(found) == 2
    assert all(row["extra"] == shards[0][row["parent_row"]]["extra"] for row in found)


def test_one_file_is_augmented_by_a_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    lines.write(tmp_path / "in.jsonl", [{"text": "one", "id": 1}, {"text": "two", "id": 2}])
    out = al.augment("in.jsonl", "out.jsonl", do=[{"use": "./mine.py:constant", "share": 1.0}])
    found = [(row["text"], row["id"]) for row in lines.read(out)]
    assert found[:2] == [("one", 1), ("two", 2)]
    assert sorted(found[2:]) == [("yes", 1), ("yes", 2)]


def test_a_step_that_would_draw_what_a_step_before_drew_is_refused(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", some(300))
    (tmp_path / "mine.py").write_text(MINE)
    louder = {"use": "./mine.py:louder", "share": 0.2}
    tables: dict[str, Row] = {
        "raw": {"step": "ingest", "files": "*.jsonl"},
        "more": {"step": "augment", "from": "raw", "do": [louder]},
        "most": {"step": "augment", "from": "more", "do": [louder]},
    }
    with pytest.raises(UserError, match=r"'louder', as \[more\] has(?s:.*)another seed"):
        run(recipes.from_tables(tables, "more", tmp_path), store=tmp_path / "store")
    for other in ({"seed": 1}, {"do": [{**louder, "name": "again"}]}):
        run(
            recipes.from_tables({**tables, "most": {**tables["most"], **other}}, "more", tmp_path), store=tmp_path / "s"
        )


def test_two_augmenters_that_say_the_same_make_shards_of_their_own(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": "a word"}, {"text": "loud!"}])
    do = [{"use": "./mine.py:constant", "name": name, "share": 1.0} for name in ("first", "second")]
    manifest, shards = made(tmp_path, do)
    assert texts_of(shards[1]) == texts_of(shards[2]) == ["yes", "yes"]
    assert manifest["shards"][1]["text"][1] != manifest["shards"][2]["text"][1]


def test_children_of_a_shard_are_one_shard_whatever_bands_they_are_drawn_in(tmp_path: Path) -> None:
    lines.write(tmp_path / "a.jsonl", some(600))
    _, shards = made(tmp_path, [{"use": "./mine.py:louder", "share": 1.0}])
    assert len(shards) == 2
    assert [row["parent_row"] for row in shards[1]] == [row for row in range(600) if row % 3 != 2]
