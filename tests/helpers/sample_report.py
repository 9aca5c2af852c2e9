"""A view as a run over restaurant-support messages gives it: intents, four candidates, three seeds."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from adaptline.web.view import Command, Cost, Fact, Figure, Head, Origin, ReportView, Tally, Verdict
from adaptline.web.view_evidence import (
    Answer,
    Candidate,
    CandidateCurves,
    Comparison,
    Confusion,
    Difference,
    LabelScore,
    Measure,
    SeedCurve,
    SeedScore,
    Training,
)
from adaptline.web.view_rows import (
    Agreement,
    Audit,
    AuditLine,
    Change,
    Curation,
    Drop,
    Flow,
    Grade,
    Intake,
    Kept,
    LanguageShare,
    Source,
    Spread,
    Stage,
    Unreadable,
)
from adaptline.web.view_scores import Histogram, LabelChart, LabelCount, Limit

TICKETS = "data/tickets.jsonl"


def head() -> Head:
    return Head(
        recipe="restaurant-support",
        path="recipes/demo/recipe.toml",
        verdict=Verdict(
            "winner",
            "lora r=16 answers best: 91.4 % of intents right",
            "It beats the frozen head by 6.1 points (95 % interval 4.4 to 7.8, corrected p < 0.001) and lora r=4 by 1.6. "
            "Against full fine-tuning no difference was shown, and it trains 31 times fewer parameters.",
        ),
        figures=(
            Figure("rows read", 24812, "count", "3 files, 3 formats"),
            Figure("rows to learn from", 19203, "count", "77.4 % of them"),
            Figure("intent accuracy", 0.9142, "share", "89.9 to 92.9 %"),
            Figure("models trained", 12, "count", "4 candidates x 3 seeds"),
            Figure("total time", 1874.0, "seconds", "cached work not counted"),
        ),
        started=datetime(2026, 11, 23, 14, 44, tzinfo=UTC),
        hardware="2 x Intel Xeon 2.1 GHz, 8 GB, no GPU",
        wall_seconds=1874.2,
        cpu_seconds=3390.5,
        facts=(
            Fact("Libraries", "adaptline 0.1.0, torch 2.13.0, peft 0.21.2"),
            Fact("Seed", "0"),
            Fact("Commit", "3f9c2ab, clean"),
        ),
        warnings=(
            "134 rows have no language score (too short to tell); the recipe keeps them.",
            "Two intents have fewer than 10 test items: reservation_change_party and allergen_cross_contact.",
        ),
    )


def intake() -> Intake:
    return Intake(
        step="raw",
        rows=24812,
        unreadable=23,
        sources=(
            Source(TICKETS, "JSON lines", "UTF-8", 18204, 14, "gzip"),
            Source(
                "data/phone_notes.csv", "CSV, separator ;", "Windows-1252", 4608, 9, "2 lines end inside a quoted field"
            ),
            Source("data/chat_export.parquet", "Parquet", "", 2000, 0),
        ),
        reasons=(
            Tally("not JSON", 13),
            Tally("a quoted field never ends", 9),
            Tally("text is a number, not a string", 1),
        ),
        samples=(
            Unreadable(
                Origin(TICKETS, 812),
                "not JSON: a comma is missing at character 47",
                '{"text": "is the patio open if it rains?" "intent": "opening_hours"}',
            ),
            Unreadable(
                Origin(TICKETS, 9120), "not JSON: the line ends inside a string", '{"text": "table for two \x00\x00\x00'
            ),
            Unreadable(
                Origin("data/phone_notes.csv", 77),
                "a quoted field never ends",
                '"caller asked about gluten free base; called back',
            ),
        ),
    )


def _flows(*rows: tuple[str, int, int, int]) -> tuple[Flow, ...]:
    return tuple(Flow(split, before, dropped, changed, before - dropped) for split, before, dropped, changed in rows)


def _stages() -> tuple[Stage, ...]:
    return (
        Stage(
            "unicode",
            "transform",
            "One spelling per text: NFC, mojibake mended, white space and invisible characters made plain.",
            24789,
            0,
            1312,
            24789,
            parameters=(Fact("form", "NFC"), Fact("mend", "true")),
            by_split=_flows(("train", 22310, 0, 1181), ("validation", 1239, 0, 64), ("test", 1240, 0, 67)),
            changes=(
                Change(
                    Origin("data/phone_notes.csv", 1204),
                    "Guest says the cr\u00c3\u00a8me br\u00c3\u00bbl\u00c3\u00a9e wasn\u00e2\u20ac\u2122t cold",
                    "Guest says the crème brûlée wasn't cold",
                ),
                Change(Origin(TICKETS, 31), "can i book\u00a0a\u200b table for 6?", "can i book a table for 6?"),
            ),
        ),
        Stage(
            "length",
            "filter",
            "Unicode characters per text.",
            24789,
            611,
            0,
            24178,
            bounds=(Fact("min", "8"), Fact("max", "2,000")),
            by_split=_flows(("train", 22310, 552, 0), ("validation", 1239, 31, 0), ("test", 1240, 28, 0)),
            drops=(
                Drop(Origin(TICKETS, 44), "ok", 2, "min 8"),
                Drop(Origin("data/chat_export.parquet", 1871), "👍🏽👍🏽", 4, "min 8"),
                Drop(Origin(TICKETS, 15020), "help " * 900, 4500, "max 2,000"),
            ),
        ),
        Stage(
            "exact",
            "matcher",
            "Rows whose text is the same after folding case and white space; the earliest stays.",
            24178,
            1894,
            0,
            22284,
            by_split=_flows(("train", 21758, 1745, 0), ("validation", 1208, 74, 0), ("test", 1212, 75, 0)),
            drops=(
                Drop(
                    Origin("data/phone_notes.csv", 310),
                    "Do you have vegan options?",
                    1.0,
                    "",
                    kept=Kept(Origin(TICKETS, 102), "do you have vegan options?"),
                ),
            ),
        ),
        Stage(
            "minhash",
            "matcher",
            "Near-duplicates by the Jaccard similarity of character shingles, estimated with MinHash.",
            22284,
            2140,
            0,
            20144,
            bounds=(Fact("threshold", "0.8"),),
            parameters=(Fact("shingle", "5"), Fact("permutations", "128")),
            by_split=_flows(("train", 20013, 1921, 0), ("validation", 1134, 108, 0), ("test", 1137, 111, 0)),
            drops=(
                Drop(
                    Origin(TICKETS, 5311),
                    "hi, id like to book a table for four people this friday at 7 pm please",
                    0.91,
                    "threshold 0.8",
                    kept=Kept(
                        Origin(TICKETS, 208), "hi, i'd like to book a table for four people on friday at 7pm please"
                    ),
                ),
                Drop(
                    Origin("data/chat_export.parquet", 640),
                    "my food arrived cold and the driver was forty minutes late, i want a refund",
                    0.86,
                    "threshold 0.8",
                    kept=Kept(
                        Origin(TICKETS, 4410),
                        "my food arrived cold and the driver was 40 minutes late. I want a refund!",
                    ),
                ),
            ),
        ),
        Stage(
            "decontaminate",
            "filter",
            "The longest run of words that a text shares with an evaluation item.",
            20144,
            38,
            0,
            20106,
            bounds=(Fact("max", "12"),),
            parameters=(Fact("against", "tasks/*.toml"),),
            by_split=_flows(("train", 18092, 38, 0), ("validation", 1026, 0, 0), ("test", 1026, 0, 0)),
            drops=(
                Drop(
                    Origin(TICKETS, 7719),
                    "what is the corkage fee if we bring our own bottle of wine for an anniversary dinner",
                    17,
                    "> max 12",
                    because="tasks/intent.toml: test.jsonl:117",
                ),
            ),
        ),
        Stage(
            "language",
            "filter",
            "The language of a text (ISO 639-1), as fastText's lid.176 sees it.",
            20106,
            903,
            0,
            19203,
            unjudged=134,
            unjudged_fate="keep",
            bounds=(Fact("keep", "en"),),
            by_split=_flows(("train", 18054, 810, 0), ("validation", 1026, 47, 0), ("test", 1026, 46, 0)),
            drops=(
                Drop(Origin(TICKETS, 1771), "¿Tienen mesa para seis personas el sábado por la noche?", "es", "keep en"),
                Drop(
                    Origin("data/chat_export.parquet", 93), "هل لديكم طاولة لأربعة أشخاص مساء الجمعة؟", "ar", "keep en"
                ),
                Drop(Origin(TICKETS, 12440), "明日の夜、四人で予約できますか。", "ja", "keep en"),
            ),
        ),
        Stage(
            "repetition",
            "filter",
            "Share of characters that lie in repeated word 3-grams.",
            19203,
            0,
            0,
            19203,
            bounds=(Fact("max", "0.5"),),
            by_split=_flows(("train", 17244, 0, 0), ("validation", 979, 0, 0), ("test", 980, 0, 0)),
        ),
    )


def curation() -> Curation:
    splits = (("train", 22310, 5066, 1181), ("validation", 1239, 260, 64), ("test", 1240, 260, 67))
    return Curation("clean", 24789, 19203, _flows(*splits), _stages(), _spread(), _agreements())


def _spread() -> Spread:
    before = tuple(round(230 * math.exp(-((step - 11) ** 2) / 14)) for step in range(24))
    shares: tuple[tuple[str, float, float], ...] = (
        ("en", 0.77, 0.99),
        ("es", 0.1, 0.0),
        ("fr", 0.05, 0.0),
        ("de", 0.03, 0.0),
        ("pt", 0.02, 0.0),
    )
    shares += (("zh", 0.01, 0.0), ("ar", 0.005, 0.0), ("untold", 0.01, 0.01), ("it", 0.003, 0.0), ("ko", 0.002, 0.0))
    edges = tuple(float(round(2 * 1.38**step)) for step in range(25))
    after = tuple(rows // 2 for rows in before)
    return Spread(1998, 24789, edges, before, after, tuple(LanguageShare(*share) for share in shares))


def _agreements() -> tuple[Agreement, ...]:
    return (
        Agreement("length", "filter", 120, 118, 70, 20, 18, 10, 0.763, 0.424, 0.24, 0.59),
        Agreement("anna and ben", "people", 30, 30, 30, 0, 0, 0, 1.0, None, None, None),
    )


def scores() -> tuple[Histogram | LabelChart, ...]:
    lengths = tuple(round(2300 * math.exp(-((step - 11) ** 2) / 14)) for step in range(24))
    repeats = tuple(round(9000 * math.exp(-step / 2.2)) for step in range(20))
    languages = (("en", 19069), ("es", 402), ("fr", 171), ("de", 118), ("pt", 64), ("it", 49), ("zh", 31), ("ar", 22))
    rare = tuple(
        LabelCount(code, rows, kept=False)
        for rows, code in reversed(list(enumerate(("ko", "tr", "nl", "ja", "ru", "pl", "hi"), 3)))
    )
    return (
        Histogram(
            "length",
            "Unicode characters per text.",
            tuple(2 * 1.38**step for step in range(25)),
            lengths,
            (Limit("min", 8, 598), Limit("max", 2000, 13)),
            scale="log",
        ),
        LabelChart(
            "language",
            "The language of a text (ISO 639-1).",
            tuple(LabelCount(code, rows, kept=code == "en") for code, rows in languages) + rare,
            unjudged=134,
        ),
        Histogram(
            "repetition",
            "Share of characters that lie in repeated word 3-grams.",
            tuple(step / 40 for step in range(21)),
            repeats,
            (Limit("max", 0.5, 0),),
        ),
        Histogram(
            "decontaminate",
            "The longest run of words that a text shares with an evaluation item.",
            tuple(float(step) for step in range(22)),
            tuple(round(8100 * math.exp(-step / 1.9)) + (step in (13, 14, 17, 19)) * 9 for step in range(21)),
            (Limit("max", 12, 38),),
        ),
    )


def audit() -> Audit:
    return Audit(
        "data/planted.json",
        (
            AuditLine("exact_duplicate", 1800, 1800, 0, 3, ("exact",)),
            AuditLine("near_duplicate", 600, 538, 62, 11, ("minhash",)),
            AuditLine("mojibake", 320, 318, 2, None, ("unicode",)),
            AuditLine("wrong_language", 500, 489, 11, 8, ("language",)),
            AuditLine("too_short", 200, 200, 0, 0, ("length",)),
            AuditLine("leaked_test_item", 40, 38, 2, 0, ("decontaminate", "minhash")),
            AuditLine("wrong_label", 250, 6, 244),
        ),
        (Grade(0.6, 0.7, 100, 9), Grade(0.7, 0.8, 150, 84), Grade(0.8, 0.9, 200, 191), Grade(0.9, 1.0, 250, 250)),
        note="Planted with seed 7; the list was not shown to the recipe.",
    )


CANDIDATES = (
    ("lora r=16", 0.9142, 0.0149, 0.9, 14, "711,168 parameters trained"),
    ("full", 0.9118, 0.0161, 1.3, 9, "22,713,216 parameters trained"),
    ("lora r=4", 0.8981, 0.0146, 0.7, 17, "177,792 parameters trained"),
    ("head", 0.8533, 0.0172, 0.35, 24, "19,250 parameters trained"),
)


def _curve(final: float, speed: float, seed: int, epochs: int) -> SeedCurve:
    wobble = [0.03 * math.sin(3.1 * epoch + 2 * seed) * (1 + epoch) ** -0.3 for epoch in range(epochs)]
    accuracy = tuple(
        final * (1 - math.exp(-speed * (epoch + 1) * 0.5)) - 0.002 * max(0, epoch - epochs + 4) + wobble[epoch]
        for epoch in range(epochs)
    )
    loss = tuple(
        4.3 * math.exp(-speed * 0.45 * (epoch + 1)) + 0.21 / speed * 0.4 + 3 * wobble[epoch] for epoch in range(epochs)
    )
    return SeedCurve(f"seed {seed}", loss, accuracy, accuracy.index(max(accuracy)) + 1, stopped_early=True)


def training() -> Training:
    return Training(
        "adapters",
        "validation accuracy",
        "share",
        tuple(
            CandidateCurves(
                name, tuple(_curve(mean + 0.003 * (seed - 1), speed, seed, epochs + seed) for seed in range(3)), note
            )
            for name, mean, _, speed, epochs, note in CANDIDATES
        ),
    )


def comparison() -> Comparison:
    seeds = (-0.0041, 0.0009, 0.0032)
    return Comparison(
        task="intent",
        metric="accuracy",
        unit="share",
        higher_is_better=True,
        split="test",
        items=980,
        level=0.95,
        procedure="Paired on the same items and over 3 seeds: two-way variance, Student's t with Satterthwaite's degrees of freedom, "
        "p corrected after Holm for 3 comparisons.",
        candidates=tuple(
            Candidate(
                name,
                mean,
                mean - half,
                mean + half,
                tuple(SeedScore(f"seed {seed}", mean + offset) for seed, offset in enumerate(seeds)),
                leader=name == "lora r=16",
                note=note,
            )
            for name, mean, half, _, _, note in CANDIDATES
        ),
        differences=(
            Difference("full", -0.0024, -0.0118, 0.0070, 0.61, shown=False, verdict="no difference shown"),
            Difference("lora r=4", -0.0161, -0.0284, -0.0038, 0.022, shown=True, verdict="worse than the leader"),
            Difference("head", -0.0609, -0.0780, -0.0438, 0.0004, shown=True, verdict="worse than the leader"),
        ),
        weak_labels=(
            LabelScore("reservation_change_party", 9, 0.556, "reservation_change_time"),
            LabelScore("allergen_cross_contact", 8, 0.625, "allergen_question"),
            LabelScore("delivery_late", 31, 0.742, "delivery_status"),
            LabelScore("refund_status", 26, 0.769, "refund_request"),
            LabelScore("menu_seasonal", 22, 0.773, "menu_vegan"),
        ),
        confusions=(
            Confusion("delivery_late", "delivery_status", 7),
            Confusion("refund_status", "refund_request", 5),
            Confusion("reservation_change_party", "reservation_change_time", 4),
        ),
        measures=(
            Measure("intent", "accuracy", "lora r=16", 0.8912),
            Measure("intent", "chrf", "head", 61.5, "chrF|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0"),
        ),
    )


def written() -> Comparison:
    """Of candidates that write: no labels, but answers."""
    return Comparison(
        task="describe",
        metric="rougeL",
        unit="share",
        higher_is_better=True,
        split="describe",
        items=200,
        level=0.95,
        procedure="Paired on the same items.",
        candidates=(Candidate("lora r=8", 0.66, 0.6, 0.72, leader=True), Candidate("bare", 0.17, 0.11, 0.23)),
        differences=(Difference("bare", -0.49, -0.59, -0.39, 0.002, shown=True, verdict="worse than the leader"),),
        answers=(
            Answer(17, "Liked the soup at <b>Ayr</b>.", "Did not like the soup at Ayr.", 0.61),
            Answer(3, "", "Liked the view at The Tin Cherry.", 0.0),
        ),
    )


def costs() -> tuple[Cost, ...]:
    lines = [
        Cost("raw", "", 3.4, 5.9, 412_000_000, 7297.0, "a1f09c77d2e8" * 2, "77c0d11e9ab4" * 2),
        Cost("parts", "", 0.21, 0.2, 180_000_000, 118152.0, "0b7711fe23aa" * 2, "9d3c410fe0b1" * 2),
        Cost("clean", "", 41.8, 79.0, 890_000_000, 593.0, "51dd7e90c3ab" * 2, "e2a90b7734cd" * 2),
    ]
    for number, (name, _, _, _, epochs, _) in enumerate(CANDIDATES):
        for seed in range(3):
            wall = (212.0, 388.0, 166.0, 19.5)[number] + 4.1 * seed
            lines.append(
                Cost(
                    "adapters",
                    f"{name}, seed {seed}",
                    wall,
                    wall * 1.86,
                    1_400_000_000 + 90_000_000 * number,
                    17244 * epochs / wall,
                    f"{number:x}{seed:x}c4d2e8a190{number}" * 2,
                    f"{seed:x}{number:x}99ab03fe71{seed}" * 2,
                )
            )
    lines.append(Cost("scores", "12 cells", 38.0, 70.1, 1_100_000_000, 309.0, "ab12cd34ef56" * 2, "65fe43dc21ba" * 2))
    lines.append(Cost("winner", "", 0.04, None, None, math.nan, "c0ffee123456" * 2, "654321eeff0c" * 2))
    return tuple(lines)


def sample() -> ReportView:
    """All of it."""
    return ReportView(
        head(),
        (intake(),),
        (curation(),),
        scores(),
        (audit(),),
        (training(),),
        (comparison(), written()),
        costs(),
        (
            Command(
                "Follow one row from its file to the models that learned from it",
                f"adaptline trace recipes/demo/recipe.toml {TICKETS}:5311",
            ),
            Command("See the winner's record", "adaptline show recipes/demo/recipe.toml winner"),
            Command("Compare with the run before", "adaptline diff recipes/demo/recipe.toml clean"),
        ),
    )
