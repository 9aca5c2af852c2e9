"""A signature as a schema: what fits is resolved, what does not is told with what would fit."""

from __future__ import annotations

import datetime as dt
import inspect
import pickle
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import keys, registry, signatures
from adaptline.core.annotations import describe
from adaptline.core.artifacts import Use
from adaptline.core.demands import EMPTY_FILES
from adaptline.core.signatures import BadParameterError, Input, bind_step, bind_use, check
from adaptline.core.sources import Files, Folder, Tasks, find_files, find_folder
from adaptline.errors import UserError

HERE = Path(__file__).parent
MINE = """
from adaptline.core.registry import augmenter, filter, matcher
from adaptline.core.servers import Server
from adaptline.core.sources import Files

@filter(version=1, defaults={"max": 0.5, "unjudged": "drop"})
def polite(texts, *, limit=0.5, words: list[str] = []):
    ...

@filter(version=1)
def listed(texts: list[str], *, against: Files):
    ...

@filter(version=1)
def greedy(texts: list[str], *, min: float = 0.0):
    ...

def sketch(texts, *, width: int = 3, seed: int = 0):
    ...

@augmenter(version=1, auto={"words": lambda *, via, **_: f"those of {via}"})
def said(passages, *, via: str, words: str = "auto", server: Server | None = None):
    ...

@matcher(version=1, sketch=sketch)
def alike(shards, alive, *, threshold: float = 0.8, seed: int = 0):
    ...
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "a.jsonl").write_text("a")
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    return tmp_path


def refused(attempt: Any, *arguments: Any) -> BadParameterError:
    with pytest.raises(BadParameterError) as caught:
        attempt(*arguments)
    return caught.value


class TestSteps:
    def test_a_signature_is_sorted_into_inputs_and_parameters(self) -> None:
        found = signatures.of_step("curate")
        assert found.inputs == (Input("rows", "rows", gathers=False, optional=False),)
        assert (list(found.parameters), found.takes_units, found.takes_desk, found.method) == (
            ["do"],
            True,
            False,
            None,
        )

    def test_steps_that_choose_a_method_or_gather(self) -> None:
        train, evaluate, select = (signatures.of_step(name) for name in ("train", "evaluate", "select"))
        assert (train.method, train.takes_desk, train.takes_units) == ("method", True, False)
        assert evaluate.inputs == (
            Input("weights", "weights", gathers=False, optional=False),
            Input("rows", "rows", gathers=False, optional=True),
        )
        assert Input("reports", "report", gathers=True, optional=False) in select.inputs

    @pytest.mark.parametrize("name", list(registry.names("step")))
    def test_every_step_says_what_each_parameter_must_be(self, name: str) -> None:
        found = signatures.of_step(name)
        assert found.takes_units == (registry.load("step", name).options["output"] == "rows")
        assert found.takes_desk != found.takes_units
        for parameter in found.parameters.values():
            assert "<class" not in describe(parameter.annotation)
            assert "typing." not in describe(parameter.annotation)

    def test_values_equal_to_their_default_are_left_out(self, tmp_path: Path) -> None:
        share = {"train": 1}
        assert bind_step("split", {"share": share, "seed": 0}, tmp_path) == {"share": {"train": 1.0}}
        assert bind_step("split", {"share": share, "seed": 3}, tmp_path) == {"share": {"train": 1.0}, "seed": 3}

    @pytest.mark.parametrize(
        ("given", "what", "do", "place"),
        [
            ({}, "share is missing", "split needs share: a table, each value a number from 0 on, together 1.", ()),
            ({"shares": {}}, "shares is not a parameter", "Did you mean 'share'?", ("shares",)),
            ({"share": {}, "form": "raw"}, "form is not a parameter", "Did you mean 'from'?", ("form",)),
            ({"share": {"train": "all"}}, "share.train must be a number, not 'all'", "", ("share", "train")),
            ({"share": {"a": True}}, "share.a must be a number, not True", "", ("share", "a")),
            ({"share": [1]}, "share must be a table, each value a number, not [1]", "", ("share",)),
            (
                {"share": {"a": 0.5}},
                "share must be a table, each value a number from 0 on, together 1, not {'a': 0.5}",
                "",
                ("share",),
            ),
            ({"share": {"a": 1}, "seed": True}, "seed must be a whole number, not True", "", ("seed",)),
            ({"share": {"a": 1}, "seed": 1.0}, "seed must be a whole number, not 1.0", "", ("seed",)),
            ({"share": {"a": 1}, "by": ["x"]}, "by must be a string, not ['x']", "", ("by",)),
        ],
    )
    def test_mistakes(self, given: dict[str, Any], what: str, do: str, place: tuple[str, ...], tmp_path: Path) -> None:
        error = refused(bind_step, "split", given, tmp_path)
        assert (error.what, error.do, error.place) == (what, do, place)

    def test_a_misspelt_parameter_of_a_method_means_one_of_the_methods(self, tmp_path: Path) -> None:
        error = refused(bind_step, "curate", {"do": ["exact", {"use": "length", "mni": 1}]}, tmp_path)
        assert (error.what, error.do) == ("mni is not a parameter of length", "Did you mean 'min'?")

    def test_a_string_for_a_list_of_methods(self, tmp_path: Path) -> None:
        error = refused(bind_step, "curate", {"do": "exact"}, tmp_path)
        assert error.what == "do must be a list, each a method's name, not 'exact'"

    def test_a_value_of_auto_is_resolved(self, folder: Path) -> None:
        auto = registry.load("step", "train").options["auto"]["precision"]()
        for own in ({}, {"precision": "auto"}):
            assert bind_step("train", {"base": "base", "method": "full", **own}, folder)["precision"] == auto
        with pytest.raises(BadParameterError, match="precision must be one of 'auto', "):
            bind_step("train", {"base": "base", "method": "full", "precision": "float7"}, folder)

    def test_keys_that_are_not_the_steps_go_to_its_method(self, folder: Path) -> None:
        for method in (
            {"method": "lora", "rank": 4},
            {"method": {"use": "lora", "rank": 4}},
            {"method": {"use": "lora"}, "rank": 4},
        ):
            found = bind_step("train", {"base": "base", "seed": 1, **method}, folder)
            assert (found["method"].use, found["method"].parameters, found["seed"]) == ("lora", {"rank": 4}, 1)
        assert bind_step("train", {"base": "base", "method": "full"}, folder)["method"].parameters == {}

    @pytest.mark.parametrize(
        ("given", "what", "do"),
        [
            ({"method": "lorra"}, "method has unknown adapter 'lorra'", "Did you mean 'lora'?"),
            ({"method": 3}, "method must be a method's name or a table with use, not 3", 'Write "name"'),
            ({"method": ["lora"]}, "method must be a method's name or a table with use, not ['lora']", 'Write "name"'),
            ({"method": {"rank": 8}}, "method must be a method's name or a table with use", 'Write "name"'),
            ({"method": "lora", "rnak": 8}, "rnak is not a parameter of lora", "Did you mean 'rank'?"),
            ({"method": "lora", "epohcs": 8}, "epohcs is not a parameter of lora", "Did you mean 'epochs'?"),
            ({"method": "lora", "wher": {}}, "wher is not a parameter of lora", "Did you mean 'where'?"),
            ({"method": "full", "rank": 8}, "rank is not a parameter of full", "Known: "),
            ({"method": "lora", "rank": "8"}, "rank of lora must be a whole number, not '8'", ""),
            ({"rank": 8}, "method is missing", "train needs method: one of bare, full, head, lora"),
        ],
    )
    def test_mistakes_in_the_choice_of_a_method(self, folder: Path, given: dict[str, Any], what: str, do: str) -> None:
        error = refused(bind_step, "train", {"base": "base", **given}, folder)
        assert error.what.startswith(what)
        assert error.do.startswith(do)


class TestChecks:
    @pytest.mark.parametrize(
        ("value", "annotation", "expected"),
        [
            (3, int, 3),
            (3, float, 3.0),
            (0.5, float, 0.5),
            ("x", str, "x"),
            (True, bool, True),
            (None, int | None, None),
            (3, int | None, 3),
            (3, int | str, 3),
            ("x", int | str | None, "x"),
            (["a"], list[str], ["a"]),
            ([], list[str], []),
            ([1, 2], list[float], [1.0, 2.0]),
            ({"a": 1}, dict[str, float], {"a": 1.0}),
            ({"a": ["b"]}, dict[str, list[str]], {"a": ["b"]}),
            ("a", Literal["a", "b"], "a"),
            ([1], list, [1]),
            ({"a": 1}, dict, {"a": 1}),
            ({"a": [1]}, Any, {"a": [1]}),
        ],
    )
    def test_what_fits(self, value: Any, annotation: Any, expected: Any) -> None:
        found = check("name", value, annotation, HERE)
        assert found == expected
        assert type(found) is type(expected)

    @pytest.mark.parametrize(
        ("value", "annotation", "what", "do"),
        [
            (True, int, "must be a whole number, not True", ""),
            (False, float, "must be a number, not False", ""),
            (1, bool, "must be true or false, not 1", ""),
            ("true", bool, "must be true or false, not 'true'", ""),
            ("3", int, "must be a whole number, not '3'", ""),
            (3, str, "must be a string, not 3", ""),
            (None, int, "must be a whole number, not None", ""),
            ("x", list[str], "must be a list, each a string, not 'x'", 'Write name = ["x"].'),
            (["a", 3], list[str], "must be a string, not 3", ""),
            ("trian", Literal["train", "test"], "must be one of 'train', 'test', not 'trian'", "Did you mean 'train'?"),
            (3, Literal["train", "test"], "must be one of 'train', 'test', not 3", ""),
            (0.5, int | str, "must be a whole number or a string, not 0.5", ""),
            (True, int | str, "must be a whole number or a string, not True", ""),
            (dt.date(2026, 1, 1), Any, "must be what JSON can say, not datetime.date(2026, 1, 1)", ""),
            ([dt.time(1)], inspect.Parameter.empty, "must be what JSON can say, not [datetime.time(1, 0)]", ""),
            ([dt.time(1)], list, "must be <class 'list'>, not [datetime.time(1, 0)]", ""),
            (3, Files, "must be a file pattern, a list of them, or a table of either, not 3", ""),
            ([], Tasks, "must be a file pattern or a list of them, not []", ""),
            (["base"], Folder, "must be a folder, package:NAME or hub:ORG/NAME, not ['base']", ""),
        ],
    )
    def test_what_does_not_fit(self, value: Any, annotation: Any, what: str, do: str) -> None:
        error = refused(check, "name", value, annotation, HERE)
        assert (error.what, error.do, error.place) == (f"name {what}", do, ("name",))

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda s: st.lists(s) | st.dictionaries(st.text(), s),
        )
    )
    def test_any_value_fits_or_is_refused_in_words(self, value: Any) -> None:
        for annotation in (
            int,
            float,
            bool,
            str,
            list[str],
            dict[str, float],
            Literal["a"],
            int | None,
            list[int] | None,
        ):
            try:
                check("name", value, annotation, HERE)
            except BadParameterError as error:
                assert "must be" in error.what  # noqa: PT017 - most values do not fit

    def test_files_folders_and_tasks_are_resolved(self, folder: Path) -> None:
        (folder / "task.toml").write_text('files = "a.jsonl"')
        assert check("files", ["*.jsonl"], Files, folder) == find_files("a.jsonl", folder)
        assert check("base", "base", Folder, folder).path == folder / "base"
        (task,) = check("tasks", "task.toml", Tasks, folder)
        assert task.files == find_files("a.jsonl", folder)

    @pytest.mark.parametrize(
        ("value", "annotation", "what", "place"),
        [
            ("b.jsonl", Files, "no file matches 'b.jsonl'", ("name", "b.jsonl")),
            (["a.jsonl", "b.jsonl"], Files, "no file matches 'b.jsonl'", ("name", "b.jsonl")),
            ({"x": "a.jsonl", "y": ["b.jsonl"]}, Files, "no file matches 'b.jsonl'", ("name", "b.jsonl")),
            ("*.bin", Files, "empty.bin is empty", ("name",)),
            ("gone", Folder, "no such folder: 'gone'", ("name", "gone")),
        ],
    )
    def test_what_is_not_found_is_placed(
        self, folder: Path, value: Any, annotation: Any, what: str, place: tuple[str, ...]
    ) -> None:
        (folder / "empty.bin").touch()
        error = refused(check, "name", value, annotation, folder)
        assert (error.what, error.place) == (what, place)
        assert error.do

    def test_empty_files_are_taken_where_a_parameter_says_so(self, folder: Path) -> None:
        (folder / "empty.bin").touch()
        assert check("files", "*.bin", Annotated[Files, EMPTY_FILES] | None, folder).names == ("empty.bin",)

    def test_a_mistake_in_a_task_file_is_placed_there(self, folder: Path) -> None:
        (folder / "task.toml").write_text("files = 3")
        with pytest.raises(UserError, match="a task needs files") as caught:
            check("tasks", "task.toml", Tasks, folder)
        assert caught.value.where == folder / "task.toml"

    def test_it_crosses_processes_as_a_users_mistake(self) -> None:
        found = pickle.loads(pickle.dumps(BadParameterError("seed", "is missing", "Add it.")))
        assert type(found) is UserError
        assert (found.what, found.do) == ("seed is missing", "Add it.")


class TestUses:
    def test_a_name_or_a_table(self, folder: Path) -> None:
        plain = bind_use("do", "length", "row", folder)
        assert plain == Use("length", "filter", {}, {}, registry.load("filter", "length").identity, folder)
        assert bind_use("do", {"use": "length"}, "row", folder) == plain
        assert plain.load() is registry.load("filter", "length")

    def test_words_of_the_step_and_parameters_are_told_apart(self, folder: Path) -> None:
        table = {"use": "length", "unit": "words", "min": 3, "on": "prompt", "unjudged": "drop"}
        found = bind_use("do", table, "row", folder)
        assert found.parameters == {"unit": "words"}
        assert found.settings == {"min": 3.0, "on": "prompt", "unjudged": "drop"}

    def test_parameters_equal_to_their_default_are_left_out(self, folder: Path) -> None:
        assert bind_use("do", {"use": "length", "unit": "characters"}, "row", folder).parameters == {}

    def test_a_matcher_has_the_parameters_of_its_sketch_and_of_its_match(self, folder: Path) -> None:
        table = {"use": "./mine.py:alike", "width": 5, "threshold": 1, "on": "all"}
        found = bind_use("do", table, "row", folder)
        assert (found.kind, found.parameters, found.settings) == (
            "matcher",
            {"width": 5, "threshold": 1.0},
            {"on": "all"},
        )
        with pytest.raises(BadParameterError, match="alive is not a parameter"):
            bind_use("do", {"use": "./mine.py:alike", "alive": []}, "row", folder)

    def test_a_users_method_may_have_no_annotations(self, folder: Path) -> None:
        found = bind_use("do", {"use": "./mine.py:polite", "limit": [1, "x"]}, "row", folder)
        assert found.parameters == {"limit": [1, "x"]}

    @pytest.mark.parametrize(
        ("given", "settings"),
        [
            ({}, {"max": 0.5, "unjudged": "drop"}),
            ({"on": "prompt"}, {"max": 0.5, "unjudged": "drop", "on": "prompt"}),
            ({"unjudged": "keep"}, {"max": 0.5, "unjudged": "keep"}),
            ({"min": 0.2}, {"min": 0.2, "unjudged": "drop"}),
            ({"max": 0.9}, {"max": 0.9, "unjudged": "drop"}),
        ],
    )
    def test_a_methods_own_bounds_hold_where_the_recipe_gives_none(
        self, folder: Path, given: dict[str, Any], settings: dict[str, Any]
    ) -> None:
        assert bind_use("do", {"use": "./mine.py:polite", **given}, "row", folder).settings == settings

    def test_a_metric_can_be_given_a_name_which_is_part_of_what_it_means(self, folder: Path) -> None:
        plain = bind_use("metrics", "accuracy", "metric", folder)
        found = bind_use("metrics", {"use": "accuracy", "name": "right"}, "metric", folder)
        assert (plain.settings, found.settings, found.parameters) == ({}, {"name": "right"}, {})
        assert (plain.name, found.name) == ("accuracy", "right")
        assert signatures.meaning(plain) != signatures.meaning(found)
        error = refused(bind_use, "metrics", {"use": "accuracy", "name": "all right"}, "metric", folder)
        assert error.what == (
            "name of accuracy must be a string of letters, digits and _, no digit first, not 'all right'"
        )

    def test_a_rule_can_be_given_a_name_which_means_nothing(self, folder: Path) -> None:
        plain = bind_use("do", "length", "row", folder)
        found = bind_use("do", {"use": "length", "name": "long"}, "row", folder)
        assert (found.alias, found.settings, found) == ("long", {}, plain)
        assert signatures.meaning(plain) == signatures.meaning(found)
        error = refused(bind_use, "do", {"use": "length", "name": "all right"}, "row", folder)
        assert error.what.startswith("name of length must be a string of letters, digits and _")

    def test_files_of_a_method_are_resolved_and_mean_their_content(self, folder: Path) -> None:
        found = bind_use("do", {"use": "./mine.py:listed", "against": "a.jsonl"}, "row", folder)
        assert signatures.meaning(found) == [found.identity, {"against": [["a.jsonl", keys.digest(b"a"), None]]}, {}]

    @pytest.mark.parametrize(
        ("value", "what", "do", "place"),
        [
            ("lenght", "do has unknown method 'lenght'", "Did you mean 'length'?", ("do", "lenght")),
            (3, "do must be a method's name or a table with use, not 3", 'Write "name"', ("do",)),
            ({"min": 3}, "do must be a method's name or a table with use, not {'min': 3}", 'Write "name"', ("do",)),
            ({"use": 3}, "do must be a method's name or a table with use", 'Write "name"', ("do",)),
            (
                {"use": "length", "mni": 3},
                "mni is not a parameter of length",
                "Did you mean 'min'?",
                ("do", "length", "mni"),
            ),
            (
                {"use": "length", "by": 3},
                "by is not a parameter of length",
                "Known: base, drop, keep, max",
                ("do", "length", "by"),
            ),
            ({"use": "exact", "min": 3}, "min is not a parameter of exact", "Known: ", ("do", "exact", "min")),
            ({"use": "length", "min": "3"}, "min of length must be a number, not '3'", "", ("do", "length", "min")),
            ({"use": "length", "min": True}, "min of length must be a number, not True", "", ("do", "length", "min")),
            (
                {"use": "length", "keep": "en"},
                "keep of length must be a list, each a string",
                "",
                ("do", "length", "keep"),
            ),
            (
                {"use": "length", "on": "promt"},
                "on of length must be one of",
                "Did you mean 'prompt'?",
                ("do", "length", "on"),
            ),
            (
                {"use": "length", "unit": "word"},
                "unit of length must be one of",
                "Did you mean 'words'?",
                ("do", "length", "unit"),
            ),
            (
                {"use": "minhash", "threshold": "x"},
                "threshold of minhash must be a number",
                "",
                ("do", "minhash", "threshold"),
            ),
            ("./gone.py:f", "do has no such file: ./gone.py", "'./gone.py:f' is looked for", ("do", "./gone.py:f")),
            (
                "./mine.py:listed",
                "against is missing: ./mine.py:listed needs it",
                'Write { use = "./mine.py:listed", against = ... }: a file',
                ("do", "./mine.py:listed"),
            ),
            (
                {"use": "./mine.py:listed", "against": "b"},
                "no file matches 'b'",
                "Paths are",
                ("do", "./mine.py:listed", "against"),
            ),
            (
                "./mine.py:greedy",
                "do has './mine.py:greedy', whose parameter 'min' must be renamed",
                "The step has",
                ("do", "./mine.py:greedy"),
            ),
        ],
    )
    def test_mistakes(self, folder: Path, value: Any, what: str, do: str, place: tuple[str, ...]) -> None:
        error = refused(bind_use, "do", value, "row", folder)
        assert error.what.startswith(what)
        assert error.do.startswith(do)
        assert error.place == place

    def test_a_file_that_cannot_be_imported_is_named_itself(self, folder: Path) -> None:
        (folder / "mine.py").write_text("def polite(:")
        with pytest.raises(UserError, match="cannot be imported: SyntaxError") as caught:
            bind_use("do", "./mine.py:polite", "row", folder)
        assert caught.value.where == folder / "mine.py"


class TestMeaning:
    @pytest.mark.parametrize("value", [3, 0.5, "x", True, None, [1, ["a"]], {"a": {"b": [1]}}])
    def test_plain_values_mean_themselves(self, value: Any) -> None:
        assert signatures.meaning(value) == value

    def test_no_path_is_in_it(self, folder: Path) -> None:
        values = bind_step("train", {"base": "base", "method": "lora", "rank": 2}, folder)
        found = signatures.meaning(values)
        assert found["base"] == keys.folder_digest(folder / "base")
        assert found["method"] == [registry.load("adapter", "lora").identity, {"rank": 2}, {}]
        assert str(folder) not in str(found)


def test_what_a_method_finds_on_the_machine_is_resolved_with_its_other_parameters(folder: Path) -> None:
    def bound(**given: Any) -> dict[str, Any]:
        return bind_use("do", {"use": "./mine.py:said", **given}, "augmenter", folder).parameters

    assert bound(via="es") == {"via": "es", "words": "those of es"}
    assert bound(via="es", words="auto") == bound(via="es")
    assert bound(via="es", words="mine") == {"via": "es", "words": "mine"}


def test_a_server_is_resolved_and_where_it_is_means_nothing(folder: Path) -> None:
    def meaning(server: Any) -> Any:
        use = bind_use("do", {"use": "./mine.py:said", "via": "es", "server": server}, "augmenter", folder)
        return signatures.meaning(use)

    assert meaning("http://a.example/v1") == meaning({"url": "https://b.example/v1", "key": "env:KEY", "timeout": 1})
    with pytest.raises(BadParameterError, match=r"server of .* must be a URL, or a table"):
        meaning({"uri": "http://a.example/v1"})
    for wrong in ("a.example", {"url": "a.example", "concurrency": 2}):
        with pytest.raises(UserError, match="not a server's URL") as caught:
            meaning(wrong)
        assert isinstance(caught.value, BadParameterError)
        assert caught.value.place == ("do", "./mine.py:said", "server")


def test_folders_are_found_wherever_a_value_holds_them(folder: Path) -> None:
    base = find_folder("base", folder)
    use = Use("perplexity", "filter", {"base": base, "stride": 3}, {}, [], folder)
    found = signatures.folders_in({"do": ["exact", use], "seed": 3})
    assert found == {base.digest[:12]: "base"}
    assert signatures.folders_in("base") == {}
