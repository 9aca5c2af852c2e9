"""A process that computes answers for a gateway: one base with all adapters that are live on it.

Answers of writers are written in one batch for all. A classifier's adapter comes with a head and labels of its own, so each
is a model that computes its own batches; what training left of the base as it was is there once for all of them.

Run as `python -m adaptline.models.bank.worker BASE KIND`. Each line of its input is a JSON object that says what to do,
each line of its output one that says what came of it. It ends when its input ends.

    {"do": "load", "name": N, "folder": F}      -> {"loaded": N} or {"failed": N, "why": ...}
    {"do": "drop", "name": N}
    {"do": "write", "id": I, "name": N, "messages": [...] or "prompt": ..., "max_tokens": ..., "temperature": ..., ...}
                                                -> {"id": I, "text": ...}, then {"id": I, "end": "stop" or "length", ...}
    {"do": "classify", "id": I, "name": N, "texts": [...]}   -> {"id": I, "labels": [...], "cut": [...], "end": "stop"}
    {"do": "cancel", "id": I}
    anything that cannot be done                -> {"id": I, "refused": ..., "code": ...}

Knows models and these lines. Knows nothing of HTTP, channels or the store.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import torch

from adaptline.errors import UserError
from adaptline.models import export
from adaptline.models.bank import sharing
from adaptline.models.bank.adapters import AdapterBank
from adaptline.models.bank.engine import Engine, Request, Token
from adaptline.models.bank.text import Growing
from adaptline.models.encoder import Classifier, load_base
from adaptline.models.runtime import quiet, thread_count
from adaptline.models.scoring import score
from adaptline.models.writer import TemplateMisfitError, Writer, load_writer

Line = dict[str, Any]
Say = Callable[[Line], None]

_MOST_NEW_TOKENS = 256  # of an answer, where the request names no number


class RefusedError(Exception):
    """What was asked cannot be done; the text is for whoever asked."""

    def __init__(self, why: str, code: str = "invalid_request", status: int = 400) -> None:
        super().__init__(why)
        self.code, self.status = code, status


class Writing:
    """Answers of a base that writes, and of its adapters."""

    def __init__(self, base: Path, rows: int, say: Say) -> None:
        own = base / export.WRITER  # of a whole model that was trained
        limit = json.loads(own.read_text("utf-8"))["max_tokens"] if own.exists() else None
        self._base, self._say = load_writer(base, limit), say
        with contextlib.suppress(UserError):  # a base whose layers do not stack still answers bare
            self._bank: AdapterBank | None = None
            self._bank = AdapterBank(self._base.model)
        writer = self._base
        self._engine = Engine(
            writer.model, self._bank, ends=writer.ends, rows=rows, tokens=writer.room, pad_token=writer.pad_token
        )
        self._writers: dict[str, tuple[Writer, str | None]] = {}
        self._growing: dict[str, tuple[Growing, int]] = {}
        self._leaving: set[str] = set()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to compute."""
        return not self._engine.busy and not self._engine.waiting

    @property
    def load(self) -> Line:
        """Rows that are being written, and requests that wait for one."""
        return {"busy": self._engine.busy, "queue": self._engine.waiting}

    def add(self, name: str, folder: Path | None) -> None:
        """Makes an adapter live; no folder is the bare base."""
        writer, adapter = self._base, None
        if folder is not None:
            facts = json.loads((folder / export.WRITER).read_text("utf-8"))
            writer = replace(
                writer, max_tokens=min(facts["max_tokens"], writer.max_tokens), template=facts["chat_template"]
            )
            if not facts["bare"]:
                if self._bank is None:
                    raise UserError("the layers of this base do not stack")
                self._bank.add(name, folder)
                adapter = name
        self._leaving.discard(name)
        self._writers[name] = writer, adapter

    def drop(self, name: str) -> None:
        """Lets an adapter go, as soon as nothing is written with it."""
        self._leaving.add(name)
        self._let_go()

    def take(self, line: Line) -> None:
        """A request to write. Raises RefusedError."""
        writer, adapter = self._of(line["name"])
        try:
            tokens = self._prompt(writer, line)
        except TemplateMisfitError as error:
            raise RefusedError(f"the model's chat template does not take these messages: {error}") from error
        most = min(writer.max_tokens, self._engine.tokens)
        room = most - len(tokens)
        if room < 1 or not tokens:
            what = f"{len(tokens)} tokens; the model takes at most {most} with its answer"
            raise RefusedError(f"the prompt has {what}", "context_length_exceeded")
        asked = line.get("max_tokens") or _MOST_NEW_TOKENS
        given = {key: line[key] for key in ("temperature", "top_p", "seed") if line.get(key) is not None}
        self._engine.submit(Request(line["id"], adapter, tokens, min(asked, room), **given))
        self._growing[line["id"]] = Growing(writer.said_so_far, line.get("stop") or ()), len(tokens)

    def cancel(self, id: str) -> None:  # noqa: A002 - what requests are called by
        """Lets a request go."""
        self._engine.cancel(id)
        self._growing.pop(id, None)

    def step(self) -> None:
        """One token for all."""
        for token in self._engine.step():
            if token.id in self._growing:
                self._tell(token)
        self._let_go()

    def _let_go(self) -> None:
        for name in list(self._leaving):
            _, adapter = self._writers.get(name, (None, None))
            if adapter is not None and self._engine.uses(adapter):
                continue
            self._leaving.discard(name)
            self._writers.pop(name, None)
            if adapter is not None and self._bank is not None:
                self._bank.remove(adapter)

    def _tell(self, token: Token) -> None:
        growing, asked = self._growing[token.id]
        text = "" if token.token is None else growing.add(token.token)
        reason = "stop" if growing.stopped else token.reason
        if reason:
            text += growing.rest()
        if text:
            self._say({"id": token.id, "text": text, "tokens": len(growing.tokens)})
        if reason:
            if token.reason is None:
                self._engine.cancel(token.id)
            del self._growing[token.id]
            self._say({"id": token.id, "end": reason, "prompt_tokens": asked, "tokens": len(growing.tokens)})

    def _of(self, name: str) -> tuple[Writer, str | None]:
        if name not in self._writers:
            raise RefusedError(f"{name} is not loaded", "model_not_ready", 503)
        return self._writers[name]

    def _prompt(self, writer: Writer, line: Line) -> list[int]:
        if "messages" in line:
            return writer.prompt(line["messages"])
        prompt = line["prompt"]
        if isinstance(prompt, list):
            if not all(0 <= token < len(writer.tokenizer) for token in prompt):
                raise RefusedError("the prompt holds a token that the model does not know")
            return prompt
        return writer.beginning(prompt)


