"""synonyms: the same meaning, part of speech, form and case; and what is never replaced."""

from __future__ import annotations

import csv
import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import small_wordnet

from adaptline.core import recipe as recipes
from adaptline.core import signatures
from adaptline.core.sources import Files, find_files, find_folder
from adaptline.data import wordnet
from adaptline.data.augments.synonyms import synonyms
from adaptline.data.passages import Draws, Passage
from adaptline.errors import UserError


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_wordnet.write(tmp_path_factory.mktemp("wordnet"))


def said(text: str, folder: Path, *protected: str, rate: float = 1.0, stream: int = 0) -> str:
    given = find_folder(str(folder), Path("/"))
    return synonyms([Passage(text, Draws(stream), protected)], rate=rate, wordnet=given)[0]


def pairs(folder: Path, text: str) -> Files:
    (folder / "pairs.tsv").write_text(text)
    return find_files("pairs.tsv", folder)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("the big shop", "the large store"),
        ("She purchased it.", "She bought it."),
        ("we are purchasing boxes", "we are buying cases"),
        ("Mistakes happen", "Errors happen"),
        ("it was a mistake", "it was an error"),
        ("It was An error", "It was An error"),  # a capital within a sentence
        ("an error", "a mistake"),
        ("the bigger box", "the larger case"),
        ("the prettiest box", "the most attractive case"),
        ("he began to halt", "he started to stop"),
        ("to book it", "to reserve it"),
        ("the book", "the book"),
        ("she found it", "she found it"),  # of find, or found itself
        ("the leaves", "the leaves"),  # of leaf, or leave
        ("in china", "in china"),
        ("the Big Shop", "the Big Shop"),
        ("the BIG shop by the shop", "the BIG shop by the store"),
        ("Visit China shop now", "Visit China shop now"),
        ("a mistake-prone plan", "a mistake-prone plan"),
        ("`mistake` and shop1", "`mistake` and shop1"),
        ("It ran quickly. Quickly!", "It ran rapidly. Rapidly!"),
        ("", ""),
    ],
)
def test_words_are_replaced_in_their_form(small: Path, text: str, wanted: str) -> None:
    assert said(text, small) == wanted


def test_a_choice_of_several_is_drawn(small: Path) -> None:
    found = {said("these countries", small, stream=stream) for stream in range(30)}
    assert found == {"these nations", "these lands"}


def test_label_and_references_stay(small: Path) -> None:
    assert said("the big shop in a big country", small, "big shop", rate=1.0).startswith("the big shop in a large ")


def test_a_rate_of_0_changes_nothing_and_a_rate_is_a_share_of_the_replaceable(small: Path) -> None:
    assert said("the big shop", small, rate=0.001) in ("the large shop", "the big store")  # one at least
    text = "the big shop. " * 2000
    assert said(text, small, rate=0.0) == text
    found = said(text, small, rate=0.25).split()
    changed = sum(old != new for old, new in zip(text.split(), found, strict=True))
    assert abs(changed / 4000 - 0.25) < 0.03


def test_pairs_of_a_file_go_both_ways(tmp_path: Path) -> None:
    file = pairs(tmp_path, "sofa\tcouch\n\nColour color\n12 13\n")
    passages = [Passage(text, Draws(0)) for text in ("my sofa", "the couch", "Color", "12 eggs", "an colour")]
    assert synonyms(passages, rate=1.0, file=file) == ["my couch", "the sofa", "Colour", "12 eggs", "a color"]


def test_a_line_that_is_no_pair_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"pairs.tsv, line 2: 3 columns, not a pair of words"):
        synonyms([], file=pairs(tmp_path, "a b\na b c\n"))
    (tmp_path / "pairs.tsv").write_bytes(b"caf\xe9 bar\n")
    with pytest.raises(UserError, match=r"pairs.tsv, line 1: not UTF-8"):
        synonyms([], file=find_files("pairs.tsv", tmp_path))


def test_a_cut_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "pairs.gz").write_bytes(gzip.compress(b"sofa couch\n" * 9999)[:60])
    with pytest.raises(UserError, match=r"pairs.gz: its compressed data cannot be read"):
        synonyms([], file=find_files("pairs.gz", tmp_path))


