"""The store: what exists is whole, what is damaged is named, and sweeping takes only what nobody needs."""

from __future__ import annotations

import json
import multiprocessing
import signal
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from file_sizes import limited
from stores import TABLE, name, unit, unit_file, wait_for, weights
from unprivileged import unprivileged

from adaptline.core import keys
from adaptline.core.rows import Ref
from adaptline.core.store import FORMAT, Store
from adaptline.errors import UserError


class TestOpening:
    def test_a_new_store_has_its_rooms_and_its_format(self, store: Store) -> None:
        rooms = {path.name for path in store.root.iterdir()}
        assert rooms == {"units", "artifacts", "refs", "work", "temporary", "store.json"}
        assert json.loads((store.root / "store.json").read_bytes()) == {"format": FORMAT}
        assert Store.open(store.root) == store

    def test_a_relative_root_means_the_same_after_a_change_of_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert Store.open(Path("store")).root == tmp_path / "store"

    @pytest.mark.parametrize("format", [FORMAT + 1, 0, None])
    def test_another_format_is_refused(self, store: Store, format: int | None) -> None:
        (store.root / "store.json").write_text(json.dumps({"format": format}))
        with pytest.raises(UserError, match=f"store of format {format}, this version reads {FORMAT}") as caught:
            Store.open(store.root)
        assert "newer adaptline" in caught.value.do

    def test_an_older_format_is_left_as_it_is(self, store: Store) -> None:
        """Its digests are of another kind: to this version everything in it would look damaged."""
        (store.root / "store.json").write_text(json.dumps({"format": FORMAT - 1}))
        with pytest.raises(UserError, match=f"store of format {FORMAT - 1}, this version reads {FORMAT}") as caught:
            Store.open(store.root)
        assert "older adaptline" in caught.value.do

    def test_a_damaged_marker_is_named(self, store: Store) -> None:
        (store.root / "store.json").write_text("{")
        with pytest.raises(UserError, match=r"store.json: a file of the store is damaged"):
            Store.open(store.root)

    def test_processes_open_a_new_store_at_once(self, tmp_path: Path) -> None:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            list(pool.map(abs, [1, 2]))
            roots = [tmp_path / f"store-{i // 2}" for i in range(60)]
            assert [store.root for store in pool.map(Store.open, roots)] == roots
        assert all(not list((root / "temporary").iterdir()) for root in roots)

    def test_a_file_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "store").touch()
        with pytest.raises(UserError, match="a file lies where a folder is needed"):
            Store.open(tmp_path / "store")

    @pytest.mark.parametrize("mode", [0o500, 0o000])
    def test_a_folder_that_may_not_be_written(self, mode: int) -> None:
        with unprivileged() as folder:
            (folder / "closed").mkdir(mode)
            with pytest.raises(UserError, match="no permission to write"):
                Store.open(folder / "closed" / "store")


