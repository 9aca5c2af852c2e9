"""The console over a real gateway: what its pages and their twins say, to whom, and that what they show stays inert."""

from __future__ import annotations

import html
import json
import os
import re
import threading
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import consoles
import httpx
import pytest
import released
from consoles import Served

from adaptline import library, production, serving
from adaptline.core.store import Store
from adaptline.deploy import api_keys
from adaptline.web import console

HELLO = [{"role": "user", "content": "hello"}]
PAGES = ("/", "/releases", "/chat")
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}\u202e"


class _Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def get(served: Served, path: str, status: int = 200, **given: Any) -> httpx.Response:
    found = httpx.get(served.url + path, **given)
    assert found.status_code == status, found.text
    return found


def ask(served: Served, model: str = "support", **more: Any) -> httpx.Response:
    return httpx.post(served.url + "/v1/chat/completions", json={"model": model, "messages": HELLO, **more}, timeout=20)


def words(page: str) -> str:
    """A page as it is read."""
    inline = re.sub(r"</?(bdi|strong|em|code|time)\b[^>]*>", "", page)
    return re.sub(r"[ \n]+", " ", html.unescape(re.sub(r"<[^>]*>", " ", inline)))


# What is shown


def test_the_first_page_shows_channels_arms_numbers_and_moves(served: Served) -> None:
    for user in range(30):
        ask(served, user=str(user))
    ask(served, "no such model")
    channel = get(served, "/index.json").json()["channels"][0]
    assert [(arm["arm"], arm["percent"]) for arm in channel["arms"]] == [("stable", 70), ("canary", 30)]
    assert all(arm["answers"] == arm["name"] for arm in channel["arms"])
    assert sum(entry["requests"] for entry in channel["numbers"]) == 30
    assert [entry["arm"] for entry in channel["numbers"]] == ["stable", "canary"]
    assert [move["version"] for move in channel["moves"]] == [5, 4, 3, 2, 1]
    page = get(served, "/").text
    assert 'aria-label="stable 70 percent, canary 30 percent"' in page
    shown = words(page)
    for entry in channel["numbers"]:
        assert f"{entry['arm']} {entry['release']} {entry['requests']} 0 0" in shown
        assert f"{entry['ttft_p50_ms']:.1f}\u202fms" in shown
    assert "promote by anna: stable" in shown
    assert "two points more of chrF" in shown
    assert "refused with 404 1" in shown
    assert "ready" in shown


def test_a_stopped_canary_and_one_that_is_not_ready_are_told_apart(served: Served) -> None:
    production.deploy(served.recipe, channel="support", percent=0, why="stop")
    wait(served, lambda data: data["channels"][0]["arms"][1]["percent"] == 0)
    assert "Stopped: nobody gets it." in get(served, "/").text
    production.rollback(served.recipe, channel="support")
    broken = consoles.rich(served.store, "broken", step="broken", guards=[{"use": "deny", "parameters": {}}])
    production.deploy(served.recipe, broken, channel="support", percent=10)
    data = wait(served, lambda data: any("failed to load" in problem for problem in data["problems"]))
    assert data["channels"][0]["arms"][1]["answers"] is None
    shown = words(get(served, "/").text)
    assert f"{broken[:12]} failed to load" in shown
    assert "Not ready yet: until then stable answers." in shown


def wait(served: Served, true: Any) -> Any:
    end = time.monotonic() + 5
    while not true(data := get(served, "/index.json").json()):
        assert time.monotonic() < end, data
        time.sleep(0.05)
    return data


def test_the_releases_are_listed_with_what_speaks_for_them(served: Served) -> None:
    listed = get(served, "/releases.json").json()["releases"]
    assert [[entry["arm"] for entry in found["live"]] for found in listed] == [["stable"], ["canary"], []]
    canary = listed[1]
    assert (canary["kind"], canary["method"], canary["base"]["name"]) == ("writer", "lora", "pico-writer")
    assert (canary["verdict"], canary["interval"]) == (consoles.VERDICT, [39.8, 43.2])
    assert canary["metrics"] == {"answers.chrf": 41.537, "answers.exact": 0.25}
    assert canary["steps"] == ["support"]
    page = get(served, "/releases").text
    shown = words(page)
    for text in ("canary of support, 30\u202f%", "not in production", consoles.VERDICT, "answers.chrf 41.5"):
        assert text in shown
    for found in listed:
        assert f'href="/releases/{found["digest"]}"' in page


