from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hubs import Hub, commit_of, serving, write_cache
from huggingface_hub import constants
from unprivileged import unprivileged

from adaptline.core import hub as hubs
from adaptline.core import keys
from adaptline.core.sources import find_folder
from adaptline.errors import UserError

FIRST, SECOND = commit_of(1), commit_of(2)
FILES = {
    "config.json": b"{}",
    "generation_config.json": b'{"a": 1}',
    "tokenizer.json": b"tokens",
    "tokenizer_config.json": b"{ }",
    "chat_template.jinja": b"{{ messages }}",
    "model.safetensors": bytes(range(256)) * 400,
}
NEVER_READ = {
    "README.md": b"# read me",
    "pytorch_model.bin": b"pickle",
    "modeling_own.py": b"raise SystemExit",
    "model.pt": b"pickle",
    "onnx/config.json": b"{}",
    "original/model.safetensors": b"other",
    "consolidated.safetensors": b"the same again",
}
INDEX = json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}})
SHARDS = {
    **{name: content for name, content in FILES.items() if name != "model.safetensors"},
    "model.safetensors.index.json": INDEX.encode(),
    "model-00001-of-00002.safetensors": b"one",
    "model-00002-of-00002.safetensors": b"two",
}


def point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets what HF_ENDPOINT says when the client is imported."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of models."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    return tmp_path / "cache"


