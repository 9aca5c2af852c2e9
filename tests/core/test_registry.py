"""Methods are found by file name and loaded when used; a user's own by its file, as that file is now."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from unprivileged import unprivileged

from adaptline.core import keys, registry
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