def test_a_release_shows_all_of_its_evidence(served: Served) -> None:
    digest = get(served, "/releases.json").json()["releases"][1]["digest"]
    data = get(served, f"/releases/{digest}.json").json()
    first, further = data["evaluations"]
    chrf = {"name": "answers.chrf", "value": 41.537, "bounds": [0.0, 100.0], "signature": consoles.SIGNATURE}
    assert first["metrics"][0] == chrf
    assert first["items"] == {"answers": 120}
    assert further["metrics"][0]["name"] == "style.rougeL"
    assert [(move["verb"], move["is"], move["percent"]) for move in data["moves"]] == [
        ("deploy", "canary", 30.0),
        ("deploy", "canary", 20.0),
    ]
    shown = words(get(served, f"/releases/{digest}").text)
    for text in (
        consoles.SIGNATURE,
        consoles.VERDICT,
        "interval 39.8 to 43.2",
        "same_predictions 200",
        "changed_by_training yes",
        "accuracy 0.610",
        "rank 16",
        "patterns credit ?card",
        *data["files"]["adapter"].values(),
        *data["files"]["tokenizer"],
        "deploy of support by anna: canary for 20",
    ):
        assert text in shown
    assert get(served, f"/releases/{digest[:12]}.json").json() == data
    stable = get(served, "/releases.json").json()["releases"][0]["digest"]
    moved = get(served, f"/releases/{stable}.json").json()["moves"]
    assert [(move["verb"], move["was"], move["is"]) for move in moved] == [
        ("promote", "canary", "stable"),
        ("deploy", "canary", "canary"),
        ("deploy", None, "canary"),
    ]


def test_the_chat_page_offers_what_can_be_asked(served: Served) -> None:
    models = get(served, "/chat.json").json()["models"]
    assert [(model["is"], model["kind"]) for model in models] == [
        ("channel", "writer"),
        ("release", "writer"),
        ("release", "writer"),
    ]
    page = get(served, "/chat").text
    for model in models:
        assert f'<option value="{model["name"]}" data-kind="writer">' in page
        assert ask(served, model["name"]).status_code == 200


def test_a_classifier_is_offered_as_one(tmp_path: Path) -> None:
    recipe, store = consoles.make(tmp_path)
    sorter = released.commit(store, "sorts", kind="classifier")
    production.deploy(recipe, sorter, channel="intent", percent=100)
    with consoles.serving(recipe, store) as served:
        models = get(served, "/chat.json").json()["models"]
        assert [(model["name"], model["kind"]) for model in models if model["is"] == "channel"] == [
            ("intent", "classifier")
        ]