class TestUnits:
    def test_a_unit_comes_back(self, store: Store) -> None:
        ref = unit(store, "a")
        assert ref == Ref(name("a"), keys.file_digest(unit_file(store, ref)), 3)
        assert store.find_unit(name("a")) == ref
        assert store.read(ref).equals(TABLE)
        assert store.read(ref, ["b"]).to_pydict() == {"b": ["x", "y", "ü"]}
        assert store.read_row(ref, 1) == {"a": 2, "b": "y"}
        assert not list((store.root / "temporary").iterdir())

    def test_the_same_table_has_the_same_bytes(self, store: Store, tmp_path: Path) -> None:
        chunked = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])
        assert unit(store, "a").digest == unit(Store.open(tmp_path / "other"), "b", chunked).digest

    def test_the_first_commit_of_a_key_wins(self, store: Store) -> None:
        first = unit(store, "a")
        assert unit(store, "a", pa.table({"a": [9]})) == first
        assert store.read(first).equals(TABLE)

    def test_two_processes_commit_the_same_key(self, store: Store) -> None:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            named = [name(str(i // 2)) for i in range(80)]
            refs = list(pool.map(store.commit_unit, named, [TABLE] * len(named)))
        assert refs[::2] == refs[1::2]
        assert all(store.find_unit(ref.key) == ref for ref in refs)
        assert not list((store.root / "temporary").iterdir())

    def test_a_unit_that_nobody_made(self, store: Store) -> None:
        assert store.find_unit(name("a")) is None
        with pytest.raises(UserError, match="missing or damaged") as caught:
            store.read(Ref(name("a"), "", 3))
        assert "gc --damaged" in caught.value.do
        with pytest.raises(UserError, match="missing or damaged"):
            store.read(Ref(name("a"), "", 3), ["a"])

    @pytest.mark.parametrize("keep", [0, 3, 100, -1])
    def test_a_unit_cut_short(self, store: Store, keep: int) -> None:
        ref = unit(store, "a")
        path = unit_file(store, ref)
        path.write_bytes(path.read_bytes()[:keep])
        for attempt in (
            lambda: store.read(ref),
            lambda: store.find_unit(ref.key),
            lambda: store.read(ref, ["a"]),
        ):
            with pytest.raises(UserError, match="missing or damaged") as caught:
                attempt()
            assert caught.value.where == path

    def test_no_flipped_bit_of_a_page_changes_what_is_read(self, store: Store) -> None:
        table = pa.table({"a": range(300), "b": [f"{i * i} some text" for i in range(300)]})
        ref = unit(store, "a", table)
        path = unit_file(store, ref)
        data, noticed = path.read_bytes(), 0
        pages = range(4, len(data) - 8 - int.from_bytes(data[-8:-4], "little"), 7)
        for i in pages:
            path.write_bytes(data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1 :])
            try:
                assert store.read(ref).equals(table)
            except UserError:
                noticed += 1
        assert noticed > 0.9 * len(pages)

    def test_a_unit_that_vanishes_while_it_is_committed(self, store: Store) -> None:
        """Another process holds the name when we commit, and takes it away before we look: a dangling link does both."""
        path = unit_file(store, Ref(name("a"), "", 0))
        path.parent.mkdir()
        path.symlink_to(store.root / "gone")
        with pytest.raises(UserError, match="a unit vanished while it was written"):
            unit(store, "a")

    def test_a_full_disk_leaves_nothing_half_written(self, store: Store) -> None:
        with limited(100), pytest.raises(UserError, match="larger than this process may write"):
            unit(store, "a")
        assert not list((store.root / "temporary").iterdir())
        assert store.find_unit(name("a")) is None
        assert store.read(unit(store, "a")).equals(TABLE)


def test_refs_that_many_set_at_once_are_all_kept(store: Store) -> None:
    cells = [{"seed": seed} for seed in range(30)]
    with ThreadPoolExecutor(30) as pool:
        news = list(pool.map(lambda cell: store.set_ref("recipe", "adapters", {"cell": cell, "key": "k"}), cells))
    assert all(news)
    assert sorted(ref["cell"]["seed"] for ref in store.refs("recipe")["adapters"]) == list(range(30))
    assert not store.set_ref("recipe", "adapters", {"cell": {"seed": 3}, "key": "k"})
    assert store.set_ref("recipe", "adapters", {"cell": {"seed": 3}, "key": "other"})
    assert len(store.refs("recipe")["adapters"]) == 30


class TestArtifacts:
    def test_an_artifact_exists_when_its_manifest_does(self, store: Store) -> None:
        with store.temporary() as folder:
            folder.mkdir()
            (folder / "adapter").write_bytes(b"1")
            digest = store.commit_folder(name("w"), folder)
        assert (store.folder(name("w")) / "adapter").read_bytes() == b"1"
        assert store.manifest(name("w")) is None
        manifest = {"key": name("w"), "kind": "weights", "digest": digest, "name": "ü"}
        assert store.commit_manifest(manifest) == manifest == store.manifest(name("w"))
        assert digest == keys.folder_digest(store.folder(name("w")))

    def test_the_first_manifest_and_folder_win(self, store: Store) -> None:
        weights(store, "w", b"first")
        first = store.manifest(name("w"))
        weights(store, "w", b"second")
        assert store.manifest(name("w")) == first
        assert (store.folder(name("w")) / "adapter").read_bytes() == b"first"
        assert not list((store.root / "temporary").iterdir())

    def test_a_folder_whose_run_died_before_its_manifest_is_made_anew(self, store: Store) -> None:
        """Nothing says that it is whole: a gc may have died in the middle of it."""
        for content in (b"half", b"whole"):
            with store.temporary() as output:
                output.mkdir()
                (output / "adapter").write_bytes(content)
                store.commit_folder(name("w"), output)
        assert (store.folder(name("w")) / "adapter").read_bytes() == b"whole"

    def test_scratch_lasts_until_the_artifact_is_there(self, store: Store) -> None:
        scratch = store.scratch(name("w"))
        (scratch / "checkpoint").touch()
        assert (store.scratch(name("w")) / "checkpoint").exists()
        weights(store, "w")
        assert not store.scratch(name("w"), make=False).exists()

    def test_a_lock_on_a_key_is_let_go(self, store: Store) -> None:
        for _ in range(2):
            with store.working_on(name("w")):
                assert store.manifest(name("w")) is None

    def test_a_damaged_manifest_is_named(self, store: Store) -> None:
        path = store.root / "artifacts" / name("w")[:2] / f"{name('w')}.json"
        weights(store, "w")
        path.write_bytes(b"\x00\xff")
        with pytest.raises(UserError, match="a file of the store is damaged") as caught:
            store.manifest(name("w"))
        assert caught.value.where == path

    def test_work_on_a_key_is_done_by_one_at_a_time(
        self, store: Store, python: Callable[..., subprocess.Popen[str]]
    ) -> None:
        holder = python("with store.working_on('k'): print('working', flush=True); time.sleep(60)", store.root)
        wait_for(holder, "working")
        waiter = python("with store.working_on('k'): print('mine', flush=True)", store.root)
        with pytest.raises(subprocess.TimeoutExpired):
            waiter.wait(1.5)
        holder.kill()
        wait_for(waiter, "mine")


class TestRefsAndEvents:
    def test_refs_are_set_step_by_step(self, store: Store) -> None:
        assert store.refs("recipe") == {}
        one, two = [{"cell": {}, "key": "1", "digest": "2"}], [{"cell": {"seed": 0}, "key": "3", "digest": "4"}]
        store.set_refs("recipe", "raw", one)
        store.set_refs("recipe", "clean", two)
        store.set_refs("other.recipe", "raw", two)
        assert store.refs("recipe") == {"raw": one, "clean": two}
        assert store.roots() == {"1", "3"}

    def test_refs_that_did_not_change_are_not_written(self, store: Store) -> None:
        store.set_refs("recipe", "raw", [{"key": "1"}])
        before = (store.root / "refs" / "recipe.json").stat().st_ino
        store.set_refs("recipe", "raw", [{"key": "1"}])
        assert (store.root / "refs" / "recipe.json").stat().st_ino == before
        store.set_refs("recipe", "raw", [{"key": "2"}])
        assert (store.root / "refs" / "recipe.json").stat().st_ino != before

    def test_processes_set_refs_at_once_and_lose_none(
        self, store: Store, python: Callable[..., subprocess.Popen[str]]
    ) -> None:
        code = "for i in range(20): store.set_refs('recipe', f'{sys.argv[2]}{i}', [{'key': str(i)}])"
        processes = [python(code, store.root, Path(who)) for who in "ab"]
        assert [process.wait(30) for process in processes] == [0, 0]
        assert set(store.refs("recipe")) == {f"{who}{i}" for who in "ab" for i in range(20)}

    def test_damaged_refs_are_named(self, store: Store) -> None:
        (store.root / "refs" / "recipe.json").write_text("[")
        with pytest.raises(UserError, match=r"recipe.json: a file of the store is damaged"):
            store.refs("recipe")

    def test_events_come_back_oldest_first(self, store: Store) -> None:
        assert store.events() == []
        store.append_event("run", recipe="a", made=[{"step": "raw"}])
        store.append_event("gc")
        first, second = store.events()
        assert (first["verb"], first["recipe"], first["made"]) == ("run", "a", [{"step": "raw"}])
        assert second["verb"] == "gc"
        assert first["time"] <= second["time"]

    @pytest.mark.parametrize("torn", [b'{"verb": "ru', b"\0\0\0", b"\xff\xfe", b""])
    def test_a_line_that_a_crash_cut_is_passed_over(self, store: Store, torn: bytes) -> None:
        store.append_event("run")
        with (store.root / "events.jsonl").open("ab") as file:
            file.write(torn)
        store.append_event("gc")
        assert [event["verb"] for event in store.events()] == ["run", "gc"]


class TestSecret:
    @pytest.fixture(autouse=True)
    def _no_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("ADAPTLINE_SUBJECT_KEY", raising=False)

    def test_it_is_made_once_and_only_its_owner_reads_it(self, store: Store) -> None:
        secret = store.subject_secret()
        assert len(secret) == 32
        assert Store.open(store.root).subject_secret() == secret
        assert stat.S_IMODE((store.root / "subject.key").stat().st_mode) == 0o600

    def test_every_store_has_its_own(self, store: Store, tmp_path: Path) -> None:
        assert Store.open(tmp_path / "other").subject_secret() != store.subject_secret()

    def test_the_environment_comes_first(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        own = store.subject_secret()
        monkeypatch.setenv("ADAPTLINE_SUBJECT_KEY", "given ü")
        assert store.subject_secret() == "given ü".encode()
        monkeypatch.setenv("ADAPTLINE_SUBJECT_KEY", "")
        assert store.subject_secret() == own

    def test_two_processes_make_one(self, store: Store, python: Callable[..., subprocess.Popen[str]]) -> None:
        processes = [python("print(store.subject_secret().hex(), flush=True)", store.root) for _ in range(3)]
        for process in processes:
            process.wait(30)
            wait_for(process, store.subject_secret().hex())


class TestTemporary:
    def test_what_a_killed_process_left_is_swept_and_what_a_living_one_has_is_not(
        self, store: Store, python: Callable[..., subprocess.Popen[str]]
    ) -> None:
        code = (
            "with store.temporary() as one, store.temporary() as two:\n"
            "    one.write_text('half'); two.mkdir(); (two / 'file').write_text('half')\n"
            "    print('writing', flush=True); time.sleep(60)"
        )
        killed, living = python(code, store.root), python(code, store.root)
        wait_for(killed, "writing")
        wait_for(living, "writing")
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert len(list((store.root / "temporary").iterdir())) == 8
        with store.in_use():
            left = [path.name.partition("-")[0] for path in (store.root / "temporary").iterdir()]
        assert left == [str(living.pid)] * 4

    @pytest.mark.parametrize("make", [lambda path: path.write_text("half"), lambda path: path.mkdir()])
    def test_a_block_that_fails_leaves_nothing(self, store: Store, make: Callable[[Path], object]) -> None:
        with pytest.raises(FileExistsError), store.temporary() as path:  # noqa: PT012 - the block is what is tested
            make(path)
            (store.root / "temporary").mkdir()
        assert not list((store.root / "temporary").iterdir())
