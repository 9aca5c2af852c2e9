from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adaptline.data.formats.tsv import cut, tsv
from adaptline.data.opening import open_source
from adaptline.data.schemas import Columns

RealData = Callable[[str], Path]


def rows_of(path: Path, columns: Columns) -> list[dict[str, str]]:
    source = open_source(path, path.name, columns=columns, format="tsv")
    found = [record for block in cut(source) for record in tsv(block, **block.source.options)]
    assert [record.error for record in found if record.error] == []
    return [record.value or {} for record in found]


def test_reads_spam_whose_quotes_are_text(real_data: RealData) -> None:
    found = rows_of(real_data("clf_sms_spam/sms.tsv"), Columns(text="1", label="0"))
    assert len(found) == 5574
    assert sum(row["0"] == "spam" for row in found) == 747
    assert sum(row["1"].startswith('"') for row in found) == 54


def test_reads_quoted_fields_of_several_lines(real_data: RealData) -> None:
    found = rows_of(real_data("formats_gsm8k_200/rows.tsv"), Columns())
    assert len(found) == 200
    assert sum("\n" in row["answer"] for row in found) == 200


@pytest.mark.parametrize(
    ("name", "columns", "rows"),
    [
        ("instruct_flan_cot/creak_train.tsv.gz", Columns(prompt="0", completion="1"), 6915),
        ("instruct_flan_cot/strategyqa_train.tsv.gz", Columns(prompt="0", completion="1"), 2061),
        ("instruct_flan_cot/qasc_train.tsv.gz", Columns(prompt="0", completion="1"), 1084),
        ("par_pud/pud_parallel.tsv.gz", Columns(text="en"), 1000),
        ("par_tatoeba_en_ga/tatoeba.tsv.gz", Columns(prompt="1", completion="3"), 2403),
        ("par_tatoeba_en_sv/swe.txt.gz", Columns(prompt="0", completion="1"), 25286),
        ("neardup_wikisplit/validation.tsv.gz", Columns(text="0"), 5000),
        ("eval_mqm_ted_ende/mqm_ted_ende.tsv.gz", Columns(text="target"), 8435),
    ],
)
def test_reads_real_tables(real_data: RealData, name: str, columns: Columns, rows: int) -> None:
    assert len(rows_of(real_data(name), columns)) == rows


def test_a_byte_order_mark_is_not_part_of_the_first_field(real_data: RealData) -> None:
    found = rows_of(real_data("par_tatoeba_en_ga/tatoeba.tsv.gz"), Columns(prompt="1", completion="3"))
    assert found[0]["0"] == "1361"
