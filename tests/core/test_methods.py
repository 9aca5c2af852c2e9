"""What a key must know of a method, and what its signature asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from adaptline.core import keys, registry
from adaptline.core.registry import Method
from adaptline.errors import UserError


def test_identity_is_kind_name_and_version() -> None:
    method = registry.load("filter", "length")
    assert method.identity == ["filter", "length", method.version]


def test_data_files_are_part_of_the_identity(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"1")
    method = Method("filter", len, 3, files=lambda: [tmp_path / "model"])
    assert method.identity == ["filter", "len", 3, [keys.digest(b"1")]]


def test_kinds_of_methods_that_it_finds_by_itself_are_part_of_the_identity() -> None:
    method = Method("filter", len, 3, uses=("guard",))
    assert method.identity == ["filter", "len", 3, [registry.load("guard", "deny").identity]]


def test_a_metric_may_ask_for_prompts_right_after_the_references() -> None:
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


def test_a_matcher_may_ask_for_texts_and_known_verdicts_in_their_places_alone() -> None:
    def texts(shards, alive, texts): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    def start(shards, alive, start): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    def both(shards, alive, texts, start): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    def own(shards, alive, *, start=3): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    def after(shards, alive, threshold, start): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202

    def asked(function: Any) -> tuple[bool, bool, list[str]]:
        method = Method("matcher", function, 1)
        return registry.takes_texts(method), registry.takes_start(method), list(registry.method_parameters(method))

    assert asked(texts) == (True, False, [])
    assert asked(start) == (False, True, [])
    assert asked(both) == (True, True, [])
    assert asked(own) == (False, False, ["start"])
    assert asked(after) == (False, False, ["threshold", "start"])


def test_all_but_the_data() -> None:
    def method(texts: list[str], *, limit: float = 0.5, bare=1, **rest: int) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001 - as a user may write it

    found = registry.parameters(method)
    assert list(found) == ["limit", "bare"]
    assert (found["limit"].annotation, found["limit"].default) == (float, 0.5)


def test_an_annotation_that_python_never_imports(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from __future__ import annotations\n"
        "from typing import TYPE_CHECKING\n"
        "from adaptline.core.registry import filter\n"
        "if TYPE_CHECKING:\n    import pyarrow as pa\n"
        "@filter(version=1)\ndef polite(texts: pa.StringArray): ...\n"
    )
    method = registry.load_row_method("./mine.py:polite", tmp_path)
    with pytest.raises(UserError, match="an annotation of polite cannot be read: name 'pa' is not defined") as caught:
        registry.parameters(method.function)
    assert caught.value.where == str(tmp_path / "mine.py")
    assert "TYPE_CHECKING" in caught.value.do


def test_what_a_filter_gives_is_what_it_declares_or_its_annotation_says() -> None:
    def numbers(texts: list[str]) -> list[float | None]: ...  # type: ignore[empty-body]
    def labels(texts: list[str]) -> list[str]: ...  # type: ignore[empty-body]
    def mixed(texts: list[str]) -> list[str | float]: ...  # type: ignore[empty-body]
    def nothing(texts: list[str]) -> list[None]: ...  # type: ignore[empty-body]
    def arrow(texts: pa.StringArray) -> pa.Array: ...

    told = [registry.score_kind(Method("filter", function, 1)) for function in (numbers, labels, mixed, nothing, arrow)]
    assert told == ["number", "label", None, None, None]
    declared = [Method("filter", arrow, 1, options={"gives": gives}) for gives in ("number", "label")]
    assert [registry.score_kind(method) for method in declared] == ["number", "label"]
