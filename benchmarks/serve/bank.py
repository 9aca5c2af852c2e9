"""The bank beside PEFT's mixed batches and the bare base: `python benchmarks/serve/bank.py [--quick]`.

Eight rows are written greedily, each with an adapter of its own: by the bank, by PEFT (`generate` with `adapter_names`),
and without adapters by the same engine and by transformers' `generate`. All in one process with one thread, in turn,
several rounds; the tokens of bank and PEFT must be the same. Then what it takes to load one adapter more, and what a step
and the memory become while up to 64 are live. On the small base of the recipes, where calls cost as much as sums, and on
a larger one with random weights, where sums dominate.

Printed: medians over the rounds of CPU time with the least and the most, and ratios within a round.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from adaptline.models.bank.adapters import AdapterBank
from adaptline.models.bank.engine import Engine, Request
from adaptline.models.modules import linear_modules
from adaptline.models.runtime import quiet
from adaptline.models.writer import load_writer

SMALL = Path(__file__).resolve().parents[2] / "recipes" / "base" / "model"
ROWS, RANK, PROMPT = 8, 8, 32  # rows of a batch, rank of an adapter, tokens of a prompt
LIVE = (8, 16, 32, 64)
BANK, PEFT, BARE, ONE, HUGGING = (
    "bank, 8 adapters",
    "PEFT, adapter_names",
    "engine, bare base",
    "bank, 1 adapter",
    "transformers, bare base",
)

Tokens = list[list[int]]


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    new: int  # tokens written per row
    rounds: int
    loads: int
    live: tuple[int, ...]


def larger(folder: Path) -> Path:
    """A Llama of 8 layers and 768 dimensions with random weights, 59 million, and the small base's tokenizer."""
    config = LlamaConfig(
        vocab_size=2048,
        hidden_size=768,
        intermediate_size=2048,
        num_hidden_layers=8,
        num_attention_heads=12,
        num_key_value_heads=12,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(SMALL / name, folder / name)
    return folder


def adapters(base: Path, folder: Path, count: int) -> list[Path]:
    """LoRA adapters of every linear layer, with random weights, as PEFT writes them."""
    model = load_writer(base).model
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=RANK,
        lora_alpha=16,
        target_modules=linear_modules(model),  # type: ignore[arg-type]
    )
    adapted = get_peft_model(model, config)
    found = []
    for number in range(count):
        torch.manual_seed(number)
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(parameter, 0, 0.1)
        found.append(folder / f"adapter{number}")
        adapted.save_pretrained(str(found[-1]))
    return found


def prompts() -> Tokens:
    """As many as there are rows, all of one length, so that nobody has to pad."""
    chance = torch.Generator().manual_seed(0)
    return torch.randint(5, 2000, (ROWS, PROMPT), generator=chance).tolist()


def by_engine(engine: Engine, names: Sequence[str | None], new: int) -> Tokens:
    """A batch of our engine from the first prompt to the last token."""
    for number, (name, prompt) in enumerate(zip(names, prompts(), strict=True)):
        engine.submit(Request(str(number), name, prompt, new))
    found: dict[str, list[int]] = {str(number): [] for number in range(len(names))}
    while engine.busy or engine.waiting:
        for token in engine.step():
            if token.token is not None:
                found[token.id].append(token.token)
    return list(found.values())


def by_generate(model: Any, new: int, **given: Any) -> Tokens:
    """The same by transformers' `generate`."""
    ids = torch.tensor(prompts())
    with torch.inference_mode():
        written = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=new,
            do_sample=False,
            pad_token_id=0,
            **given,
        )
    return written[:, PROMPT:].tolist()  # type: ignore[no-any-return]


def new_engine(base: Path, folders: Sequence[Path] | None) -> Engine:
    """An engine, with a bank of these adapters unless there are to be none; nothing ends an answer but its length."""
    model = load_writer(base).model
    bank = None
    if folders is not None:
        bank = AdapterBank(model)
        for folder in folders:
            bank.add(folder.name, folder)
    return Engine(model, bank, ends=(), rows=ROWS, tokens=PROMPT + 128)


def by_peft(base: Path, folders: Sequence[Path]) -> PeftModel:
    """PEFT's model with all of the adapters."""
    model = endless(load_writer(base).model)
    found = PeftModel.from_pretrained(model, folders[0], adapter_name=folders[0].name).eval()
    for folder in folders[1:]:
        found.load_adapter(str(folder), adapter_name=folder.name)
    return found


def endless(model: Any) -> Any:
    """The model, no token of which ends an answer."""
    model.generation_config.eos_token_id = None
    return model.eval()


