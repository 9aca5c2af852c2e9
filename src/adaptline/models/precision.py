"""Which arithmetic a processor is fast at. Knows processors' flags; imports no torch, so a recipe can be planned with it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Precision = Literal["auto", "fp32", "bf16"]

CPU_INFO = Path("/proc/cpuinfo")
_BF16_FLAGS = {
    "avx512_bf16",
    "amx_bf16",
    "bf16",
}  # x86 AVX-512, x86 AMX, Arm (Linux kernel's names of processor features)


def resolve_precision(cpu_info: Path = CPU_INFO) -> Literal["bf16", "fp32"]:
    """What `auto` means on this machine: bf16 where the processor multiplies bfloat16 matrices itself, else fp32.

    Looks at the CPU only, as training runs there. Without bf16 instructions autocast is slower than fp32, so a machine
    that does not say (macOS has no such file) gets fp32.
    """
    try:
        lines = cpu_info.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return "fp32"
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return "bf16" if _BF16_FLAGS & set(flags.split()) else "fp32"
