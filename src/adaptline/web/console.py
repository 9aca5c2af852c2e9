"""The console of a gateway: read-only pages of its channels and releases, each with a .json twin.

Knows paths, headers and what may be kept for how long. Knows nothing of who may look: the gateway lets in before it asks.
Whatever reads files or renders runs in a thread, so that answers do not wait for a page; what depends on the store alone
is kept until the store holds something else. Everything shown is foreign: templates escape it, scripts only set text, and
the content security policy (https://www.w3.org/TR/CSP3/) allows nothing but the two scripts and the style sheet here.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import shlex
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from jinja2 import PackageLoader

from adaptline import library
from adaptline.core.recipe import Recipe
from adaptline.core.store import Store
from adaptline.deploy.errors import RefusedError
from adaptline.deploy.showing import Page
from adaptline.errors import UserError
from adaptline.web import console_data, console_rows, life, report, words
from adaptline.web.console_data import Data, Shelf

LOOK_SECONDS = 0.2  # how old what is kept of the store may be until it is looked at again
_HTML, _JSON = "text/html; charset=utf-8", "application/json"
_ALONE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_POLICY = f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; {_ALONE}"
_FILES = {
    "/console.css": ("text/css; charset=utf-8", "console/console.css"),
    "/console.js": ("text/javascript; charset=utf-8", "console/console.js"),
    "/chat.js": ("text/javascript; charset=utf-8", "console/chat.js"),
}
_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


class Console:
    """The pages of one gateway. `page` is what the gateway takes as its `pages`."""

    def __init__(self, recipe: Recipe, store: Store, state: Callable[[], Data]) -> None:
        """The pages of a recipe's gateway.

        Args:
            recipe: what is served.
            store: where its releases and channels are.
            state: what the gateway tells of itself; called in the gateway's own loop.
        """
        self.recipe, self.store, self.state = recipe, store, state
        self._shelf = Shelf({}, {}, {}, {})
        self._stamp: console_data.Stamp | None = None
        self._looked = -LOOK_SECONDS
        self._kept: dict[str, Page] = {}  # pages made of this shelf alone
        self._looking, self._making = asyncio.Lock(), asyncio.Lock()
        self._report: tuple[tuple[int, int], Page] | None = None

    async def page(self, path: str) -> Page | None:
        """The page of a path, or None where there is none. Raises RefusedError for a twin that there is not."""
        if path in _FILES:
            content_type, name = _FILES[path]
            return 200, content_type, _file(name), _headers()
        if path == "/report":
            return await self._report_page()
        name = path.removesuffix(".json")
        if name.startswith("/rows/"):
            return await asyncio.to_thread(self._of_rows, path)
        if path in ("/", "/index.json", "/chat", "/chat.json"):
            return await self._live_page(path)
        if name in ("/releases", "/report", "/rows") or name.startswith("/releases/"):
            return await self._kept_page(path)
        return None

    async def _live_page(self, path: str) -> Page:
        """Pages of what the gateway does at this moment."""
        state = self.state()
        shelf = await self._looked_at({name: live["version"] for name, live in state["channels"].items()})
        make = console_data.index if path in ("/", "/index.json") else console_data.chat
        return await asyncio.to_thread(lambda: self._made(path, make(shelf, state)))

    async def _kept_page(self, path: str) -> Page:
        """Pages of what the store holds: made once, one at a time, until it holds something else."""
        shelf = await self._looked_at()
        if (page := self._kept.get(path)) is not None:
            return page
        async with self._making:
            if (page := self._kept.get(path)) is None:
                page = await asyncio.to_thread(self._of_shelf, path, shelf)
                if page[0] == 200 and shelf is self._shelf:  # noqa: PLR2004 - what is not there has endless names
                    self._kept[path] = page
        return page

    async def _looked_at(self, versions: Mapping[str, int | None] = MappingProxyType({})) -> Shelf:
        """What the store holds now, or held a moment ago if these versions of channels are what it held."""
        async with self._looking:
            known = self._shelf.channels
            moved = any(known.get(name, {}).get("version") != version for name, version in versions.items())
            if moved or time.monotonic() - self._looked >= LOOK_SECONDS:
                stamp = await asyncio.to_thread(console_data.stamp, self.store, self.recipe.name)
                if stamp != self._stamp:
                    self._shelf = await asyncio.to_thread(console_data.look, self.store, self.recipe.name)
                    self._stamp, self._kept = stamp, {}
                self._looked = time.monotonic()
        return self._shelf

    def _of_shelf(self, path: str, shelf: Shelf) -> Page:
        name = path.removesuffix(".json")
        if name == "/releases":
            return self._made(path, console_data.all_releases(shelf))
        if name == "/report":
            return self._made(path, {"artifacts": self._shown()})
        if name == "/rows":
            return self._made(path, console_rows.some(self.recipe, self.store))
        found = console_data.one_release(shelf, name.removeprefix("/releases/"))
        if found is not None:
            return self._made(path, found)
        told = "The store has no release of this digest."
        if path.endswith(".json"):
            raise RefusedError(404, told, code="not_found")
        return self._missing({"title": "No such release", "told": told, "do": None})

    def _of_rows(self, path: str) -> Page:
        """The life of a row. There are too many to keep."""
        name = path.removesuffix(".json")
        try:
            return self._made(path, console_rows.one(self.recipe, self.store, name.removeprefix("/rows/")))
        except UserError as error:
            if path.endswith(".json"):
                raise RefusedError(404, error.what, code="not_found") from error
            return self._missing({"title": "No such row", "told": f"{error.what}. {error.do}", "do": None})

    def _shown(self) -> list[Data]:
        try:
            return library.show(self.recipe, store=self.store.root)
        except UserError as error:
            raise RefusedError(404, error.what, code="not_found") from error

    async def _report_page(self) -> Page:
        """The recipe's report as it lies in the store."""
        found = await asyncio.to_thread(self._read_report)
        if found is None:
            told = {"title": "No report yet", "told": "A run writes it:", "do": f"adaptline run {self._typed()}"}
            return await asyncio.to_thread(self._missing, told)
        return found

    def _read_report(self) -> Page | None:
        path = library.report_path(self.recipe, store=self.store.root)
        try:
            status = path.stat()
            mark = (status.st_mtime_ns, status.st_size)
            if self._report is None or self._report[0] != mark:
                data = path.read_bytes()
                self._report = mark, (200, _HTML, data, _headers(_policy_of_report(data)))
        except FileNotFoundError:
            return None
        return self._report[1]

    def _made(self, path: str, data: Data) -> Page:
        """A page or its twin."""
        if path.endswith(".json"):
            return 200, _JSON, _dumped(data), _headers()
        names = {"/": "index", "/releases": "releases", "/chat": "chat", "/rows": "rows"}
        name = names.get(path, "row" if path.startswith("/rows/") else "release")
        return 200, _HTML, self._rendered(name, data), _headers()

    def _missing(self, told: Data) -> Page:
        return 404, _HTML, self._rendered("missing", told), _headers()

    def _rendered(self, name: str, data: Data) -> bytes:
        template = report.environment().get_template(f"console/{name}.html")
        page = template.render(
            data=data,
            page=name,
            recipe=self.recipe.name,
            typed=self._typed(),
            milliseconds=words.milliseconds,
            drawn=life.drawn,
        )
        return page.encode()

    def _typed(self) -> str:
        """The recipe as a person types it."""
        return shlex.quote(str(self.recipe.path or Path(f"{self.recipe.name}.toml")))


def _headers(policy: str = _POLICY) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-security-policy", policy.encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
    ]


def _policy_of_report(data: bytes) -> str:
    """What a report may do: have its own style, and nothing else; it is kept from the console, too."""
    style = _STYLE.search(data)  # the first one stands in its head, before all that is foreign
    allowed = f"'sha256-{base64.b64encode(hashlib.sha256(style[1]).digest()).decode()}'" if style else "'none'"
    return f"default-src 'none'; style-src {allowed}; sandbox; {_ALONE}"


def _dumped(data: Data) -> bytes:
    """JSON as browsers read it: what is no number in it, such as NaN in a foreign file, is null."""
    try:
        return json.dumps(data, allow_nan=False).encode()
    except ValueError:
        return json.dumps(json.loads(json.dumps(data), parse_constant=lambda _: None)).encode()


@cache
def _file(name: str) -> bytes:
    """A script, or the report's style sheet with what the console adds."""
    source, _, _ = PackageLoader("adaptline.web").get_source(report.environment(), name)
    return (report.style_sheet() + "\n" + source if name.endswith(".css") else source).encode()