def test_the_report_is_shown_as_it_is_and_may_do_nothing(tmp_path: Path) -> None:
    recipe, store = consoles.make(tmp_path)
    recipe.write_text('[raw]\nstep = "ingest"\nfiles = "data.jsonl"\n')
    with consoles.serving(recipe, store) as served:
        missing = get(served, "/report", 404)
        assert "adaptline run" in words(missing.text)
        assert missing.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert (
            get(served, "/report.json", 404).json()["error"]["message"] == "recipe 'recipe' has not run in this store"
        )
        library.run(recipe)
        time.sleep(console.LOOK_SECONDS)
        found = get(served, "/report")
        assert found.content == library.report_path(recipe).read_bytes()
        policy = found.headers["content-security-policy"]
        own = re.search(r"style-src ('sha256-[^']+')", found.text)
        assert own is not None
        assert policy == (
            f"default-src 'none'; style-src {own[1]}; sandbox; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        assert get(served, "/report.json").json()["artifacts"] == json.loads(json.dumps(library.show(recipe)))


def test_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    recipe, store = consoles.make(tmp_path)
    with consoles.serving(recipe, store) as served:
        assert f"adaptline run {recipe}" in words(get(served, "/").text)
        assert f"adaptline run {recipe}" in words(get(served, "/releases").text)
        assert "Nothing can answer yet" in words(get(served, "/chat").text)
        assert get(served, "/chat.json").json() == {"models": []}
        digest = consoles.rich(store, "two")
        time.sleep(console.LOOK_SECONDS)
        assert f"adaptline deploy {recipe} support --channel NAME --percent 5" in words(get(served, "/").text)
        unused = words(get(served, f"/releases/{digest}").text)
        assert f"adaptline deploy {recipe} {digest[:12]} --channel NAME --percent 5" in unused


def test_the_shape_stays_while_only_numbers_change(served: Served) -> None:
    before = get(served, "/index.json").json()
    ask(served, user="jane")
    after = get(served, "/index.json").json()
    assert after["shape"] == before["shape"]
    assert after["channels"][0]["numbers"] != before["channels"][0]["numbers"]
    assert f'data-shape="{after["shape"]}"' in get(served, "/").text
    production.rollback(served.recipe, channel="support", by="anna", why="slower")
    moved = wait(served, lambda data: data["shape"] != after["shape"] and len(data["channels"][0]["moves"]) == 6)
    assert moved["channels"][0]["moves"][0]["why"] == "slower"


# What is not there, who may look, and what a page may do


def test_what_is_not_there_is_said_in_words(served: Served) -> None:
    for path in ("/releases/" + "0" * 64, "/releases/abc", "/releases/", "/releases/..%2f..%2fetc"):
        assert "no release of this digest" in words(get(served, path, 404).text)
        assert get(served, path + ".json", 404).json()["error"]["code"] == "not_found"
    for path in ("/nothing", "/index", "/chat.js.json", "/console.cssx", "/report/x"):
        assert get(served, path, 404).json()["error"]["code"] == "unknown_url"
    for path in PAGES:
        assert httpx.post(served.url + path, json={}).status_code in (404, 405)


@pytest.mark.parametrize("path", [*PAGES, "/index.json", "/releases.json", "/chat.json", "/console.css", "/chat.js"])
def test_every_page_says_what_it_may_do(served: Served, path: str) -> None:
    headers = get(served, path).headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    kind = {"json": "application/json", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
    assert headers["content-type"] == kind.get(path.rpartition(".")[2], "text/html; charset=utf-8")


def test_keys_guard_the_pages_as_they_guard_answers(tmp_path: Path) -> None:
    recipe, store = consoles.make(tmp_path)
    consoles.fill(recipe, store)
    key = serving.new_key(tmp_path / "keys.txt", "team")
    with consoles.serving(recipe, store, keys=api_keys.read(tmp_path / "keys.txt")) as served:
        for path in (*PAGES, "/index.json", "/releases.json", "/report", "/chat.json", "/console.js", "/nothing"):
            refused = get(served, path, 401)
            assert refused.headers["www-authenticate"] == 'Basic realm="adaptline"'
            assert "support" not in refused.text
            assert get(served, path, 401, auth=("anybody", "wrong"))
        assert "support" in get(served, "/", auth=("anybody", key)).text
        assert get(served, "/index.json", headers={"authorization": f"Bearer {key}"}).json()["ready"]


def test_without_keys_only_the_own_name_is_answered(served: Served) -> None:
    get(served, "/", 403, headers={"host": "evil.example"})
    get(served, "/index.json", 403, headers={"host": "evil.example"})


def test_hostile_words_are_inert_and_hide_nothing(tmp_path: Path) -> None:
    recipe, store = consoles.make(tmp_path)
    digest = consoles.rich(
        store,
        "bad",
        verdict=HOSTILE,
        chat_template=HOSTILE,
        guards=[],
        adapter={"method": HOSTILE, "parameters": {HOSTILE: HOSTILE}, "files": {HOSTILE: HOSTILE}},
        base={"name": HOSTILE, "digest": released.BASE},
        evidence={
            "evaluation": {"digest": HOSTILE, "metrics": {HOSTILE: 0.5}},
            "selection": {"verdict": HOSTILE, "winner": HOSTILE, "best": HOSTILE, "interval": [HOSTILE]},
            "proof": {HOSTILE: [HOSTILE]},
            "validation": {"loss": float("nan")},
        },
    )
    production.deploy(recipe, digest, channel="support", percent=100, by=HOSTILE, why=HOSTILE)
    with consoles.serving(recipe, store) as served:
        for path in ("/", "/releases", f"/releases/{digest}", "/chat"):
            page = get(served, path).text
            assert "\u202e" not in page
            assert "⟨U+202E⟩" in page or path == "/chat"
            for tag, attributes in _Tags(page).found:
                assert tag not in ("img", "iframe", "style", "form" if path != "/chat" else "img")
                assert not [name for name in attributes if name.startswith("on") or name == "style"]
                if tag == "script":
                    assert attributes.get("src") in ("/console.js", "/chat.js")
                for name in ("href", "src"):
                    assert re.fullmatch(r"(/[a-z0-9./]*)?(#[a-z0-9-]*)?", attributes.get(name) or "")
        found = json.loads(get(served, f"/releases/{digest}.json").text, parse_constant=lambda _: pytest.fail("NaN"))
        assert found["evaluations"][0]["metrics"][0] == {
            "name": HOSTILE,
            "value": 0.5,
            "bounds": None,
            "signature": None,
        }
        assert (found["verdict"], found["validation"]) == (HOSTILE, {"loss": None})


@pytest.mark.parametrize(
    "more",
    [
        {"evidence": [], "guards": "x", "tokenizer": 3},
        {"evidence": {"evaluation": [1], "further": {"a": 1}, "selection": "x", "proof": 4}, "chat_template": 7},
        {"evidence": {"evaluation": {"metrics": ["a"]}, "selection": {"verdict": {"a": 1}}}, "guards": [1, None]},
    ],
)
def test_a_release_that_nobody_of_ours_wrote_spoils_no_page(tmp_path: Path, more: dict[str, Any]) -> None:
    recipe, store = consoles.make(tmp_path)
    consoles.fill(recipe, store)
    digest = released.commit(store, "odd", more=more)
    (store.root / "channels" / "damaged.json").write_text("{")
    with (store.root / "events.jsonl").open("a") as events:
        events.write('{"channel": "support", "after": 3}\n')
    with consoles.serving(recipe, store) as served:
        for path in ("/", "/releases", f"/releases/{digest}", "/chat"):
            get(served, path)
            get(served, "/index.json" if path == "/" else path + ".json")
        channels = get(served, "/index.json").json()["channels"]
        assert channels[0]["error"] == "a channel's file is damaged"
        assert "log, is damaged" in channels[1]["error"]
        assert [arm["arm"] for arm in channels[1]["arms"]] == ["stable", "canary"]


# What it costs


def test_pages_that_depend_on_the_store_are_made_once(served: Served) -> None:
    def kept() -> Any:
        return served.console._kept["/releases"]

    get(served, "/releases")
    first = kept()
    time.sleep(1.1 * console.LOOK_SECONDS)
    get(served, "/releases")
    assert kept() is first
    released.commit(served.store, "four", step="fourth")
    time.sleep(1.1 * console.LOOK_SECONDS)
    assert len(get(served, "/releases.json").json()["releases"]) == 4
    assert "/releases" not in served.console._kept


def test_what_is_asked_for_and_not_there_is_not_kept(served: Served) -> None:
    for number in range(20):
        get(served, f"/releases/{number:064}", 404)
    assert not served.console._kept


def test_answers_do_not_wait_for_pages(tmp_path: Path) -> None:
    """A generous bound for a busy machine; the figures are in docs/serving.md."""
    recipe, store = consoles.make(tmp_path)
    consoles.fill(recipe, store)
    for number in range(60):
        released.commit(store, f"more-{number}", step=f"more-{number}")
    with consoles.serving(recipe, store) as served, httpx.Client() as client:
        took = {busy: _slowest(client, served, store, busy=busy) for busy in (False, True)}
    assert took[True] < took[False] + 0.1


def _slowest(client: httpx.Client, served: Served, store: Store, *, busy: bool) -> float:
    """The 99th percentile of answers in seconds, while pages are loaded whose store changes each time."""
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            os.utime(store.root / "events.jsonl")
            httpx.get(served.url + "/releases")

    thread = threading.Thread(target=load)
    if busy:
        thread.start()
    took = []
    for _ in range(300):
        began = time.monotonic()
        client.post(served.url + "/v1/chat/completions", json={"model": "support", "messages": HELLO})
        took.append(time.monotonic() - began)
    done.set()
    if busy:
        thread.join()
    return sorted(took)[296]
