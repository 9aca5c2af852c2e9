from __future__ import annotations

import random

import pytest
import tiny_writer
import torch

from adaptline.models.bank.adapters import AdapterBank
from adaptline.models.bank.engine import Engine, Request, Token
from adaptline.models.generating import write
from adaptline.models.writer import Writer, load_writer


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Writer:
    return load_writer(tiny_writer.write_base(tmp_path_factory.mktemp("base")))


def engine(writer: Writer, rows: int = 4, bank: AdapterBank | None = None) -> Engine:
    return Engine(writer.model, bank, ends=writer.ends, rows=rows, tokens=writer.max_tokens)


def prompts(writer: Writer, count: int) -> list[list[int]]:
    chance = random.Random(1)  # noqa: S311 - not for secrets
    return [
        writer.prompt(
            [{"role": "user", "content": "the red door " * chance.randint(1, 5) + chance.choice(("cat", "hat"))}]
        )
        for _ in range(count)
    ]


def drained(found: Engine) -> dict[str, list[Token]]:
    told: dict[str, list[Token]] = {}
    for _ in range(1000):
        if not found.busy and not found.waiting:
            break
        for token in found.step():
            told.setdefault(token.id, []).append(token)
    return told


def test_rows_that_join_and_leave_get_what_they_would_get_alone(writer: Writer) -> None:
    asked = prompts(writer, 13)
    found = engine(writer)
    for number, prompt in enumerate(asked):
        found.submit(Request(str(number), None, prompt, max_new_tokens=3 + 2 * (number % 7)))
    told = drained(found)
    for number, prompt in enumerate(asked):
        (expected,) = write(writer, [prompt], max_new_tokens=3 + 2 * (number % 7))
        tokens = told[str(number)]
        assert [token.token for token in tokens if token.token is not None] == expected.tokens
        assert [token.reason for token in tokens][-1] == ("stop" if expected.ended else "length")
        assert all(token.reason is None for token in tokens[:-1])


def test_a_request_that_is_let_go_frees_its_row_at_once(writer: Writer) -> None:
    found = engine(writer, rows=2)
    for number, prompt in enumerate(prompts(writer, 4)):
        found.submit(Request(str(number), None, prompt, max_new_tokens=40))
    first = {token.id for token in found.step()}
    assert first == {"0", "1"}
    assert found.cancel("0")
    assert found.cancel("3")
    assert not found.cancel("0")
    assert (found.busy, found.waiting) == (1, 1)
    assert {token.id for token in found.step()} == {"1", "2"}


def test_an_answer_ends_where_there_is_no_more_room(writer: Writer) -> None:
    found = engine(writer)
    with pytest.raises(ValueError, match="a prompt of 96 tokens; there is room for 1 to 95"):
        found.submit(Request("long", None, [7] * 96, max_new_tokens=5))
    found.submit(Request("near", None, [7] * 94, max_new_tokens=50))
    (told,) = drained(found).values()
    assert len(told) <= 2
    assert told[-1].reason is not None


def test_chance_follows_its_seed(writer: Writer) -> None:
    def said(seed: int | None, temperature: float = 1.0, top_p: float = 1.0) -> list[int | None]:
        found = engine(writer)
        prompt = prompts(writer, 1)[0]
        for number in range(3):  # others in the batch change nothing
            found.submit(Request(f"other {number}", None, prompt, 20, temperature=1.0))
        found.submit(Request("it", None, prompt, 20, temperature=temperature, top_p=top_p, seed=seed))
        return [token.token for token in drained(found)["it"]]

    assert said(1) == said(1)
    assert said(1) != said(2)
    likeliest = [token.token for token in _greedy(writer)]
    assert said(1, top_p=1e-9) == said(2, top_p=1e-9) == likeliest
    assert said(3, temperature=1e-4) == likeliest


def _greedy(writer: Writer) -> list[Token]:
    found = engine(writer)
    found.submit(Request("it", None, prompts(writer, 1)[0], 20))
    return drained(found)["it"]


def test_which_adapters_are_in_use(writer: Writer) -> None:
    found = engine(writer)
    found.submit(Request("it", None, prompts(writer, 1)[0], 3))
    assert found.uses(None)
    assert not found.uses("other")
    drained(found)
    assert not found.uses(None)


def test_chance_is_spread_as_the_model_says(writer: Writer) -> None:
    """The first token of many: as often as its probability, within four standard deviations."""
    prompt = prompts(writer, 1)[0]
    found = engine(writer, rows=16)
    count = 600
    for number in range(count):
        found.submit(Request(str(number), None, prompt, 1, temperature=1.0, seed=number))
    told = [tokens[0].token for tokens in drained(found).values()]
    with torch.no_grad():
        shares = writer.model(torch.tensor([prompt])).logits[0, -1].softmax(0)
    likeliest = int(shares.argmax())
    expected = count * shares[likeliest].item()
    assert abs(told.count(likeliest) - expected) < 4 * (expected * (1 - shares[likeliest].item())) ** 0.5
