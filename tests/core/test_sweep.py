"""Sweeping takes only what nobody needs, and what is damaged goes with all that holds it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest
from stores import TABLE, held, name, rows, triple, unit, unit_file, wait_for, weights

from adaptline.core import sweep
from adaptline.core.store import Store


class TestUnreached:
    def test_it_keeps_what_roots_reach_and_removes_the_rest(self, store: Store) -> None:
        refs = {what: unit(store, what) for what in ("raw", "clean", "score", "old")}
        raw = rows(store, "raw artifact", refs["raw"])
        clean = rows(store, "clean artifact", refs["clean"], inputs=(raw,), scores=(refs["score"],))
        trained = weights(store, "trained", inputs=(clean,))
        store.set_refs("recipe", "adapters", [{"cell": {}, "key": trained}])
        kept = held(store) - {f"units/{refs['old'].key[:2]}/{refs['old'].key}"}
        old = rows(store, "old artifact", refs["old"])
        weights(store, "old weights", b"123", inputs=(old,))
        (store.scratch(name("half done")) / "checkpoint").write_bytes(b"12345")
        os.utime(store.scratch(name("half done")), (0, 0))
        kept |= {f"work/{store.scratch(name('of this week')).name}"}
        everything = held(store)
        found = sweep.unreached(store, dry=True)
        assert held(store) == everything
        assert {path for path, _ in found} == everything - kept
        assert dict(found)[f"work/{name('half done')}"] == 5
        assert dict(found)[f"artifacts/{name('old weights')[:2]}/{name('old weights')}"] == 3
        assert sweep.unreached(store) == found
        assert held(store) == kept
        assert sweep.unreached(store) == []
        assert store.read(refs["score"]).equals(TABLE)

    def test_a_unit_that_two_artifacts_share_stays_while_one_is_reached(self, store: Store) -> None:
        shared = unit(store, "shared")
        one, two = rows(store, "one", shared), rows(store, "two", shared)
        store.set_refs("recipe", "rows", [{"cell": {}, "key": two}])
        sweep.unreached(store)
        assert store.manifest(one) is None
        assert store.find_unit(shared.key) == shared

    def test_what_is_in_production_stays_with_what_it_was_made_from(self, store: Store) -> None:
        raw = rows(store, "raw", unit(store, "raw"))
        live, gone = (weights(store, what, what.encode(), inputs=(raw,)) for what in ("live", "gone"))
        manifest = store.manifest(live)
        assert manifest is not None
        (store.root / "channels").mkdir()
        (store.root / "channels" / "support.json").write_text(f'{{"earlier": [null, "{manifest["digest"]}"]}}')
        (store.root / "artifacts" / "00").mkdir()
        (store.root / "artifacts" / "00" / f"{'0' * 64}.json").write_text("{")  # damaged: it holds nothing
        sweep.unreached(store)
        assert [store.manifest(key) is not None for key in (live, raw, gone)] == [True, True, False]

    def test_it_waits_for_a_run(self, store: Store, python: Callable[..., subprocess.Popen[str]]) -> None:
        unit(store, "a")
        user = python("with store.in_use(): print('running', flush=True); time.sleep(60)", store.root)
        wait_for(user, "running")
        collector = python(
            "from adaptline.core import sweep; sweep.unreached(store); print('collected', flush=True)",
            store.root,
        )
        with pytest.raises(subprocess.TimeoutExpired):
            collector.wait(1.5)
        assert store.find_unit(name("a")) is not None
        made = rows(store, "made meanwhile", unit(store, "b"))  # as the run would, while somebody waits to sweep
        store.set_refs("recipe", "rows", [{"cell": {}, "key": made}])
        user.kill()
        wait_for(collector, "collected")
        assert store.find_unit(name("a")) is None
        assert store.find_unit(name("b")) is not None
        assert store.manifest(made) is not None


class TestDamaged:
    def test_a_sound_store_loses_nothing(self, store: Store) -> None:
        trained = weights(store, "trained", inputs=(rows(store, "rows", unit(store, "a"), scores=(unit(store, "b"),)),))
        store.scratch(name("half done"))
        before = held(store)
        assert sweep.damaged(store) == []
        assert held(store) == before
        assert store.manifest(trained) is not None

    @pytest.mark.parametrize("part", ["text", "score"])
    @pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "another"])
    def test_a_damaged_unit_goes_with_the_artifacts_that_hold_it(self, store: Store, part: str, damage: str) -> None:
        refs = {"text": unit(store, "text"), "score": unit(store, "score"), "other": unit(store, "other")}
        broken = rows(store, "broken", refs["text"], scores=(refs["score"],))
        sound = rows(store, "sound", refs["other"])
        path = unit_file(store, refs[part])
        data = path.read_bytes()
        middle = len(data) // 4  # among the pages
        damages: dict[str, Callable[[], object]] = {
            "cut": lambda: path.write_bytes(data[:-3]),
            "flipped": lambda: path.write_bytes(data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]),
            "missing": path.unlink,
            "another": lambda: path.write_bytes(unit_file(store, unit(store, "else", TABLE.slice(1))).read_bytes()),
        }
        damages[damage]()
        dry = sweep.damaged(store, dry=True)
        assert store.manifest(broken) is not None
        assert sweep.damaged(store) == dry
        assert store.manifest(broken) is None
        assert store.manifest(sound) is not None
        assert not path.exists(), "the next run would take it for what it is not"
        assert unit(store, part) == refs[part]

    @pytest.mark.parametrize("damage", ["file", "folder", "manifest", "no manifest"])
    def test_damaged_weights_are_made_anew(self, store: Store, damage: str) -> None:
        trained = weights(store, "trained", b"good")
        folder, manifest = store.folder(trained), store.manifest(trained)
        if damage == "file":
            (folder / "adapter").write_bytes(b"bad!")
        elif damage == "folder":
            (folder / "adapter").unlink()
            folder.rmdir()
        elif damage == "manifest":
            folder.with_suffix(".json").write_text("{")
        else:  # what a folder without a manifest should hold, nobody knows
            folder.with_suffix(".json").unlink()
        assert sweep.damaged(store)
        assert held(store) == set()
        weights(store, "trained", b"good")
        assert store.manifest(trained) == manifest
        assert (folder / "adapter").read_bytes() == b"good"


def test_keys_are_found_wherever_a_manifest_holds_them(store: Store) -> None:
    ref = unit(store, "deep")
    manifest = {"key": name("m"), "kind": "rows", "detail": [{"a": {"b": [[1, True, triple(ref)]]}}], "digest": ""}
    store.commit_manifest(manifest)
    store.set_refs("recipe", "rows", [{"cell": {}, "key": name("m")}])
    sweep.unreached(store)
    assert store.find_unit(ref.key) == ref


def test_old_half_done_work_is_no_damage(store: Store) -> None:
    scratch = store.scratch(name("half done"))
    os.utime(scratch, (0, 0))
    assert sweep.damaged(store) == []
    assert scratch.is_dir()
