"""The grid: which artifacts a recipe makes and from which, by signatures alone."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import grid
from adaptline.core import recipe as recipes
from adaptline.core.grid import Node
from adaptline.errors import UserError

RAW = '[raw]\nstep = "ingest"\nfiles = "*.jsonl"\n'  # lines 1 to 3
CLEAN = RAW + '[clean]\nstep = "curate"\nfrom = "raw"\ndo = ["length"]\n'  # lines 4 to 7
TUNED = CLEAN + '[tuned]\nstep = "train"\nfrom = "clean"\nbase = "base"\nmethod = "lora"\n'  # lines 8 to 12
SEEDS = "each = { rank = [8, 16], seed = [0, 1] }\n"  # line 13
SCORED = TUNED + SEEDS + '[scores]\nstep = "evaluate"\nfrom = ["tuned", "clean"]\n'  # lines 14 to 16
CHOSEN = SCORED + '[best]\nstep = "select"\nfrom = "scores"\nbest = "test.accuracy"\n'  # lines 17 to 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the recipes of these tests name; no test changes it."""
    root = tmp_path_factory.mktemp("grid")
    (root / "a.jsonl").write_text('{"text": "a"}\n')
    (root / "task.toml").write_text('files = "a.jsonl"\n')
    for i in range(3):
        own = "@filter(version=1)\ndef own(texts, *, a=9, b=9, c=9): ...\n"
        (root / f"own{i}.py").write_text(f"from adaptline import filter\n{own}")
    (root / "base").mkdir()
    (root / "base" / "config.json").write_text("{}")
    return root


def build(folder: Path, text: str) -> dict[str, list[Node]]:
    (folder / "recipe.toml").write_text(text)
    return grid.build(recipes.read(folder / "recipe.toml"))


def refused(folder: Path, text: str) -> UserError:
    with pytest.raises(UserError) as caught:
        build(folder, text)
    assert caught.value.where == folder / "recipe.toml"
    return caught.value


def made_from(node: Node) -> dict[str, list[str]]:
    return {name: [parent.title for parent in parents] for name, parents in node.inputs.items()}


def cells(nodes: list[Node]) -> list[dict[str, Any]]:
    return [node.cell for node in nodes]


def test_everything_behind_a_node_is_told_once_the_nearest_first(folder: Path) -> None:
    (best,) = build(folder, CHOSEN)["best"]
    told = [node.table.name for node in best.ancestors()]
    assert told == ["scores"] * 4 + ["tuned", "clean"] + ["tuned"] * 3 + ["raw"]
    assert build(folder, RAW)["raw"][0].ancestors() == []


FOUR = [{"rank": rank, "seed": seed} for rank in (8, 16) for seed in (0, 1)]


