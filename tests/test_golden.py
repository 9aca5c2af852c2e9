"""Every row method and every metric gives, on a fixed input, what it gave when its version was set.

A key holds a method's name and version, not its code. So a method whose results change under the same version would
serve old results as new ones. When this test fails and the change is meant:

    1. raise `version` in the method's decorator;
    2. ADAPTLINE_GOLDEN=write python -m pytest tests/test_golden.py

The second adds the entries that golden.json lacks, and takes out those of versions and methods that are gone. It never
touches the entry of a version that is there: a result cannot change without its version.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import small_wordnet
import tiny
import tiny_filler
import tiny_writer
import translating_server

from adaptline.core import keys, registry, rows, servers, sources
from adaptline.core.registry import Method
from adaptline.data import reviews
from adaptline.data.passages import Draws, Passage, Refused

GOLDEN = Path(__file__).parent / "golden.json"
VARIABLE = "ADAPTLINE_GOLDEN"

TEXTS: list[str | None] = [
    "How do I book a table for two people tonight?",
    "how do i book a table for  two people tonight",
    "Ich m\u00f6chte bitte einen Tisch f\u00fcr zwei Personen reservieren.",
    "CafÃ© NiÃ±o &amp; Bar<br>open <b>late</b>",
    None,
    "",
    "ok",
    "\ufeffJe voudrais\u200b r\u00e9server une table pour ce soir.  \r\n",
    "\u4f60\u597d\uff0c\u6211\u60f3\u9884\u8ba2\u4eca\u665a\u7684\u4e24\u4eba\u684c\u4f4d\uff0c\u8c22\u8c22\u4f60\u3002",
    "if a < b: return a & b",
    "\U0001f469\u200d\U0001f4bb wrote \ufb01ve emails to anna@example.com, +44 20 7946 0958",
    "How do I book a table for two persons tonight, please?",
    "Where is my order 66? Where is my order 66? Where is my order 66?",
    "ok",
    "You are a complete idiot and I hate this.",
    "how do i book a table for  two people tonight",
]

# Answers, and what they are held against: half right, other cases, other scripts, several references, nothing said.
PREDICTIONS = [
    "The Tin Cherry is a cheap pub by the river.",
    "the tin cherry is a pub, for adults only",
    "She pays 3 * 6 = 18 dollars.",
    "A table for two.",
    "",
    "Ein Tisch f\u00fcr zwei Personen",
    "\u4e24\u4eba\u684c",
    "book\na table for two\nplease",
    "pub",
    "inn",
]
REFERENCES = [
    ["The Tin Cherry is a cheap pub on the riverside.", "A cheap pub, The Tin Cherry, stands by the river."],
    ["The Tin Cherry is a pub for adults only."],
    ["#### 18"],
    ["a table for 2", "A table, for two!"],
    ["Nothing to 1 say"],
    ["Einen Tisch f\u00fcr 2 Personen bitte"],
    ["\u4e24\u4eba\u7684\u684c\u5b50 2"],
    ["please book 1\na table\nfor two"],
    ["pub"],
    ["pub"],
]
PROMPTS = [
    "name[The Tin Cherry], eatType[pub], priceRange[cheap], area[riverside]",
    "Write: name[The Tin Cherry], eatType[pub], familyFriendly[no]",
    *["name: The Tin Cherry"] * 5,
    "name[table]",
    *["name[pub]"] * 2,
]

# Chats, for filters that have nothing to say of plain texts: (role, content) of each turn.
CHATS: list[list[tuple[str, str | None]]] = [
    [("system", "You book tables."), ("user", "A table for two, please."), ("assistant", "It is booked.")],
    [("user", "A table for two, please."), ("user", "Hello?"), ("assistant", "It is booked.")],
    [("user", "A table for two, please."), ("assistant", None)],
    [("user", "A table for two, please."), ("assistant", None), ("tool", "{}"), ("assistant", "It is booked.")],
    [("user", "A table for two, please."), ("assistant", "a table  for two, PLEASE.")],
    [("user", "A table for two, please."), ("assistant", "I\u2019m sorry, but as an AI I cannot book tables.")],
    [("user", "A table for two, please."), ("assistant", "```\nbook(2)")],
    [("user", "A table for two, please."), ("assistant", "There is one at seven and one at eight, which of")],
    [("text", "A table for two, please.")],
    [],
]

Arguments = dict[str, Any]


def _decontaminate(folder: Path) -> list[Arguments]:
    (folder / "items.jsonl").write_text('{"text": "Book a table for two people"}\n{"text": "Where is my order?"}\n')
    (folder / "task.toml").write_text('name = "route"\nfiles = "items.jsonl"\ntext = "text"\n')
    tasks = sources.find_tasks("task.toml", folder)
    return [{"against": tasks}, {"against": tasks, "ngram": "word", "size": 2}]


def _perplexity(folder: Path) -> list[Arguments]:
    base = sources.find_folder(tiny_writer.write_base(folder / "writing").name, folder)
    return [{"base": base}, {"base": base, "max_tokens": 16, "stride": 4}]


def _semantic(folder: Path) -> list[Arguments]:
    base = sources.find_folder(tiny.write_base(folder / "reading").name, folder)
    return [{"base": base}, {"base": base, "pooling": "cls", "threshold": 0.5}]


def _masked_lm(folder: Path) -> list[Arguments]:
    base = sources.find_folder(tiny_filler.write_filler(folder / "filling", steps=0).name, folder)
    return [{"base": base, "rate": 1.0}, {"base": base, "rate": 0.3, "top": 2, "keep": ["book", "a"]}]


def _review(folder: Path) -> list[Arguments]:
    lines: list[dict[str, Any]] = [{"file": "golden.txt", "row": 2, "verdict": "drop", "by": "anna", "why": "twice"}]
    lines += [{"file": "golden.txt", "row": 7, "verdict": "keep"}]
    was = reviews.row_digest([{"role": "text", "content": TEXTS[2]}], None)
    for row in (3, 4):  # the other has changed since
        lines += [
            {"file": "golden.txt", "row": row, "verdict": "mend", "was": was, "contents": ["Ja."], "label": "yes"}
        ]
    (folder / "review.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return [{"file": sources.find_files("review.jsonl", folder)}]


def _length(folder: Path) -> list[Arguments]:
    words = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
    (folder / "tokenizer.json").write_text(json.dumps({"model": words, "pre_tokenizer": {"type": "Whitespace"}}))
    file = sources.find_files("tokenizer.json", folder)
    return [{}, {"unit": "words"}, {"unit": "tokens", "tokenizer": file}]


def _quality(folder: Path) -> list[Arguments]:
    kinds = {"good": ("table", "soup", "bread", "river", "room"), "bad": ("click", "money", "win", "cheap", "order")}
    for name, words in kinds.items():
        rows = [{"text": f"{one} {other} {number}x"} for number, one in enumerate(words) for other in words]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    kept, dropped = (sources.find_files(f"{name}.jsonl", folder) for name in kinds)
    return [{"kept": kept, "dropped": dropped}]


@cache
def _server() -> translating_server.TranslatingServer:
    return translating_server.TranslatingServer().__enter__()  # to the end of this process


def _back_translate(_: Path) -> list[Arguments]:
    given = {"via": "es", "by": "endpoint", "server": servers.Server(_server().url), "model": "small"}
    return [given, {**given, "gates": [], "language": "de"}, {**given, "max_length": 1.1, "min_similarity": 0.8}]


def _synonyms(folder: Path) -> list[Arguments]:
    (folder / "pairs.tsv").write_text("table\tdesk\ntonight\tthis evening\norder\tpurchase\nhate\tdetest\n")
    pairs = {"file": sources.find_files("pairs.tsv", folder), "rate": 1.0}
    small_wordnet.write(folder / "wordnet")
    return [pairs, {"wordnet": sources.find_folder("wordnet", folder), "rate": 0.9, "senses": 2}]


# Parameters to run a method with, besides its defaults alone. A method that needs parameters must be here.
VARIANTS: dict[str, Callable[[Path], list[Arguments]]] = {
    "boilerplate": lambda _: [{"phrases": ["tisch", "table for"]}, {"kinds": [], "phrases": ["order", "ok"]}],
    "back_translate": _back_translate,
    "bleu": lambda _: [{"case": "cased"}, {"case": "lower", "tokenize": "zh", "smooth": "floor"}],
    "c4": lambda _: [{"min_sentences": 1, "min_words_per_line": 1}, {"min_sentences": 0, "min_kept_lines": 0.5}],
    "chat": lambda _: [{}, {"min_words": 5, "rules": ["roles", "broken_off"]}, {"refusals": ["booked"]}],
    "chrf": lambda _: [{}, {"case": "lower", "word_order": 2}],
    "decontaminate": _decontaminate,
    "exact": lambda _: [{}, {"normalise": False}],
    "exact_match": lambda _: [{}, {"normalise": "none"}],
    "fineweb": lambda _: [{}, {"short": 10, "duplicate_lines": 0.05}],
    "gopher": lambda _: [{"min_words": 5, "min_stop_words": 1}, {"min_words": 1, "min_stop_words": 0}],
    "gopher_repetition": lambda _: [{}, {"top_grams": [1.0, 1.0, 0.5]}],
    "label": lambda _: [{}, {"known": ["a", "b"]}],
    "language": lambda _: [{}, {"min_confidence": 0.0, "min_letters": 0}],
    "length": _length,
    "macro_f1": lambda _: [{}, {"absent": "zero"}],
    "mask_pii": lambda _: [
        {},
        {"mode": "pseudonym"},
        {"mode": "pseudonym", "seed": 1, "kinds": ["email", "phone"], "private": True},
    ],
    "masked_lm": _masked_lm,
    "minhash": lambda _: [
        {},
        {"threshold": 0.5},
        {"ngram": "word", "size": 2, "threshold": 0.4, "bands": 32, "seed": 1},
        {"threshold": 0.5, "best": "length"},
    ],
    "overlap": lambda _: [{}, {"of": "prompt"}, {"ngram": "char", "size": 5}],
    "perplexity": _perplexity,
    "presidio": lambda _: [
        {},
        {"mode": "pseudonym", "seed": 1, "languages": ["de", "en"], "countries": ["uk"], "min_score": 0.3},
    ],
    "quality": _quality,
    "review": _review,
    **dict.fromkeys(("rouge1", "rouge2", "rougeL", "rougeLsum"), lambda _: [{}, {"tokenize": "unicode"}]),
    "semantic": _semantic,
    "share": lambda _: [{"of": kind} for kind in ("upper", "digit", "letter", "symbol", "white")],
    "slots": lambda _: [
        {"said": {"familyFriendly[no]": ["adults only"]}},
        {"said": {"familyFriendly[no]": ["grown-ups"], "area[riverside]": ["by the river"]}, "every": True},
        {"only": ["name"]},
    ],
    "unicode": lambda _: [
        {},
        {"form": "NFKC", "breaks": "space"},
        {"mojibake": False, "html": False},
        {"single_spaces": True, "straight_quotes": True, "plain_dashes": True},
        {"lower_case": True, "no_punctuation": True},
    ],
    "toxicity": lambda _: [{}, {"languages": []}],
    "noise": lambda _: [{"typo": 0.05}, {"ocr": 0.3, "case": 0.2, "word": 0.2}, {"punctuation": 0.5, "space": 0.5}],
    "synonyms": _synonyms,
}


# What models compute differs between processors in the last digits of float32; so few digits do not show it.
DIGITS = {"perplexity": 3, "semantic": 3}

# Methods of extras: without the package nothing is said of them, and their entries stay as they are.
EXTRAS = {"presidio": "presidio_analyzer"}

ON_CHATS = ("chat", "overlap")  # filters that look at CHATS, not at TEXTS


def package_methods() -> list[Method]:
    kinds = (*registry.ROW_METHODS, "augmenter", "metric")
    return [registry.load(kind, name) for kind in kinds for name in registry.names(kind) if not lacks_package(name)]


def lacks_package(name: str) -> bool:
    return name in EXTRAS and importlib.util.find_spec(EXTRAS[name]) is None


def entry(method: Method) -> str:
    return f"{method.kind} {method.name} {method.version}"


def result(method: Method, folder: Path) -> Any:
    """What a method gives on the golden input with each of its variants, JSON-like."""
    variants = VARIANTS[method.name](folder) if method.name in VARIANTS else [{}]
    needed = {name for name, p in registry.method_parameters(method).items() if p.default is inspect.Parameter.empty}
    missing = needed - set(variants[0])
    assert not missing, (
        f"{method.kind} {method.name!r} needs {sorted(missing)}: say in VARIANTS of this file what to give it"
    )
    runs = {"filter": run_filter, "matcher": run_matcher, "transform": run_transform, "metric": run_metric}
    runs["augmenter"] = run_augmenter
    run = runs[method.kind]
    return [plain(run(method, parameters), DIGITS.get(method.name, 9)) for parameters in variants]


def run_filter(method: Method, parameters: Arguments) -> Any:
    first = next(iter(inspect.signature(method.function, eval_str=True).parameters.values())).annotation
    if method.name in ON_CHATS:
        turns = [[{"role": role, "content": content} for role, content in chat] for chat in CHATS]
        return method.function(rows.table({"messages": turns}, len(turns)), **parameters).to_pylist()
    messages = [None if text is None else [{"role": "text", "content": text}] for text in TEXTS]
    places = {"file": ["golden.txt"] * len(TEXTS), "row": list(range(1, len(TEXTS) + 1))}
    labels = (
        {"label": (["a", None, " ", "b ", "A", "c", "b"] * len(TEXTS))[: len(TEXTS)]} if method.name == "label" else {}
    )
    views = {
        pa.Table: rows.table({"messages": messages, **places, **labels}, len(TEXTS)),
        pa.StringArray: pa.array(TEXTS, pa.string()),
        list[str]: [text or "" for text in TEXTS],
    }
    view = next(value for kind, value in views.items() if kind == first)
    scores = method.function(view, **parameters)
    return scores.to_pylist() if isinstance(scores, pa.Array | pa.ChunkedArray) else list(scores)


def run_transform(method: Method, parameters: Arguments) -> Any:
    return method.function([text or "" for text in TEXTS], **parameters)


def run_augmenter(method: Method, parameters: Arguments) -> Any:
    passages = [Passage(text or "", Draws("golden", i), ("table",)[: i % 2]) for i, text in enumerate(TEXTS)]
    said = method.function(passages, **parameters)
    return [[one.gate, one.text] if isinstance(one, Refused) else one for one in said]


def run_metric(method: Method, parameters: Arguments) -> Any:
    asked = {"prompts": PROMPTS} if registry.takes_prompts(method) else {}
    return method.function(PREDICTIONS, REFERENCES, **asked, **parameters)


def run_matcher(method: Method, parameters: Arguments) -> Any:
    assert method.sketch is not None
    own = registry.parameters(method.sketch).keys() | {next(iter(inspect.signature(method.sketch).parameters))}
    of_sketch = {name: value for name, value in parameters.items() if name in own}
    of_match = {name: value for name, value in parameters.items() if name not in own}
    texts = [pa.array(part, pa.string()) for part in (TEXTS[:9], TEXTS[9:])]
    shards = [method.sketch(part, **of_sketch) for part in texts]
    given = [texts] if registry.takes_texts(method) else []
    everyone = [np.ones(shard.num_rows, bool) for shard in shards]
    without_first = [np.arange(shard.num_rows) > 1 for shard in shards]
    found = [method.function(shards, alive, *given, **of_match).to_pylist() for alive in (everyone, without_first)]
    return [[shard.to_pylist() for shard in shards if method.name not in DIGITS], *found]


def plain(value: Any, digits: int = 9) -> Any:
    """JSON-like; numbers to nine digits, which is what libraries promise across machines."""
    if isinstance(value, dict):
        return {key: plain(inner, digits) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner, digits) for inner in value]
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    return value.hex() if isinstance(value, bytes) else value


def problems(methods: Sequence[Method], golden: dict[str, str], folder: Path) -> list[str]:
    """What is wrong, and what to do about it."""
    write = f"{VARIABLE}=write python -m pytest tests/test_golden.py"
    found = []
    for method in methods:
        known = golden.get(entry(method))
        if known is None:
            found.append(f"{entry(method)!r} has no entry in golden.json. Run: {write}")
        elif known != keys.key(result(method, folder)):
            found.append(
                f"{method.kind} {method.name!r} gives other results than version {method.version} did. If that is meant, "
                f"raise version in its decorator, then run: {write}"
            )
    gone = {name for name in golden if not lacks_package(name.split()[1])} - {entry(method) for method in methods}
    return found + [f"golden.json has {name!r}, which no method is. Run: {write}" for name in sorted(gone)]


def renewed(methods: Sequence[Method], golden: dict[str, str], folder: Path) -> dict[str, str]:
    """The golden results with entries for new versions; those that are there stay as they are."""
    stay = {name: digest for name, digest in golden.items() if lacks_package(name.split()[1])}
    return stay | {entry(method): golden.get(entry(method)) or keys.key(result(method, folder)) for method in methods}


def test_results_are_those_of_their_versions(tmp_path: Path) -> None:
    methods = package_methods()
    golden = json.loads(GOLDEN.read_text("utf-8")) if GOLDEN.exists() else {}
    if os.environ.get(VARIABLE) == "write":
        golden = renewed(methods, golden, tmp_path)
        GOLDEN.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n", "utf-8")
    assert problems(methods, golden, tmp_path) == []


# That the test can fail, on methods of a file of their own.

LOUD = """
from adaptline.core.registry import filter

