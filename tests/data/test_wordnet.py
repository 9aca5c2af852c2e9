"""WordNet's files: what they say, on a small folder of their format and on an installed copy."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_wordnet

from adaptline.data import wordnet
from adaptline.errors import UserError


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> wordnet.WordNet:
    return wordnet.read(small_wordnet.write(tmp_path_factory.mktemp("wordnet")))


@pytest.fixture(scope="module")
def real() -> wordnet.WordNet:
    folder = wordnet.installed()
    if folder is None:
        pytest.skip("WordNet is not installed: apt-get install wordnet-base")
    return wordnet.read(folder)


def test_the_first_sense_comes_first_and_counts_for_both(small: wordnet.WordNet) -> None:
    assert small.alike("country", "noun", 1) == ["nation", "land"]
    assert small.alike("shop", "noun", 1) == ["store"]
    assert small.alike("start", "verb", 1) == ["begin"]
    assert small.alike("start", "verb", 2) == ["begin", "bulge"]
    assert small.alike("store", "noun", 2) == ["shop"]  # computer_memory is no word of letters
    assert small.alike("galore", "adj", 1) == ["abundant"]
    assert small.alike("unknown", "noun", 1) == []


def test_a_word_that_a_tagged_corpus_never_saw_is_not_put_in(tmp_path: Path) -> None:
    folder = small_wordnet.write(tmp_path / "tagged")
    (folder / "cntlist.rev").write_text("country%1:15:00:: 1 9\nnation%1:15:00:: 1 4\nlarge%5:00:00:big:00 1 2\n")
    found = wordnet.read(folder)
    assert found.tagged["noun"] == {"country": 9, "nation": 4}
    assert found.tagged["adj"] == {"large": 2}
    assert found.alike("country", "noun", 1) == ["nation"]
    assert found.alike("buy", "verb", 1) == ["purchase"]  # no verb was tagged, so none is left out


def test_names_are_no_words(small: wordnet.WordNet) -> None:
    assert small.alike("china", "noun", 1) == []


def test_base_forms(small: wordnet.WordNet) -> None:
    assert list(small.bases("countries", "noun")) == ["country"]
    assert list(small.bases("boxes", "noun")) == ["box"]
    assert list(small.bases("leaves", "noun")) == ["leaf", "leave"]
    assert list(small.bases("purchasing", "verb")) == ["purchase"]
    assert list(small.bases("bought", "verb")) == ["buy"]
    assert list(small.bases("found", "verb")) == ["found", "find"]
    assert list(small.bases("larger", "adj")) == ["large"]
    assert list(small.bases("quickly", "adv")) == ["quickly"]
    assert list(small.bases("nonsense", "noun")) == []


def test_known_answers_of_the_real_one(real: wordnet.WordNet) -> None:
    """Princeton WordNet 3.0: what its own search program shows, and morphy's examples."""
    assert len(real.synsets["noun"]) == 82115  # wnstats(7WN)
    assert len(real.synsets["verb"]) == 13767
    assert len(real.synsets["adj"]) == 18156
    assert len(real.synsets["adv"]) == 3621
    assert "nation" in real.alike("country", "noun", 1) + real.alike("state", "noun", 1)
    assert list(real.bases("axes", "noun"))[:2] == ["ax", "axis"]
    assert list(real.bases("went", "verb")) == ["go"]
    assert real.tagged["verb"]["go"] > 100


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("index.noun", "country n x\n", "no line of WordNet's index"),
        ("data.noun", "00000057 00\n", "no line of WordNet's data"),
        ("cntlist.rev", "country%1:15:00:: 1 x\n", "no line of WordNet's counts"),
        ("cntlist.rev", "country%9:15:00:: 1 2\n", "no line of WordNet's counts"),
        ("cntlist.rev", "country% 1 2\n", "no line of WordNet's counts"),
        ("cntlist.rev", "country\n", "no line of WordNet's counts"),
        ("index.noun", "country n 1 0 1 1 00000001\n", "do not go together: 'country'"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path: Path, name: str, text: str, what: str) -> None:
    folder = small_wordnet.write(tmp_path / "w")
    (folder / name).write_text(text)
    with pytest.raises(UserError, match=what):
        wordnet.read(folder)


def test_a_folder_without_the_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no WordNet: data.adj is missing(?s:.)*apt-get install wordnet-base"):
        wordnet.read(tmp_path)


def test_nltks_folders_are_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NLTK_DATA", str(tmp_path))
    assert tmp_path / "corpora" / "wordnet" in list(wordnet.folders())