def timed(work: Callable[[], object]) -> float:
    """CPU-seconds."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def throughput(base: Path, folders: Sequence[Path], size: Size) -> Iterator[str]:
    """All ways to write the same batch, in turn."""
    names = [folder.name for folder in folders]
    bank, bare = new_engine(base, folders), new_engine(base, None)
    peft, plain = by_peft(base, folders), endless(load_writer(base).model)
    ways: dict[str, Callable[[], Tokens]] = {
        BANK: lambda: by_engine(bank, names, size.new),
        PEFT: lambda: by_generate(peft, size.new, adapter_names=names),
        BARE: lambda: by_engine(bare, [None] * ROWS, size.new),
        ONE: lambda: by_engine(bank, names[:1] * ROWS, size.new),
        "bank, bare rows": lambda: by_engine(bank, [None] * ROWS, size.new),
        HUGGING: lambda: by_generate(plain, size.new),
    }
    written = {name: way() for name, way in ways.items()}
    if written[BANK] != written[PEFT] or written[BARE] != written[HUGGING]:
        raise RuntimeError("not the same tokens")
    if any(one == other for one, other in zip(written[BANK], written[BARE], strict=True)):
        raise RuntimeError("an adapter changes nothing: that its tokens are the same shows nothing")
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(size.rounds):
        for name, way in ways.items():
            spent[name].append(timed(way))
    yield "| written by | tokens a CPU-second | CPU-ms a step of 8 rows | bank with 8 adapters beside it |"
    yield "|---|---|---|---|"
    for name, seconds in spent.items():
        rates = spread([ROWS * size.new / one for one in seconds], ",.0f")
        ratios = spread([other / one for one, other in zip(spent[BANK], seconds, strict=True)], ".2f")
        yield f"| {name} | {rates} | {1000 * statistics.median(seconds) / size.new:.2f} | {ratios} x |"


def loading(base: Path, folders: Sequence[Path], more: Path, size: Size) -> Iterator[str]:
    """One adapter more beside those that are live."""
    engine, peft = new_engine(base, folders), by_peft(base, folders)
    by_engine(engine, [folder.name for folder in folders], 2)
    bank = engine.bank
    if bank is None:
        raise AssertionError
    ours, theirs = [], []
    for _ in range(size.loads):
        ours.append(1000 * timed(lambda: bank.add("more", more)))
        bank.remove("more")
        theirs.append(1000 * timed(lambda: peft.load_adapter(str(more), adapter_name="more")))
        peft.delete_adapter("more")
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    yield f"One adapter more beside {len(folders)}: bank {spread(ours, '.1f')} CPU-ms, PEFT {spread(theirs, '.1f')}, {spread(ratios, '.1f')} x"


def growing(base: Path, folders: Sequence[Path], size: Size) -> Iterator[str]:
    """Steps and memory of one bank while more and more adapters are live; the rows use eight of all that there are."""
    engine = new_engine(base, [])
    bank = engine.bank
    if bank is None:
        raise AssertionError
    by_engine(engine, [None] * ROWS, size.new)
    spent: dict[int, list[float]] = {live: [] for live in size.live}
    memory: dict[int, int] = {0: resident()}
    for _ in range(size.rounds):
        for live in size.live:
            for folder in folders[len(bank.names) : live]:
                bank.add(folder.name, folder)
            names = [folder.name for folder in folders[:live][:: live // ROWS]]
            by_engine(engine, names, 2)
            memory.setdefault(live, resident())
            spent[live].append(1000 * timed(lambda names=names: by_engine(engine, names, size.new)) / size.new)  # type: ignore[misc]
        for name in bank.names:
            bank.remove(name)
    first = size.live[0]
    yield "| live adapters | CPU-ms a step of 8 rows | beside 8 live | more memory than without, MB | their files, MB |"
    yield "|---|---|---|---|---|"
    for live, milliseconds in spent.items():
        ratios = spread([other / one for one, other in zip(spent[first], milliseconds, strict=True)], ".2f")
        files = sum((folder / "adapter_model.safetensors").stat().st_size for folder in folders[:live])
        yield (
            f"| {live} | {spread(milliseconds, '.2f')} | {ratios} x | {(memory[live] - memory[0]) / 1e6:.0f} | {files / 1e6:.0f} |"
        )


def resident() -> int:
    """Bytes of this process in memory, without those that were freed (proc(5), malloc_trim(3); Linux only)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def spread(values: list[float], form: str) -> str:
    """Median, least and most."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:{form}} ({least:{form}} to {most:{form}})"


def main() -> None:
    """Measures on both bases and prints."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--quick", action="store_true", help="the small base, one short round, to see that it runs")
    quick = given.parse_args().quick
    torch.set_num_threads(1)
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "peft")))
    with tempfile.TemporaryDirectory() as name, quiet():
        sizes = {"small base (3.9 million weights)": (SMALL, Size(64, 9, 9, LIVE))}
        if quick:
            sizes = {"small base": (SMALL, Size(4, 1, 1, LIVE[:2]))}
        else:
            sizes["larger base (59 million weights)"] = larger(Path(name, "larger")), Size(32, 5, 5, LIVE)
        for title, (base, size) in sizes.items():
            folders = adapters(base, Path(name, f"adapters of {base.name}"), size.live[-1])
            print(f"\n{title}\n")
            for table in (
                throughput(base, folders[:ROWS], size),
                loading(base, folders[:ROWS], folders[-1], size),
                growing(base, folders, size),
            ):
                print("\n".join(table), flush=True)
                print()


if __name__ == "__main__":
    main()
