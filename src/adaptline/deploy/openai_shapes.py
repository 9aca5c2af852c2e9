"""OpenAI's API as a backend of our own speaks it: what a request asks of a model, and an answer as JSON or as events.

Knows bodies. Knows neither HTTP nor what computes. The lines between are those of models/bank/worker.py.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from typing import Any

from adaptline.deploy.calls import BackendError, Call, Usage

Line = dict[str, Any]

_MOST_STOPS, _LONGEST_STOP = 16, 256
_UNSUPPORTED = (
    *("tools", "functions", "tool_choice", "logprobs", "top_logprobs", "logit_bias"),
    *("frequency_penalty", "presence_penalty", "top_k", "echo", "suffix", "best_of"),
)
_MOST_TEXTS = 256  # of one classification
_BOUNDS: tuple[tuple[str, float, float], ...] = (
    ("temperature", 0.0, 2.0),
    ("top_p", 1e-6, 1.0),
    ("seed", -(1 << 63), (1 << 63) - 1),
    ("max_tokens", 1, 1 << 31),
    ("max_completion_tokens", 1, 1 << 31),  # the newer name, and the one that counts
)


def request(call: Call) -> Line:
    """What the worker is asked. Raises BackendError for what it cannot do."""
    asked = call.body
    _refuse_unsupported(asked)
    if call.served.kind == "classifier":
        texts = _texts(call)
        for text in texts:
            _refuse_half(text, "input" if call.endpoint == "classify" else None)
        return {"do": "classify", "texts": texts}
    if call.endpoint == "classify":
        raise BackendError(400, f"{call.served.name} writes; it has no labels", param="model", code="unsupported_model")
    line: Line = {"do": "write", "stop": _stops(asked), **_numbers(asked)}
    if call.endpoint == "chat/completions":
        return line | {"messages": _messages(asked)}
    prompt = asked.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        prompt = prompt[0]
    if not isinstance(prompt, str) and not _are_tokens(prompt):
        raise BackendError(400, "prompt must be one string, or a list of tokens", param="prompt")
    if isinstance(prompt, str):
        _refuse_half(prompt, "prompt")
    return line | {"prompt": prompt}


def _refuse_unsupported(asked: Line) -> None:
    for key in _UNSUPPORTED:
        if asked.get(key) not in (None, 0, False, [], {}, "", "none", "auto"):
            raise BackendError(400, f"{key} is not supported by this model", param=key, code="unsupported_parameter")
    if asked.get("n") not in (None, 1):
        raise BackendError(400, "n must be 1", param="n", code="unsupported_value")
    form = asked.get("response_format")
    if isinstance(form, dict) and form.get("type") not in (None, "text"):
        raise BackendError(400, "response_format must be text", param="response_format", code="unsupported_value")


def _refuse_half(text: str, param: str | None) -> None:
    """Raises BackendError for a text with half of a UTF-16 pair, as JSON's escapes can name: no tokenizer takes it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BackendError(400, "a text holds half a character", param=param, code="invalid_value") from None


def _numbers(body: Line) -> Line:
    """How an answer is drawn and how long it may be. Raises BackendError for what is out of bounds."""
    found = {}
    for key, low, high in _BOUNDS:
        value = body.get(key)
        if value is None:
            continue
        whole = isinstance(low, int)
        fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not fits or not low <= value <= high:
            kind = "a whole number" if whole else "a number"
            raise BackendError(400, f"{key} must be {kind} from {low:g} to {high:g}", param=key, code="invalid_value")
        found["max_tokens" if key == "max_completion_tokens" else key] = value
    return found


def _are_tokens(prompt: Any) -> bool:
    return isinstance(prompt, list) and bool(prompt) and all(type(token) is int for token in prompt)


def _stops(body: Line) -> list[str]:
    stop = body.get("stop") or []
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or not all(isinstance(entry, str) for entry in stops):
        raise BackendError(400, "stop must be a string or a list of strings", param="stop")
    if len(stops) > _MOST_STOPS or any(len(entry) > _LONGEST_STOP for entry in stops):
        what = f"stop takes at most {_MOST_STOPS} strings of at most {_LONGEST_STOP} characters"
        raise BackendError(400, what, param="stop", code="invalid_value")
    return [entry for entry in stops if entry]


