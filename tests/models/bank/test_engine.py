from __future__ import annotations

import random

import pytest
import tiny_writer
import torch

from adaptline.models.bank.engine import PROMPT_TOKENS, Engine, Request, Token
from adaptline.models.generating import write
from adaptline.models.writer import Writer, load_writer


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Writer:
    return load_writer(tiny_writer.write_base(tmp_path_factory.mktemp("base")))


@pytest.fixture(scope="module")
def long_writer(tmp_path_factory: pytest.TempPathFactory) -> Writer:
    return load_writer(tiny_writer.write_base(tmp_path_factory.mktemp("long"), positions=720))


def engine(writer: Writer, rows: int = 4, chunk: int = PROMPT_TOKENS) -> Engine:
    return Engine(writer.model, None, ends=writer.ends, rows=rows, tokens=writer.max_tokens, chunk=chunk)


def prompts(writer: Writer, count: int) -> list[list[int]]:
    chance = random.Random(1)  # noqa: S311 - not for secrets
    return [
        writer.prompt(
            [{"role": "user", "content": "the red door " * chance.randint(1, 5) + chance.choice(("cat", "hat"))}]
        )
        for _ in range(count)
    ]


def long_prompt(length: int, seed: int = 0) -> list[int]:
    return torch.randint(5, 300, (length,), generator=torch.Generator().manual_seed(seed)).tolist()


def endless(writer: Writer, rows: int = 4, chunk: int = PROMPT_TOKENS) -> Engine:
    """An engine whose answers have as many tokens as were asked for."""
    return Engine(writer.model, None, ends=(), rows=rows, tokens=writer.max_tokens, chunk=chunk)


def said(told: dict[str, list[Token]], name: str) -> list[int | None]:
    return [token.token for token in told[name]]


def alone(writer: Writer, prompt: list[int], new: int) -> list[int | None]:
    """What an engine says that reads the whole prompt at once."""
    found = endless(writer, chunk=writer.max_tokens)
    found.submit(Request("it", None, prompt, new))
    return said(drained(found), "it")


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
    def drawn(seed: int | None, temperature: float = 1.0, top_p: float = 1.0) -> list[int | None]:
        found = engine(writer)
        prompt = prompts(writer, 1)[0]
        for number in range(3):  # others in the batch change nothing
            found.submit(Request(f"other {number}", None, prompt, 20, temperature=1.0))
        found.submit(Request("it", None, prompt, 20, temperature=temperature, top_p=top_p, seed=seed))
        return [token.token for token in drained(found)["it"]]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    likeliest = [token.token for token in _greedy(writer)]
    assert drawn(1, top_p=1e-9) == drawn(2, top_p=1e-9) == likeliest
    assert drawn(3, temperature=1e-4) == likeliest


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


@pytest.mark.parametrize("chunk", [1, 16, 50])
def test_a_prompt_that_is_read_in_parts_gets_the_answer_that_it_gets_whole(long_writer: Writer, chunk: int) -> None:
    """Whatever its length is beside the parts', and while other rows come, grow and go."""
    lengths = [3, 16, 17, 50, 64, 100, 49, 1, 32]
    found = endless(long_writer, rows=3, chunk=chunk)
    for number, length in enumerate(lengths):
        found.submit(Request(str(number), None, long_prompt(length, number), 5 + 7 * (number % 3)))
    told = drained(found)
    expected = [
        alone(long_writer, long_prompt(length, number), 5 + 7 * (number % 3)) for number, length in enumerate(lengths)
    ]
    assert [said(told, str(number)) for number in range(len(lengths))] == expected
    assert len({tuple(tokens) for tokens in expected}) == len(lengths)


def test_a_prompt_longer_than_the_first_room_is_read_on_where_it_was(long_writer: Writer) -> None:
    prompt = long_prompt(700)
    found = endless(long_writer)
    found.submit(Request("it", None, prompt, 12))
    (expected,) = write(long_writer, [prompt], max_new_tokens=12)
    tokens = said(drained(found), "it")
    assert tokens == alone(long_writer, prompt, 12)
    assert tokens[: len(expected.tokens)] == expected.tokens


def test_rows_are_written_between_the_parts_of_a_long_prompt(long_writer: Writer) -> None:
    """A step reads at most a part, and gives every live row its token; no pass is over more tokens than that."""
    passes: list[int] = []
    hook = long_writer.model.register_forward_pre_hook(
        lambda _, __, given: passes.append(given["input_ids"].numel()), with_kwargs=True
    )
    found = endless(long_writer, chunk=32)
    for name in ("one", "two"):
        found.submit(Request(name, None, long_prompt(9, len(name)), 60))
    found.step()
    found.submit(Request("long", None, long_prompt(640), 4))
    passes.clear()
    steps = [[token.id for token in found.step()] for _ in range(20)]
    hook.remove()
    assert steps[:-1] == [["one", "two"]] * 19
    assert steps[-1] == ["long", "one", "two", "long"]
    assert passes == [number for _ in range(19) for number in (32, 2)] + [32, 3]


def test_prompts_that_are_read_at_the_same_time_share_a_step_oldest_first(long_writer: Writer) -> None:
    found = endless(long_writer, rows=8, chunk=32)
    found.submit(Request("live", None, long_prompt(5), 60))
    found.step()
    asked = {"first": 70, "second": 64, "third": 16, "fourth": 16, "fifth": 16}
    for name, length in asked.items():
        found.submit(Request(name, None, long_prompt(length, len(name)), 30))
    begun: dict[str, int] = {}
    for step in range(1, 9):
        for token in found.step():
            begun.setdefault(token.id, step)
    assert begun == {"live": 1, "first": 3, "second": 5, "third": 6, "fourth": 6, "fifth": 7}


def test_a_request_that_is_let_go_while_it_is_read_frees_its_row_at_once(long_writer: Writer) -> None:
    found = endless(long_writer, rows=2, chunk=32)
    found.submit(Request("live", None, long_prompt(5), 40))
    found.step()
    found.submit(Request("long", "an adapter", long_prompt(500), 4))
    found.submit(Request("next", None, long_prompt(40, 1), 4))
    assert {token.id for token in found.step()} == {"live"}
    assert (found.busy, found.waiting, found.uses("an adapter")) == (2, 1, True)
    assert found.cancel("long")
    assert not found.cancel("long")
    assert (found.busy, found.waiting, found.uses("an adapter")) == (1, 1, False)
    told = drained(found)
    assert "long" not in told
    assert said(told, "next") == alone(long_writer, long_prompt(40, 1), 4)


def test_a_prompt_is_read_on_after_rows_before_it_have_gone(long_writer: Writer) -> None:
    """Its row moves with what it has read, whichever rows go and however many at once."""
    found = endless(long_writer, rows=5, chunk=16)
    for number, new in enumerate((4, 30, 4, 7)):
        found.submit(Request(str(number), None, long_prompt(5, number), new))
    found.step()
    found.submit(Request("long", None, long_prompt(200, 9), 20))
    told = drained(found)
    assert said(told, "long") == alone(long_writer, long_prompt(200, 9), 20)
    assert said(told, "1")[-20:] == alone(long_writer, long_prompt(5, 1), 30)[-20:]


def test_short_prompts_are_read_together_while_nobody_waits_for_a_token(long_writer: Writer) -> None:
    found = endless(long_writer, rows=6, chunk=32)
    for number in range(6):
        found.submit(Request(str(number), None, long_prompt(30, number), 3))
    assert {token.id for token in found.step()} == {str(number) for number in range(6)}
