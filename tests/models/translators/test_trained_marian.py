"""Two small Marian models learn English-Swedish pairs, and what they then do of sentences that they never saw."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_translator

from adaptline.core import recipe as recipes
from adaptline.core.run import run
from adaptline.core.store import Store
from adaptline.data import text as texts
from adaptline.data.gates import similarity
from adaptline.models.translators.marian import Marian
