"""The console in a real browser: it chats, its numbers move, it fits, can be read, and nothing leaves its origin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import consoles
import httpx
import pytest
import released
from browsers import OVERFLOW, POOR_CONTRAST, REACHING_OUT, watched

from adaptline import library, production, serving
from adaptline.deploy import api_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from consoles import Served
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as BrowserPage

    Open = Callable[..., "BrowserPage"]

HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
ANSWERED = ".turn.model:not([aria-busy]) .facts"


@pytest.fixture
def show(browser: Browser, served: Served) -> Iterator[Open]:
    """Opens a path of the console."""
    with watched(browser, served.url + "/") as new_page:

        def open_page(path: str, *, width: int = 1280, **given: Any) -> BrowserPage:
            page = new_page(width, **given)
            page.goto(served.url + path)
            return page

        yield open_page


def send(page: BrowserPage, text: str) -> None:
    page.fill("#text", text)
    page.keyboard.press("Enter")


def last(page: BrowserPage) -> str:
    """The answer that was given last, with what is said of it."""
    return str(page.locator(".turn.model").last.inner_text())


# The chat


def test_the_chat_streams_an_answer_and_names_release_arm_and_request(served: Served, show: Open) -> None:
    served.upstream.token_delay = 0.2
    page = show("/chat#support")
    assert page.input_value("#model") == "support"
    page.fill("#user", "jane")
    send(page, "Is there a table for two?")
    page.wait_for_selector(".turn.model .facts")
    streaming = page.locator(".turn.model .text").inner_text()
    assert page.locator(".turn.model[aria-busy]").count() == 1
    page.wait_for_selector(ANSWERED)
    whole = page.locator(".turn.model .text").inner_text()
    assert whole.startswith(streaming)
    assert len(whole) > len(streaming)
    asked = served.upstream.requests[-1]
    assert (asked["user"], asked["messages"]) == ("jane", [{"role": "user", "content": "Is there a table for two?"}])
    told = last(page)
    assert asked["model"] in told
    arms = {arm["name"]: arm["arm"] for arm in httpx.get(served.url + "/index.json").json()["channels"][0]["arms"]}
    assert f"arm {arms[asked['model']]} of support" in told
    assert "request req-" in told


def test_a_user_stays_on_an_arm_and_the_conversation_goes_on(served: Served, show: Open) -> None:
    page = show("/chat")
    page.fill("#user", "jane")
    for number in range(1, 4):
        send(page, f"question {number}\nof three")
        page.wait_for_selector(f":nth-match({ANSWERED}, {number})")
    assert len({request["model"] for request in served.upstream.requests}) == 1
    sent = served.upstream.requests[-1]["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user", "assistant", "user"]
    assert sent[0]["content"] == "question 1\nof three"
    assert sent[1]["content"].strip() == page.locator(".turn.model .text").first.inner_text().strip()
    page.click("#again")
    assert page.locator(".turn").count() == 0
    send(page, "anew")
    page.wait_for_selector(ANSWERED)
    assert served.upstream.requests[-1]["messages"] == [{"role": "user", "content": "anew"}]


def test_a_release_can_be_asked_by_its_name(show: Open) -> None:
    page = show("/chat")
    wanted = page.locator("optgroup[label='Releases that are live'] option").nth(1).get_attribute("value")
    page.select_option("#model", wanted)
    send(page, "hello")
    page.wait_for_selector(ANSWERED)
    assert f"release {wanted}" in last(page)
    assert "arm direct" in last(page)


def test_an_error_is_told_and_left_out_of_the_conversation(served: Served, show: Open) -> None:
    page = show("/chat", allow=("429",))
    body = {"error": {"message": "too many at once", "type": "x", "param": None, "code": None}}
    served.upstream.script.append((429, {}, json.dumps(body).encode()))
    send(page, "first")
    page.wait_for_selector("[role=alert]")
    assert "429: too many at once" in last(page)
    assert page.input_value("#text") == "first"
    send(page, "second")
    page.wait_for_selector(":nth-match(.turn.model:not([aria-busy]), 2)")
    assert served.upstream.requests[-1]["messages"] == [{"role": "user", "content": "second"}]


def test_an_answer_that_broke_off_or_was_stopped_is_no_answer(served: Served, show: Open) -> None:
    page = show("/chat", allow=("ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_HTTP"))
    served.upstream.cut_after = 2
    send(page, "first")
    page.wait_for_selector("[role=alert]")
    assert "Not part of the conversation" in page.locator(".turn.you").inner_text()
    served.upstream.cut_after = None
    served.upstream.token_delay = 1.0
    page.fill("#text", "second")
    page.click("#send")
    page.wait_for_selector(".turn.model[aria-busy] .facts")
    page.click("#stop")
    page.wait_for_selector(":nth-match([role=alert], 2)")
    assert "You stopped it." in last(page)
    assert page.is_enabled("#send")


def test_what_a_model_says_is_only_text(served: Served, show: Open) -> None:
    page = show("/chat")
    event = json.dumps({"choices": [{"index": 0, "delta": {"content": HOSTILE}}]})
    served.upstream.script.append(
        (200, {"content-type": "text/event-stream"}, f"data: {event}\n\ndata: [DONE]\n\n".encode())
    )
    send(page, HOSTILE)
    page.wait_for_selector(ANSWERED)
    assert page.locator(".turn.model .text").inner_text() == HOSTILE
    assert page.locator(".turn.you .text").inner_text() == HOSTILE
    assert page.locator("#turns script, #turns img").count() == 0
    assert page.title() == "Chat with recipe · adaptline console"


def test_a_classifier_says_its_label_and_how_sure_it_is(browser: Browser, tmp_path: Path) -> None:
    recipe, store = consoles.make(tmp_path)
    production.deploy(recipe, released.commit(store, "sorts", kind="classifier"), channel="intent", percent=100)
    with consoles.serving(recipe, store) as found, browser.new_context() as context:
        page = context.new_page()
        page.goto(found.url + "/chat#intent")
        answer = {"data": [{"index": 0, "label": "booking", "probabilities": {"booking": 0.875, "<b>": 0.125}}]}
        found.upstream.script.append((200, {}, json.dumps(answer).encode()))
        send(page, "a table for two")
        page.wait_for_selector(ANSWERED)
        assert found.upstream.paths[-1] == "/v1/classify"
        assert found.upstream.requests[-1]["input"] == "a table for two"
        for text in ("booking", "87.5 %", "<b> 12.5 %", "arm canary of intent"):
            assert text in last(page)


def test_behind_keys_the_browsers_own_question_is_enough(browser: Browser, tmp_path: Path) -> None:
    recipe, store = consoles.make(tmp_path)
    consoles.fill(recipe, store)
    key = serving.new_key(tmp_path / "keys.txt", "team")
    with (
        consoles.serving(recipe, store, keys=api_keys.read(tmp_path / "keys.txt")) as found,
        browser.new_context(http_credentials={"username": "anybody", "password": key}) as context,
    ):
        page = context.new_page()
        page.goto(found.url + "/releases")
        page.get_by_role("link", name="Chat").click()
        send(page, "hello")
        page.wait_for_selector(ANSWERED)
        assert "release base-" in last(page)
        assert not page.evaluate("document.cookie + Object.keys(localStorage) + Object.keys(sessionStorage)")


# Live numbers


def test_numbers_move_by_themselves_and_a_move_appears(served: Served, show: Open) -> None:
    page = show("/")
    cells = page.locator("td[data-value='requests']")
    assert cells.all_inner_texts() == ["0", "0"]
    page.locator("main").evaluate("main => { main.marked = true }")
    for user in range(20):
        asked = {"model": "support", "messages": [{"role": "user", "content": "x"}], "user": str(user)}
        httpx.post(served.url + "/v1/chat/completions", json=asked)
    page.wait_for_selector("td[data-value='requests'] >> text=/[1-9]/", timeout=5000)
    assert sum(int(text) for text in cells.all_inner_texts()) == 20
    assert page.locator("td[data-value='ttft_p50_ms']").first.inner_text().endswith("\u202fms")
    assert page.evaluate("document.getElementById('main').marked") is True
    assert page.inner_text("#pulse") == "live"
    production.rollback(served.recipe, channel="support", by="anna", why="slower than before")
    page.wait_for_selector("text=slower than before", timeout=5000)
    assert page.get_by_role("img", name="stable 100 percent").count() == 1


def test_numbers_are_written_by_the_script_as_by_the_server(served: Served, show: Open) -> None:
    tallies = served.running.gateway.metrics.tallies.values()
    for tally in tallies:
        tally.ended(200, 2000.0, 1.0, 1.1234, 1_234_567, 1)
        tally.recent.clear()
        tally.recent.extend([(1e12, 0.0999), (1e12, 1.23456)])
    served.running.gateway.metrics.started -= 4000
    page = show("/")
    made = page.locator("main tbody").inner_text()
    page.wait_for_selector("#pulse >> text=live", timeout=5000)
    assert page.locator("main tbody").inner_text() == made
    assert "1,234,567" in made
    assert "99.9\u202fms" in made
    assert "1,235\u202fms" in made
    assert page.inner_text("[data-value='uptime_seconds']") == "1\u202fh 06\u202fmin"


def test_a_gateway_that_is_gone_is_noticed(served: Served, show: Open) -> None:
    page = show("/", allow=("ERR_CONNECTION", "ERR_EMPTY"))
    served.running.stop()
    page.wait_for_selector("#pulse >> text=no answer since", timeout=5000)


def test_without_a_script_everything_but_the_chat_works(show: Open) -> None:
    page = show("/", java_script_enabled=False)
    assert "canary" in page.inner_text("main")
    page.get_by_role("link", name="Chat").click()
    page.get_by_text("Chatting needs JavaScript").wait_for(timeout=5000)


# Looks


def _paths(served: Served) -> list[str]:
    releases = httpx.get(served.url + "/releases.json").json()["releases"]
    return ["/", "/releases", "/chat", *(f"/releases/{found['digest']}" for found in releases)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_fits_and_can_be_read(served: Served, show: Open, width: int, scheme: str) -> None:
    for path in _paths(served):
        page = show(path, width=width, color_scheme=scheme)
        if path == "/chat":
            send(page, "w" * 500)
            page.wait_for_selector(ANSWERED)
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
        assert page.evaluate(OVERFLOW) == 0, path
        assert page.evaluate(REACHING_OUT) == [], path
        assert page.evaluate(POOR_CONTRAST) == [], path


def test_long_and_hostile_words_fit_too(served: Served, show: Open) -> None:
    long = "w" * 3000
    facts = {"adapter": {"method": long, "parameters": {long: HOSTILE}, "files": {long: long}}, "chat_template": long}
    digest = consoles.rich(served.store, "bad", step="bad", verdict=HOSTILE + long, **facts)
    for path in ("/releases", f"/releases/{digest}"):
        page = show(path, width=360)
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
        assert HOSTILE in page.inner_text("main")
        assert page.evaluate(OVERFLOW) == 0
        assert page.evaluate(REACHING_OUT) == []
        assert "taken" not in page.title()


def test_were_a_text_ever_not_escaped_the_policy_would_still_stop_it(show: Open) -> None:
    page = show("/", allow=("Content Security Policy",))
    page.evaluate(
        """() => { const hole = document.createElement('div')
        hole.innerHTML = "<img src='/x.png' onerror=\\"document.title = 'taken'\\"><p id='styled' style='color: rgb(255, 0, 0)'>x</p>"
        const script = document.createElement('script'); script.textContent = "document.title = 'taken'"
        document.body.append(hole, script) }"""
    )
    page.wait_for_timeout(100)
    assert page.title() == "Channels of recipe · adaptline console"
    assert page.evaluate("getComputedStyle(document.querySelector('#styled')).color") != "rgb(255, 0, 0)"


def test_keyboard_and_screen_reader_find_their_way(show: Open) -> None:
    page = show("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.get_by_role("heading", level=1).all_inner_texts() == ["Channels"]
    assert page.get_by_role("region", name="support", exact=True).count() == 1
    assert page.get_by_role("img", name="stable 70 percent, canary 30 percent").count() == 1
    page = show("/chat")
    for label in ("Ask", "as user", "Message"):
        assert page.get_by_label(label).first.is_visible()
    assert page.get_by_role("log", name="Conversation").count() == 1


def test_the_report_opens_under_its_own_policy(browser: Browser, tmp_path: Path) -> None:
    recipe, store = consoles.make(tmp_path)
    recipe.write_text('[raw]\nstep = "ingest"\nfiles = "data.jsonl"\n')
    library.run(recipe)
    with consoles.serving(recipe, store) as found, browser.new_context() as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(found.url + "/report")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(251, 251, 249)"
        assert complaints == []
