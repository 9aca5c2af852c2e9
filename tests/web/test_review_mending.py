"""Mending a row on the review's page: by keys alone, from the editor to what curate makes of it; and what is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import lines
import pytest
from browsers import OVERFLOW, POOR_CONTRAST, REACHING_OUT, launched

import adaptline as al
from adaptline import library
from adaptline.core.rows import Ref
from adaptline.errors import UserError
from adaptline.web.review_server import ReviewServer
from adaptline.web.review_words import MOST_CHARS
from adaptline.web.reviewing import Review

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as BrowserPage

HOSTILE = "<script>document.title = 'taken'</script>\u202etxet\r\nand more"
CHAT = [{"role": "user", "content": "a tabel?"}, {"role": "assistant", "content": "for how many?"}]
ROWS: list[dict[str, Any]] = [
    {"text": "book a tabel", "label": "bookings"},
    {"text": HOSTILE, "label": "<b>other</b>"},
    {"messages": CHAT},
    {"text": "w" * (MOST_CHARS + 1), "label": "bookings"},
]
RECIPE = """
[raw]
step  = "ingest"
files = ["texts.jsonl", "chats.jsonl"]
[clean]
step = "curate"
from = "raw"
do   = ["exact"]
"""
REVIEWED = RECIPE.replace(
    '"exact"]', '"exact", { use = "review", file = "review.jsonl" }, { use = "length", min = 3 }]'
)


@pytest.fixture
def line(tmp_path: Path) -> Path:
    lines.write(tmp_path / "texts.jsonl", [row for row in ROWS if "text" in row])
    lines.write(tmp_path / "chats.jsonl", [row for row in ROWS if "messages" in row])
    (tmp_path / "recipe.toml").write_text(RECIPE)
    al.run(tmp_path / "recipe.toml")
    return tmp_path / "recipe.toml"


def opened(line: Path, by: str = "anna") -> Review:
    return library.review(line, out=line.with_name("review.jsonl"), by=by)


def number(review: Review, row: dict[str, Any]) -> int:
    """The place in the sample of one of ROWS."""
    if "messages" in row:
        return review.places.index(("chats.jsonl", 1))
    texts = [one for one in ROWS if "text" in one]
    return review.places.index(("texts.jsonl", texts.index(row) + 1))


def said(line: Path) -> list[dict[str, Any]]:
    path = line.with_name("review.jsonl")
    return [json.loads(text) for text in path.read_text().splitlines() if text.strip()] if path.exists() else []


def reviewed(line: Path) -> list[Any]:
    """What the step keeps once the recipe has the review: texts with labels, and chats."""
    line.write_text(REVIEWED)
    al.run(line)
    history = library._history(library._recipe(line), None)
    found: list[Any] = []
    for shard in history.manifests["clean"][0]["shards"]:
        kept = history.store.read(Ref(*shard["keep"]))["keep"]
        for row in history.store.read(Ref(*shard["text"])).filter(kept).to_pylist():
            contents = [message["content"] for message in row["messages"]]
            found.append(contents if row["label"] is None else (*contents, row["label"]))
    return found


# What a review does


def test_curate_makes_of_a_row_what_was_written(line: Path) -> None:
    review = opened(line)
    review.mend(number(review, ROWS[0]), ["book a table"], "booking")
    review.mend(number(review, ROWS[2]), ["a table?", None], None)
    assert reviewed(line)[:2] == [("book a table", "booking"), (HOSTILE, "<b>other</b>")]
    assert reviewed(line)[-1] == ["a table?", "for how many?"]


def test_a_mended_row_is_shown_as_it_is_to_be_beside_what_it_was(line: Path) -> None:
    review = opened(line)
    at = number(review, ROWS[0])
    review.mend(at, ["book a table"], None)
    for shown in (review.row(at), opened(line).row(at)):
        assert (shown["said"], shown["messages"][0]["content"], shown["label"]) == ("mend", "book a table", "bookings")
        assert shown["was"]["messages"][0]["content"] == "book a tabel"
    assert review.words(at)["messages"] == [{"role": "text", "content": "book a table"}]
    assert review.summary()["counts"] == {"keep": 0, "drop": 0, "mend": 1}


@pytest.mark.parametrize("behind", [False, True], ids=["before it is applied", "after it is applied"])
def test_what_was_mended_once_can_be_mended_again_and_taken_back(line: Path, *, behind: bool) -> None:
    review = opened(line)
    review.mend(number(review, ROWS[0]), ["book a table"], None)
    if behind:
        assert reviewed(line)[0] == ("book a table", "bookings")
        review = opened(line)
    at = number(review, ROWS[0])
    assert review.row(at)["messages"][0]["content"] == "book a table"
    review.mend(at, [None], "booking")
    assert reviewed(line)[0] == ("book a table", "booking")
    review.undo()
    assert reviewed(line)[0] == ("book a table", "bookings")
    assert review.undo()["row"] == at
    assert review.row(at)["said"] is None
    assert said(line) == []


def test_a_row_that_has_changed_since_comes_up_again(line: Path) -> None:
    review = opened(line)
    review.mend(number(review, ROWS[0]), ["book a table"], None)
    review.say(number(review, ROWS[2]), "keep")
    lines.write(line.with_name("texts.jsonl"), [{"text": "cancel it", "label": "bookings"}, ROWS[1], ROWS[3]])
    al.run(line)
    again = opened(line)
    at = again.places.index(("texts.jsonl", 1))
    shown = again.row(at)
    assert (shown["said"], shown["outdated"], shown["was"]) == (None, True, None)
    assert shown["messages"][0]["content"] == "cancel it"
    assert again.start()["judged"] == 1
    assert again.words(at)["messages"][0]["content"] == "cancel it"
    again.say(at, "keep")
    assert (again.row(at)["said"], again.row(at)["outdated"]) == ("keep", False)
    assert reviewed(line)[0] == ("cancel it", "bookings")


@pytest.mark.parametrize(
    ("contents", "label", "message"),
    [
        ([None], None, "nothing is changed"),
        (["book a tabel"], "bookings", "nothing is changed"),
        ([" \n"], None, "nothing is left of the row"),
        (["a", "b"], None, "2 texts for 1 messages"),
        ([None], " ", "an empty label"),
        (["w" * 50_000], None, "more than 40,000 characters"),
        (["half \ud800"], None, "half of a UTF-16 pair"),
    ],
)
def test_what_is_no_mended_row_is_refused(
    line: Path, contents: list[str | None], label: str | None, message: str
) -> None:
    review = opened(line)
    with pytest.raises(UserError, match=message):
        review.mend(number(review, ROWS[0]), contents, label)
    assert said(line) == []


def test_a_row_that_is_too_long_to_be_read_is_not_mended_here(line: Path) -> None:
    review = opened(line)
    with pytest.raises(UserError, match="too long to be mended here"):
        review.words(number(review, ROWS[3]))


# On the page


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with launched(tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def server(line: Path) -> Iterator[ReviewServer]:
    found = ReviewServer(opened(line), title="clean")
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


@pytest.fixture
def show(browser: Browser, server: ReviewServer) -> Iterator[Callable[..., BrowserPage]]:
    contexts, complaints = [], []

    def open_page(row: dict[str, Any], *, width: int = 1280, **given: Any) -> BrowserPage:
        """The page at one of ROWS."""
        context = browser.new_context(viewport={"width": width, "height": 800}, **given)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: None if "400" in message.text else complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(server.url)
        page.wait_for_selector("body[data-ready]")
        for _ in range(number(server.review, row)):
            press(page, "ArrowRight")
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


def test_a_row_is_mended_by_keys_alone(line: Path, show: Callable[..., BrowserPage]) -> None:
    page = show(ROWS[0])
    assert page.inner_text("#label") == "label bookings"
    press(page, "m")
    assert page.evaluate("document.activeElement.value") == "book a tabel"
    page.keyboard.press("Control+a")
    page.keyboard.type("keep a table, undo what was")  # k, d, u and w are keys of the page elsewhere
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("booking")
    press(page, "Control+Enter")
    assert not page.is_visible("#editor")
    assert "which you mended" in page.inner_text("#why-title")
    (entry,) = said(line)
    assert (entry["verdict"], entry["contents"], entry["label"], entry["by"]) == (
        "mend",
        ["keep a table, undo what was"],
        "booking",
        "anna",
    )
    press(page, "u")
    assert said(line) == []
    assert page.inner_text("#messages") == "book a tabel"


def test_escape_leaves_everything_as_it_was(line: Path, show: Callable[..., BrowserPage]) -> None:
    page = show(ROWS[0])
    press(page, "m")
    page.keyboard.type("something")
    press(page, "Escape")
    assert not page.is_visible("#editor")
    assert said(line) == []
    press(page, "m")
    assert page.evaluate("document.activeElement.value") == "book a tabel"
    press(page, "Control+Enter")
    assert page.inner_text("#problem").startswith("nothing is changed")
    assert page.is_visible("#editor")
    assert said(line) == []


def test_hostile_words_stay_inert_and_what_nobody_touched_stays_to_the_byte(
    line: Path, show: Callable[..., BrowserPage]
) -> None:
    page = show(ROWS[1])
    assert "⟨U+202E⟩" in page.inner_text("#messages")
    assert page.inner_text("#label") == "label <b>other</b>"
    press(page, "m")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("<i>mine</i>")
    press(page, "Control+Enter")
    assert said(line)[0]["contents"] == [None]  # a browser would have made \n of \r\n
    while page.inner_text("#label") != "label <i>mine</i>":
        press(page, "ArrowLeft")
    assert page.inner_text("#was .label") == "label <b>other</b>"
    assert page.title() == "Review of clean · adaptline"
    assert reviewed(line)[1] == (HOSTILE, "<i>mine</i>")


@pytest.mark.parametrize("width", [320, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_editor_fits_and_can_be_read(show: Callable[..., BrowserPage], width: int, scheme: str) -> None:
    page = show(ROWS[2], width=width, color_scheme=scheme)
    press(page, "m")
    assert page.locator("#editor textarea").count() == len(CHAT)
    assert page.evaluate(OVERFLOW) == 0
    assert page.evaluate(REACHING_OUT) == []
    assert page.evaluate(POOR_CONTRAST) == []


# Who may write


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
def test_no_other_site_can_mend(line: Path, server: ReviewServer, headers: dict[str, str], status: int) -> None:
    sent = {"Content-Type": "application/json"} | headers
    body = json.dumps({"row": number(server.review, ROWS[0]), "contents": ["taken"], "label": None})
    assert httpx.post(server.url + "mend", content=body, headers=sent).status_code == status
    elsewhere = f"http://{server.host}/x/mend"
    assert httpx.post(elsewhere, content=body, headers={"Content-Type": "application/json"}).status_code == 404
    assert said(line) == []
    right = httpx.post(server.url + "mend", content=body, headers={"Content-Type": "application/json"})
    assert right.status_code == 200
    assert [entry["contents"] for entry in said(line)] == [["taken"]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"row": 99, "contents": ["a"]}', 400),
        ('{"row": 0, "contents": "a"}', 404),
        ('{"row": 0, "contents": [1]}', 404),
        ('{"row": 0, "contents": [["a"]], "label": null}', 404),
        ('{"row": 0, "contents": [null], "label": 3}', 404),
        ('{"row": true, "contents": [null], "label": "a"}', 404),
        ('{"row": 0, "contents": [' + '"a",' * 200_000 + '"a"]}', 413),
    ],
)
def test_what_is_no_mended_row_is_refused_over_http(line: Path, server: ReviewServer, body: str, status: int) -> None:
    found = httpx.post(server.url + "mend", content=body, headers={"Content-Type": "application/json"})
    assert found.status_code == status
    assert said(line) == []


def test_many_words_are_taken_and_too_many_are_told_by_their_bound(line: Path, server: ReviewServer) -> None:
    """As a browser writes them: a character that JSON escapes has up to six bytes."""
    at = number(server.review, ROWS[0])

    def sent(text: str) -> httpx.Response:
        body = json.dumps({"row": at, "contents": [text], "label": None})
        return httpx.post(server.url + "mend", content=body, headers={"Content-Type": "application/json"})

    long = "\u20ac" * 17_000  # 102 kB
    assert sent(long).status_code == 200
    assert said(line)[-1]["contents"] == [long]
    told = sent("w" * 400_000)
    assert (told.status_code, told.json()["error"]) == (413, "more than 40,000 characters: mend it in the source")
    assert "more than 40,000 characters" in sent("w" * 50_000).json()["error"]
    assert len(said(line)) == 1


def test_an_empty_label_is_not_offered(line: Path) -> None:
    rows = [ROWS[0], {"text": "of no label", "label": ""}, {"text": "of a blank one", "label": " "}]
    lines.write(line.with_name("texts.jsonl"), rows)
    al.run(line)
    review = opened(line)
    assert review.words(number(review, ROWS[0]))["labels"] == ["bookings"]
