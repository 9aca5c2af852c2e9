"""What a recipe names outside itself: found by patterns, named relative to the recipe, known by content."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unprivileged import unprivileged

from adaptline.core import keys
from adaptline.core.sources import (
    Files,
    find_files,
    find_folder,
    find_tasks,
    is_patterns,
)
from adaptline.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recipe's folder with some files."""
    for name in ("b.jsonl", "a.jsonl", "data/c.jsonl", "data/deep/d.jsonl", "data/e.csv", ".hidden.jsonl"):
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "project"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that no test changes."""
    root = tmp_path_factory.mktemp("shared")
    for name in ("b.txt", "a.txt", "sub/c.txt", "sub/d.txt"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(name)
    return root


def refused(patterns: Any, folder: Path) -> UserError:
    with pytest.raises(UserError) as caught:
        find_files(patterns, folder)
    assert caught.value.do
    return caught.value


def saved(folder: Path, **splits: list[str]) -> None:
    """A data set as Hugging Face datasets saves it, its files' content aside."""
    for split, names in splits.items():
        (folder / split).mkdir(parents=True)
        state = {"_data_files": [{"filename": name} for name in names]}
        (folder / split / "state.json").write_text(json.dumps(state))
        for name in names:
            (folder / split / name).write_text(name)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}))