@filter(version={version})
def loud(texts: list[str]):
    return [{result} for text in texts]
"""


def loud(folder: Path, version: int, result: str) -> list[Method]:
    (folder / "mine.py").write_text(LOUD.format(version=version, result=result))
    return [registry.load("filter", "./mine.py:loud", folder)]


def test_a_changed_result_under_the_same_version_is_told_and_cannot_be_written(tmp_path: Path) -> None:
    golden = renewed(loud(tmp_path, 1, "float(text.isupper())"), {}, tmp_path)
    assert problems(loud(tmp_path, 1, "float(text.upper() == text != text.lower())"), golden, tmp_path) == []
    changed = loud(tmp_path, 1, "float(text.islower())")
    (told,) = problems(changed, golden, tmp_path)
    assert "'loud' gives other results than version 1 did" in told
    assert "raise version" in told
    assert renewed(changed, golden, tmp_path) == golden


def test_a_raised_version_needs_an_entry_which_replaces_the_old_one(tmp_path: Path) -> None:
    golden = renewed(loud(tmp_path, 1, "0.0"), {}, tmp_path)
    raised = loud(tmp_path, 2, "1.0")
    told = problems(raised, golden, tmp_path)
    assert ["no entry" in told[0], "which no method is" in told[1], len(told)] == [True, True, 2]
    after = renewed(raised, golden, tmp_path)
    assert list(after) == ["filter loud 2"]
    assert problems(raised, after, tmp_path) == []


def test_a_method_without_an_entry_is_told(tmp_path: Path) -> None:
    methods = package_methods()
    golden = json.loads(GOLDEN.read_text("utf-8"))
    for method in methods:
        less = {name: digest for name, digest in golden.items() if name != entry(method)}
        assert any(f"{entry(method)!r} has no entry" in told for told in problems([method], less, tmp_path))


@pytest.mark.parametrize("name", ["exact", "minhash", "semantic"])
def test_matchers_find_something_in_the_golden_input(tmp_path: Path, name: str) -> None:
    for _, everyone, without_first in result(registry.load("matcher", name), tmp_path):
        assert everyone
        assert without_first
        assert everyone != without_first


def test_every_other_method_says_more_than_one_thing_of_the_golden_input(tmp_path: Path) -> None:
    for method in package_methods():
        if method.kind != "matcher":
            for found in result(method, tmp_path):
                assert len({keys.key(value) for value in found}) > 1, method.name
                assert method.kind == "filter" or found != [text or "" for text in TEXTS]


def test_a_method_that_needs_parameters_is_told_to_be_given_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(VARIANTS, "review")
    with pytest.raises(AssertionError, match=r"'review' needs \['file'\]: say in VARIANTS"):
        result(registry.load("filter", "review"), tmp_path)
