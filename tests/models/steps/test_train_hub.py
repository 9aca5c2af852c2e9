"""A base from a hub, trained as one in a folder is: the same key, and the record says where it came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny_writer
from hubs import commit_of, files_of, write_cache
from huggingface_hub import constants

import adaptline as al
from adaptline.core import recipe as recipes
from adaptline.core.plan import plan
from adaptline.core.run import run


def test_a_base_of_a_hub_is_that_of_a_folder_with_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny_writer.write_base(tmp_path / "base", template=tiny_writer.TURNS)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    write_cache(tmp_path / "cache", "org/tiny", commit_of(1), {**files_of(base), "README.md": b"of a hub"})
    (tmp_path / "chats.jsonl").write_text("\n".join(map(json.dumps, tiny_writer.chats(16))))

    def line(name: str) -> recipes.Recipe:
        training = {"step": "train", "from": "raw", "base": name, "method": "lora", "epochs": 1}
        return recipes.from_tables({"raw": {"step": "ingest", "files": "chats.jsonl"}, "a": training}, "a", tmp_path)

    made = run(line("hub:org/tiny"), workers=1)[-1]
    (shown,) = [entry for entry in al.show(line("hub:org/tiny"), "a") if entry["step"] == "a"]
    assert shown["record"]["hub"] == f"org/tiny@{commit_of(1)}"
    for name in (f"hub:org/tiny@{commit_of(1)}", "base"):
        again = run(line(name), workers=1)[-1]
        assert (again.key, again.cached) == (made.key, True)
    write_cache(tmp_path / "cache", "org/tiny", commit_of(2), {**files_of(base), "generation_config.json": b"{}"})
    assert plan(line("hub:org/tiny"))[-1].key != plan(line("base"))[-1].key == made.key
    adapter = json.loads((made.path / "adapter_config.json").read_text())
    assert adapter["base_model_name_or_path"].startswith("base-"), "by its content, as of a folder"
