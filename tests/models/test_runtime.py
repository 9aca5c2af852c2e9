from __future__ import annotations

import subprocess
import sys
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.utils import logging

from adaptline.errors import UserError
from adaptline.models.runtime import derive_seed, deterministic, quiet, thread_count


@pytest.mark.parametrize(
    ("own", "openmp", "expected"), [(None, None, 1), (None, "3", 1), ("2", "3", 2), ("", "4", 1), ("8", None, 8)]
)
def test_threads(monkeypatch: pytest.MonkeyPatch, own: str | None, openmp: str | None, expected: int) -> None:
    for name, value in (("ADAPTLINE_THREADS", own), ("OMP_NUM_THREADS", openmp)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert thread_count() == expected


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_a_number_of_threads_that_is_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ADAPTLINE_THREADS", value)
    with pytest.raises(UserError, match="number of threads"):
        thread_count()


def test_seeds_are_what_they_were() -> None:
    """A changed derivation would change every adapter: raise the version of train then."""
    assert derive_seed(0, "head") == 4175766373162313092
    assert derive_seed(0, "step", 17) == 3291580569321651701


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_no_two_uses_share_a_seed(first: int, second: int) -> None:
    uses = {derive_seed(first, "head"), derive_seed(first, "adapter"), derive_seed(first, "step", second)}
    assert len(uses) == 3
    assert all(0 <= seed < 2**63 for seed in uses)
    assert (derive_seed(first, "head") == derive_seed(second, "head")) == (first == second)


def test_torch_is_put_back_as_it_was() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with pytest.raises(KeyError), deterministic(threads + 1):  # noqa: PT012 - what holds inside, and after an error
        assert torch.get_num_threads() == threads + 1
        assert torch.are_deterministic_algorithms_enabled()
        torch.manual_seed(1)
        torch.rand(3)
        raise KeyError
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.get_rng_state(), state)


def test_transformers_is_put_back_as_it_was() -> None:
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with pytest.raises(KeyError), quiet():  # noqa: PT012 - the same
        assert logging.get_verbosity() == 40  # ERROR
        assert not logging.is_progress_bar_enabled()
        raise KeyError
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (verbosity, bars)


def test_quiet_hides_one_warning_and_no_other() -> None:
    with quiet():
        warnings.warn("`is_gradient_checkpointing` is deprecated and will be removed", FutureWarning, stacklevel=1)
        with pytest.warns(FutureWarning, match="something else"):
            warnings.warn("something else is deprecated", FutureWarning, stacklevel=1)


def test_importing_it_does_not_import_torch() -> None:
    code = "import adaptline.models.runtime, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
