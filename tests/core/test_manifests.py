"""A manifest and back."""

from __future__ import annotations

import json
from pathlib import Path

import lines

from adaptline.core import keys, manifests
from adaptline.core.line import Line
from adaptline.core.rows import Ref, Rows, Shard


def ref(what: str) -> Ref:
    return Ref(keys.key("key", what), keys.key("digest", what), 3)


def manifest(tmp_path: Path, made: Rows, key: str = "k") -> dict[str, object]:
    line = Line.open(lines.make(tmp_path / "project"))
    return manifests.of_rows(line, line.nodes["raw"][0], key, made, {"seconds": 1.0})


def test_rows_come_back_from_their_manifest_as_json(tmp_path: Path) -> None:
    made = Rows((Shard(ref("a"), ref("split"), ref("keep")), Shard(ref("b"))), {"summary": "6 rows"})
    assert manifests.rows_of(json.loads(json.dumps(manifest(tmp_path, made)))) == made


def test_the_digest_is_of_what_shards_hold_and_not_of_what_was_asked_for(tmp_path: Path) -> None:
    one = manifest(tmp_path, Rows((Shard(ref("a")),)), "one")
    asked = Ref(keys.key("another key"), ref("a").digest, 3)
    other = manifest(tmp_path, Rows((Shard(asked),), {"summary": "other"}), "two")
    assert one["digest"] == other["digest"]
    assert manifest(tmp_path, Rows((Shard(ref("b")),)))["digest"] != one["digest"]
    assert manifest(tmp_path, Rows((Shard(ref("a"), None, ref("keep")),)))["digest"] != one["digest"]