class Classifying:
    """Labels of a base that reads; each adapter has a head of its own, so each is a model of its own.

    They share the weights of the base: one more takes the memory of its adapter and head.
    """

    def __init__(self, base: Path, rows: int, say: Say) -> None:
        self._base, self._rows, self._say = base, rows, say
        self._weights: sharing.Weights | None = None  # of the base, once somebody stands on it
        self._classifiers: dict[str, Classifier] = {}
        self._waiting: list[Line] = []

    @property
    def idle(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    @property
    def load(self) -> Line:
        """Nothing is computed while nobody looks."""
        return {"busy": 0, "queue": len(self._waiting)}

    def add(self, name: str, folder: Path | None) -> None:
        """Reads a classifier."""
        if folder is None:
            raise UserError("a base that reads only says nothing without a head")
        classifier = export.load_trained(folder, self._base)
        if export.needs_base(folder):
            if self._weights is None:
                bare = load_base(self._base, classifier.labels, classifier.max_tokens)
                self._weights = sharing.weights_of(bare.model)
            sharing.share(classifier.model, self._weights)
        self._classifiers[name] = classifier

    def drop(self, name: str) -> None:
        """Lets one go, what waits for it first."""
        while any(line["name"] == name for line in self._waiting):
            self.step()
        self._classifiers.pop(name, None)

    def take(self, line: Line) -> None:
        """A request to classify. Raises RefusedError."""
        if line["name"] not in self._classifiers:
            raise RefusedError(f"{line['name']} is not loaded", "model_not_ready", 503)
        self._waiting.append(line)

    def cancel(self, id: str) -> None:  # noqa: A002 - what requests are called by
        """Lets a request go that waits still."""
        self._waiting = [line for line in self._waiting if line["id"] != id]

    def step(self) -> None:
        """The texts of the adapter that waits longest, together."""
        if not self._waiting:
            return
        name = self._waiting[0]["name"]
        lines = [line for line in self._waiting if line["name"] == name][: self._rows]
        chosen = {line["id"] for line in lines}
        self._waiting = [line for line in self._waiting if line["id"] not in chosen]
        classifier = self._classifiers[name]
        texts = [text for line in lines for text in line["texts"]]
        tokens = classifier.tokens(texts)
        cut = [classifier.is_cut(text, read) for text, read in zip(texts, tokens, strict=True)]
        shares = score(classifier, tokens).double().softmax(1)
        at = 0
        for line in lines:
            count = len(line["texts"])
            labels = [_ranked(classifier, row) for row in shares[at : at + count]]
            asked = sum(map(len, tokens[at : at + count]))
            told = {"labels": labels, "cut": cut[at : at + count], "end": "stop"}
            self._say({"id": line["id"], **told, "prompt_tokens": asked, "tokens": count})
            at += count


def _ranked(classifier: Classifier, shares: torch.Tensor) -> list[tuple[str, float]]:
    """Labels with their probabilities, the likeliest first."""
    order = shares.argsort(descending=True, stable=True).tolist()
    return [(classifier.labels[number], shares[number].item()) for number in order]


def serve(worker: Writing | Classifying, lines: Iterator[Line | None], say: Say) -> None:
    """Does what the lines say until they end; None means that no line is there now."""
    told: Line = {}
    for line in lines:
        if line is not None:
            _obey(worker, line, say)
        else:
            worker.step()
        if (load := worker.load) != told:
            say({"load": load})
            told = load


def _obey(worker: Writing | Classifying, line: Line, say: Say) -> None:
    do, name = line.get("do"), line.get("name", "")
    try:
        if do == "load":
            worker.add(name, Path(line["folder"]) if line.get("folder") else None)
            say({"loaded": name})
        elif do == "drop":
            worker.drop(name)
        elif do == "cancel":
            worker.cancel(line["id"])
        else:
            worker.take(line)
    except RefusedError as error:
        say({"id": line["id"], "refused": str(error), "code": error.code, "status": error.status})
    except Exception as error:  # noqa: BLE001 - whatever one request is, the answers of the others go on
        sys.stderr.write(f"{do} of {name}: {type(error).__name__}: {error}\n")  # for us: it may name paths
        why = str(error) if isinstance(error, UserError) else type(error).__name__
        say(
            {"failed": name, "why": why} if do == "load" else {"id": line.get("id"), "refused": "it cannot be computed"}
        )


def _reading(source: IO[str], inbox: queue.SimpleQueue[Line | None]) -> None:
    for text in source:
        inbox.put(json.loads(text))
    inbox.put(None)


def _lines(worker: Writing | Classifying, inbox: queue.SimpleQueue[Line | None]) -> Iterator[Line | None]:
    """What has come in, then None for a step to be done; waits only while there is nothing to do."""
    while True:
        while not inbox.empty() or worker.idle:
            line = inbox.get()
            if line is None:
                return
            yield line
        yield None


def main() -> None:
    """Reads the command line and works until its input ends."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("base", type=Path)
    arguments.add_argument("kind", choices=("writer", "classifier"))
    arguments.add_argument("--rows", type=int, default=32)
    given = arguments.parse_args()
    out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer

    def say(line: Line) -> None:
        out.write(json.dumps(line, ensure_ascii=False) + "\n")

    torch.set_num_threads(thread_count())
    with quiet():
        worker = (Writing if given.kind == "writer" else Classifying)(given.base, given.rows, say)
    inbox: queue.SimpleQueue[Line | None] = queue.SimpleQueue()
    threading.Thread(target=_reading, args=(sys.stdin, inbox), daemon=True).start()
    say({"ready": True})
    with contextlib.suppress(BrokenPipeError):  # whoever asked has gone
        serve(worker, _lines(worker, inbox), say)


if __name__ == "__main__":
    main()