class TestMapping:
    def test_steps_without_a_grid_make_one_artifact_each(self, folder: Path) -> None:
        nodes = build(folder, CLEAN)
        assert {name: [node.title for node in made] for name, made in nodes.items()} == {
            "raw": ["raw"],
            "clean": ["clean"],
        }
        assert made_from(nodes["clean"][0]) == {"rows": ["raw"]}
        assert nodes["clean"][0].inputs["rows"][0] is nodes["raw"][0]

    def test_a_grid_makes_one_artifact_per_cell(self, folder: Path) -> None:
        nodes = build(folder, TUNED + SEEDS)["tuned"]
        assert cells(nodes) == FOUR
        assert [(node.values.get("seed"), node.kind) for node in nodes] == [(None, "weights"), (1, "weights")] * 2
        assert nodes[1].title == "tuned [rank=8 seed=1]"

    def test_what_takes_one_artifact_maps_over_the_cells(self, folder: Path) -> None:
        nodes = build(folder, SCORED)["scores"]
        assert cells(nodes) == FOUR
        assert made_from(nodes[3]) == {"weights": ["tuned [rank=16 seed=1]"], "rows": ["clean"]}

    def test_a_grid_of_rows_multiplies_with_a_grid_after_it(self, folder: Path) -> None:
        text = (
            TUNED.replace('["length"]\n', '["length"]\neach = { length.min = [1, 2] }\n') + "each = { seed = [0, 1] }\n"
        )
        nodes = build(folder, text)["tuned"]
        assert cells(nodes) == [{"length.min": low, "seed": seed} for low in (1, 2) for seed in (0, 1)]
        assert made_from(nodes[2]) == {"rows": ["clean [length.min=2]"]}

    def test_two_inputs_meet_where_their_common_cells_agree(self, folder: Path) -> None:
        """The weights trained on each variant of the rows are judged on that variant."""
        nodes = build(folder, SCORED.replace('["length"]\n', '["length"]\neach = { length.min = [1, 2] }\n'))["scores"]
        assert len(nodes) == 8
        for node in nodes:
            assert node.inputs["rows"][0].cell == {"length.min": node.cell["length.min"]}
            assert node.inputs["weights"][0].cell == node.cell

    def test_two_inputs_of_different_grids_meet_in_all_combinations(self, folder: Path) -> None:
        other = '[other]\nstep = "curate"\nfrom = "raw"\ndo = ["length"]\neach = { length.max = [5, 6, 7] }\n'
        nodes = build(folder, SCORED.replace('["tuned", "clean"]', '["other", "tuned"]') + other)["scores"]
        assert len(nodes) == 12
        assert [list(cell) for cell in cells(nodes)] == [["rank", "seed", "length.max"]] * 12

    def test_an_optional_input_may_be_left_out(self, folder: Path) -> None:
        (node,) = build(folder, TUNED + '[scores]\nstep = "evaluate"\nfrom = "tuned"\ntasks = "task.toml"\n')["scores"]
        assert made_from(node) == {"weights": ["tuned"]}

    @given(
        each=st.lists(
            st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(0, 3), min_size=1, max_size=2, unique=True)),
            min_size=1,
            max_size=3,
        )
    )
    def test_a_chain_of_grids_is_their_product(self, folder: Path, each: list[dict[str, list[int]]]) -> None:
        """Steps in a row, each with a grid of its own: every combination occurs once."""
        tables: dict[str, Any] = {"raw": {"step": "ingest", "files": "a.jsonl"}}
        used: list[list[int]] = []
        for i, lists in enumerate(each):
            own = {f"./own{i}.py:own.{name}": entries for name, entries in lists.items()}
            used += own.values()
            table = {"step": "curate", "from": list(tables)[-1], "do": [f"./own{i}.py:own"]}
            tables[f"s{i}"] = table | ({"each": own} if own else {})
        nodes = grid.build(recipes.from_tables(tables, "made", folder))
        last = cells(list(nodes.values())[-1])
        assert sorted(tuple(cell.values()) for cell in last) == sorted(itertools.product(*used))


class TestGathering:
    def test_a_list_gathers_all_cells(self, folder: Path) -> None:
        (node,) = build(folder, CHOSEN)["best"]
        assert node.cell == {}
        assert [parent.cell for parent in node.inputs["reports"]] == FOUR

    def test_by_gathers_within_groups(self, folder: Path) -> None:
        nodes = build(folder, CHOSEN + 'by = ["rank"]\n')["best"]
        assert cells(nodes) == [{"rank": 8}, {"rank": 16}]
        assert [[parent.cell["seed"] for parent in node.inputs["reports"]] for node in nodes] == [[0, 1]] * 2
        assert len(build(folder, CHOSEN + 'by = ["rank", "seed"]\n')["best"]) == 4
        assert len(build(folder, CHOSEN + "by = []\n")["best"]) == 1

    def test_several_sources_are_gathered_together(self, folder: Path) -> None:
        more = SCORED + '[more]\nstep = "evaluate"\nfrom = ["tuned", "clean"]\nsplit = "validation"\n'
        (node,) = build(folder, more + '[best]\nstep = "select"\nfrom = ["scores", "more"]\nbest = "test.accuracy"\n')[
            "best"
        ]
        titles = [parent.table.name for parent in node.inputs["reports"]]
        assert titles == ["scores"] * 4 + ["more"] * 4

    def test_a_grid_after_gathering_starts_anew(self, folder: Path) -> None:
        nodes = build(folder, CHOSEN + "each = { confidence = [0.9, 0.95] }\n")["best"]
        assert cells(nodes) == [{"confidence": 0.9}, {"confidence": 0.95}]
        assert all(len(node.inputs["reports"]) == 4 for node in nodes)