def _messages(body: Line) -> list[dict[str, str]]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BackendError(400, "messages must be a list that is not empty", param="messages")
    found = []
    for number, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        content = _text(message.get("content")) if isinstance(message, dict) else None
        if not isinstance(role, str) or content is None:
            raise BackendError(400, "a message has a role and a text", param=f"messages[{number}]")
        _refuse_half(role + content, f"messages[{number}]")
        found.append({"role": role, "content": content})
    return found


def _text(content: Any) -> str | None:
    """A message's content as text: a string, or a list of parts that are text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
    texts = [part for part in parts if isinstance(part, str)]
    return "\n".join(texts) if len(texts) == len(content) else None


def _texts(call: Call) -> list[str]:
    """What is to be classified: `input` of /v1/classify, else the messages or the prompt as one text."""
    if call.endpoint == "chat/completions":
        return ["\n".join(message["content"] for message in _messages(call.body))]
    key = "input" if call.endpoint == "classify" else "prompt"
    given = call.body.get(key)
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise BackendError(400, f"{key} must be a string or a list of strings", param=key)
    if len(texts) > _MOST_TEXTS:
        raise BackendError(400, f"{key} takes at most {_MOST_TEXTS} strings", param=key, code="invalid_value")
    if call.endpoint == "completions" and len(texts) > 1:
        raise BackendError(400, "prompt must be one string", param="prompt")
    return texts


def _said(line: Line) -> str:
    """The words of a line; a classifier's is its likeliest label."""
    if "labels" in line:
        label: str = line["labels"][0][0][0]
        return label
    text: str = line.get("text", "")
    return text


async def events(call: Call, words: AsyncGenerator[Line, None], usage: Usage) -> AsyncGenerator[bytes, None]:
    """An answer as server-sent events."""
    chat, made = call.endpoint == "chat/completions", int(time.time())
    head = _head(call, made, "chat.completion.chunk" if chat else "text_completion")
    if chat:
        yield _event(head, {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None})
    try:
        async for line in words:
            if text := _said(line):
                part: Line = {"delta": {"content": text}} if chat else {"text": text}
                yield _event(head, {"index": 0, **part, "finish_reason": None})
            if "end" in line:
                part = {"delta": {}} if chat else {"text": ""}
                yield _event(head, {"index": 0, **part, "finish_reason": line["end"]})
    finally:
        await words.aclose()
    options = call.body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        yield b"data: " + json.dumps({**head, "choices": [], "usage": _usage(usage)}).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def _event(head: Line, choice: Line) -> bytes:
    return b"data: " + json.dumps({**head, "choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"


def body(call: Call, lines: list[Line], usage: Usage) -> bytes:
    """A whole answer."""
    made = int(time.time())
    if call.endpoint == "classify":
        found = [
            {"index": number, "label": ranked[0][0], "probabilities": dict(ranked), "truncated": cut}
            for number, (ranked, cut) in enumerate(zip(lines[-1]["labels"], lines[-1]["cut"], strict=True))
        ]
        head = {**_head(call, made, "list"), "data": found}
        return json.dumps({**head, "usage": _usage(usage)}, ensure_ascii=False).encode()
    text, reason = "".join(map(_said, lines)), lines[-1]["end"]
    if call.endpoint == "chat/completions":
        choice: Line = {"message": {"role": "assistant", "content": text, "refusal": None}}
        head = _head(call, made, "chat.completion")
    else:
        choice, head = {"text": text}, _head(call, made, "text_completion")
    choice |= {"index": 0, "finish_reason": reason, "logprobs": None}
    return json.dumps({**head, "choices": [choice], "usage": _usage(usage)}, ensure_ascii=False).encode()


def _head(call: Call, made: int, kind: str) -> Line:
    return {"id": f"chatcmpl-{call.id}", "object": kind, "created": made, "model": call.body.get("model")}


def _usage(usage: Usage) -> Line:
    total = usage.prompt_tokens + usage.completion_tokens
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": total,
    }
