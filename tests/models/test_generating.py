from __future__ import annotations

import pytest
import tiny_writer
import torch

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