class TestWhere:
    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            ("{ seed = 0 }", [{"rank": 8, "seed": 0}, {"rank": 16, "seed": 0}]),
            ("{ seed = 0, rank = 16 }", [{"rank": 16, "seed": 0}]),
            ("{ seed = [0, 1], rank = 8 }", [{"rank": 8, "seed": 0}, {"rank": 8, "seed": 1}]),
        ],
    )
    def test_it_narrows(self, folder: Path, where: str, expected: list[dict[str, int]]) -> None:
        assert cells(build(folder, SCORED + f"where = {where}\n")["scores"]) == expected
        (node,) = build(folder, CHOSEN + f"where = {where}\n")["best"]
        assert [parent.cell for parent in node.inputs["reports"]] == expected

    @pytest.mark.parametrize(
        ("where", "what", "do"),
        [
            ("{ sed = 0 }", "no grid key 'sed' in what it takes from", "Did you mean 'seed'?"),
            ("{ seed = 7 }", "no cell of 'tuned' fits {'seed': 7}", "Cells: rank=8 seed=0; rank=8 seed=1; "),
            ("{ seed = '0' }", "no cell of 'tuned' fits {'seed': '0'}", "Cells: "),
            ("{ seed = [] }", "no cell of 'tuned' fits {'seed': []}", "Cells: "),
        ],
    )
    def test_mistakes(self, folder: Path, where: str, what: str, do: str) -> None:
        error = refused(folder, SCORED + f"where = {where}\n")
        assert (error.what, error.line) == (f"[scores] {what}", 17)
        assert error.do.startswith(do)

    def test_a_key_that_was_gathered_away_is_unknown(self, folder: Path) -> None:
        again = CHOSEN + '[again]\nstep = "select"\nfrom = "best"\nbest = "test.accuracy"\nwhere = { seed = 0 }\n'
        error = refused(folder, again)
        assert (error.what, error.line) == ("[again] no grid key 'seed' in what it takes from", 25)


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "line", "what", "do"),
        [
            (RAW + "[clean]\nstep = 'curate'\ndo = []\n", 4, "[clean] curate needs rows", "Add a step that makes rows"),
            (
                CLEAN + "[x]\nstep = 'ingest'\nfiles = '*'\nfrom = 'raw'\n",
                11,
                "[x] 'raw' gives rows, and ingest has no place for it",
                "ingest takes: nothing.",
            ),
            (
                CLEAN + "[x]\nstep = 'curate'\nfrom = ['raw', 'clean']\ndo = []\n",
                10,
                "[x] 'clean' gives rows, and curate has no place for more of it",
                "curate takes: rows.",
            ),
            (
                TUNED + "[x]\nstep = 'curate'\nfrom = 'tuned'\ndo = []\n",
                15,
                "[x] 'tuned' gives weights, and curate has no place for it",
                "curate takes: rows.",
            ),
            (
                CLEAN + "[x]\nstep = 'evaluate'\nfrom = 'clean'\n",
                10,
                "[x] evaluate needs weights",
                "Add a step that makes weights",
            ),
            (
                TUNED + SEEDS + "[x]\nstep = 'train'\nfrom = 'clean'\nbase = 'base'\nmethod = 'full'\nby = ['seed']\n",
                19,
                "[x] by needs a step that gathers",
                "train takes one artifact",
            ),
            (CHOSEN + "by = ['sed']\n", 21, "[best] no grid key 'sed' in what it takes from", "Did you mean 'seed'?"),
            (
                SCORED + "each = { seed = [0] }\n",
                17,
                "[scores] the grid key 'seed' comes from an earlier step already",
                "Give it another name",
            ),
            (
                SCORED.replace("from = [", "where = {seed = 9}\nfrom = ["),
                16,
                "[scores] no cell of 'tuned' fits",
                "Cells: rank=8 seed=0",
            ),
            (TUNED + "each = { seed = [0, 'x'] }\n", 13, "[tuned] seed must be a whole number, not 'x'", ""),
        ],
    )
    def test_it_is_shown_with_its_line(self, folder: Path, text: str, line: int, what: str, do: str) -> None:
        error = refused(folder, text)
        assert (error.what[: len(what)], error.line) == (what, line)
        assert do in error.do

    def test_inputs_that_share_no_cell(self, folder: Path) -> None:
        """Weights of one variant of the rows, and rows of the other: told by where, from one grid."""
        one = '[one]\nstep = "split"\nfrom = "raw"\nshare = { a = 1 }\neach = { seed = [1] }\n'
        text = TUNED.replace('"clean"\nbase', '"raw"\nbase') + "each = { seed = [0] }\n" + one
        error = refused(folder, text + '[scores]\nstep = "evaluate"\nfrom = ["tuned", "one"]\n')
        assert error.what == "[scores] its inputs share no cell of their grids"
        assert "Narrow them with where" in error.do
