"""A recipe: links, grids and parameters, each mistake with its file, line, what is wrong and what to do."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unprivileged import unprivileged

from adaptline.core import recipe as recipes
from adaptline.core.recipe import Recipe, label
from adaptline.errors import UserError

RAW = '[raw]\nstep = "ingest"\nfiles = "*.jsonl"\n'  # lines 1 to 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    return tmp_path


def read(folder: Path, text: str) -> Recipe:
    """A recipe of a text, all its cells checked."""
    (folder / "recipe.toml").write_text(text, "utf-8")
    found = recipes.read(folder / "recipe.toml")
    for table in found.tables:
        for cell in table.cells:
            found.values(table, cell)
    return found


def refused(folder: Path, text: str) -> UserError:
    with pytest.raises(UserError) as caught:
        read(folder, text)
    assert caught.value.where == folder / "recipe.toml"
    return caught.value


def values(folder: Path, text: str, table: str) -> list[dict[str, Any]]:
    found = read(folder, text)
    return [found.values(found.table(table), cell) for cell in found.table(table).cells]


class TestReading:
    def test_tables_come_in_an_order_that_follows_their_links(self, folder: Path) -> None:
        text = (
            '[c]\nstep = "curate"\nfrom = ["b"]\ndo = []\n[b]\nstep = "split"\nfrom = "raw"\nshare = { a = 1 }\n' + RAW
        )
        found = read(folder, text)
        assert [table.name for table in found.tables] == ["raw", "b", "c"]
        assert [table.sources for table in found.tables] == [(), ("raw",), ("b",)]
        assert (found.name, found.beside, found.path, found.text) == ("recipe", folder, folder / "recipe.toml", text)

    def test_paths_are_relative_to_the_recipe(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        read(folder, RAW)
        monkeypatch.chdir(folder.parent)
        found = recipes.read(Path(folder.name) / "recipe.toml")
        assert found.values(found.tables[0], {})["files"].names == ("a.jsonl",)

    def test_a_table_of_a_name(self, folder: Path) -> None:
        found = read(folder, RAW)
        assert found.table("raw") is found.tables[0]
        with pytest.raises(UserError, match=r"no step \[rwa\] in the recipe") as caught:
            found.table("rwa")
        assert (caught.value.where, caught.value.do) == (folder / "recipe.toml", "Did you mean 'raw'?")

    def test_a_recipe_without_a_file(self, folder: Path) -> None:
        found = recipes.from_tables({"raw": {"step": "ingest", "files": "*.jsonl"}}, "made", folder)
        assert found.values(found.tables[0], {})["files"].names == ("a.jsonl",)
        found = recipes.from_tables({"raw": {"step": "ingest"}}, "made", folder)
        with pytest.raises(UserError, match=r"recipe: \[raw\] files is missing"):
            found.values(found.tables[0], {})

    @pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
    def test_windows_files(self, folder: Path, mark: bytes) -> None:
        (folder / "recipe.toml").write_bytes(mark + RAW.replace("\n", "\r\n").encode())
        assert recipes.read(folder / "recipe.toml").tables[0].step == "ingest"

    @pytest.mark.parametrize(
        ("content", "what", "line"),
        [
            (b"[raw]\nstep = \n", "not TOML: Invalid value (at line 2, column 8)", 2),
            (b"[raw]\nstep = 'a'\nstep = 'b'\n", "not TOML: Cannot overwrite a value (at line 3, column 11)", 3),
            (b"[raw]\n[a]\n[raw]\n", "not TOML: Cannot declare ('raw',) twice (at line 3, column 5)", 3),
            (b"[raw]\nfiles = [", "not TOML: Invalid value (at end of document)", None),
            (b"[raw]\nstep = 'caf\xe9'\n", "not UTF-8 text: ", None),
            (b"", "the recipe is empty", None),
            (b"# nothing\n", "the recipe is empty", None),
        ],
    )
    def test_what_is_no_recipe(self, folder: Path, content: bytes, what: str, line: int | None) -> None:
        (folder / "recipe.toml").write_bytes(content)
        with pytest.raises(UserError) as caught:
            recipes.read(folder / "recipe.toml")
        assert caught.value.what.startswith(what)
        assert (caught.value.where, caught.value.line) == (folder / "recipe.toml", line)
        assert caught.value.do

    @pytest.mark.parametrize(
        ("name", "what"),
        [("gone.toml", "no such recipe"), ("a.jsonl/x.toml", "no such recipe"), ("base", "is a folder, not a recipe")],
    )
    def test_where_there_is_none(self, folder: Path, name: str, what: str) -> None:
        with pytest.raises(UserError, match=what) as caught:
            recipes.read(folder / name)
        assert caught.value.where == folder / name
        assert caught.value.do

    def test_one_that_may_not_be_read(self) -> None:
        with unprivileged() as folder:
            (folder / "recipe.toml").write_text(RAW)
            (folder / "recipe.toml").chmod(0)
            with pytest.raises(UserError, match="no permission to read the recipe"):
                recipes.read(folder / "recipe.toml")


SPLIT = RAW + '[parts]\nstep = "split"\nfrom = "raw"\n'  # lines 4 to 6
CURATE = RAW + '[clean]\nstep = "curate"\nfrom = "raw"\n'  # the same
SELECT = RAW + '[best]\nstep = "select"\nfrom = "raw"\nbest = "a.b"\n'  # lines 4 to 7
TRAIN = RAW + '[tuned]\nstep = "train"\nfrom = "raw"\nbase = "base"\n'  # lines 4 to 7


class TestMistakes:
    """Every mistake: the recipe, the line that is shown, what is wrong, what to do."""

    @pytest.mark.parametrize(
        ("text", "line", "what", "do"),
        [
            ("seed = 3\n" + RAW, 1, "seed = 3 stands outside any step", "A step is a table: [seed]"),
            ("# one\n\nseed = 3\n" + RAW, 3, "seed = 3 stands outside any step", "A step is a table"),
            ("x = [1]\n" + RAW, 1, "x = [1] stands outside any step", "A step is a table"),
            ("[[raw]]\nstep = 'ingest'\n", 1, "[raw] is a list of tables", "in single brackets"),
            ("['a/b']\nstep = 'ingest'\n", 1, "[a/b] a step's name has no slash", ""),
            (RAW + "['.a']\nstep = 'ingest'\n", 4, "[.a] a step's name has no slash and no leading dot", ""),
            ("[raw]\nfiles = '*'\n", 1, "[raw] has no step", "Known: audit, augment, curate, ingest, split, "),
            ("[raw]\nfiles = '*'\nstep = 3\n", 3, "[raw] has no step", 'Add step = "..."'),
            ("[raw]\n\nstep = 'ingset'\n", 3, "[raw] unknown step 'ingset'", "Did you mean 'ingest'?"),
            ("[raw]\nstep = './mine.py:own'\n", 2, "[raw] unknown step './mine.py:own'", "Known: "),
            (RAW + "from = 3\n", 4, "[raw] from must be a step's name or a list of them", ""),
            (RAW + "from = ['a', 3]\n", 4, "[raw] from must be a step's name or a list of them", ""),
            (SPLIT.replace('"raw"', '"rwa"'), 6, "[parts] takes from 'rwa', which is no step", "Did you mean 'raw'?"),
            (CURATE + "by = 'seed'\ndo = []\n", 7, "[clean] by must be a list of grid keys", ""),
            (CURATE + "do = []\nby = [3]\n", 8, "[clean] by must be a list of grid keys", ""),
            (CURATE + "do = []\nwhere = 3\n", 8, "[clean] where must be a table", ""),
            (
                SPLIT,
                4,
                "[parts] share is missing",
                "split needs share: a table, each value a number from 0 on, together 1.",
            ),
            (SPLIT + "shares = { a = 1 }\n", 7, "[parts] shares is not a parameter", "Did you mean 'share'?"),
            (SPLIT + "share = { a = 1 }\nsed = 3\n", 8, "[parts] sed is not a parameter", "Did you mean 'seed'?"),
            (SPLIT + "share = { a = 1 }\nseed = true\n", 8, "[parts] seed must be a whole number, not True", ""),
            (SPLIT + "[parts.share]\na = 1\nb = '2'\n", 9, "[parts] share.b must be a number, not '2'", ""),
            (CURATE + "do = 'exact'\n", 7, "[clean] do must be a list, each a method's name, not 'exact'", ""),
            (
                CURATE + "do = [\n'exact',\n'lenght',\n]\n",
                9,
                "[clean] do has unknown method 'lenght'",
                "Did you mean 'length'?",
            ),
            (
                CURATE + "do = [\n'exact',\n{ use = 'length', mni = 3 }]\n",
                9,
                "[clean] mni is not a parameter of length",
                "Did you mean 'min'?",
            ),
            (
                CURATE + "do = [\n{ use = 'length', min = 3 },\n{ use = 'minhash', threshold = 'x' }]\n",
                9,
                "[clean] threshold of minhash must be a number, not 'x'",
                "",
            ),
            (
                CURATE + "do = [\n{ use = 'length' },\n{ use = './mine.py:own' }]\n",
                9,
                "[clean] do has no such file: ./mine.py",
                "beside the recipe",
            ),
            (CURATE + "do = [{ min = 3 }]\n", 7, "[clean] do must be a method's name or a table with use", "Write "),
            (RAW.replace("*.jsonl", "b.jsonl"), 3, "[raw] no file matches 'b.jsonl'", "Paths are relative"),
            (
                "[raw]\nstep = 'ingest'\nfiles = [\n'a.jsonl',\n'b.jsonl',\n]\n",
                5,
                "[raw] no file matches 'b.jsonl'",
                "Paths are relative",
            ),
            (RAW.replace("*.jsonl", "base"), 3, "[raw] 'base' is a folder", 'Name its files: "base/*.jsonl".'),
            (RAW.replace("*.jsonl", "*.empty"), 3, "[raw] x.empty is empty", "Remove it"),
            (RAW.replace('"*.jsonl"', "3"), 3, "[raw] files must be a file pattern", ""),
            (TRAIN, 4, "[tuned] method is missing", "train needs method: one of "),
            (
                TRAIN + "epochs = 1\nmethod = 'lorra'\n",
                9,
                "[tuned] method has unknown adapter 'lorra'",
                "Did you mean 'lora'?",
            ),
            (
                TRAIN + "rnak = 3\nmethod = 'lora'\n",
                8,
                "[tuned] rnak is not a parameter of lora",
                "Did you mean 'rank'?",
            ),
            (
                TRAIN + "epohcs = 3\nmethod = 'lora'\n",
                8,
                "[tuned] epohcs is not a parameter of lora",
                "Did you mean 'epochs'?",
            ),
            (TRAIN + "rank = 'x'\nmethod = 'lora'\n", 8, "[tuned] rank of lora must be a whole number, not 'x'", ""),
            (
                TRAIN.replace('"base"', '"bsae"') + "method = 'lora'\n",
                7,
                "[tuned] no such folder: 'bsae'",
                "package:NAME",
            ),
            (
                TRAIN + "method = 'lora'\neach = { rank = [8, 'x'] }\n",
                9,
                "[tuned] rank of lora must be a whole number, not 'x'",
                "",
            ),
        ],
    )
    def test_it_is_shown_with_its_line(self, folder: Path, text: str, line: int, what: str, do: str) -> None:
        (folder / "x.empty").touch()
        error = refused(folder, text)
        assert (error.what[: len(what)], error.line) == (what, line)
        assert do in error.do

    @pytest.mark.parametrize(
        ("links", "circle"),
        [
            ({"a": "a"}, "a -> a"),
            ({"a": "b", "b": "a"}, "a -> b -> a"),
            ({"x": "a", "a": "b", "b": "c", "c": "a"}, "a -> b -> c -> a"),
        ],
    )
    def test_circles(self, folder: Path, links: dict[str, str], circle: str) -> None:
        text = "".join(f"[{name}]\nstep = 'curate'\nfrom = '{source}'\ndo = []\n" for name, source in links.items())
        error = refused(folder, text)
        assert f"goes in a circle: {circle}" in error.what
        assert text.splitlines()[(error.line or 0) - 1].startswith("from")

    def test_a_users_file_with_a_mistake_is_shown_itself(self, folder: Path) -> None:
        (folder / "mine.py").write_text("def own(:")
        with pytest.raises(UserError, match="cannot be imported: SyntaxError") as caught:
            read(folder, CURATE + "do = ['./mine.py:own']\n")
        assert caught.value.where == folder / "mine.py"


class TestGrids:
    @pytest.mark.parametrize(
        ("each", "cells"),
        [
            ("{ seed = [0, 1] }", [{"seed": 0}, {"seed": 1}]),
            ("{ seed = 3 }", [{"seed": 3}]),
            ("{ seed = [0, 1], rank = [8] }", [{"seed": 0, "rank": 8}, {"seed": 1, "rank": 8}]),
            ("[{ rank = [8, 16] }, { rank = 4, alpha = 2 }]", [{"rank": 8}, {"rank": 16}, {"rank": 4, "alpha": 2}]),
        ],
    )
    def test_cells(self, folder: Path, each: str, cells: list[dict[str, Any]]) -> None:
        assert list(read(folder, TRAIN + f"method = 'lora'\neach = {each}\n").table("tuned").cells) == cells

    def test_a_step_without_a_grid_has_one_cell(self, folder: Path) -> None:
        assert read(folder, RAW).tables[0].cells == ({},)

    @pytest.mark.parametrize(
        ("each", "what"),
        [
            ("[]", "each must be a table of lists"),
            ("{}", "each must be a table of lists"),
            ("3", "each must be a table of lists"),
            ("['seed']", "each must be a table of lists"),
            ("[{ seed = [0] }, {}]", "each must be a table of lists"),
            ("{ seed = [] }", "an empty list in each makes no cell"),
            ("{ seed = [0, 1, 0] }", "the same cell twice: seed=0"),
            ("[{ seed = [0, 1] }, { seed = 1 }]", "the same cell twice: seed=1"),
            ("{ sed = [0] }", "sed is not a parameter"),
            ("{ 'length.min' = [0] }", "'length.min' reaches nothing: no method or table 'length'"),
            ("{ length.min = [0] }", "'length.min' reaches nothing: no method or table 'length'"),
            ("{ 'seed.x' = [0] }", "'seed.x' reaches nothing: no method or table 'seed'"),
            ("{ 'seed.' = [0] }", "'seed.' reaches nothing: no method or table 'seed'"),
        ],
    )
    def test_mistakes(self, folder: Path, each: str, what: str) -> None:
        error = refused(folder, SPLIT + f"share = {{ a = 1 }}\n\neach = {each}\n")
        assert error.what.startswith(f"[parts] {what}")
        assert error.line == 9

    def test_a_dotted_key_of_two_methods_at_once(self, folder: Path) -> None:
        error = refused(folder, CURATE + "do = ['exact', 'length', { use = 'length' }]\neach = { length.min = [3] }\n")
        assert error.what.startswith("[clean] 'length.min' reaches 2 methods of do")

    def test_a_dotted_key_of_a_method_that_is_not_listed(self, folder: Path) -> None:
        error = refused(folder, CURATE + "do = ['exact']\neach = { minhash.threshold = [0.7] }\n")
        assert error.what.startswith("[clean] 'minhash.threshold' reaches nothing: no method or table 'minhash'")
        assert "listed in do" in error.do

    def test_values_are_laid_over_the_tables(self, folder: Path) -> None:
        found = values(folder, SPLIT + "share = { a = 1 }\nseed = 7\neach = { seed = [1, 2] }\n", "parts")
        assert [entry["seed"] for entry in found] == [1, 2]

    @pytest.mark.parametrize("key", ["'limit.a'", "limit.a"])
    def test_a_dotted_key_reaches_into_a_table(self, folder: Path, key: str) -> None:
        found = values(folder, SELECT + f"limit = {{ a = 0.5, b = 0.5 }}\neach = {{ {key} = [0.1, 0.2] }}\n", "best")
        assert [entry["limit"] for entry in found] == [{"a": 0.1, "b": 0.5}, {"a": 0.2, "b": 0.5}]

    @pytest.mark.parametrize("key", ["'length.min'", "length.min"])
    def test_a_dotted_key_reaches_a_method_of_do(self, folder: Path, key: str) -> None:
        for length in ("'length'", "{ use = 'length', max = 9 }"):
            found = values(folder, CURATE + f"do = ['exact', {length}]\neach = {{ {key} = [1, 2] }}\n", "clean")
            assert [[use.use for use in entry["do"]] for entry in found] == [["exact", "length"]] * 2
            assert [entry["do"][1].settings["min"] for entry in found] == [1.0, 2.0]
            assert ("max" in found[0]["do"][1].settings) == ("max" in length)

    def test_a_dotted_key_reaches_a_users_method(self, folder: Path) -> None:
        code = "from adaptline.core.registry import filter\n@filter(version=1)\ndef own(texts): ...\n"
        (folder / "mine.py").write_text(code)
        text = CURATE + "do = ['exact', './mine.py:own']\neach = { './mine.py:own.min' = [1, 2] }\n"
        assert [entry["do"][1].settings["min"] for entry in values(folder, text, "clean")] == [1.0, 2.0]

    def test_a_dotted_key_reaches_a_list_of_the_same_cell(self, folder: Path) -> None:
        text = CURATE + "each = { 'length.min' = [1], do = [['length'], ['exact', 'length']] }\n"
        found = values(folder, text, "clean")
        assert [entry["do"][-1].settings for entry in found] == [{"min": 1.0}] * 2

    def test_the_table_itself_stays_as_it_is(self, folder: Path) -> None:
        found = read(folder, CURATE + "do = [{ use = 'length' }]\neach = { length.min = [1] }\n")
        assert found.table("clean").parameters == {"do": [{"use": "length"}]}

    def test_a_parameter_called_by_is_the_steps(self, folder: Path) -> None:
        found = read(folder, SPLIT + "share = { a = 1 }\nby = 'conversation'\n").table("parts")
        assert (found.by, found.parameters["by"]) == (None, "conversation")

    @given(
        st.dictionaries(
            st.text("abc", min_size=1, max_size=2),
            st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True),
            min_size=1,
            max_size=3,
        )
    )
    def test_a_grid_is_the_product_of_its_lists(self, each: dict[str, list[int]]) -> None:
        tables = {"raw": {"step": "ingest", "files": "x", "each": each}}
        cells = recipes.from_tables(tables, "made", Path()).tables[0].cells
        expected = 1
        for entries in each.values():
            expected *= len(entries)
        assert len(cells) == len({tuple(cell.items()) for cell in cells}) == expected
        assert all(cell[key] in entries for cell in cells for key, entries in each.items())

    def test_label(self) -> None:
        assert label({"rank": 8, "seed": 0}) == "rank=8 seed=0"
        assert label({}) == ""


@given(st.permutations(range(6)), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8))
def test_every_step_stands_after_those_it_takes_from(order: list[int], pairs: list[tuple[int, int]]) -> None:
    sources = {i: sorted({low for low, high in pairs if high == i and low < i}) for i in range(6)}
    tables = {f"s{i}": {"step": "curate", "do": [], "from": [f"s{j}" for j in sources[i]]} for i in order}
    names = [table.name for table in recipes.from_tables(tables, "made", Path()).tables]
    assert sorted(names) == sorted(tables)
    assert all(names.index(source) < names.index(name) for name, table in tables.items() for source in table["from"])


@given(
    st.lists(
        st.sampled_from(["", "# note = 1\n", "\n", "seed = 0\n", 'by = "x"\n', "of = 'y'  # sed = 1\n"]), unique=True
    ),
    st.integers(0, 3),
    st.sampled_from(["sed", "'sed'", '"sed"']),
)
def test_a_misspelt_key_is_shown_at_its_line(lines: list[str], before: int, key: str) -> None:
    text = "".join(f'[t{i}]\nstep = "split"\nshare = {{ sed = 1.0 }}\n' for i in range(before))
    text += '[parts]\nstep = "split"\nshare = { sed = 1.0 }\n' + "".join(lines) + f"{key} = 1\n"
    found = recipes.from_tables(tomllib.loads(text), "made", Path(), text=text)
    with pytest.raises(UserError) as caught:
        found.values(found.table("parts"), {})
    assert caught.value.line == text.count("\n")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (("method", "lora", "rank"), ("each", "rank")),
        (("do", "minhash", "threshold"), ("each", "minhash.threshold")),
        (("do", "minhash"), ("each", "minhash.threshold")),
        (("do", "minhash", "size"), ("do", "minhash", "size")),
        (("epochs",), ("epochs",)),
        ((), ()),
    ],
)
def test_a_value_of_a_cell_has_its_place_in_the_grid(place: tuple[str, ...], expected: tuple[str, ...]) -> None:
    cell = {"seed": 0, "rank": 0, "minhash.threshold": 7}
    assert tuple(recipes.in_grid(place, cell)) == expected