class TestFiles:
    @pytest.mark.parametrize(
        ("patterns", "names"),
        [
            ("a.jsonl", ["a.jsonl"]),
            ("*.jsonl", ["a.jsonl", "b.jsonl"]),
            (["b.jsonl", "a.jsonl"], ["b.jsonl", "a.jsonl"]),
            (["b.jsonl", "*.jsonl"], ["b.jsonl", "a.jsonl"]),
            ("**/*.jsonl", ["a.jsonl", "b.jsonl", "data/c.jsonl", "data/deep/d.jsonl"]),
            ("data/*", ["data/c.jsonl", "data/e.csv"]),
            ("data/**", ["data/c.jsonl", "data/deep/d.jsonl", "data/e.csv"]),
            ("[ab].jsonl", ["a.jsonl", "b.jsonl"]),
            ("./data/../a.jsonl", ["a.jsonl"]),
            (["a.jsonl", "data/../a.jsonl", "./a.jsonl"], ["a.jsonl"]),
            (".hidden.jsonl", [".hidden.jsonl"]),
            (".*.jsonl", [".hidden.jsonl"]),
        ],
    )
    def test_patterns(self, folder: Path, patterns: str | list[str], names: list[str]) -> None:
        files = find_files(patterns, folder)
        assert list(files.names) == names
        assert list(files) == [folder / name for name in names]
        assert list(files.digests) == [keys.digest(name.encode()) for name in names]
        assert files.parts == (None,) * len(names) == (None,) * len(files)

    def test_a_table_names_parts(self, folder: Path) -> None:
        files = find_files({"train": ["a.jsonl", "data/*.csv"], "test": "b.jsonl"}, folder)
        assert list(zip(files.names, files.parts, strict=True)) == [
            ("a.jsonl", "train"),
            ("data/e.csv", "train"),
            ("b.jsonl", "test"),
        ]

    def test_a_file_of_two_parts_is_refused(self, folder: Path) -> None:
        error = refused({"train": "*.jsonl", "test": "b.jsonl"}, folder)
        assert error.what == "b.jsonl is listed as 'train' and as 'test'"

    def test_the_meaning_is_the_same_wherever_recipe_and_files_lie(self, folder: Path, tmp_path: Path) -> None:
        before = find_files(["data/**"], folder).meaning
        shutil.copytree(folder, tmp_path / "moved" / "elsewhere")
        assert find_files(["data/**"], tmp_path / "moved" / "elsewhere").meaning == before
        (folder / "data" / "e.csv").write_text("changed")
        assert find_files(["data/**"], folder).meaning != before

    @pytest.mark.parametrize("odd", ["[x]", "a*b", "what?", "[!a]"])
    def test_the_recipes_folder_may_have_any_name(self, folder: Path, odd: str) -> None:
        moved = folder.rename(folder.with_name(odd))
        assert find_files("data/*.jsonl", moved).names == ("data/c.jsonl",)
        assert find_files(str(moved / "a.jsonl"), moved).names == ("a.jsonl",)

    def test_a_file_whose_name_looks_like_a_pattern(self, folder: Path) -> None:
        for name in ("a[1].jsonl", "what?.jsonl", "*.csv"):
            (folder / name).write_text(name)
            assert find_files(name, folder).names == (name,)

    def test_a_file_outside_the_recipes_folder(self, folder: Path) -> None:
        (folder / "sub").mkdir()
        assert find_files("../a.jsonl", folder / "sub").names == ("../a.jsonl",)
        assert find_files(str(folder / "a.jsonl"), folder / "sub").names == ("../a.jsonl",)

    def test_a_link_goes_by_its_own_name(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "store").mkdir()
        (tmp_path / "store" / "0f3a").write_text("content")
        (folder / "data" / "link.jsonl").symlink_to(tmp_path / "store" / "0f3a")
        (folder / "data" / "linked").symlink_to(folder / "data" / "deep")
        assert find_files("data/link.jsonl", folder).names == ("data/link.jsonl",)
        assert find_files("data/link.jsonl", folder).paths == (tmp_path / "store" / "0f3a",)
        assert find_files("data/linked/*", folder).names == ("data/linked/d.jsonl",)

    def test_two_names_of_one_file_count_once(self, folder: Path) -> None:
        (folder / "again.jsonl").symlink_to(folder / "b.jsonl")
        assert find_files(["b.jsonl", "*.jsonl"], folder).names == ("b.jsonl", "a.jsonl")

    @pytest.mark.parametrize("pattern", ["gone.jsonl", "*.jsonl"])
    def test_a_link_to_nothing_is_not_passed_over(self, folder: Path, pattern: str) -> None:
        (folder / "gone.jsonl").symlink_to("nowhere")
        assert refused(pattern, folder).what == "gone.jsonl is a link to nothing: nowhere"

    def test_links_that_lead_round_in_circles_are_walked_once(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        for name in ("x.jsonl", "sub/y.jsonl"):
            (tmp_path / name).write_text(name)
        for folder in (tmp_path, tmp_path / "sub"):
            for link in "abcd":  # 4 links of 2 folders to each other: a walk that follows them all never ends
                (folder / link).symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "other").symlink_to("sub", target_is_directory=True)
        found = find_files("**/*.jsonl", tmp_path)
        assert set(found.paths) == {tmp_path / "x.jsonl", tmp_path / "sub/y.jsonl"}
        assert find_files(f"{tmp_path}/**/**/y*", tmp_path).paths == (tmp_path / "sub/y.jsonl",)

    @pytest.mark.parametrize("pattern", ["data/*.jsonl", "**/*.jsonl", "data/l[i]nk.jsonl"])
    def test_a_link_that_a_wildcard_finds_does_not_lead_out(self, folder: Path, tmp_path: Path, pattern: str) -> None:
        (tmp_path / "secret").write_text("content")
        (folder / "data" / "link.jsonl").symlink_to(tmp_path / "secret")
        error = refused(pattern, folder)
        assert error.what == f"data/link.jsonl is a link that leads out of its folder, to {tmp_path / 'secret'}"

    def test_a_pattern_in_a_linked_folder_stays_inside_of_it(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        (tmp_path / "disk" / "x.jsonl").write_text("x")
        (folder / "linked").symlink_to(tmp_path / "disk")
        assert find_files("linked/*.jsonl", folder).names == ("linked/x.jsonl",)
        assert "leads out" in refused("*/x.jsonl", folder).what

    def test_a_saved_data_set_stands_for_its_files(self, folder: Path) -> None:
        saved(folder / "set", train=["b.arrow", "a.arrow"], test=["a.arrow"])
        found = find_files("set", folder)
        assert found.names == ("set/train/b.arrow", "set/train/a.arrow", "set/test/a.arrow")
        assert found.parts == ("train", "train", "test")
        assert find_files({"dev": "set/train"}, folder).parts == ("dev", "dev")
        assert find_files("set/test/", folder).parts == (None,)

    def test_a_saved_data_set_does_not_lead_out(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("content")
        saved(folder / "set", train=["a.arrow"])
        (folder / "set" / "train" / "a.arrow").unlink()
        (folder / "set" / "train" / "a.arrow").symlink_to(tmp_path / "secret")
        assert "leads out" in refused("set", folder).what
        (folder / "set" / "dataset_dict.json").write_text('{"splits": [".."]}')
        error = refused("set", folder)
        assert (error.where, error.what) == (folder / "set", "names '..', which is not inside of it")

    def test_a_recipe_in_a_linked_folder(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(folder)
        assert find_files("data/*", tmp_path / "link").meaning == find_files("data/*", folder).meaning

    def test_nothing_found(self, folder: Path) -> None:
        error = refused(["a.jsonl", "none/*.jsonl"], folder)
        assert error.what == "no file matches 'none/*.jsonl'"
        assert str(folder) in error.do

    @pytest.mark.parametrize("name", ["data", "data/", "./data", ""])
    def test_a_folder_instead_of_files(self, folder: Path, name: str) -> None:
        error = refused(name, folder)
        assert error.what == f"{name!r} is a folder"
        assert error.do == f'Name its files: "{name.rstrip("/")}/*.jsonl".'

    def test_an_empty_file(self, folder: Path) -> None:
        (folder / "data" / "e.csv").write_text("")
        assert refused("data/*", folder).what == "data/e.csv is empty"

    def test_a_name_that_is_not_utf8(self, folder: Path) -> None:
        try:
            Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jsonl")).write_text("x")
        except OSError:
            pytest.skip("this file system takes UTF-8 names only")
        assert refused("caf*", folder).what == "the name of 'caf\\udce9.jsonl' is not UTF-8"

    def test_a_file_that_may_not_be_read(self) -> None:
        with unprivileged() as folder:
            (folder / "a.jsonl").write_text("x")
            (folder / "a.jsonl").chmod(0)
            error = refused("*.jsonl", folder)
        assert error.what == "no permission to read a.jsonl"
        assert "chmod u+r a.jsonl" in error.do

    def test_a_folder_that_may_not_be_searched(self) -> None:
        with unprivileged() as folder:
            (folder / "closed").mkdir()
            (folder / "closed").chmod(0)
            assert refused("closed/a.jsonl", folder).what == "no permission to look for 'closed/a.jsonl'"

    @given(patterns=st.lists(st.sampled_from(["a.txt", "*.txt", "**", "sub/*", "./b.txt"]), min_size=1, max_size=6))
    def test_every_file_is_listed_once_in_the_order_of_the_patterns(self, shared: Path, patterns: list[str]) -> None:
        files = find_files(patterns, shared)
        assert len(set(files.paths)) == len(files)
        assert files.names == tuple(dict.fromkeys(name for one in patterns for name in find_files(one, shared).names))

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("a", True),
            (["a", "b"], True),
            ({"train": "a", "test": ["b"]}, True),
            ([], False),
            ({}, False),
            ({"train": []}, False),
            ({"train": {"test": "a"}}, False),
            ([["a"]], False),
            (["a", 1], False),
            (3, False),
            (None, False),
        ],
    )
    def test_what_can_name_files(self, value: Any, expected: bool) -> None:
        assert is_patterns(value) is expected


class TestFolder:
    def test_a_folder_is_known_by_its_content(self, folder: Path) -> None:
        found = find_folder("data", folder)
        assert (found.path, found.name, found.meaning) == (folder / "data", "data", keys.folder_digest(folder / "data"))

    @pytest.mark.parametrize("name", ["gone", "a.jsonl", "hub/name"])
    def test_no_folder(self, folder: Path, name: str) -> None:
        with pytest.raises(UserError, match=f"no such folder: '{name}'") as caught:
            find_folder(name, folder)
        assert "package:NAME" in caught.value.do

    @pytest.fixture
    def package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An importable package of three folders, of which two hold a model."""
        root = tmp_path / "packages" / "tiny_model"
        for name in ("z", "a/deep"):
            (root / name).mkdir(parents=True)
            (root / name / "config.json").write_text("{}")
        (root / "__init__.py").write_text("raise RuntimeError('must not be imported')")
        monkeypatch.syspath_prepend(root.parent)
        return root

    def test_the_model_inside_a_package_is_the_least_deep(self, package: Path, tmp_path: Path) -> None:
        found = find_folder("package:tiny_model", tmp_path)
        assert (found.path, found.name) == (package / "z", "package:tiny_model")
        assert "tiny_model" not in sys.modules

    def test_a_pipeline_of_spacy_inside_a_package_is_a_model_too(self, package: Path, tmp_path: Path) -> None:
        for config in package.rglob("config.json"):
            config.rename(config.with_suffix(".cfg"))
        assert find_folder("package:tiny_model", tmp_path).path == package / "z"

    @pytest.mark.parametrize("name", ["no_such_package", "sys", "os.path", "", "../up"])
    def test_no_package(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="no installed package") as caught:
            find_folder(f"package:{name}", tmp_path)
        assert caught.value.do == f"pip install {name.replace('_', '-')}"

    def test_a_package_without_a_model(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="package 'adaptline' holds no model") as caught:
            find_folder("package:adaptline", tmp_path)
        assert "config.json" in caught.value.do


class TestTasks:
    def task(self, folder: Path, text: str, name: str = "tasks/route.toml") -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def test_a_task_names_files_beside_itself(self, folder: Path) -> None:
        path = self.task(folder, 'files = "../data/*.jsonl"\nmetrics = ["accuracy"]')
        (task,) = find_tasks("tasks/*.toml", folder)
        assert (task.name, task.path, task.settings) == ("route", path, {"metrics": ["accuracy"]})
        assert task.files == find_files("../data/*.jsonl", path.parent)

    def test_its_meaning_is_what_it_says(self, folder: Path) -> None:
        self.task(folder, 'files = "../a.jsonl"\nname = "x"\nshots = 3')
        before = find_tasks("tasks/*.toml", folder).meaning
        self.task(folder, '# why\nname = "x"\nshots = 3\n\nfiles = ["../a.jsonl"]')
        assert find_tasks(["tasks/route.toml"], folder).meaning == before
        self.task(folder, 'files = "../a.jsonl"\nname = "x"\nshots = 4')
        assert find_tasks("tasks/*.toml", folder).meaning != before

    def test_two_tasks_of_one_name(self, folder: Path) -> None:
        first = self.task(folder, 'files = "../a.jsonl"\nname = "b"', "tasks/a.toml")
        second = self.task(folder, 'files = "../a.jsonl"', "tasks/b.toml")
        with pytest.raises(UserError, match="two tasks are called 'b'") as caught:
            find_tasks("tasks/*.toml", folder)
        assert caught.value.where == second
        assert str(first) in caught.value.do

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("files = [", "not a TOML file"),
            ("name = '\udcff'", "not a TOML file"),
            ("name = 'x'", "a task needs files"),
            ("files = 3", "a task needs files"),
            ("files = []", "a task needs files"),
            ("files = '../a.jsonl'\nname = 3", "a task's name is a string, not 3"),
            ("files = '../a.jsonl'\nsince = [{ x = 2026-01-01 }]", "a task has no dates or times"),
            ("files = 'gone.jsonl'", "no file matches 'gone.jsonl'"),
        ],
    )
    def test_mistakes_are_placed_in_the_task_file(self, folder: Path, text: str, what: str) -> None:
        path = self.task(folder, "")
        path.write_bytes(text.encode("utf-8", "surrogateescape") or b" ")
        with pytest.raises(UserError, match=what) as caught:
            find_tasks("tasks/*.toml", folder)
        assert caught.value.where == path
        assert caught.value.do


def test_files_can_be_iterated_and_counted() -> None:
    files = Files((Path("a"), Path("b")), ("a", "b"), ("1", "2"), (None, "test"))
    assert (list(files), len(files)) == ([Path("a"), Path("b")], 2)
    assert files.meaning == [["a", "1", None], ["b", "2", "test"]]


def test_a_folder_with_a_file_that_may_not_be_read_is_told() -> None:
    with unprivileged() as folder:
        (folder / "base").mkdir()
        (folder / "base" / "config.json").write_text("{}")
        (folder / "base" / "config.json").chmod(0)
        with pytest.raises(UserError, match=r"no permission to read .*config\.json") as caught:
            find_folder("base", folder)
        assert "chmod -R u+rX base" in caught.value.do
