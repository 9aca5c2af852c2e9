from __future__ import annotations

from pathlib import Path

import tiny
from peft import PeftModel

from adaptline.core import registry
from adaptline.models.setup import trainable


def test_everything_learns_in_a_plain_model(base: Path) -> None:
    model = trainable(base, tiny.use("full"), sorted(tiny.TELLING), 0, 16).model
    assert not isinstance(model, PeftModel)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_what_was_pretrained_learns_more_slowly_than_the_new_head() -> None:
    options = registry.load("adapter", "full").options
    assert options["head_rate"] > 1
    assert (
        options["lr"] < registry.load("adapter", "lora").options["lr"] < registry.load("adapter", "head").options["lr"]
    )
