"""How far two judges agree on keep and drop. Knows pairs of verdicts; nothing of who gave them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEVEL = 0.95
_DRAWS = 4000  # of the posterior: the interval's ends stand still to about 0.01
_PRIOR = 0.5  # Jeffreys' prior of a multinomial

Verdicts = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Agreement:
    """Rows that both judged, by what they said: `first_only` rows the first drops and the second keeps.

    `kappa` is Cohen's (1960): agreement beyond chance, 1 for always, 0 for no better than chance; None where chance
    alone explains everything, because both always say the same one thing. `low` and `high` hold it with LEVEL.
    """

    both_keep: int
    both_drop: int
    first_only: int
    second_only: int
    kappa: float | None
    low: float | None
    high: float | None

    @property
    def rows(self) -> int:
        """How many rows both judged."""
        return self.both_keep + self.both_drop + self.first_only + self.second_only

    @property
    def share(self) -> float | None:
        """The share of rows on which both say the same."""
        return (self.both_keep + self.both_drop) / self.rows if self.rows else None


def agreement(first: Verdicts, second: Verdicts) -> Agreement:
    """How two judges agree; both are (rows,), true where a judge drops the row.

    The interval is that of kappa under a Dirichlet posterior with Jeffreys' prior over the four outcomes: unlike the large
    sample formula (Fleiss, Cohen and Everitt, 1969) it holds for few rows and for judges who never differ.
    """
    table = np.array(
        [(~first & ~second).sum(), (first & second).sum(), (first & ~second).sum(), (~first & second).sum()]
    )
    (kappa,) = _kappa(table[None, :] / max(1, table.sum()))
    low = high = None
    if np.isfinite(kappa):
        draws = np.random.default_rng(0).dirichlet(table + _PRIOR, _DRAWS)
        low, high = (float(end) for end in np.quantile(_kappa(draws), [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    both_keep, both_drop, first_only, second_only = (int(count) for count in table)
    point = float(kappa) if np.isfinite(kappa) else None
    return Agreement(both_keep, both_drop, first_only, second_only, point, low, high)


def _kappa(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Kappa of tables of shares (tables, 4); NaN where it is not defined."""
    same = shares[:, 0] + shares[:, 1]
    first, second = shares[:, 1] + shares[:, 2], shares[:, 1] + shares[:, 3]
    chance = first * second + (1 - first) * (1 - second)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: npt.NDArray[np.float64] = np.where(chance < 1 - 1e-12, (same - chance) / (1 - chance), np.nan)
    return found