@pytest.fixture
def offline(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, without a network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return cache


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:  # noqa: ARG001 - what it gives goes there
    """A hub that holds one model."""
    with serving() as found:
        point_at(found.url, monkeypatch)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        found.put("org/tiny", FIRST, {**FILES, **NEVER_READ})
        yield found


def refused(name: str, beside: Path) -> UserError:
    with pytest.raises(UserError) as caught:
        find_folder(name, beside)
    assert repr(name) in caught.value.what, "by this the recipe's line is found"
    assert caught.value.do
    return caught.value


@pytest.mark.parametrize(
    "name",
    [
        *("", "tiny", "a/b/c", "./a/b", "/a/b", "../up/there", "org/", "org/tiny@", "org/tiny@../x", "org/tiny@a/../b"),
        *("org/na--me", "org/tiny-", "org/ti ny", "org/n\u00e4me", "hub:org/tiny"),
    ],
)
def test_what_is_no_name(name: str, tmp_path: Path) -> None:
    assert refused(f"hub:{name}", tmp_path).what == f"not a model's name on a hub: {f'hub:{name}'!r}"


@pytest.mark.parametrize("name", ["Org-1/na_me.v2-7B", "org/name@main", "org/name@refs/pr/1", f"org/name@{FIRST}"])
def test_what_is_one(name: str, offline: Path, tmp_path: Path) -> None:
    repository, _, revision = name.partition("@")
    write_cache(offline, repository, FIRST, FILES, revision or "main")
    assert find_folder(f"hub:{name}", tmp_path).name == f"hub:{repository}@{FIRST}"


class TestOffline:
    def test_a_branch_a_tag_and_a_commit_are_found_in_the_cache(self, offline: Path, tmp_path: Path) -> None:
        snapshot = write_cache(offline, "org/tiny", FIRST, {**FILES, **NEVER_READ})
        write_cache(offline, "org/tiny", SECOND, {**FILES, "config.json": b'{"b": 2}'}, "refs/pr/1")
        found = find_folder("hub:org/tiny", tmp_path)
        assert (found.path, found.name) == (snapshot, f"hub:org/tiny@{FIRST}")
        assert found == find_folder("hub:org/tiny@main", tmp_path) == find_folder(f"hub:org/tiny@{FIRST}", tmp_path)
        other = find_folder("hub:org/tiny@refs/pr/1", tmp_path)
        assert (other.name, other.digest != found.digest) == (f"hub:org/tiny@{SECOND}", True)

    def test_its_meaning_is_that_of_a_folder_of_the_files_that_are_read(self, offline: Path, tmp_path: Path) -> None:
        write_cache(offline, "org/tiny", FIRST, {**FILES, **NEVER_READ})
        for name, content in FILES.items():
            (tmp_path / "mine" / name).parent.mkdir(exist_ok=True)
            (tmp_path / "mine" / name).write_bytes(content)
        found, mine = find_folder("hub:org/tiny", tmp_path), find_folder("mine", tmp_path)
        assert found.meaning == mine.meaning == keys.folder_digest(tmp_path / "mine")
        assert (found.record, mine.record) == ({"hub": f"org/tiny@{FIRST}"}, {})

    def test_a_path_is_never_looked_up(self, offline: Path, tmp_path: Path) -> None:
        write_cache(offline, "org/tiny", FIRST, FILES)
        assert refused("org/tiny", tmp_path).what == "no such folder: 'org/tiny'"

    @pytest.mark.parametrize("name", ["hub:org/other", "hub:org/tiny@v2", f"hub:org/tiny@{SECOND}"])
    def test_what_the_cache_does_not_have(self, name: str, offline: Path, tmp_path: Path) -> None:
        write_cache(offline, "org/tiny", FIRST, FILES)
        error = refused(name, tmp_path)
        assert "the cache of models has no" in error.what
        assert "HF_HUB_OFFLINE" in error.do

    def test_a_note_that_is_none(self, offline: Path, tmp_path: Path) -> None:
        write_cache(offline, "org/tiny", FIRST, FILES)
        (offline / "models--org--tiny" / "refs" / "main").write_text("../../elsewhere")
        assert "the cache of models has no" in refused("hub:org/tiny", tmp_path).what

    def test_a_cache_that_changes(self, offline: Path, tmp_path: Path) -> None:
        snapshot = write_cache(offline, "org/tiny", FIRST, FILES)
        found = find_folder("hub:org/tiny", tmp_path)
        (snapshot / "another.bin").write_text("nobody reads it")
        assert found.changed() is None
        (snapshot / "tokenizer.json").resolve().write_bytes(b"others")
        assert found.changed() == f"hub:org/tiny@{FIRST}"
        shutil.rmtree(snapshot)
        assert found.changed() == f"hub:org/tiny@{FIRST}"

    def test_a_link_whose_blob_is_gone_is_no_file(self, offline: Path, tmp_path: Path) -> None:
        snapshot = write_cache(offline, "org/tiny", FIRST, FILES)
        found = find_folder("hub:org/tiny", tmp_path)
        (snapshot / "model.safetensors").resolve().unlink()
        assert found.changed()
        error = refused("hub:org/tiny", tmp_path)
        assert error.what == "'hub:org/tiny' has no weights in safetensors format"
        assert "run it with the network" in error.do

    @pytest.mark.parametrize(
        ("files", "what"),
        [
            ({"README.md": b""}, "'hub:org/tiny' holds no model"),
            ({**FILES, "adapter_config.json": b"{}"}, "'hub:org/tiny' is an adapter, not a base"),
            (
                {"config.json": b"{}", "pytorch_model.bin": b"", "tf_model.h5": b""},
                "'hub:org/tiny' has no weights in safetensors format, but pytorch_model.bin, tf_model.h5",
            ),
            (
                {**SHARDS, "model.safetensors.index.json": b"[]"},
                "'hub:org/tiny' has an index of weights that cannot be read",
            ),
        ],
    )
    def test_what_is_no_base(self, files: dict[str, bytes], what: str, offline: Path, tmp_path: Path) -> None:
        write_cache(offline, "org/tiny", FIRST, files)
        with pytest.raises(UserError) as caught:
            find_folder("hub:org/tiny", tmp_path)
        assert what in caught.value.what

    @pytest.mark.parametrize(("gone", "others"), [(("2",), ""), (("1", "2"), " and 1 more")])
    def test_pieces_that_are_missing(self, gone: tuple[str, ...], others: str, offline: Path, tmp_path: Path) -> None:
        names = [f"model-0000{number}-of-00002.safetensors" for number in gone]
        files = {name: content for name, content in SHARDS.items() if name not in names}
        write_cache(offline, "org/tiny", FIRST, {**files, "model-00003-of-00003.safetensors": b"of another"})
        assert refused("hub:org/tiny", tmp_path).what == f"'hub:org/tiny' is not whole: {names[0]} is missing{others}"

    def test_a_file_that_may_not_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with unprivileged() as folder:
            monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
            monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
            snapshot = write_cache(folder, "org/tiny", FIRST, FILES)
            (snapshot / "tokenizer.json").chmod(0)
            with pytest.raises(UserError, match="no permission to read") as caught:
                find_folder("hub:org/tiny", folder)
        assert str(snapshot) in caught.value.do


class TestOnline:
    def test_what_is_read_is_fetched_and_nothing_else(self, hub: Hub, cache: Path, tmp_path: Path) -> None:
        found = find_folder("hub:org/tiny", tmp_path)
        assert sorted(hub.fetched) == sorted(FILES)
        assert hub.fetched[-1] == "model.safetensors", "the weights last"
        assert found.path == cache / "models--org--tiny" / "snapshots" / FIRST
        assert {path.name: path.read_bytes() for path in found.path.iterdir()} == FILES
        assert found.changed() is None

    def test_what_is_sent(self, hub: Hub, tmp_path: Path) -> None:
        """The request for the model and its files: no reports, and of us no more than the client's own version."""
        find_folder("hub:org/tiny", tmp_path)
        paths = {path.split("?")[0].replace(FIRST, "COMMIT") for _, path, _ in hub.asked}
        assert paths == {"/api/models/org/tiny/revision/main", *(f"/org/tiny/resolve/COMMIT/{name}" for name in FILES)}
        for _, _, headers in hub.asked:
            agent = {key.lower(): value for key, value in headers.items()}["user-agent"]
            assert "torch" not in agent
            assert "agent" not in agent

    def test_a_second_look_fetches_nothing(self, hub: Hub, tmp_path: Path) -> None:
        before = find_folder("hub:org/tiny", tmp_path)
        hub.asked.clear()
        assert find_folder("hub:org/tiny", tmp_path) == before
        assert [method for method, _, _ in hub.asked] == ["GET"], "where the branch is now"

    def test_a_branch_that_moves_is_another_base(
        self, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = find_folder("hub:org/tiny", tmp_path)
        hub.put("org/tiny", SECOND, {**FILES, "tokenizer.json": b"new tokens"})
        hub.asked.clear()
        after = find_folder("hub:org/tiny", tmp_path)
        assert (after.name, after.meaning != before.meaning) == (f"hub:org/tiny@{SECOND}", True)
        assert hub.fetched == ["tokenizer.json"], "of the rest, the blobs are there"
        assert find_folder(f"hub:org/tiny@{FIRST}", tmp_path) == before
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        assert find_folder("hub:org/tiny", tmp_path) == after

    def test_a_new_commit_of_the_same_files_means_the_same(self, hub: Hub, tmp_path: Path) -> None:
        before = find_folder("hub:org/tiny", tmp_path)
        hub.put("org/tiny", SECOND, {**FILES, "README.md": b"better words"})
        assert find_folder("hub:org/tiny", tmp_path).meaning == before.meaning

    def test_within_one_look_a_branch_does_not_move(self, hub: Hub, tmp_path: Path) -> None:
        with hubs.one_look():
            before = find_folder("hub:org/tiny", tmp_path)
            hub.put("org/tiny", SECOND, {**FILES, "config.json": b"[]"})
            assert find_folder("hub:org/tiny", tmp_path) == before
        assert find_folder("hub:org/tiny", tmp_path) != before

    def test_weights_in_pieces(self, hub: Hub, tmp_path: Path) -> None:
        hub.put("org/large", FIRST, SHARDS)
        assert find_folder("hub:org/large", tmp_path).only == hubs.wanted(list(SHARDS))
        assert sorted(hub.fetched) == sorted(SHARDS)
        both = hubs.wanted([*SHARDS, "model.safetensors"])
        assert [name for name in both if "safetensors" in name] == ["model.safetensors"]

    def test_the_pieces_of_marians_tokenizers_are_read(self) -> None:
        names = ["config.json", "model.safetensors", "source.spm", "target.spm", "vocab.json", "pytorch_model.bin"]
        assert set(hubs.wanted(names)) == {*names} - {"pytorch_model.bin"}

    def test_an_answer_that_breaks_off_is_gone_on_with(self, hub: Hub, tmp_path: Path) -> None:
        weights = bytes(range(256)) * 100_000
        hub.put("org/large", FIRST, {**FILES, "model.safetensors": weights})
        hub.cuts["model.safetensors"] = 15_000_000
        found = find_folder("hub:org/large", tmp_path)
        assert (found.path / "model.safetensors").read_bytes() == weights
        assert hub.fetched.count("model.safetensors") == 2
        asked = {key.lower(): value for key, value in hub.asked[-1][2].items()}
        assert asked["range"] == f"bytes={constants.DOWNLOAD_CHUNK_SIZE}-", "the rest alone"

    def test_a_fetch_that_fails_leaves_nothing_half(
        self, hub: Hub, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hub.fails["model.safetensors"] = 403
        assert "answered 403" in refused("hub:org/tiny", tmp_path).what
        assert not list(cache.rglob("model.safetensors*"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        refused("hub:org/tiny", tmp_path)
        assert "no weights" in refused(f"hub:org/tiny@{FIRST}", tmp_path).what
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        hub.fails.clear()
        hub.asked.clear()
        found = find_folder("hub:org/tiny", tmp_path)
        assert hub.fetched == ["model.safetensors"], "what was fetched stays"
        assert found.only == hubs.wanted(list(FILES))

    def test_a_killed_fetch_leaves_nothing_half(self, hub: Hub, cache: Path, tmp_path: Path) -> None:
        """Another process is killed while the weights come."""
        hub.put("org/big", FIRST, {**FILES, "model.safetensors": bytes(200_000_000)})
        code = "from adaptline.core.sources import find_folder; from pathlib import Path; find_folder('hub:org/big', Path())"
        environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": ""}
        child = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
        while "model.safetensors" not in hub.fetched:
            assert child.poll() is None
        child.kill()
        child.wait()
        assert not (cache / "models--org--big" / "snapshots" / FIRST / "model.safetensors").exists()
        assert not (cache / "models--org--big" / "refs").exists()
        found = find_folder("hub:org/big", tmp_path)
        assert (found.path / "model.safetensors").stat().st_size == 200_000_000

    @pytest.mark.parametrize(
        ("name", "what", "do"),
        [
            ("hub:org/none", "no model 'hub:org/none' at http", "private"),
            ("hub:org/tiny@v9", "'hub:org/tiny@v9' has no revision 'v9'", "branches, tags and commits"),
            ("hub:org/closed", "'hub:org/closed' is not given to everybody", "hf auth login"),
            ("hub:org/away", "answered 503", "Try again"),
            ("hub:org/secret", "answered 401", "HF_TOKEN"),
        ],
    )
    def test_what_the_hub_refuses(
        self, name: str, what: str, do: str, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_aVerySecretToken")
        hub.put("org/closed", FIRST, FILES)
        hub.gated.add("org/closed")
        for repository, status in (("away", 503), ("secret", 401)):
            hub.put(f"org/{repository}", FIRST, FILES, f"at-{status}")
        if name in ("hub:org/away", "hub:org/secret"):
            name = f"{name}@at-{503 if name == 'hub:org/away' else 401}"
            hub.fails[name.rpartition("@")[2]] = int(name[-3:])
        error = refused(name, tmp_path)
        assert what in error.what
        assert do in error.do
        assert "Secret" not in str(error)
        assert any("hf_aVerySecretToken" in str(headers) for _, _, headers in hub.asked), "only the hub is told"

    def test_no_network(self, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pinned = find_folder(f"hub:org/tiny@{FIRST}", tmp_path)
        find_folder("hub:org/tiny", tmp_path)
        point_at("http://127.0.0.1:1", monkeypatch)
        assert find_folder(f"hub:org/tiny@{FIRST}", tmp_path) == pinned, "a commit does not move"
        error = refused("hub:org/tiny", tmp_path)
        assert "cannot be fetched from http://127.0.0.1:1" in error.what
        assert "HF_HUB_OFFLINE=1" in error.do
        refused(f"hub:org/tiny@{SECOND}", tmp_path)
        assert hub.fetched

    def test_a_place_that_is_no_hub(self, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        point_at(f"{hub.url}/elsewhere", monkeypatch)
        assert "answered 404" in refused("hub:org/tiny", tmp_path).what

    def test_a_hub_whose_model_is_no_base(self, hub: Hub, tmp_path: Path) -> None:
        hub.put("org/pickles", FIRST, {"config.json": b"{}", "pytorch_model.bin": b"pickle"})
        assert "pytorch_model.bin" in refused("hub:org/pickles", tmp_path).what
        assert hub.fetched == []

    def test_a_cache_that_cannot_be_written_to_is_read(
        self, hub: Hub, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_cache(cache, "org/tiny", FIRST, FILES, branch=None)
        (cache / "models--org--tiny" / "refs").write_text("in the way")
        assert find_folder("hub:org/tiny", tmp_path).name == f"hub:org/tiny@{FIRST}"
        assert hub.fetched == []
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        assert "the cache of models has no" in refused("hub:org/tiny", tmp_path).what


def test_without_the_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert "adaptline[train]" in refused("hub:org/tiny", tmp_path).do


def test_how_far_it_is_is_told(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("adaptline.core.progress._PLAIN_EVERY_SECONDS", 0)
    find_folder("hub:org/tiny", tmp_path)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"fetching hub:org/tiny@{FIRST}: {len(FILES)} files, 0.1 MB"
    assert hub.fetched
