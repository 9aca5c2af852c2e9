"""The state of the process while a model computes: threads, determinism, silence.

Knows torch's and transformers' process-wide switches, sets them for a while and puts them back. Knows no model.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from adaptline.core import keys
from adaptline.errors import UserError


def thread_count() -> int:
    """Threads for one model: ADAPTLINE_THREADS, else 1, as many runs share one machine.

    Not OMP_NUM_THREADS: workers have their own, and weights must not depend on which process they are made in.
    """
    value = os.environ.get("ADAPTLINE_THREADS") or "1"
    if not value.isdigit() or int(value) < 1:
        raise UserError(
            f"not a number of threads: {value!r}", where="ADAPTLINE_THREADS", do="Give a whole number from 1."
        )
    return int(value)


def derive_seed(*meaning: object) -> int:
    """A seed of 63 bits for one use, from the seed and the name of that use: no two uses share a stream."""
    return int(keys.key("seed", *meaning)[:16], 16) >> 1


@contextmanager
def deterministic(threads: int) -> Iterator[None]:
    """Within, torch computes the same bytes for the same input; its random state, threads and switches are put back."""
    import torch  # noqa: PLC0415 - planning imports this module and must not pay for torch

    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.use_deterministic_algorithms(before[1])


@contextmanager
def quiet() -> Iterator[None]:
    """Within, transformers and PEFT print no progress bars, load reports or advice; errors are raised as ever."""
    from transformers.utils import logging  # noqa: PLC0415 - as above

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            # PEFT asks transformers by an old name, which is nothing that a user could mend.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
