"""A real browser for tests: how it is started, and what it is asked about a page."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as BrowserPage

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
OVERFLOW = "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
# Shapes and texts that reach out of the page, except inside a box that scrolls or clips.
REACHING_OUT = """() => {
  const clips = element => { for (let e = element; e; e = e.parentElement) {
    if (e.matches('.unseen, .skip, .unit') || ['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX)) return true }
    return false }
  return [...document.querySelectorAll('body *')]
    .filter(e => { const box = e.getBoundingClientRect(); return box.width && box.right > innerWidth + 1 && !clips(e) })
    .map(e => e.tagName + '.' + e.getAttribute('class')) }"""
# Texts whose contrast with what lies behind them is under 4.5 : 1, as "text: ratio".
POOR_CONTRAST = """() => {
  const parse = colour => colour.match(/[\\d.]+/g).map(Number)
  const part = p => (p /= 255) <= 0.04045 ? p / 12.92 : ((p + 0.055) / 1.055) ** 2.4
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
  const behind = e => { for (; e; e = e.parentElement) {
    const colour = parse(getComputedStyle(e).backgroundColor); if (colour.length < 4 || colour[3]) return colour }
    return [255, 255, 255] }
  const poor = []
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const e = node.parentElement, style = getComputedStyle(e)
    if (!node.data.trim() || e.closest('title') || !e.getClientRects().length) continue
    const [high, low] = [light(parse(e.ownerSVGElement ? style.fill : style.color)), light(behind(e))].sort((a, b) => b - a)
    const ratio = (high + 0.05) / (low + 0.05)
    if (ratio < 4.5) poor.push(node.data.trim() + ': ' + ratio.toFixed(2)) }
  return poor }"""


@contextlib.contextmanager
def launched(home: Path) -> Iterator[Browser]:
    """A browser that keeps its things in `home`; skips the test where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need the package playwright")
    program = next((path for name in NAMES if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"the browser tests need one of {', '.join(NAMES)} on the path")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=program, args=list(FLAGS), env={"HOME": str(home)})
        yield running
        running.close()


@contextlib.contextmanager
def watched(browser: Browser, own: str) -> Iterator[Callable[..., BrowserPage]]:
    """Makes pages, each in a context of its own; whatever one complains about, asks for elsewhere or pops up fails the test.

    Args:
        browser: that opens them.
        own: how the addresses begin that a page may ask for.
    """
    contexts, complaints = [], list[str]()

    def new_page(width: int, *, allow: tuple[str, ...] = (), **given: Any) -> BrowserPage:
        context = browser.new_context(viewport={"width": width, "height": 900}, **given)
        contexts.append(context)
        page = context.new_page()

        def complain(kind: str, what: str) -> None:
            if not any(word in what for word in allow):
                complaints.append(f"{kind}: {what}")

        page.on("console", lambda message: complain("console", message.text))
        page.on("pageerror", lambda error: complain("error", str(error)))
        page.on("dialog", lambda dialog: complain("dialog", dialog.message))
        page.on("request", lambda asked: None if asked.url.startswith(own) else complain("request", asked.url))
        return page

    yield new_page
    for context in contexts:
        context.close()
    assert complaints == []
