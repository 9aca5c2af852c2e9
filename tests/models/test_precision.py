from __future__ import annotations

import platform
from pathlib import Path

import pytest

from adaptline.core import registry
from adaptline.models.precision import CPU_INFO, resolve_precision

X86 = "processor\t: 0\nmodel name\t: Some Server CPU\nflags\t\t: fpu sse2 avx512f {}\nbugs\t\t: none\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd {}\nCPU part\t: 0xd40\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (X86.format("avx512_bf16"), "bf16"),
        (X86.format("amx_bf16 amx_tile"), "bf16"),
        (X86.format("avx512_fp16"), "fp32"),
        (ARM.format("i8mm bf16 rng"), "bf16"),
        (ARM.format("i8mm rng"), "fp32"),
        ("", "fp32"),
        ("model name\t: marketing says avx512_bf16\n", "fp32"),
    ],
)
def test_bf16_only_where_the_processor_multiplies_it(tmp_path: Path, text: str, expected: str) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(text)
    assert resolve_precision(info) == expected


def test_a_machine_that_does_not_say_computes_in_fp32(tmp_path: Path) -> None:
    assert resolve_precision(tmp_path / "absent") == "fp32"


@pytest.mark.skipif(platform.system() != "Linux", reason="reads what Linux says of this machine")
def test_this_machine() -> None:
    assert resolve_precision() == ("bf16" if "bf16" in CPU_INFO.read_text() else "fp32")


def test_a_recipe_resolves_auto_before_it_makes_a_key() -> None:
    assert registry.load("step", "train").options["auto"] == {"precision": resolve_precision}
