from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny_writer
import torch
from peft import LoraConfig, TaskType, get_peft_model
from safetensors.torch import load_file, save_file

from adaptline.errors import UserError
from adaptline.models.bank.adapters import AdapterBank, read_lora
from adaptline.models.modules import linear_modules
from adaptline.models.runtime import quiet
from adaptline.models.writer import Writer, load_writer

TARGETS = (None, ["q_proj", "v_proj"], ["down_proj"])


def fresh(base: Path) -> Writer:
    return load_writer(base)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_writer.write_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapters(base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three adapters of unlike ranks, scales and layers, their weights by chance, as PEFT writes them."""
    found = []
    for number, targets in enumerate(TARGETS):
        folder = tmp_path_factory.mktemp(f"adapter{number}")
        model = fresh(base).model
        names = targets or linear_modules(model)  # type: ignore[arg-type]
        config = LoraConfig(
            task_type=TaskType.CAUSAL_LM, r=2 + 2 * number, lora_alpha=8, target_modules=names, use_rslora=number == 1
        )
        with quiet():
            adapted = get_peft_model(model, config)
        chance = torch.Generator().manual_seed(number)
        with torch.no_grad():
            for name, parameter in adapted.named_parameters():
                if "lora_" in name:
                    parameter.normal_(0, 0.3, generator=chance)
        adapted.save_pretrained(str(folder))
        found.append(folder)
    return found


def by_peft(base: Path, adapter: Path | None, ids: torch.Tensor) -> torch.Tensor:
    from peft import PeftModel  # noqa: PLC0415 - one helper's

    model: torch.nn.Module = fresh(base).model
    if adapter is not None:
        with quiet():
            model = PeftModel.from_pretrained(model, adapter)
    with torch.no_grad():
        logits: torch.Tensor = model.eval()(ids).logits
    return logits


def test_each_row_is_computed_with_its_own_adapter(base: Path, adapters: list[Path]) -> None:
    """As PEFT computes each alone; the same adapter for all rows, and none, go other ways."""
    writer = fresh(base)
    bank = AdapterBank(writer.model)
    for number, folder in enumerate(adapters):
        bank.add(f"adapter {number}", folder)
    ids = torch.randint(5, 300, (6, 7), generator=torch.Generator().manual_seed(0))
    names = [None, *(f"adapter {number}" for number in range(3))]
    expected = {name: by_peft(base, None if name is None else adapters[int(name[-1])], ids) for name in names}
    for rows in ([None, names[1], names[2], names[3], names[1], None], [names[2]] * 6, [None] * 6):
        bank.use(rows)
        with torch.no_grad():
            logits = writer.model(ids).logits
        for number, name in enumerate(rows):
            assert torch.allclose(logits[number], expected[name][number], atol=1e-4), (number, name)
    assert not torch.allclose(expected[names[1]], expected[None], atol=1e-2)


def test_adapters_come_and_go_while_the_base_stands(base: Path, adapters: list[Path]) -> None:
    writer = fresh(base)
    bank = AdapterBank(writer.model)
    ids = torch.tensor([[7, 8, 9, 10]])
    for number in range(20):  # more than there is room for at first
        bank.add(f"{number}", adapters[number % 3])
    for number in range(0, 20, 2):
        bank.remove(f"{number}")
    bank.add("another", adapters[2])
    assert bank.names == (*(f"{number}" for number in range(1, 20, 2)), "another")
    for name, folder in (("3", adapters[0]), ("17", adapters[2]), ("another", adapters[2])):
        bank.use([name])
        with torch.no_grad():
            assert torch.allclose(writer.model(ids).logits, by_peft(base, folder, ids), atol=1e-4)
    bank.add("3", adapters[1])  # the name of another now
    bank.use(["3"])
    with torch.no_grad():
        assert torch.allclose(writer.model(ids).logits, by_peft(base, adapters[1], ids), atol=1e-4)


def spoiled(adapter: Path, folder: Path, **changed: object) -> Path:
    config = json.loads((adapter / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | changed))
    save_file(load_file(adapter / "adapter_model.safetensors"), folder / "adapter_model.safetensors")
    return folder


@pytest.mark.parametrize("changed", [{"use_dora": True}, {"peft_type": "IA3"}, {"bias": "all"}])
def test_what_does_not_stack(adapters: list[Path], tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(UserError, match="not an adapter that stacks"):
        read_lora(spoiled(adapters[0], tmp_path, **changed))


def test_an_adapter_of_another_base(base: Path, adapters: list[Path], tmp_path: Path) -> None:
    bank = AdapterBank(fresh(base).model)
    tensors = load_file(adapters[2] / "adapter_model.safetensors")
    other = spoiled(adapters[2], tmp_path)
    save_file(
        {name.replace("layers.1", "layers.7"): value for name, value in tensors.items()},
        other / "adapter_model.safetensors",
    )
    with pytest.raises(UserError, match=r"the base has no layer 'model\.layers\.7\.mlp\.down_proj'"):
        bank.add("other", other)
    save_file(
        {name: torch.cat([value, value]) if "lora_B" in name else value for name, value in tensors.items()},
        other / "adapter_model.safetensors",
    )
    with pytest.raises(UserError, match="has another shape"):
        bank.add("other", other)
    assert bank.names == ()
    with pytest.raises(UserError, match="no adapter that can be read"):
        bank.add("none", tmp_path / "nowhere")


def test_memory_grows_with_the_adapters_and_not_far_ahead(base: Path, adapters: list[Path]) -> None:
    bank = AdapterBank(fresh(base).model)
    for number in range(100):
        bank.add(str(number), adapters[0])
        assert all(number + 2 <= len(a) <= (number + 2) * 9 / 8 + 8 for group in bank._groups for a in group.a)


def test_scales_by_layer_as_peft_finds_them(base: Path, adapters: list[Path], tmp_path: Path) -> None:
    changed = spoiled(adapters[0], tmp_path, alpha_pattern={"v_proj": 64, r".*layers\.1\.mlp\.up_proj": 2})
    writer = fresh(base)
    bank = AdapterBank(writer.model)
    bank.add("it", changed)
    bank.use(["it"])
    ids = torch.tensor([[7, 8, 9, 10]])
    with torch.no_grad():
        assert torch.allclose(writer.model(ids).logits, by_peft(base, changed, ids), atol=1e-3)


def test_halves_that_do_not_belong_together(base: Path, adapters: list[Path], tmp_path: Path) -> None:
    other = spoiled(adapters[2], tmp_path)
    tensors = load_file(other / "adapter_model.safetensors")
    torn = {name: value[:, :1].contiguous() if "lora_B" in name else value for name, value in tensors.items()}
    save_file(torn, other / "adapter_model.safetensors")
    with pytest.raises(UserError, match="do not belong together"):
        AdapterBank(fresh(base).model).add("it", other)
