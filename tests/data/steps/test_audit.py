"""audit: found beside planted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lines
import pytest

from adaptline.core import recipe as recipes
from adaptline.core.run import run
from adaptline.errors import UserError

ROWS = [
    {"text": "a sound message about a table for two"},
    {"text": "A sound message about a  table for two"},
    {"text": "we loved the caf\u00c3\u00a9 on the corner"},
    {"text": "my card number is on this message, see above"},
    {"text": "another sound message that nobody should drop"},
]
PLANTED: list[dict[str, Any]] = [
    {"kind": "exact_duplicate", "file": "rows.jsonl", "row": 2, "similarity": {"char5": 1.0}},
    {"kind": "mojibake", "file": "rows.jsonl", "row": 3, "clean": "we loved the caf\u00e9 on the corner"},
    {"kind": "personal_data", "file": "rows.jsonl", "row": 4},
    {"kind": "unreadable", "file": "rows.jsonl", "row": 6},
]


def audited(
    folder: Path, planted: list[dict[str, Any]] | str | bytes, do: list[Any] | None = None, curated: bool = True
) -> dict[str, Any]:
    lines.write(folder / "corpus" / "rows.jsonl", ROWS)
    with (folder / "corpus" / "rows.jsonl").open("a") as file:
        file.write("{broken\n")
    if not isinstance(planted, str | bytes):
        planted = "".join(json.dumps(entry) + "\n" for entry in planted)
    content = planted.encode() if isinstance(planted, str) else planted
    (folder / "corpus" / "planted.jsonl").write_bytes(content)
    tables: dict[str, Any] = {"raw": {"step": "ingest", "files": "corpus/rows.jsonl"}}
    if curated:
        tables["clean"] = {"step": "curate", "from": "raw", "do": ["unicode", "exact"] if do is None else do}
    tables["truth"] = {"step": "audit", "from": list(tables)[-1], "planted": "corpus/planted.jsonl"}
    made = run(recipes.from_tables(tables, "audit", folder), store=folder / "store")
    found: dict[str, Any] = json.loads((made[-1].path / "report.json").read_text())
    return found


def test_each_kind_says_what_was_found(tmp_path: Path) -> None:
    kinds = audited(tmp_path, PLANTED)["kinds"]
    assert (
        kinds["exact_duplicate"]["planted"],
        kinds["exact_duplicate"]["found"],
        kinds["exact_duplicate"]["missed"],
    ) == (1, 1, 0)
    assert kinds["exact_duplicate"]["looked_for_by"] == ["exact"]
    assert kinds["exact_duplicate"]["grades"] == {"char5": [{"from": 0.9, "planted": 1, "found": 1}]}
    assert (kinds["mojibake"]["found"], kinds["mojibake"]["mended"]) == (1, 1)
    assert kinds["unreadable"]["looked_for_by"] == ["quarantine"]
    assert kinds["unreadable"]["found"] == 1


def test_a_kind_that_no_method_looks_for_is_not_called_missed(tmp_path: Path) -> None:
    kinds = audited(tmp_path, PLANTED)["kinds"]
    assert kinds["personal_data"]["looked_for_by"] == []
    assert kinds["personal_data"]["missed"] is None


def test_what_is_missed_is_shown(tmp_path: Path) -> None:
    found = audited(tmp_path, [{"kind": "exact_duplicate", "file": "rows.jsonl", "row": 5}])
    assert found["kinds"]["exact_duplicate"]["missed"] == 1
    assert found["kinds"]["exact_duplicate"]["missed_samples"][0]["text"] == ROWS[4]["text"]
    assert found["dropped_not_planted"] == {"exact": 1, "quarantine": 1}


def test_dropped_by_a_method_that_does_not_look_for_it_is_told_apart(tmp_path: Path) -> None:
    found = audited(
        tmp_path,
        [{"kind": "exact_duplicate", "file": "rows.jsonl", "row": 2}],
        do=[{"use": "length", "max": 10}, "exact"],
    )
    assert (found["kinds"]["exact_duplicate"]["found"], found["kinds"]["exact_duplicate"]["dropped_by_others"]) == (
        0,
        1,
    )


@pytest.mark.parametrize(
    ("planted", "message"),
    [
        ("not json\n", "planted.jsonl, line 1: not JSON"),
        ('{"kind": "x"}\n', "file = None in a planted defect"),
        ('{"kind": "x", "file": "rows.jsonl", "row": 99}\n', "no row corpus/rows.jsonl:99"),
    ],
)
def test_a_wrong_list_is_told(tmp_path: Path, planted: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        audited(tmp_path, planted)


def test_rows_that_were_not_curated_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a curate step made"):
        audited(tmp_path, PLANTED, curated=False)


def test_a_list_that_is_not_utf8_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"planted\.jsonl: not UTF-8"):
        audited(tmp_path, b'{"kind": "caf\xe9", "file": "rows.jsonl", "row": 2}\n')


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_a_string_may_hold_a_line_separator(tmp_path: Path, separator: str) -> None:
    entry = {"kind": "exact_duplicate", "file": "rows.jsonl", "row": 2, "clean": f"one{separator}two"}
    found = audited(tmp_path, json.dumps(entry, ensure_ascii=False) + "\r\n")
    assert found["kinds"]["exact_duplicate"]["found"] == 1
