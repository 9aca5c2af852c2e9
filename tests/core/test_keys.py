"""Keys hold meaning only: not the order of names, not where a folder lies, not comments."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import keys

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef"), inner, max_size=4),
    max_leaves=12,
)


def source(folder: Path, **files: str) -> str:
    """The digest of main.py in a folder of files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / (name.replace("__in__", "/") + ".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return keys.source_digest(folder / "main.py")


def reversed_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: reversed_names(value[name]) for name in reversed(value)}
    return [reversed_names(entry) for entry in value] if isinstance(value, list) else value


def test_digest_is_blake3_of_32_bytes() -> None:
    # From the specification's test_vectors.json: no bytes; and 1,025 of 0, 1, ... 250, 0, ..., more than one chunk.
    assert keys.digest(b"") == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    counted = bytes(at % 251 for at in range(1025))
    assert keys.digest(counted) == "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"


def test_key_is_the_hash_of_canonical_json() -> None:
    # Computed with b2sum --length=256 of coreutils from ["a",{"a":[null,"ü"],"b":1}] in UTF-8.
    assert (
        keys.key("a", {"b": 1, "a": [None, "ü"]}) == "0c30b85fc13e2b21280f9e9555e548827f877814827c33298defcd94a4c51c8c"
    )


@given(VALUES)
def test_the_order_of_names_does_not_matter(value: Any) -> None:
    assert keys.key(reversed_names(value)) == keys.key(value)


@given(VALUES, VALUES)
def test_different_meanings_have_different_keys(one: Any, other: Any) -> None:
    assert (keys.key(one) == keys.key(other)) == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


@given(st.lists(st.text("ab", max_size=3), max_size=4), st.lists(st.text("ab", max_size=3), max_size=4))
def test_a_key_tells_where_one_part_ends(one: list[str], other: list[str]) -> None:
    assert (keys.key(*one) == keys.key(*other)) == (one == other)


def test_a_key_is_the_same_in_another_process() -> None:
    code = "from adaptline.core import keys; print(keys.key({'b', 'a'} and {'b': 1, 'a': 2}))"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == keys.key({"a": 2, "b": 1})


@pytest.mark.parametrize("size", [0, 1, (1 << 18) + 1, 3_000_000])
def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path, size: int) -> None:
    data = bytes(i * 31 % 251 for i in range(size))
    (tmp_path / "file").write_bytes(data)
    assert keys.file_digest(tmp_path / "file") == keys.digest(data) == blake3(data).hexdigest()


@given(VALUES)
def test_what_json_can_say_can_enter_a_key(value: Any) -> None:
    assert keys.can_hold(value)


@pytest.mark.parametrize("value", [dt.date(2026, 1, 1), [dt.time(1)], {"a": [{"b": dt.datetime(2026, 1, 1)}]}, b"x"])  # noqa: DTZ001 - TOML's local times
def test_dates_cannot_enter_a_key(value: Any) -> None:
    assert not keys.can_hold(value)
    with pytest.raises(TypeError):
        keys.key(value)


def test_short() -> None:
    assert keys.short("0123456789abcdef") == "0123456789ab"


class TestFolder:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "model" / "sub").mkdir(parents=True)
        (tmp_path / "model" / "config.json").write_text("{}")
        (tmp_path / "model" / "sub" / "weights").write_bytes(b"\0\1")
        return tmp_path / "model"

    def test_where_it_lies_does_not_matter(self, folder: Path, tmp_path: Path) -> None:
        shutil.copytree(folder, tmp_path / "elsewhere" / "renamed")
        assert keys.folder_digest(tmp_path / "elsewhere" / "renamed") == keys.folder_digest(folder)

    def test_it_is_built_from_sorted_relative_names(self, folder: Path) -> None:
        files = [["config.json", keys.digest(b"{}")], ["sub/weights", keys.digest(b"\0\1")]]
        assert keys.folder_digest(folder) == keys.key("folder", files)

    def test_a_link_counts_as_what_it_points_at(self, folder: Path, tmp_path: Path) -> None:
        linked = tmp_path / "linked"
        (linked / "sub").mkdir(parents=True)
        (linked / "config.json").symlink_to(folder / "config.json")
        (linked / "sub" / "weights").symlink_to(folder / "sub" / "weights")
        assert keys.folder_digest(linked) == keys.folder_digest(folder)

    @pytest.mark.parametrize(
        "hidden", [".DS_Store", ".cache/huggingface/download/config.json.metadata", "sub/.git/HEAD"]
    )
    def test_hidden_files_and_folders_do_not_count(self, folder: Path, hidden: str) -> None:
        before = keys.folder_digest(folder)
        (folder / hidden).parent.mkdir(parents=True, exist_ok=True)
        (folder / hidden).write_text("2026-01-01")
        assert keys.folder_digest(folder) == before

    @pytest.mark.parametrize("change", ["content", "name", "more", "less", "moved"])
    def test_what_it_holds_matters(self, folder: Path, change: str) -> None:
        before = keys.folder_digest(folder)
        weights = folder / "sub" / "weights"
        changes: dict[str, Callable[[], object]] = {
            "content": lambda: weights.write_bytes(b"\0\2"),
            "name": lambda: weights.rename(weights.with_name("other")),
            "more": (folder / "sub" / "empty").touch,
            "less": weights.unlink,
            "moved": lambda: weights.rename(folder / "weights"),
        }
        changes[change]()
        assert keys.folder_digest(folder) != before


POLITE = "def polite(texts):\n    if texts:\n        return 1\n    return 0\n"


