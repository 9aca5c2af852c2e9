"""Methods are found by file name and loaded when used; a user's own by its file, as that file is now."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest
from unprivileged import unprivileged

from adaptline.core import keys, registry
from adaptline.core.registry import Method
from adaptline.errors import UserError

POLITE = """
from adaptline.core.registry import filter, transform

@filter(version=1, finds=("rude",))
def polite(texts: list[str], *, limit: float = 0.5):
    return [1.0 for text in texts]

@transform(version=1)
def bow(texts: list[str]):
    return ["Sir, " + text for text in texts]

def plain(texts):
    return texts
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(POLITE)
    return tmp_path


def value(folder: Path, use: str = "./mine.py:value") -> object:
    """What a user's filter returns."""
    return registry.load_row_method(use, folder).function([])


def write_value(folder: Path, code: str, file: str = "mine.py", head: str = "") -> None:
    text = f"{head}\nfrom adaptline.core.registry import filter\n@filter(version=1)\ndef value(texts):\n    return {code}\n"
    (folder / file).write_text(text)


class TestOwnMethods:
    @pytest.mark.parametrize(
        ("kind", "name"), [(kind, name) for kind in registry.FOLDERS for name in registry.names(kind)]
    )
    def test_every_module_in_a_method_folder_defines_a_method_of_its_name(self, kind: str, name: str) -> None:
        method = registry.load(kind, name)
        assert (method.kind, method.name, method.source) == (kind, name, "")
        assert method.version >= 1
        assert method.function.__doc__

    @pytest.mark.parametrize("kind", list(registry.FOLDERS))
    def test_one_file_defines_one_method(self, kind: str) -> None:
        for module in registry.names(kind).values():
            path = registry.PACKAGE / (module.removeprefix("adaptline.").replace(".", "/") + ".py")
            functions = [node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
            marks = [
                d.func.id
                for f in functions
                for d in f.decorator_list
                if isinstance(d, ast.Call) and isinstance(d.func, ast.Name)
            ]
            assert marks.count(kind) == 1, path

    def test_no_two_row_methods_have_one_name(self) -> None:
        names = [name for kind in registry.ROW_METHODS for name in registry.names(kind)]
        assert len(names) == len(set(names))

    def test_names_import_nothing(self) -> None:
        name = "adaptline.data.filters.length"
        sys.modules.pop(name, None)
        assert registry.names("filter")["length"] == name
        assert registry.kind_of("length") == "filter"
        assert name not in sys.modules
        assert registry.load("filter", "length").function(pa.array(["ü", None])).to_pylist() == [1, None]

    def test_identity_is_kind_name_and_version(self) -> None:
        method = registry.load("filter", "length")
        assert method.identity == ["filter", "length", method.version]

    def test_data_files_are_part_of_the_identity(self, tmp_path: Path) -> None:
        (tmp_path / "model").write_bytes(b"1")
        method = Method("filter", len, 3, files=lambda: [tmp_path / "model"])
        assert method.identity == ["filter", "len", 3, [keys.digest(b"1")]]

    @pytest.mark.parametrize(
        ("name", "do"),
        [
            ("lenght", "Did you mean 'length'? Your own: use = \"./file.py:function\"."),
            ("minhas", "Did you mean 'minhash'? Your own: use = \"./file.py:function\"."),
        ],
    )
    def test_an_unknown_row_method(self, name: str, do: str) -> None:
        with pytest.raises(UserError, match=f"unknown method '{name}'") as caught:
            registry.load_row_method(name)
        assert caught.value.do == do

    def test_an_unknown_method_of_a_kind(self) -> None:
        with pytest.raises(UserError, match="unknown adapter 'lorra'") as caught:
            registry.load("adapter", "lorra")
        assert caught.value.do == "Did you mean 'lora'?"

    def test_the_decorators_keep_what_they_are_told(self) -> None:
        def sketch(texts: pa.StringArray) -> None: ...
        def cut() -> None: ...
        def one(texts: list[str]) -> None: ...

        def facts(mark: object) -> Method:
            found: Method = mark(one).__adaptline__  # type: ignore[operator]
            assert found.function is one
            return found

        marked = facts(registry.filter(version=2, finds=["x"], cost="high", defaults={"max": 1}))
        assert (marked.kind, marked.version, marked.finds, marked.cost) == ("filter", 2, ("x",), "high")
        rest = dict.fromkeys(("gives", "labels", "settle", "tell", "writes"))
        assert marked.options == {"defaults": {"max": 1}} | rest
        assert marked.cost_with({}) == "high"
        dear = facts(registry.filter(version=1, cost=lambda given: "high" if given.get("model") else "low"))
        assert (dear.cost_with({}), dear.cost_with({"model": "x"})) == ("low", "high")
        assert facts(registry.classifier(version=3)).kind == "classifier"
        assert facts(registry.matcher(version=1, sketch=sketch)).sketch is sketch
        assert facts(registry.transform(version=1, finds=("y",))).finds == ("y",)
        auto = {"precision": lambda: "bf16"}
        assert (
            facts(registry.step(version=1, output="rows", auto=auto)).options.items()
            >= {"output": "rows", "auto": auto}.items()
        )
        assert facts(registry.step(version=1, output="rows")).options["auto"] == {}
        assert facts(registry.format(version=1, suffixes=[".x"], cut=cut)).options == {
            "suffixes": (".x",),
            "cut": cut,
            "write": None,
        }
        assert facts(registry.adapter(version=1, lr=0.1)).options["lr"] == 0.1
        assert (facts(registry.guard(version=2)).kind, facts(registry.guard(version=2)).version) == ("guard", 2)
        assert facts(registry.metric(version=1)).kind == "metric"
        assert facts(registry.metric(version=1)).options == {"bounds": None, "signature": None}
        found = facts(registry.metric(version=1, bounds=(0, 100), signature=str)).options
        assert found == {"bounds": (0, 100), "signature": str}
        with pytest.raises(ValueError, match="the lowest comes first"):
            registry.metric(version=1, bounds=(1, 0))

    def test_a_metric_may_ask_for_prompts_right_after_the_references(self) -> None:
        @registry.metric(version=1)
        def asks(
            predictions: list[str], references: list[list[str]], prompts: list[str], *, every: bool = False
        ) -> None: ...
        @registry.metric(version=1)
        def is_told(predictions: list[str], references: list[list[str]], *, every: bool, prompts: str) -> None: ...
        @registry.matcher(version=1, sketch=lambda _: None)
        def alike(shards: list[pa.Table], alive: list[bool], prompts: str) -> None: ...

        methods = [function.__adaptline__ for function in (asks, is_told, alike)]  # type: ignore[union-attr]
        assert [registry.takes_prompts(method) for method in methods] == [True, False, False]
        assert [list(registry.method_parameters(method)) for method in methods] == [
            ["every"],
            ["every", "prompts"],
            ["prompts"],
        ]


class TestUsersMethods:
    def test_it_is_found_beside_the_recipe(self, folder: Path) -> None:
        method = registry.load_row_method("./mine.py:polite", folder)
        assert (method.kind, method.name, method.finds) == ("filter", "polite", ("rude",))
        assert method.source == keys.source_digest(folder / "mine.py")
        assert method.identity == ["filter", "polite", method.source]
        assert method.function(["a"]) == [1.0]
        assert registry.load_row_method("mine.py:bow", folder).kind == "transform"

    def test_a_file_that_may_not_be_read_is_told(self) -> None:
        with unprivileged() as folder:
            (folder / "mine.py").write_text(POLITE)
            (folder / "mine.py").chmod(0)
            with pytest.raises(UserError, match=r"no permission to read .*mine\.py"):
                registry.load("filter", "./mine.py:polite", folder)

    def test_it_may_be_any_kind_of_row_method_where_one_is_asked_for(self, folder: Path) -> None:
        assert registry.load("filter", "./mine.py:bow", folder).kind == "transform"

    def test_it_is_found_in_the_current_folder_without_a_recipe(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder)
        assert registry.load_row_method("./mine.py:polite").name == "polite"

    def test_it_is_loaded_once(self, folder: Path) -> None:
        first = registry.load_row_method("./mine.py:polite", folder).function
        assert registry.load_row_method("./mine.py:polite", folder).function is first

    def test_comments_do_not_change_its_identity_and_code_does(self, folder: Path) -> None:
        before = registry.load_row_method("./mine.py:polite", folder).identity
        (folder / "mine.py").write_text("# mine\n" + POLITE)
        assert registry.load_row_method("./mine.py:polite", folder).identity == before
        (folder / "mine.py").write_text(POLITE.replace("1.0", "2.0"))
        assert registry.load_row_method("./mine.py:polite", folder).identity != before

    def test_an_edit_within_the_same_second_counts(self, tmp_path: Path) -> None:
        for i in range(10):
            write_value(tmp_path, str(i))
            assert value(tmp_path) == i

    def test_an_edited_helper_is_read_anew(self, tmp_path: Path) -> None:
        write_value(tmp_path, "helper.VALUE", head="import helper")
        for i in range(3):
            (tmp_path / "helper.py").write_text(f"VALUE = {i}\n")
            assert value(tmp_path) == i

    def test_a_helper_package_is_read_anew(self, tmp_path: Path) -> None:
        write_value(tmp_path, "inner.VALUE", head="from kit import inner")
        (tmp_path / "kit").mkdir()
        for i in range(3):
            (tmp_path / "kit" / "inner.py").write_text(f"VALUE = {i}\n")
            assert value(tmp_path) == i

    def test_helpers_of_one_name_in_two_folders_are_two(self, tmp_path: Path) -> None:
        for who in ("a", "b"):
            (tmp_path / who).mkdir()
            write_value(tmp_path / who, "helper.VALUE", head=f"import helper  # {who}")
            (tmp_path / who / "helper.py").write_text(f"VALUE = '{who}'\n")
        assert [value(tmp_path / who) for who in "aba"] == ["a", "b", "a"]

    def test_what_somebody_imported_before_stays_theirs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        theirs = ModuleType("helper")
        theirs.__file__ = str(tmp_path / "helper.py")
        monkeypatch.setitem(sys.modules, "helper", theirs)
        write_value(tmp_path, "helper.VALUE", head="import helper")
        (tmp_path / "helper.py").write_text("VALUE = 1\n")
        assert value(tmp_path) == 1
        assert sys.modules["helper"] is theirs

    def test_loading_leaves_no_trace(self, tmp_path: Path) -> None:
        write_value(tmp_path, "helper.VALUE", head="import helper")
        (tmp_path / "helper.py").write_text("VALUE = 1\n")
        path, writes, modules = list(sys.path), sys.dont_write_bytecode, set(sys.modules)
        value(tmp_path)
        assert (sys.path, sys.dont_write_bytecode) == (path, writes)
        assert all(name.startswith("adaptline_user_") for name in set(sys.modules) - modules)
        assert {path.name for path in tmp_path.iterdir()} == {"mine.py", "helper.py"}

    def test_the_package_itself_is_never_taken_for_a_helper(self) -> None:
        before = sys.modules["adaptline.core.keys"]
        with registry._importable(registry.PACKAGE.parent):
            assert sys.modules["adaptline.core.keys"] is before

    @pytest.mark.parametrize(
        ("use", "what", "do"),
        [
            ("./gone.py:polite", "no such file: ./gone.py", "beside the recipe"),
            ("./mine.py:polit", "no method 'polit'", "Did you mean 'polite'?"),
            ("./mine.py:plain", "no method 'plain'", "Known: bow, polite."),
            ("./bare.py:value", "no method 'value'", "Decorate the function"),
        ],
    )
    def test_one_that_is_not_there(self, folder: Path, use: str, what: str, do: str) -> None:
        (folder / "bare.py").write_text("def value(texts): return texts\n")
        with pytest.raises(UserError) as caught:
            registry.load_row_method(use, folder)
        assert what in caught.value.what
        assert do in caught.value.do

    def test_one_of_the_wrong_kind(self, folder: Path) -> None:
        with pytest.raises(UserError, match=r"'./mine.py:polite' is a filter, not an adapter") as caught:
            registry.load("adapter", "./mine.py:polite", folder)
        assert caught.value.do == "Decorate it with @adapter."

    @pytest.mark.parametrize(
        ("code", "what"),
        [
            ("def polite(:\n", "SyntaxError: invalid syntax"),
            ("import no_such_module_here\n", "ModuleNotFoundError: No module named 'no_such_module_here'"),
            ("1 / 0\n", "ZeroDivisionError"),
            ("import sys; sys.exit('usage: mine FILE')\n", "SystemExit: usage: mine FILE"),
            ("x = '\0'\n", "source code string cannot contain null bytes"),
        ],
    )
    def test_one_whose_file_cannot_be_imported(self, folder: Path, code: str, what: str) -> None:
        (folder / "mine.py").write_text(code)
        with pytest.raises(UserError) as caught:
            registry.load_row_method("./mine.py:polite", folder)
        assert caught.value.where == folder / "mine.py"
        assert what in caught.value.what
        assert "Run it with python" in caught.value.do
        (folder / "mine.py").write_text(POLITE)
        assert registry.load_row_method("./mine.py:polite", folder).name == "polite"

    def test_one_that_is_no_python_file(self, folder: Path) -> None:
        (folder / "mine.txt").write_text(POLITE)
        with pytest.raises(UserError, match="not a Python file") as caught:
            registry.load_row_method("./mine.txt:polite", folder)
        assert caught.value.where == folder / "mine.txt"


class TestParameters:
    def test_all_but_the_data(self) -> None:
        def method(texts: list[str], *, limit: float = 0.5, bare=1, **rest: int) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001 - as a user may write it

        found = registry.parameters(method)
        assert list(found) == ["limit", "bare"]
        assert (found["limit"].annotation, found["limit"].default) == (float, 0.5)

    def test_an_annotation_that_python_never_imports(self, folder: Path) -> None:
        (folder / "mine.py").write_text(
            "from __future__ import annotations\n"
            "from typing import TYPE_CHECKING\n"
            "from adaptline.core.registry import filter\n"
            "if TYPE_CHECKING:\n    import pyarrow as pa\n"
            "@filter(version=1)\ndef polite(texts: pa.StringArray): ...\n"
        )
        method = registry.load_row_method("./mine.py:polite", folder)
        with pytest.raises(
            UserError, match="an annotation of polite cannot be read: name 'pa' is not defined"
        ) as caught:
            registry.parameters(method.function)
        assert caught.value.where == str(folder / "mine.py")
        assert "TYPE_CHECKING" in caught.value.do
