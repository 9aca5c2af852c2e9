from __future__ import annotations

from pathlib import Path

import pytest
import tiny_writer
import torch

from adaptline.errors import UserError
from adaptline.models.generating import write
from adaptline.models.writer import Writer, load_writer


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Writer:
    return load_writer(tiny_writer.write_base(tmp_path_factory.mktemp("writer")))


def by_hand(writer: Writer, prompt: list[int], most: int) -> list[int]:
    """The likeliest token after all so far, again and again, with nothing kept in between."""
    tokens = list(prompt)
    for _ in range(most):
        with torch.no_grad():
            best = int(writer.model(torch.tensor([tokens])).logits[0, -1].argmax())
        if best in writer.ends:
            break
        tokens.append(best)
    return tokens[len(prompt) :]


def test_batches_of_unlike_lengths_give_what_each_prompt_gives_alone(writer: Writer) -> None:
    prompts = [
        writer.prompt([{"role": "user", "content": text}]) for text in ("the red door", "cat", "the blue hat is")
    ]
    expected = [by_hand(writer, prompt, 12) for prompt in prompts]
    told: list[int] = []
    found = write(writer, prompts, max_new_tokens=12, batch_size=2, progress=told.append)
    assert [entry.tokens for entry in found] == expected
    assert told == [2, 3]


def test_a_prompt_without_room_loses_its_beginning(writer: Writer) -> None:
    prompt = writer.prompt([{"role": "user", "content": "the red door " * 40}])
    (found,) = write(writer, [prompt], max_new_tokens=8)
    assert found.cut
    assert found.tokens == by_hand(writer, prompt[-(96 - 8) :], 8)


def test_settings_that_a_base_brings_change_nothing(tmp_path: Path) -> None:
    """A penalty of repetition would make other answers than a gateway gives."""
    base = tiny_writer.write_base(tmp_path)
    (base / "generation_config.json").write_text('{"repetition_penalty": 3.0, "do_sample": true, "eos_token_id": 2}')
    writer = load_writer(base)
    prompt = writer.prompt([{"role": "user", "content": "the red door"}])
    (found,) = write(writer, [prompt], max_new_tokens=12)
    assert found.tokens == by_hand(writer, prompt, 12)


def test_answers_that_leave_no_room_for_a_prompt(writer: Writer) -> None:
    with pytest.raises(UserError, match="max_new_tokens is 96, and the model takes 96 tokens with the prompt"):
        write(writer, [[7, 8]], max_new_tokens=96)
