"""Holds the demo's corpus to what its README says of it."""

from __future__ import annotations

import csv
import gzip
import html
import importlib
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

Entry = dict[str, Any]
FILES = ("messages-1.jsonl", "messages-2.csv", "messages-3.jsonl.gz")
FIELDS = {"text", "intent", "conversation_id", "user_id", "received"}
KINDS = {
    "exact_duplicate": 60,
    "near_duplicate": 92,
    "mojibake": 40,
    "html": 30,
    "other_language": 64,
    "leaked": 40,
    "personal_data": 34,
    "unreadable": 20,
}


def make(root: Path, out: Path, *, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "recipes/demo/make_corpus.py"), str(out)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="session")
def corpus(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo") / "corpus"
    done = make(root, out)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    return out


@pytest.fixture(scope="session")
def demo(root: Path) -> Iterator[dict[str, ModuleType]]:
    """The script's modules; taken out of sys.modules again, their names are short."""
    names = ("make_corpus", "grammar", "lexicon", "containers", "people", "dirt", "draws")
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "recipes/demo"))
        yield {name: importlib.import_module(name) for name in names}
    for name in set(sys.modules) - before:
        if str(root / "recipes/demo") in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def parsed(record: bytes) -> dict[str, str] | None:
    """A line of JSON as a reader takes it: strict UTF-8, one object; None where that fails."""
    try:
        value: dict[str, str] = json.loads(record.decode())
    except ValueError:
        return None
    return value


@pytest.fixture(scope="session")
def records(corpus: Path) -> dict[tuple[str, int], dict[str, str] | None]:
    """Every record by file and row, None where it cannot be read."""
    found: dict[tuple[str, int], dict[str, str] | None] = {}
    for name in FILES:
        data = (corpus / name).read_bytes()
        if name.endswith(".csv"):
            head, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
            read = [dict(zip(head, row, strict=True)) if len(row) == len(head) else None for row in rows]
        else:
            lines = (gzip.decompress(data) if name.endswith(".gz") else data).split(b"\n")
            assert lines.pop() == b""
            read = [parsed(line) for line in lines]
        found |= {(name, row): record for row, record in enumerate(read, start=1)}
    return found