class TestSource:
    @pytest.mark.parametrize(
        "same",
        [
            "# a comment\n" + POLITE,
            POLITE.replace("    if", "\n    # why\n\n    if"),
            POLITE.replace(":\n", ":  # why\n", 1),
            POLITE.replace("        return 1", "            return 1"),
            POLITE.replace("polite(texts)", "polite( texts )"),
            "\n\n" + POLITE + "\n\n",
            POLITE.replace("\n", "\r\n"),
            "\N{ZERO WIDTH NO-BREAK SPACE}" + POLITE,
        ],
        ids=["comment above", "comment inside", "comment behind", "deeper indent", "spaces", "blank", "crlf", "mark"],
    )
    def test_comments_and_layout_without_meaning_do_not_matter(self, tmp_path: Path, same: str) -> None:
        assert source(tmp_path / "b", main=same) == source(tmp_path / "a", main=POLITE)

    @pytest.mark.parametrize(
        "other",
        [
            POLITE.replace("return 1", "return 2"),
            POLITE.replace("    return 0", "        return 0"),
            POLITE.replace("return 1\n    return 0", "return 1; return 0"),
            POLITE.replace("return 1", '"""A text."""; return 1'),
            POLITE.replace("texts", "text"),
        ],
        ids=["number", "indent", "line's end", "string", "name"],
    )
    def test_code_matters(self, tmp_path: Path, other: str) -> None:
        assert source(tmp_path / "b", main=other) != source(tmp_path / "a", main=POLITE)

    @pytest.mark.parametrize(
        "line", ["import helper", "from helper import LIMIT", "import helper as h", "def late():\n    import helper"]
    )
    def test_a_helper_beside_the_file_is_part_of_it(self, tmp_path: Path, line: str) -> None:
        first = source(tmp_path / "a", main=line + "\n", helper="LIMIT = 1\n")
        assert source(tmp_path / "b", main=line + "\n", helper="LIMIT = 1  # the same\n") == first
        assert source(tmp_path / "c", main=line + "\n", helper="LIMIT = 2\n") != first

    def test_a_helper_of_a_helper_is_part_of_it(self, tmp_path: Path) -> None:
        first = source(tmp_path / "a", main="import one\n", one="import two\n", two="X = 1\n")
        assert source(tmp_path / "b", main="import one\n", one="import two\n", two="X = 2\n") != first

    @pytest.mark.parametrize("line", ["import kit.inner", "from kit import inner", "from kit.inner import X"])
    def test_a_package_beside_the_file_is_part_of_it(self, tmp_path: Path, line: str) -> None:
        first = source(
            tmp_path / "a", main=line + "\n", kit__in____init__="", kit__in__inner="import deep\n", deep="1\n"
        )
        assert source(tmp_path / "b", main=line + "\n", kit__in____init__="", kit__in__inner="2\n", deep="1\n") != first
        third = source(
            tmp_path / "c", main=line + "\n", kit__in____init__="", kit__in__inner="import deep\n", deep="2\n"
        )
        assert third != first

    def test_files_beside_it_that_it_does_not_import_do_not_matter(self, tmp_path: Path) -> None:
        first = source(tmp_path / "a", main="import os\nfrom . import x\n", other="X = 1\n")
        assert source(tmp_path / "b", main="import os\nfrom . import x\n", other="X = 2\n") == first

    def test_its_folder_and_its_own_name_do_not_matter(self, tmp_path: Path) -> None:
        first = source(tmp_path / "a", main=POLITE)
        (tmp_path / "b").mkdir()
        shutil.copy(tmp_path / "a" / "main.py", tmp_path / "b" / "renamed.py")
        assert keys.source_digest(tmp_path / "b" / "renamed.py") == first

    def test_two_files_that_import_each_other_differ(self, tmp_path: Path) -> None:
        first = source(tmp_path, main="import helper\n", helper="import main\nX = 1\n")
        assert keys.source_digest(tmp_path / "helper.py") != first

    @pytest.mark.parametrize(
        "broken",
        [
            b"def polite(:\n",
            b"def polite(\n",
            b"if x:\n  a\n b\n",
            b"x = '\xff'\n",
            b"x = 1\0\n",
            b"# -*- coding: none -*-\n",
        ],
        ids=["syntax", "open bracket", "indent", "not utf-8", "zero byte", "unknown encoding"],
    )
    def test_what_does_not_parse_has_a_digest_all_the_same(self, tmp_path: Path, broken: bytes) -> None:
        path = tmp_path / "main.py"
        path.write_bytes(broken)
        first = keys.source_digest(path)
        path.write_bytes(broken + b"x")
        assert keys.source_digest(path) != first

    def test_the_encoding_that_a_file_declares_is_kept(self, tmp_path: Path) -> None:
        first = source(tmp_path, main="x = 'é'\n")
        (tmp_path / "main.py").write_bytes("# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"))
        assert keys.source_digest(tmp_path / "main.py") == first


def test_a_file_that_stays_as_it_is_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    now, first = time.time_ns(), keys.file_digest(path)
    read: list[int] = []
    digest = hashlib.file_digest

    def counted(*given: Any) -> Any:
        read.append(1)
        return digest(*given)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    assert keys.file_digest(path) == first
    assert len(read) == 1  # it changed a moment ago: it may change again within the clock's tick
    monkeypatch.setattr(time, "time_ns", lambda: now + 10_000_000_000)
    assert [keys.file_digest(path) for _ in range(3)] == [first] * 3
    assert len(read) == 2
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a copying tool leaves it
    assert keys.file_digest(path) == blake3(b"two").hexdigest() != first