@pytest.mark.parametrize("name", ["pairs.gz", "pairs.txt"])
def test_a_line_that_never_ends_is_told_without_being_read(tmp_path: Path, name: str) -> None:
    text = b"sofa couch\n" + b"x" * 50_000_000
    (tmp_path / name).write_bytes(gzip.compress(text, 1) if name.endswith("gz") else text)
    del text
    tracemalloc.start()
    with pytest.raises(UserError, match=rf"{name}, line 2: a line of more than 65,536 bytes"):
        synonyms([], file=find_files(name, tmp_path))
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_without_wordnet_it_is_told_before_any_work_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordnet, "folders", lambda: iter([tmp_path]))
    with pytest.raises(UserError, match=r"not installed(?s:.)*apt-get install wordnet-base"):
        signatures.bind_use("do", "synonyms", "augmenter", tmp_path)
    pairs(tmp_path, "a b\n")
    assert signatures.bind_use("do", {"use": "synonyms", "file": "pairs.tsv"}, "augmenter", tmp_path).use == "synonyms"


def test_mistakes_are_told_before_any_work(tmp_path: Path) -> None:
    small_wordnet.write(tmp_path / "wordnet")
    pairs(tmp_path, "a b\n")
    both = {"use": "synonyms", "file": "pairs.tsv", "wordnet": "wordnet"}
    with pytest.raises(UserError, match="both file and wordnet"):
        signatures.bind_use("do", both, "augmenter", tmp_path)
    (tmp_path / "wordnet" / "index.verb").unlink()
    with pytest.raises(UserError, match=r"no WordNet in wordnet: index\.verb is missing"):
        signatures.bind_use("do", {"use": "synonyms", "wordnet": "wordnet"}, "augmenter", tmp_path)


def test_the_content_of_wordnet_enters_the_key(tmp_path: Path) -> None:
    def meaning() -> object:
        tables = {
            "raw": {"step": "ingest", "files": "a.txt"},
            "more": {"step": "augment", "from": "raw", "do": [{"use": "synonyms", "wordnet": "wordnet"}]},
        }
        found = recipes.from_tables(tables, "r", tmp_path)
        return signatures.meaning(found.values(found.table("more"), {}))

    (tmp_path / "a.txt").write_text("a\n")
    folder = small_wordnet.write(tmp_path / "wordnet")
    before = meaning()
    assert meaning() == before
    (folder / "noun.exc").write_text("leaves leaf\n")
    assert meaning() != before


def test_beside_a_file_of_pairs_the_installed_wordnet_has_no_part_in_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meaning(use: dict[str, str] | str) -> object:
        return signatures.meaning(signatures.bind_use("do", use, "augmenter", tmp_path).parameters)

    pairs(tmp_path, "a b\n")
    by_file = {"use": "synonyms", "file": "pairs.tsv"}
    monkeypatch.setattr(wordnet, "folders", lambda: iter([]))
    without = meaning(by_file)
    small_wordnet.write(tmp_path / "wordnet")
    monkeypatch.setattr(wordnet, "folders", lambda: iter([tmp_path / "wordnet"]))
    assert meaning(by_file) == without
    assert meaning("synonyms") != without


def test_a_folder_with_some_of_wordnets_files_is_told_also_where_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_wordnet.write(tmp_path / "wordnet")
    for path in folder.iterdir():
        if path.name != "index.noun":
            path.unlink()
    monkeypatch.setattr(wordnet, "folders", lambda: iter([folder]))
    with pytest.raises(UserError, match=r"no WordNet in wordnet: data\.adj is missing"):
        signatures.bind_use("do", "synonyms", "augmenter", tmp_path)


def test_real_questions_keep_their_numbers_and_names(real_data: Callable[[str], Path]) -> None:
    """Banking77 with the installed WordNet: most questions can be said otherwise, and no token with a digit changes."""
    if wordnet.installed() is None:
        pytest.skip("WordNet is not installed: apt-get install wordnet-base")
    with (real_data("clf_banking77") / "train.csv").open(encoding="utf-8") as file:
        texts = [row[0] for row in csv.reader(file)][1:2001]
    found = synonyms([Passage(text, Draws(text)) for text in texts], rate=1.0)
    assert sum(old != new for old, new in zip(texts, found, strict=True)) > 900
    for old, new in zip(texts, found, strict=True):
        assert [word for word in old.split() if any(map(str.isdigit, word))] == [
            word for word in new.split() if any(map(str.isdigit, word))
        ]


def test_ppdb_reads(real_data: Callable[[str], Path]) -> None:
    path = next(real_data("lex_ppdb").glob("*.gz"))
    with gzip.open(path, "rb") as file:
        assert file.read(1)
    found = synonyms([Passage("they analysed it", Draws(0))], rate=1.0, file=find_files(path.name, path.parent))
    assert found != ["they analysed it"]
