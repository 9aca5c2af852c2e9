from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tiny
import tiny_writer
import torch
from torch.nn.functional import cross_entropy

from adaptline.errors import RunError, UserError
from adaptline.models import setup
from adaptline.models.answers import Answers, answers_of
from adaptline.models.examples import select_chats
from adaptline.models.runtime import deterministic


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_writer.write_base(tmp_path_factory.mktemp("writing"))


@pytest.fixture(scope="module")
def chats(shards: tiny.Shards) -> pa.Table:
    return select_chats(shards.rows(tiny_writer.chats(48)), shards.read, ["train", "validation"])


def lesson(base: Path, chats: pa.Table, *, max_tokens: int = 64, **given: Any) -> Answers:
    return answers_of(setup.trainable_writer(base, tiny.use("lora"), 0, max_tokens), chats, **given)


def test_the_loss_is_that_of_the_answers_tokens_alone(writing: Path, chats: pa.Table) -> None:
    """Against each row by itself, its loss written out."""
    found = lesson(writing, chats)
    rows = [0, 3, 5]
    expected = 0.0
    for row in rows:
        encoded = found.training[row]
        with torch.no_grad():
            logits = found.model(torch.tensor([encoded.tokens])).logits[0]
        for at in range(1, len(encoded.tokens)):
            if encoded.learnt[at]:
                expected += cross_entropy(logits[at - 1], torch.tensor(encoded.tokens[at])).item()
    assert found.loss(rows, "fp32").item() == pytest.approx(expected, rel=1e-5)
    assert [found.weight(row) for row in rows] == [sum(found.training[row].learnt) for row in rows]


def test_packed_rows_do_not_see_each_other(writing: Path, chats: pa.Table) -> None:
    """The same loss and the same gradients, whatever stands before a row."""
    padded, packed = lesson(writing, chats), lesson(writing, chats, pack=True)
    assert packed.packed == 64
    rows = list(range(9))
    losses = []
    for found in (padded, packed):
        found.model.zero_grad()
        loss = found.loss(rows, "fp32")
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append((loss.item(), {n: p.grad for n, p in found.model.named_parameters() if p.grad is not None}))
    assert losses[0][0] == pytest.approx(losses[1][0], rel=1e-5)
    assert losses[0][1].keys() == losses[1][1].keys()
    assert all(torch.allclose(losses[0][1][name], losses[1][1][name], atol=1e-4) for name in losses[0][1])


def test_packed_rows_come_back_in_their_order(writing: Path, shards: tiny.Shards) -> None:
    """Rows of unlike lengths lie in a line as they fit, longest first; what is said of them stays in their order."""
    rows = [{**chat, "prompt": chat["prompt"] * (1 + number % 4)} for number, chat in enumerate(tiny_writer.chats(24))]
    chats = select_chats(shards.rows(rows), shards.read, ["train", "validation"])
    padded, packed = lesson(writing, chats), lesson(writing, chats, pack=True)
    assert len(set(packed.lengths)) > 2
    assert torch.allclose(padded.outcome().numbers, packed.outcome().numbers, atol=1e-4)


def test_a_base_whose_packed_rows_would_see_each_other_is_refused(writing: Path, chats: pa.Table) -> None:
    """A model that takes no notice of where a row begins."""
    found = lesson(writing, chats, pack=True)

    class Blind(torch.nn.Module):
        def __init__(self, inner: torch.nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, **given: Any) -> Any:
            given.pop("position_ids", None)
            return self.inner(**given)

    blind = replace(found, writer=replace(found.writer, model=Blind(found.writer.model)))
    with pytest.raises(UserError, match="packed rows of this base would see each other"):
        blind.refuse_sight()


def test_rows_with_nothing_to_learn_are_counted(writing: Path, shards: tiny.Shards) -> None:
    rows = tiny_writer.chats(16)
    rows[0]["prompt"] = "the red door " * 30
    rows[1]["completion"] = "door is red " * 30
    chats = select_chats(shards.rows(rows), shards.read, ["train", "validation"])
    found = lesson(writing, chats)
    assert found.facts() == {
        "passed_over": {"no answer within 64 tokens": 1},
        "cut": 1,
        "tokens_learnt": sum(sum(row.learnt) for row in found.training),
    }
    assert max(found.lengths) == 64
    with pytest.raises(UserError, match='the split "train" has nothing to learn: 12 rows: no answer within 3 tokens'):
        lesson(writing, select_chats(shards.rows(tiny_writer.chats(16)), shards.read, ["train"]), max_tokens=3)


def test_it_looks_at_answers_token_by_token(writing: Path, chats: pa.Table) -> None:
    found = lesson(writing, chats)
    accuracy, loss = found.look()
    outcome = found.outcome()
    assert 0 <= accuracy < 0.5
    assert loss == pytest.approx(-outcome.numbers.mean().item(), rel=1e-4)
    assert len(outcome.choices) == sum(sum(row.learnt) for row in found.validation)
    assert found.faster() == set()


def test_saved_and_read_back_it_is_the_same(writing: Path, chats: pa.Table, tmp_path: Path) -> None:
    found = lesson(writing, chats)
    with torch.no_grad():
        for name, parameter in found.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(generator=torch.Generator().manual_seed(1))
    found.save(tmp_path, "base")
    assert {path.name for path in tmp_path.iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "writer.json",
    }
    again = found.reloaded(tmp_path, writing)
    assert torch.equal(again.outcome().numbers, found.outcome().numbers)
    assert again.writer.template == found.writer.template


@pytest.mark.parametrize("spoiled", ["{{ 'x' }}{{", "{{ raise_exception('a secret') }}{{"])
def test_what_was_saved_must_read_rows_as_before(writing: Path, chats: pa.Table, tmp_path: Path, spoiled: str) -> None:
    found = lesson(writing, chats)
    found.save(tmp_path, "base")
    facts = json.loads((tmp_path / "writer.json").read_text())
    facts["chat_template"] = facts["chat_template"].replace("{{", spoiled, 1)
    (tmp_path / "writer.json").write_text(json.dumps(facts))
    with pytest.raises(RunError, match=r"reads validation row 0 otherwise|does not take all.*a secret") as failed:
        found.reloaded(tmp_path, writing)
    assert failed.value.brief
    assert "secret" not in failed.value.brief


def test_it_learns(writing: Path, shards: tiny.Shards, tmp_path: Path) -> None:
    from adaptline.models.checkpoint import Checkpoints  # noqa: PLC0415 - one test's
    from adaptline.models.generating import write  # noqa: PLC0415 - the same
    from adaptline.models.loop import fit  # noqa: PLC0415 - the same

    chats = select_chats(shards.rows(tiny_writer.chats(160)), shards.read, ["train", "validation"])
    with deterministic(1):
        found = answers_of(setup.trainable_writer(writing, tiny.use("full"), 0, 64), chats)
        fit(
            found,
            seed=0,
            epochs=12,
            batch_size=8,
            accumulate=1,
            lr=4e-3,
            head_rate=1.0,
            warmup=0.1,
            weight_decay=0.0,
            patience=0,
            precision="fp32",
            checkpoints=Checkpoints(tmp_path, "a test", 3600.0),
            progress=lambda *_: None,
        )
        assert found.look()[0] > 0.95
        asked = [[{"role": "user", "content": "the blue hat"}], [{"role": "user", "content": "the black wall"}]]
        written = write(found.writer, [found.writer.prompt(chat) for chat in asked], max_new_tokens=16)
    assert [found.writer.said(entry.tokens) for entry in written] == ["hat is blue", "wall is black"]
    assert all(entry.ended and not entry.cut for entry in written)
