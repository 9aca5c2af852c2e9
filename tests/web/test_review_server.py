"""The review's page in a real browser and over plain HTTP: keys alone judge, verdicts stand on disk, nobody else gets in."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from browsers import OVERFLOW, POOR_CONTRAST, REACHING_OUT, launched

import adaptline as al
from adaptline import library
from adaptline.errors import UserError
from adaptline.web.review_server import ReviewServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route
    from playwright.sync_api import Page as BrowserPage

    Open = Callable[..., "BrowserPage"]

HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\"> \u202etxet"
TEXTS = [
    HOSTILE,
    "w" * 1_000_000,
    "short",
    "a copy of a text",
    "a copy of a text",
    *(f"row {i} is here" for i in range(7)),
]
RECIPE = """
[raw]
step  = "ingest"
files = "rows.jsonl"
[clean]
step = "curate"
from = "raw"
do   = [{ use = "length", min = 8, max = 1000 }, "exact"]
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with launched(tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def line(tmp_path: Path) -> Path:
    folder = tmp_path
    (folder / "rows.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    (folder / "recipe.toml").write_text(RECIPE)
    al.run(folder / "recipe.toml")
    return folder / "recipe.toml"


@pytest.fixture
def serve(line: Path, tmp_path: Path) -> Iterator[Callable[..., ReviewServer]]:
    running: list[tuple[ReviewServer, threading.Thread]] = []

    def start(by: str = "anna") -> ReviewServer:
        review = library.review(line, out=tmp_path / "review.jsonl", by=by)
        server = ReviewServer(review, title="<b>clean</b>")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


Serve = Callable[..., ReviewServer]


def said(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "review.jsonl"
    return [json.loads(text) for text in path.read_text().splitlines() if text.strip()] if path.exists() else []


@pytest.fixture
def show(browser: Browser) -> Iterator[Open]:
    contexts, complaints = [], []

    def open_page(server: ReviewServer, *, width: int = 1280, **given: Any) -> BrowserPage:
        context = browser.new_context(viewport={"width": width, "height": 800}, **given)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: None if server.url in request.url else complaints.append(request.url))
        page.goto(server.url)
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def press(page: BrowserPage, key: str) -> None:
    """Presses a key and waits until what it does is done."""
    page.evaluate("delete document.body.dataset.ready")
    page.keyboard.press(key)
    page.wait_for_selector("body[data-ready]")


def test_keys_alone_judge_every_row(serve: Serve, show: Open, tmp_path: Path) -> None:
    page = show(serve())
    for number in range(len(TEXTS)):
        assert page.inner_text("#progress") == f"{number} of {len(TEXTS)} judged"
        press(page, "d" if number % 3 == 0 else "k")
    assert page.inner_text("#done-title") == "Every row has a verdict"
    assert page.inner_text("#agreements tbody th") == "length"
    entries = said(tmp_path)
    assert sorted(entry["row"] for entry in entries) == list(range(1, len(TEXTS) + 1))
    assert {entry["by"] for entry in entries} == {"anna"}
    assert page.title() == "Review of <b>clean</b> · adaptline"


def test_why_is_told_on_a_key_or_after_the_verdict_only(serve: Serve, show: Open) -> None:
    server = serve()
    page = show(server)
    row = server.review.places.index(("rows.jsonl", 3))
    for _ in range(row):
        press(page, "ArrowRight")
    assert page.inner_text("#messages") == "short"
    assert "dropped" not in page.inner_text("body").replace("drop\n", "")
    assert not page.is_visible("#why")
    press(page, "w")
    assert page.inner_text("#why-title") == "rows.jsonl:3 is dropped by length"
    assert page.inner_text("#why tr.drops") == "length\t5\t< min 8"
    press(page, "ArrowLeft")
    assert not page.is_visible("#why")
    press(page, "k")
    assert "on which you said keep" in page.inner_text("#why-title")


def test_undo_takes_back_and_a_new_start_goes_on(serve: Serve, show: Open, tmp_path: Path) -> None:
    page = show(serve())
    first = page.inner_text("#which")
    press(page, "d")
    press(page, "k")
    press(page, "u")
    assert page.inner_text("#progress") == f"1 of {len(TEXTS)} judged"
    assert len(said(tmp_path)) == 1
    again = show(serve())
    assert again.inner_text("#progress") == f"1 of {len(TEXTS)} judged"
    assert again.inner_text("#which") != first
    other = show(serve("ben"))
    assert other.inner_text("#progress") == f"0 of {len(TEXTS)} judged"
    press(other, "k")
    assert {entry["by"] for entry in said(tmp_path)} == {"anna", "ben"}


def test_no_key_judges_while_the_first_row_is_on_its_way(serve: Serve, show: Open, tmp_path: Path) -> None:
    server = serve()
    for number in range(3):
        server.review.say(number, "keep")
    page = show(server)
    held: list[Route] = []
    page.route("**/row/*", lambda route: held.append(route))  # noqa: PLW0108 - it takes no built-in
    page.goto(server.url)
    while not held:
        page.wait_for_timeout(10)
    assert page.inner_text("#progress") == f"3 of {len(TEXTS)} judged"
    assert page.inner_text("#messages") == ""
    page.keyboard.press("d")
    held.pop().continue_()
    page.wait_for_selector("body[data-ready]")
    page.unroute("**/row/*")
    assert page.inner_text("#which") == f"Row 4 of {len(TEXTS)}"
    assert [entry["verdict"] for entry in said(tmp_path)] == ["keep"] * 3
    press(page, "d")
    assert [entry["verdict"] for entry in said(tmp_path)] == ["keep"] * 3 + ["drop"]


@pytest.mark.parametrize("width", [320, 768, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_can_be_read_and_stays_inert(serve: Serve, show: Open, width: int, scheme: str) -> None:
    server = serve()
    page = show(server, width=width, color_scheme=scheme)
    for number in range(3):
        for _ in range(server.review.places.index(("rows.jsonl", number + 1))):
            press(page, " ")
        press(page, "w")
        assert page.evaluate(OVERFLOW) == 0
        assert page.evaluate(REACHING_OUT) == []
        assert page.evaluate(POOR_CONTRAST) == []
        assert len(page.inner_text("#messages")) < 25_000
        if number == 0:
            assert "<script>" in page.inner_text("#messages")
            assert "⟨U+202E⟩" in page.inner_text("#messages")
        while page.inner_text("#which") != f"Row 1 of {len(TEXTS)}":
            press(page, "ArrowLeft")
    assert page.title() != "taken"


@pytest.mark.parametrize("width", [320, 1400])
def test_why_with_long_names_scrolls_in_its_own_place(line: Path, serve: Serve, show: Open, width: int) -> None:
    name = "a_rule_whose_name_is_longer_than_a_narrow_window_has_room_for_on_a_line"
    line.write_text(RECIPE.replace('"exact"', f'{{ use = "length", name = "{name}", max = 123456789 }}'))
    al.run(line)
    page = show(serve(), width=width)
    press(page, "w")
    assert name in page.inner_text("#why table")
    assert page.evaluate(OVERFLOW) == 0
    assert page.evaluate(REACHING_OUT) == []


# Who may ask


def ask(server: ReviewServer, method: str, name: str, **given: Any) -> httpx.Response:
    return httpx.request(method, server.url + name, **given)


def test_what_it_serves_may_do_nothing_but_its_own(serve: Serve) -> None:
    found = ask(serve(), "GET", "")
    policy = found.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert found.headers["referrer-policy"] == "no-referrer"
    assert found.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_no_other_site_can_write(serve: Serve, tmp_path: Path, headers: dict[str, str], status: int) -> None:
    sent = {"Content-Type": "application/json"} | headers
    found = ask(serve(), "POST", "verdict", content='{"row": 0, "verdict": "drop"}', headers=sent)
    assert found.status_code == status
    assert said(tmp_path) == []


def test_without_the_token_there_is_nothing(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    another = server.token[:-1] + ("y" if server.token.endswith("x") else "x")
    for path in ("/", "/row/0", f"/{another}/", f"/{server.token}", "/é/"):
        assert httpx.get(f"http://{server.host}{path}").status_code == 404
    sent = httpx.post(f"http://{server.host}/x/verdict", json={"row": 0, "verdict": "drop"})
    assert sent.status_code == 404
    assert said(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("verdict", '{"row": 999, "verdict": "drop"}', 400),
        ("verdict", '{"row": -1, "verdict": "drop"}', 400),
        ("verdict", '{"row": true, "verdict": "drop"}', 404),
        ("verdict", '{"row": 0, "verdict": "dropp"}', 400),
        ("verdict", '{"row": 0}', 400),
        ("verdict", "[1]", 400),
        ("verdict", "{", 400),
        ("verdict", "[" * 4000, 400),
        ("verdict", '{"row": 0, "verdict": "' + "k" * 5000 + '"}', 413),
        ("elsewhere", "{}", 404),
    ],
)
def test_what_is_no_verdict_is_refused(serve: Serve, tmp_path: Path, name: str, body: str, status: int) -> None:
    found = ask(serve(), "POST", name, content=body, headers={"Content-Type": "application/json"})
    assert found.status_code == status
    assert "error" in found.json()
    assert said(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["row/x", "row/99", "row/²", "row/" + "9" * 5000, "why/-1", "nothing", "../review.jsonl"]
)
def test_what_is_not_there_is_refused(serve: Serve, name: str) -> None:
    assert ask(serve(), "GET", name).status_code in (400, 404)


def test_a_verdict_that_cannot_be_written_is_told_and_the_review_goes_on(serve: Serve, tmp_path: Path) -> None:
    server, given = serve(), {"row": 0, "verdict": "drop"}
    (tmp_path / "review.jsonl").mkdir()
    found = ask(server, "POST", "verdict", json=given)
    assert found.status_code == 500
    assert found.json()["error"].startswith("It failed: ")
    assert "Is a directory" in found.json()["error"]
    (tmp_path / "review.jsonl").rmdir()
    assert ask(server, "POST", "verdict", json=given).status_code == 200
    assert len(said(tmp_path)) == 1


# What can be reviewed


def test_mistakes_are_told(line: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="judged no rows"):
        library.review(line, "raw", out=tmp_path / "r.jsonl")
    with pytest.raises(UserError, match="is a folder"):
        library.review(line, out=tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        library.review(line, out=tmp_path / "no" / "r.jsonl")
    with pytest.raises(UserError, match="outside the recipe's folder"):
        library.review(line, out=tmp_path.parent / "r.jsonl")


def test_a_taken_port_is_told(serve: Serve) -> None:
    server = serve()
    with pytest.raises(UserError, match="--port"):
        ReviewServer(server.review, port=server.server_address[1])


def started(line: Path) -> tuple[subprocess.Popen[str], str]:
    """The verb in a process of its own, and the address that it prints."""
    code = "from adaptline.cli import main; main()"
    command = [sys.executable, "-c", code, "review", str(line), "--by", "anna"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_verdict_survives_a_kill_and_curate_reads_it(line: Path, tmp_path: Path) -> None:
    process, url = started(line)
    try:
        told = httpx.post(url + "verdict", json={"row": 0, "verdict": "drop"}, timeout=20).json()
        httpx.post(url + "verdict", json={"row": told["next"], "verdict": "keep"}, timeout=20)
    finally:
        process.kill()
        process.communicate()
    with (tmp_path / "review.jsonl").open("a") as file:
        file.write('{"file": "rows.jsonl", "row": 5, "ver')  # as a kill in the middle of a line leaves it
    process, url = started(line)
    try:
        assert httpx.get(url + "start", timeout=20).json() == {"next": 2, "of": len(TEXTS), "judged": 2}
    finally:
        process.kill()
        process.communicate()
    line.write_text(RECIPE.replace('"exact"]', '"exact", { use = "review", file = "review.jsonl" }]'))
    (dropped,) = [entry["row"] for entry in said(tmp_path) if entry["verdict"] == "drop"]
    al.run(line)
    life = library.trace(line, f"rows.jsonl:{dropped}")
    assert not life["steps"][-1]["kept"]
