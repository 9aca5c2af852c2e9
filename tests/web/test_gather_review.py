"""How people agree with the filters and with each other, as the report shows it."""

from __future__ import annotations

import json
from pathlib import Path

import adaptline as al
from adaptline import library
from adaptline.web import gather_review, report
from adaptline.web.gather import gather

RECIPE = """
[raw]
step  = "ingest"
files = "rows.jsonl"
[clean]
step = "curate"
from = "raw"
do   = [{ use = "length", max = 20 }, { use = "review", file = "review.jsonl", disagreement = "unjudged" }]
[plain]
step = "curate"
from = "raw"
do   = [{ use = "length", max = 20 }]
"""


def run(folder: Path, said: dict[str, dict[int, str]]) -> Path:
    (folder / "rows.jsonl").write_text("".join(json.dumps({"text": "x" * (10 * i)}) + "\n" for i in range(1, 7)))
    entries = [
        {"file": "rows.jsonl", "row": row, "verdict": verdict, "by": by}
        for by, verdicts in said.items()
        for row, verdict in verdicts.items()
    ]
    (folder / "review.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (folder / "recipe.toml").write_text(RECIPE)
    al.run(folder / "recipe.toml")
    return folder / "recipe.toml"


def test_a_filter_stands_beside_the_people_and_they_beside_each_other(tmp_path: Path) -> None:
    anna = {1: "keep", 2: "drop", 3: "drop", 4: "keep", 5: "drop"}
    path = run(tmp_path, {"anna": anna, "<b>ben</b>": {1: "keep", 3: "keep", 5: "drop"}})
    history = library._history(path, None)
    found = gather_review.agreements(history.store, history.manifests["clean"][0])
    assert found is not None
    length, people = found
    # row 3 is unjudged, for the two differ: of 1, 2, 4 and 5 length drops 4 and 5, people drop 2 and 5
    assert (length.name, length.rows, length.both_keep, length.both_drop) == ("length", 4, 1, 1)
    assert (length.first_only, length.second_only, length.share, length.kappa) == (1, 1, 0.5, 0.0)
    assert (people.name, people.rows, people.both_keep, people.both_drop) == ("anna and <b>ben</b>", 3, 1, 1)
    assert (people.first_only, people.second_only) == (1, 0)
    page = report.render(gather(history))
    assert "Agreement with people" in page
    assert "<b>ben</b>" not in page
    assert "&lt;b&gt;ben" in page


def test_without_a_review_there_is_no_word_of_it(tmp_path: Path) -> None:
    path = run(tmp_path, {"anna": {1: "keep"}})
    history = library._history(path, None)
    assert gather_review.agreements(history.store, history.manifests["plain"][0]) is None


def test_a_row_with_children_counts_once(tmp_path: Path) -> None:
    path = run(tmp_path, {"anna": {1: "keep", 2: "drop", 3: "drop"}})
    more = '[more]\nstep = "augment"\nfrom = "raw"\ndo = [{ use = "noise", share = 1.0, double = 0.5 }]\n'
    path.write_text(RECIPE.replace('from = "raw"', 'from = "more"', 1).replace("[clean]", f"{more}[clean]"))
    al.run(path)
    history = library._history(path, None)
    assert sum(shard["text"][2] for shard in history.manifests["clean"][0]["shards"]) == 12
    found = gather_review.agreements(history.store, history.manifests["clean"][0])
    assert found is not None
    (length,) = found
    assert (length.reviewed, length.rows) == (3, 3)