@pytest.fixture(scope="session")
def planted(corpus: Path) -> list[Entry]:
    return [json.loads(line) for line in (corpus / "planted.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="session")
def test_set(corpus: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (corpus / "test.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="session")
def clean(records: dict[tuple[str, int], dict[str, str] | None], planted: list[Entry]) -> list[dict[str, str]]:
    dirty = {(entry["file"], entry["row"]) for entry in planted}
    rows = [record for place, record in records.items() if place not in dirty]
    assert None not in rows  # what is not planted can be read
    return [row for row in rows if row is not None]


@pytest.fixture(scope="session")
def texts(
    records: dict[tuple[str, int], dict[str, str] | None], planted: list[Entry]
) -> dict[str, list[tuple[Entry, dict[str, str]]]]:
    """The readable planted rows by kind, each with its entry."""
    found = defaultdict(list)
    for entry in planted:
        record = records[entry["file"], entry["row"]]
        if record is not None:
            found[entry["kind"]].append((entry, record))
    return found


def words3(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + 3]) for at in range(len(words) - 2)} or {tuple(words)}


def characters5(text: str) -> set[str]:
    folded = re.sub(r"\s+", " ", text.lower()).strip()
    return {folded[at : at + 5] for at in range(len(folded) - 4)}


def alike(one: set[Any], other: set[Any]) -> float:
    return len(one & other) / len(one | other)


def fold(text: str) -> str:
    return " ".join(text.lower().split())


# --- the same bytes


def test_another_hash_seed_gives_the_same_bytes(root: Path, corpus: Path, tmp_path: Path) -> None:
    assert make(root, tmp_path / "again", hash_seed="4711").returncode == 0
    assert contents(tmp_path / "again") == contents(corpus)


def test_a_corpus_that_is_up_to_date_is_left_alone(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "corpus"
    make(root, out)
    (out / "test.jsonl").write_text("mine")
    assert "up to date" in make(root, out).stdout
    assert (out / "test.jsonl").read_text() == "mine"


def test_a_corpus_of_other_scripts_is_made_again(root: Path, corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "corpus"
    out.mkdir()
    (out / "VERSION").write_text("of old")
    (out / "stale.jsonl").write_text("{}")
    assert make(root, out).returncode == 0
    assert contents(out) == contents(corpus)
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]  # no folder of the way there is left


def test_a_folder_of_somebody_else_is_not_touched(root: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    done = make(root, tmp_path)
    assert done.returncode == 1
    assert "not a corpus of this script" in done.stderr
    assert (tmp_path / "thesis.txt").exists()


def test_a_wrong_command_line_says_how(root: Path) -> None:
    done = make(root, Path("--help-me"))
    assert done.returncode == 2
    assert done.stderr.startswith("usage:")


def test_a_failure_leaves_nothing_behind(
    demo: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo["make_corpus"].Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="no space"):
        demo["make_corpus"].write(tmp_path / "corpus")
    assert list(tmp_path.iterdir()) == []


def full_disk(_: Path, __: bytes) -> int:
    raise OSError(28, "no space left")


# --- the clean rows


def test_sizes(clean: list[dict[str, str]], test_set: list[dict[str, str]], planted: list[Entry]) -> None:
    assert (len(clean), len(test_set), len(planted)) == (1300, 600, 380)


def test_fields(records: dict[tuple[str, int], dict[str, str] | None], test_set: list[dict[str, str]]) -> None:
    rows = [record for record in records.values() if record is not None]
    assert all(set(row) == FIELDS for row in rows)
    assert all(isinstance(value, str) and value for row in rows for value in row.values())
    assert all(set(row) == {"text", "intent"} for row in test_set)
    received = [row["received"] for row in rows]
    assert received == sorted(received)


def test_labels_are_nearly_balanced(
    demo: dict[str, ModuleType], clean: list[dict[str, str]], test_set: list[dict[str, str]]
) -> None:
    names = set(demo["grammar"].intents())
    assert len(names) == 40
    for rows, least, most in ((test_set, 12, 19), (clean, 26, 40)):
        counts = Counter(row["intent"] for row in rows)
        assert set(counts) == names
        assert min(counts.values()) >= least
        assert max(counts.values()) <= most
        assert len(set(counts.values())) > 5  # not quite equal


def test_messages_are_short(clean: list[dict[str, str]], test_set: list[dict[str, str]]) -> None:
    lengths = sorted(len(row["text"].split()) for row in [*clean, *test_set])
    assert lengths[0] >= 6
    assert lengths[-1] <= 36
    assert 15 <= lengths[len(lengths) // 2] <= 28


def test_conversations(clean: list[dict[str, str]]) -> None:
    users = defaultdict(set)
    for row in clean:
        users[row["conversation_id"]].add(row["user_id"])
    sizes = Counter(Counter(row["conversation_id"] for row in clean).values())
    assert set(sizes) == {1, 2, 3}
    assert all(len(names) == 1 for names in users.values())
    assert len(set.union(*users.values())) > 500


def test_no_skeleton_is_common(
    demo: dict[str, ModuleType], clean: list[dict[str, str]], test_set: list[dict[str, str]]
) -> None:
    rows = [row["text"] for row in [*clean, *test_set]]
    skeletons = Counter(fold(demo["lexicon"].delexicalise(text)) for text in rows)
    assert skeletons.most_common(1)[0][1] <= 0.01 * len(rows)


def test_skeletons_hide_what_varies(demo: dict[str, ModuleType]) -> None:
    skeleton = demo["lexicon"].delexicalise
    one = skeleton("Book the Blue Ladle on Mill Lane for 4 on Friday at 7 pm, B-12345, Ada. €12 for the risotto?")
    other = skeleton(
        "Book Café Zoë on Rope Walk for eight tomorrow at 19:15, K-98765, Mr Okafor. 7.50 € for the trout?"
    )
    assert one == other
    assert not re.search(r"\d|Ada|Ladle|risotto", one)


def test_no_two_clean_rows_are_near_duplicates(clean: list[dict[str, str]], test_set: list[dict[str, str]]) -> None:
    shingles = [words3(row["text"]) for row in [*clean, *test_set]]
    holders = defaultdict(list)
    for row, held in enumerate(shingles):
        for shingle in held:
            holders[shingle].append(row)
    pairs = {(one, other) for rows in holders.values() for at, other in enumerate(rows) for one in rows[:at]}
    assert len(pairs) > 10_000  # rows do share phrases
    assert max(alike(shingles[one], shingles[other]) for one, other in pairs) < 0.5


def test_a_bag_of_words_is_not_enough(clean: list[dict[str, str]], test_set: list[dict[str, str]]) -> None:
    texts, labels = ([row[field] for row in clean] for field in ("text", "intent"))
    expected = [row["intent"] for row in test_set]
    scores = []
    for vectorizer, model in (
        (CountVectorizer(ngram_range=(1, 2)), LogisticRegression(C=1, max_iter=300)),
        (TfidfVectorizer(), LogisticRegression(C=10, max_iter=300)),
        (TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=300)),
        (TfidfVectorizer(ngram_range=(1, 3)), LinearSVC()),
    ):
        model.fit(vectorizer.fit_transform(texts), labels)
        scores.append(model.score(vectorizer.transform([row["text"] for row in test_set]), expected))
    assert 0.65 < max(scores) < 0.90


# --- the planted rows


def test_every_kind_is_there(planted: list[Entry]) -> None:
    assert Counter(entry["kind"] for entry in planted) == KINDS
    places = [(entry["file"], entry["row"]) for entry in planted]
    assert len(set(places)) == len(places)  # a row has one kind at most
    assert places == sorted(places)
    assert {name for name, _ in places} == set(FILES)


def test_exact_duplicates(
    records: dict[tuple[str, int], dict[str, str] | None], texts: dict[str, list[tuple[Entry, dict[str, str]]]]
) -> None:
    for entry, copy in texts["exact_duplicate"]:
        original = records[entry["of"]["file"], entry["of"]["row"]]
        assert original is not None
        assert (copy["text"] == original["text"]) == entry["identical"]
        assert fold(copy["text"]) == fold(original["text"])
        assert copy["intent"] == original["intent"]
    assert Counter(entry["identical"] for entry, _ in texts["exact_duplicate"]) == {True: 40, False: 20}


def test_near_duplicates_are_as_alike_as_recorded(
    records: dict[tuple[str, int], dict[str, str] | None], texts: dict[str, list[tuple[Entry, dict[str, str]]]]
) -> None:
    grades = []
    for entry, copy in texts["near_duplicate"]:
        original = records[entry["of"]["file"], entry["of"]["row"]]
        assert original is not None
        measured = {
            "word3": alike(words3(copy["text"]), words3(original["text"])),
            "char5": alike(characters5(copy["text"]), characters5(original["text"])),
        }
        assert entry["similarity"] == pytest.approx(measured, abs=6e-5)
        assert copy["intent"] == original["intent"]
        grades.append(measured["char5"])
    spread = Counter(int(grade * 10) for grade in grades)
    assert 0.48 <= min(grades) < 0.55
    assert 0.92 < max(grades) < 0.97
    assert all(spread[tenth] >= 10 for tenth in (5, 6, 7, 8, 9))


def test_copies_come_later_than_their_originals(planted: list[Entry]) -> None:
    copies = [entry for entry in planted if "of" in entry]
    dirty = {(entry["file"], entry["row"]) for entry in planted}
    assert len(copies) == KINDS["exact_duplicate"] + KINDS["near_duplicate"]
    for entry in copies:
        original = (entry["of"]["file"], entry["of"]["row"])
        assert original < (entry["file"], entry["row"])
        assert original not in dirty


def test_mojibake_is_utf8_read_wrongly(texts: dict[str, list[tuple[Entry, dict[str, str]]]]) -> None:
    for entry, row in texts["mojibake"]:
        assert row["text"] != entry["clean"]
        data = entry["clean"].encode()
        assert row["text"] in {data.decode("latin-1"), data.decode("cp1252", errors="replace")}


def test_html_is_the_clean_text_with_markup(texts: dict[str, list[tuple[Entry, dict[str, str]]]]) -> None:
    for entry, row in texts["html"]:
        assert re.search(r"&#?\w+;", row["text"])
        assert fold(html.unescape(re.sub(r"<[^>]+>", " ", row["text"]))) == fold(entry["clean"])
    assert sum("<" in row["text"] for _, row in texts["html"]) > 20


def test_other_languages(demo: dict[str, ModuleType], texts: dict[str, list[tuple[Entry, dict[str, str]]]]) -> None:
    rows = texts["other_language"]
    assert Counter(entry["language"] for entry, _ in rows) == dict.fromkeys(
        ("de", "fr", "es", "it", "pt", "nl", "sv", "pl"), 8
    )
    assert all(8 <= len(row["text"].split()) <= 25 for _, row in rows)
    assert {row["intent"] for _, row in rows} < set(demo["grammar"].intents())
    assert len({row["text"] for _, row in rows}) == len(rows)


def test_leaked_rows_are_rows_of_the_test_set(
    texts: dict[str, list[tuple[Entry, dict[str, str]]]], test_set: list[dict[str, str]]
) -> None:
    exact = 0
    for entry, row in texts["leaked"]:
        leak = test_set[entry["test"]["row"] - 1]
        exact += row["text"] == leak["text"]
        grade = alike(characters5(row["text"]), characters5(leak["text"]))
        assert entry["similarity"]["char5"] == pytest.approx(grade, abs=6e-5)
        assert grade >= 0.8
        assert row["intent"] == leak["intent"]
    assert exact == KINDS["leaked"] / 2
    assert len({entry["test"]["row"] for entry, _ in texts["leaked"]}) == KINDS["leaked"]


def test_personal_details_stand_in_the_text(texts: dict[str, list[tuple[Entry, dict[str, str]]]]) -> None:
    kinds = Counter(kind for entry, _ in texts["personal_data"] for kind in entry["details"])
    assert kinds["name"] == KINDS["personal_data"]
    assert all(kinds[kind] >= 4 for kind in ("email", "phone", "iban", "card"))
    for entry, row in texts["personal_data"]:
        assert all(value in row["text"] for value in entry["details"].values())


def test_personal_details_are_valid_and_nobodys(texts: dict[str, list[tuple[Entry, dict[str, str]]]]) -> None:
    for entry, _ in texts["personal_data"]:
        details = entry["details"]
        if "email" in details:
            assert re.fullmatch(r"[a-z.-]+\d+@(\w+\.)?example\.(org|com|net)", details["email"])
        if "phone" in details:
            assert re.fullmatch(r"\+44 20 7946 0\d{3}|07700 900\d{3}|\+1 202 555 01\d\d", details["phone"])
        if "card" in details:
            assert luhn_holds(details["card"])
            assert details["card"].startswith("4000 00")
        if "iban" in details:
            assert mod97_holds(details["iban"])
            assert re.fullmatch(r"DE\d\d 0000 0000 .*|GB\d\d TEST .*", details["iban"])


def luhn_holds(card: str) -> bool:
    total = 0
    for at, digit in enumerate(reversed(card.replace(" ", ""))):
        total += sum(map(int, str(int(digit) * 2))) if at % 2 else int(digit)
    return total % 10 == 0


def mod97_holds(iban: str) -> bool:
    signs = iban.replace(" ", "")
    return int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1


def test_checksums_match_published_numbers(demo: dict[str, ModuleType]) -> None:
    assert demo["people"].luhn_digit("7992739871") == "3"  # the example of ISO/IEC 7812-1 in wide use
    assert demo["people"].iban("GB", "WEST12345698765432") == "GB82 WEST 1234 5698 7654 32"  # the registry's example


def test_unreadable_rows_cannot_be_read(
    records: dict[tuple[str, int], dict[str, str] | None], planted: list[Entry]
) -> None:
    broken = {place for place, record in records.items() if record is None}
    entries = [entry for entry in planted if entry["kind"] == "unreadable"]
    assert broken == {(entry["file"], entry["row"]) for entry in entries}
    assert {entry["fault"] for entry in entries} == {
        "truncated line",
        "single quotes",
        "missing colon",
        "invalid UTF-8",
        "a field too many",
        "fields missing",
    }


# --- the parts


def test_draws_stay_what_they_are(demo: dict[str, ModuleType]) -> None:
    draws = demo["draws"].Draws(0, "golden", 1)
    assert [draws.below(1000) for _ in range(4)] == [221, 838, 241, 102]  # whatever the Python version
    assert sorted(draws.shuffled(range(9))) == list(range(9))


def test_expansion_takes_nested_choices(demo: dict[str, ModuleType]) -> None:
    expand, stream = demo["grammar"].expand, demo["draws"].Draws
    template = "(a|b(c|d{x})|) e"
    found = {expand(template, stream(number), {"x": "!"}.__getitem__) for number in range(80)}
    assert found == {"a e", "bc e", "bd! e", " e"}


def test_every_phrase_expands(demo: dict[str, ModuleType]) -> None:
    grammar, lexicon, draws = demo["grammar"], demo["lexicon"], demo["draws"].Draws("phrases")
    for intent in grammar.intents():
        phrases = grammar.phrases_of(intent)
        assert set(phrases) == {"ask", "do", "about", "fact"}
        for kind, templates in phrases.items():
            assert len(set(templates)) == len(templates) >= 4
            for template in templates:
                text = grammar.expand(template, draws, lexicon.Slots(draws).fill)
                assert not re.search(r"[{}|()]", text)
                assert (text[-1] in ".?") == (kind == "ask")


def test_asides_are_about_another_intent(demo: dict[str, ModuleType]) -> None:
    grammar, stream = demo["grammar"], demo["draws"].Draws
    asides = [grammar.compose(stream("aside", number), "refund").aside for number in range(200)]
    assert "refund" not in asides
    assert 0.5 < sum(aside is not None for aside in asides) / len(asides) < 0.75


def test_gzip_of_any_length_is_gzip(demo: dict[str, ModuleType]) -> None:
    for length in (0, 1, 65_535, 65_536, 200_000):
        data = bytes(at % 251 for at in range(length))
        assert gzip.decompress(demo["containers"].gzipped(data)) == data


def test_no_edit_is_found_where_there_is_none(demo: dict[str, ModuleType]) -> None:
    assert demo["dirt"].edited_down_to("hm", demo["draws"].Draws("short"), 0.97) is None
