"""What goes wrong in a method is told with its name, and with the line of a user's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from adaptline.core.artifacts import Use
from adaptline.core.signatures import bind_use
from adaptline.errors import RunError, UserError

MINE = """
from adaptline import filter

@filter(version=1)
def own(texts):
    return helper(texts)

def helper(texts):
    return 1 / 0
"""


@pytest.fixture
def use(tmp_path: Path) -> Use:
    (tmp_path / "mine.py").write_text(MINE)
    return bind_use("do", "./mine.py:own", "row", tmp_path)


def test_a_users_method_is_named_with_the_line_where_it_failed(use: Use) -> None:
    with (
        pytest.raises(
            RunError, match=r"^\./mine\.py:own failed: mine\.py, line 9: ZeroDivisionError: division by zero\."
        ),
        use.blamed(),
    ):
        use.load().function(["a"])


def test_a_method_of_the_package_has_no_line(tmp_path: Path) -> None:
    with (
        pytest.raises(RunError, match=r"^length failed: KeyError: 'x'\."),
        bind_use("do", "length", "row", tmp_path).blamed(),
    ):
        raise KeyError("x")


def test_what_speaks_for_itself_passes(use: Use) -> None:
    for error in (UserError("a mistake"), RunError("a fault")):
        with pytest.raises(type(error), match=str(error)), use.blamed():
            raise error


def test_a_method_that_changes_while_it_is_used_is_refused(use: Use) -> None:
    (use.beside / "mine.py").write_text(MINE.replace("1 / 0", "2 / 0"))
    with pytest.raises(UserError, match="changed while it was used"):
        use.load()
