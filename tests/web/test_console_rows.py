"""Rows in the console: a few to begin with, the life of one, each with its twin; whatever a row says stays inert."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import consoles
import httpx
import pytest
from browsers import OVERFLOW, POOR_CONTRAST, REACHING_OUT, watched
from consoles import Served

import adaptline as al
from adaptline.core.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
RECIPE = """
[raw]
step  = "ingest"
files = "da ta/*.jsonl"
[clean]
step = "curate"
from = "raw"
do   = [{ use = "length", min = 8 }, "exact"]
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "da ta").mkdir()
    texts = [HOSTILE, "no", "a text that comes twice", "a text that comes twice"]
    (tmp_path / "da ta" / "a%2f#?.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    (tmp_path / "recipe.toml").write_text(RECIPE)
    al.run(tmp_path / "recipe.toml")
    with consoles.serving(tmp_path / "recipe.toml", Store.open(tmp_path / ".adaptline")) as found:
        yield found


def get(served: Served, path: str, status: int = 200) -> httpx.Response:
    found = httpx.get(served.url + path)
    assert found.status_code == status, found.text
    return found


def test_the_first_rows_lead_to_the_life_of_each(served: Served) -> None:
    (step,) = get(served, "/rows.json").json()["steps"]
    assert step["step"] == "clean"
    assert {row["place"] for row in step["rows"]} == {f"da ta/a%2f#?.jsonl:{row}" for row in (1, 2, 3, 4)}
    for row in step["rows"]:
        told = get(served, f"/rows/{row['address']}.json").json()
        assert f"{told['origin']['file']}:{told['origin']['row']}" == row["place"]
        assert told["graph"]["nodes"][0]["title"] == row["place"]


def test_a_file_with_an_odd_name_has_an_address(served: Served) -> None:
    told = get(served, "/rows/da%20ta/a%252f%23%3F.jsonl%3A2.json").json()
    assert told["graph"]["nodes"][-1]["detail"] == "2 < min 8"
    assert "2 &lt; min 8" in get(served, "/rows/da%20ta/a%252f%23%3F.jsonl%3A2").text


@pytest.mark.parametrize(
    "path", ["/rows/nothing", "/rows/clean:99", "/rows/clean", "/rows/../../etc/passwd:1", "/rows/%3Cb%3E:1"]
)
def test_what_names_no_row_is_not_found(served: Served, path: str) -> None:
    assert "<b>" not in get(served, path, 404).text
    assert "error" in get(served, path + ".json", 404).json()


@pytest.mark.parametrize("path", ["/rows", "/rows.json"])
def test_the_first_rows_are_chosen_once_until_the_store_holds_something_else(
    served: Served, tmp_path: Path, path: str
) -> None:
    before = get(served, path).content
    units = tmp_path / ".adaptline" / "units"
    units.rename(tmp_path / "away")  # so that they cannot be chosen again
    assert get(served, path).content == before
    (tmp_path / "away").rename(units)
    lines = (tmp_path / "da ta" / "a%2f#?.jsonl").read_text()
    (tmp_path / "da ta" / "b.jsonl").write_text(lines)
    al.run(tmp_path / "recipe.toml")
    deadline = time.monotonic() + 20
    while b"b.jsonl" not in get(served, path).content:
        assert time.monotonic() < deadline


def test_where_nothing_ran_there_are_no_rows(tmp_path: Path) -> None:
    recipe, store = consoles.make(tmp_path)
    with consoles.serving(recipe, store) as found:
        assert get(found, "/rows.json").json() == {"steps": []}
        assert "No curate step has run yet" in get(found, "/rows").text


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_can_be_read_and_stay_inert(browser: Browser, served: Served, width: int, scheme: Any) -> None:
    with watched(browser, served.url + "/") as new_page:
        page = new_page(width, color_scheme=scheme)
        for path in ("/rows", "/rows/clean:0", "/rows/clean:3"):
            page.goto(served.url + path)
            assert page.evaluate(OVERFLOW) == 0
            assert page.evaluate(REACHING_OUT) == []
            assert page.evaluate(POOR_CONTRAST) == []
            assert page.title() != "taken"
        page.goto(served.url + "/rows")
        page.click("ul.samples a")
        assert page.inner_text("ol.life li").startswith("da ta/a%2f#?.jsonl:")
