"""A release of real weights: what is bound, what is refused, and what stands behind it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import lines
import pytest

import adaptline as al
from adaptline.core import keys
from adaptline.core.artifacts import Desk, Report, Weights
from adaptline.core.line import Line
from adaptline.core.run import _arguments
from adaptline.core.store import Store
from adaptline.errors import UserError

pytest.importorskip("torch")
import tiny

from adaptline.deploy import guard_process, releases
from adaptline.deploy.steps.release import release
from adaptline.models.export import load_trained

RECIPE = """
[raw]
step  = "ingest"
files = ["data.jsonl"]

[parts]
step  = "split"
from  = "raw"
share = { train = 0.6, validation = 0.2, test = 0.2 }
each  = { seed = [0, 1] }

[adapters]
step       = "train"
from       = "parts"
base       = "base"
method     = "lora"
rank       = 2
epochs     = 1
max_tokens = 16

[scores]
step  = "evaluate"
from  = "adapters"
tasks = ["route.toml"]

[winner]
step = "select"
from = "scores"
best = "route.accuracy"

[support]
step   = "release"
from   = "winner"
guards = ["./mine.py:calm", { use = "deny", patterns = ["secret"] }]

[single]
step = "release"
from = "scores"
"""

MINE = '''
from adaptline import guard


@guard(version=1)
def calm(text: str) -> str | None:
    """Nobody shouts."""
    return "no shouting" if text.isupper() else None
'''


def make(folder: Path) -> Path:
    records = [{"text": row["text"], "label": row["label"]} for row in tiny.records(160)]
    lines.write(folder / "data.jsonl", records)
    lines.write(folder / "items.jsonl", records[:30])
    (folder / "route.toml").write_text('files = ["items.jsonl"]\n')
    (folder / "mine.py").write_text(MINE)
    tiny.write_base(folder / "base")
    path = folder / "recipe.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make(tmp_path_factory.mktemp("line"))
    al.run(path, workers=1)
    return path


@pytest.fixture
def copied(line: Path, tmp_path: Path) -> Path:
    shutil.copytree(line.parent, tmp_path / "copy")
    return tmp_path / "copy" / "recipe.toml"


def store_of(path: Path) -> Store:
    return Store.open(path.parent / ".adaptline")


def arguments(path: Path, step: str = "support") -> dict[str, Any]:
    """What the step is called with."""
    opened = Line.open(path)
    for node in opened.chosen(None):
        opened.look_up(node)
    return _arguments(opened, opened.nodes[step][0])


def desk(folder: Path) -> Desk:
    return tiny.make_desk(folder, lambda _: pytest.fail("a release reads no rows"))


def winner(report: Report) -> Weights:
    digest = json.loads((report.path / "report.json").read_bytes())["winner"]["digest"]
    return next(a for a in report.behind if isinstance(a, Weights) and a.digest == digest)


def with_weights(report: Report, **changed: Any) -> Report:
    """The report as it would be if the weights that won were other ones."""
    mine = winner(report)
    behind = (*(a for a in report.behind if a is not mine), dataclasses.replace(mine, **changed))
    return dataclasses.replace(report, behind=behind)


class TestWhatIsBound:
    def test_everything_by_its_digest(self, line: Path) -> None:
        found = releases.find(store_of(line), "recipe", "support")
        facts, folder = found.facts, found.folder
        report = arguments(line)["report"]
        weights = winner(report)
        assert (found.kind, facts["kind"], facts["max_tokens"]) == ("classifier", "classifier", 16)
        base = keys.folder_digest(line.parent / "base")
        assert facts["base"] == {"name": f"base-{base[:12]}", "digest": base}
        assert found.name == f"base-{base[:12]}:lora@{found.digest[:12]}"
        assert facts["adapter"]["digest"] == weights.digest
        assert (facts["adapter"]["method"], facts["adapter"]["parameters"]) == ("lora", {"rank": 2})
        for part in ("adapter", "tokenizer"):
            assert facts[part]["files"] == {
                path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / part).iterdir()
            }
        assert facts["tokenizer"]["digest"] == keys.folder_digest(folder / "tokenizer")
        assert set(facts["tokenizer"]["files"]) == {"tokenizer.json", "tokenizer_config.json"}
        assert facts["chat_template"] is None

    def test_the_adapter_is_that_of_the_weights_and_loads(self, line: Path) -> None:
        found = releases.find(store_of(line), "recipe", "support")
        weights = winner(arguments(line)["report"])
        expected = {name: digest for name, digest in tiny.payload(weights.path).items() if name != "consumed.parquet"}
        assert tiny.payload(found.folder / "adapter") == expected
        assert load_trained(found.folder / "adapter", line.parent / "base").labels == tuple(sorted(tiny.TELLING))

    def test_guards_in_their_order(self, line: Path) -> None:
        found = releases.find(store_of(line), "recipe", "support")
        (calm, calms), (deny, denies) = guard_process.prepare(found.facts["guards"], line.parent)
        assert (calm, deny) == ("calm", "deny")
        assert calms("HELLO") == "no shouting"
        assert denies("a secret") == "it fits pattern 1 of 1"

    def test_a_guard_that_changed_since_is_not_the_guard_of_the_release(self, copied: Path) -> None:
        found = releases.find(store_of(copied), "recipe", "support")
        (copied.parent / "mine.py").write_text(MINE.replace("no shouting", "quiet"))
        with pytest.raises(UserError, match=r"\./mine.py:calm changed"):
            guard_process.prepare(found.facts["guards"], copied.parent)

    def test_the_evidence_that_chose_it(self, line: Path) -> None:
        found = releases.find(store_of(line), "recipe", "support")
        report = arguments(line)["report"]
        weights, chosen = winner(report), json.loads((report.path / "report.json").read_bytes())
        (judged,) = [
            a
            for a in report.behind
            if isinstance(a, Report)
            and json.loads((a.path / "report.json").read_bytes())["weights"]["digest"] == weights.digest
        ]
        evaluation = json.loads((judged.path / "report.json").read_bytes())
        evidence = found.facts["evidence"]
        assert evidence["evaluation"] == {"digest": judged.digest, "metrics": evaluation["metrics"]}
        assert evidence["further"] == []
        assert evidence["selection"] == {
            "digest": report.digest,
            "best": "route.accuracy",
            "verdict": chosen["verdict"],
            "winner": chosen["winner"]["name"],
            "interval": chosen["winner"]["interval"],
        }
        assert evidence["proof"] == weights.record["proof"]
        assert set(evidence["validation"]) == {"accuracy", "loss"}
        for name, of in (("select.json", report), ("evaluation.json", judged)):
            assert (found.folder / "evidence" / name).read_bytes() == (of.path / "report.json").read_bytes()
        training = (weights.path / "training.json").read_bytes()
        assert (found.folder / "evidence" / "training.json").read_bytes() == training

    def test_weights_that_were_judged_and_not_chosen_can_be_released_too(self, line: Path) -> None:
        shown = al.show(line, "single")
        assert [entry["cell"] for entry in shown] == [{"seed": 0}, {"seed": 1}]
        for entry in shown:
            facts = releases.load(store_of(line), entry["digest"]).facts
            assert facts["evidence"]["selection"] is None
            assert facts["adapter"]["digest"] == entry["record"]["adapter"]
        assert len({entry["record"]["adapter"] for entry in shown}) == 2

    def test_it_says_nothing_of_this_machine_and_is_the_same_elsewhere(self, line: Path, tmp_path: Path) -> None:
        again = desk(tmp_path)
        given = arguments(line)
        release(**given, desk=again)
        found = releases.find(store_of(line), "recipe", "support")
        assert tiny.payload(again.output) == tiny.payload(found.folder)
        text = (found.folder / "release.json").read_text()
        assert str(line.parent) not in text
        assert text == json.dumps(json.loads(text), sort_keys=True, indent=1, ensure_ascii=False) + "\n"

    def test_a_whole_model_has_its_own_tokenizer(self, line: Path, tmp_path: Path) -> None:
        report = arguments(line)["report"]
        whole = shutil.copytree(winner(report).path, tmp_path / "whole")
        (whole / "adapter_config.json").unlink()
        (whole / "config.json").write_text("{}")
        (whole / "tokenizer.json").write_text("{}")
        told = desk(tmp_path)
        release(with_whole(report, whole), desk=told)
        assert (told.output / "tokenizer" / "tokenizer.json").read_text() == "{}"

    @pytest.mark.parametrize(
        ("files", "template"),
        [
            ({"chat_template.jinja": "own"}, "own"),
            ({"tokenizer_config.json": '{"chat_template": "told"}'}, "told"),
            ({"chat_template.jinja": "own", "tokenizer_config.json": '{"chat_template": "told"}'}, "own"),
            (
                {
                    "tokenizer_config.json": '{"chat_template": [{"name": "tools", "template": "t"}, {"name": "default", "template": "d"}]}'
                },
                "d",
            ),
            ({"tokenizer_config.json": '{"chat_template": [{"name": "tools", "template": "t"}]}'}, None),
            ({"vocab.txt": "a"}, None),
        ],
    )
    def test_a_writer_with_its_chat_template(
        self, line: Path, tmp_path: Path, files: dict[str, str], template: str | None
    ) -> None:
        report = arguments(line)["report"]
        writer = shutil.copytree(winner(report).path, tmp_path / "writer")
        for name in ("labels.json", "adapter_config.json"):
            (writer / name).unlink()
        (writer / "writer.json").write_text('{"max_tokens": 99}')
        for name, text in files.items():
            (writer / name).write_text(text)
        told = desk(tmp_path)
        release(with_whole(report, writer), desk=told)
        facts = json.loads((told.output / "release.json").read_bytes())
        assert (facts["kind"], facts["max_tokens"], facts["chat_template"]) == ("writer", 99, template)
        assert set(facts["tokenizer"]["files"]) == set(files)


def with_whole(report: Report, folder: Path) -> Report:
    """The report, and all that stands behind it, as if they were about the weights in this folder."""
    old, new = winner(report).digest, keys.folder_digest(folder)
    places = []
    for number, told in enumerate([report, *(a for a in report.behind if isinstance(a, Report))]):
        place = folder.with_name(f"report-{number}")
        place.mkdir()
        (place / "report.json").write_text((told.path / "report.json").read_text().replace(old, new))
        places.append(dataclasses.replace(told, path=place, behind=()))
    weights = dataclasses.replace(winner(report), path=folder, digest=new)
    return dataclasses.replace(places[0], behind=(weights, *places[1:]))


class TestWhatIsRefused:
    def refused(self, report: Report, folder: Path) -> UserError:
        with pytest.raises(UserError) as told:
            release(report, desk=desk(folder))
        return told.value

    def test_weights_without_the_proof_of_their_export(self, line: Path, tmp_path: Path) -> None:
        report = with_weights(arguments(line)["report"], record={})
        assert "have no proof that they are what was trained" in self.refused(report, tmp_path).what

    def test_weights_that_were_altered(self, copied: Path) -> None:
        store = store_of(copied)
        weights = winner(arguments(copied)["report"])
        (ref,) = store.refs("recipe")["support"]
        store.discard(store.root / "artifacts" / ref["key"][:2] / f"{ref['key']}.json")
        with (weights.path / "adapter_model.safetensors").open("r+b") as file:
            file.seek(-1, 2)
            file.write(b"\x01")
        with pytest.raises(UserError, match="are not what was judged: their files have changed"):
            al.run(copied, workers=1)
        assert store.manifest(ref["key"]) is None

    def test_weights_that_nothing_judged(self, line: Path, tmp_path: Path) -> None:
        report = arguments(line)["report"]
        alone = dataclasses.replace(report, behind=(winner(report),))
        assert "no evaluation of the weights" in self.refused(alone, tmp_path).what

    def test_a_judgement_that_measured_nothing(self, line: Path, tmp_path: Path) -> None:
        report = arguments(line, "single")["report"]
        facts = json.loads((report.path / "report.json").read_bytes())
        (tmp_path / "report.json").write_text(json.dumps({**facts, "metrics": {}}))
        empty = dataclasses.replace(report, path=tmp_path)
        assert "no evaluation of the weights" in self.refused(empty, tmp_path).what

    def test_a_report_that_names_no_weights(self, line: Path, tmp_path: Path) -> None:
        (tmp_path / "report.json").write_text("{}")
        silent = dataclasses.replace(arguments(line)["report"], path=tmp_path)
        assert "the report names no weights" in self.refused(silent, tmp_path).what

    def test_weights_that_are_not_behind_the_report(self, line: Path, tmp_path: Path) -> None:
        report = dataclasses.replace(arguments(line)["report"], behind=())
        assert "are not among what it was made from" in self.refused(report, tmp_path).what

    @pytest.mark.parametrize(
        ("spoil", "what"),
        [
            (shutil.rmtree, "is missing"),
            (lambda base: (base / "config.json").write_text("{}"), "is not as it was"),
        ],
    )
    def test_a_base_that_is_not_what_it_was(self, copied: Path, tmp_path: Path, spoil: Any, what: str) -> None:
        report = arguments(copied)["report"]
        spoil(copied.parent / "base")
        assert what in self.refused(report, tmp_path).what

    def test_weights_that_tell_of_no_base(self, line: Path, tmp_path: Path) -> None:
        report = with_weights(arguments(line)["report"], folders={})
        assert "is missing" in self.refused(report, tmp_path).what

    @pytest.mark.parametrize(("gone", "what"), [("labels.json", "hold none of"), ("tokenizer.json", "no tokenizer")])
    def test_weights_without_what_serving_needs(self, line: Path, tmp_path: Path, gone: str, what: str) -> None:
        report = arguments(line)["report"]
        folder = shutil.copytree(winner(report).path, tmp_path / "weights")
        (folder / "adapter_config.json").unlink()  # a whole model
        if gone == "labels.json":
            (folder / gone).unlink()
            (folder / "tokenizer.json").write_text("{}")
        assert what in self.refused(with_whole(report, folder), tmp_path).what

    def test_a_guards_parameter_that_is_a_file(self, line: Path, tmp_path: Path) -> None:
        given = arguments(line)
        guard = dataclasses.replace(given["guards"][1], parameters={"patterns": line})
        with pytest.raises(UserError, match="a parameter of the guard deny is no plain value"):
            release(given["report"], desk=desk(tmp_path), guards=[guard])

    @pytest.mark.parametrize(
        ("old", "new", "what"),
        [
            ('from   = "winner"', 'from   = "told"', "'told' is a step of audit"),
            ('from   = "winner"', 'from   = "adapters"', "'adapters' gives weights"),
            ('patterns = ["secret"]', 'patterns = ["("]', "no regular expression"),
            ('use = "deny"', 'use = "denny"', "unknown guard 'denny'"),
        ],
    )
    def test_a_recipe_that_cannot_end_well_before_any_work(self, copied: Path, old: str, new: str, what: str) -> None:
        audit = '[told]\nstep = "audit"\nfrom = "clean"\nplanted = "planted.jsonl"\n'
        clean = '[clean]\nstep = "curate"\nfrom = "raw"\ndo = ["exact"]\n'
        (copied.parent / "planted.jsonl").write_text('{"kind": "x", "file": "data.jsonl", "row": 1}\n')
        text = RECIPE.replace(old, new).replace("[support]", f"{clean}{audit}[support]")
        copied.write_text(text)
        with pytest.raises(UserError, match=what) as told:
            al.plan(copied)
        assert told.value.line


class TestItsKey:
    def test_a_second_run_runs_nothing(self, line: Path) -> None:
        assert {planned.state for planned in al.plan(line)} == {"cached"}

    def test_another_word_of_the_evaluation_makes_another_release(self, copied: Path) -> None:
        """select's report is the same, byte for byte, when a further metric is measured; the evidence is not."""
        before = releases.find(store_of(copied), "recipe", "support")
        copied.write_text(RECIPE.replace('tasks = ["route.toml"]', 'tasks = ["route.toml", "more.toml"]'))
        (copied.parent / "more.toml").write_text('files = ["items.jsonl"]\n')
        made = {artifact.step: artifact for artifact in al.run(copied, workers=1)}
        assert made["winner"].digest == al.show(copied, "winner")[0]["digest"]
        assert not made["support"].cached
        after = releases.find(store_of(copied), "recipe", "support")
        assert before.facts["evidence"]["selection"] == after.facts["evidence"]["selection"]
        assert "more.accuracy" in after.facts["evidence"]["evaluation"]["metrics"]

    def test_further_reports_about_the_weights_are_evidence_too(self, copied: Path) -> None:
        further = '[more]\nstep = "evaluate"\nfrom = "adapters"\ntasks = ["more.toml"]\n\n[winner]'
        text = RECIPE.replace("[winner]", further).replace('from = "scores"\nbest', 'from = ["more", "scores"]\nbest')
        copied.write_text(text)
        (copied.parent / "more.toml").write_text('files = ["items.jsonl"]\n')
        al.run(copied, workers=1)
        found = releases.find(store_of(copied), "recipe", "support")
        assert "route.accuracy" in found.facts["evidence"]["evaluation"]["metrics"]
        assert ["more.accuracy" in further["metrics"] for further in found.facts["evidence"]["further"]] == [True]
        assert (found.folder / "evidence" / "evaluation-2.json").exists()

    def test_a_report_that_was_kept_while_what_is_behind_it_changed(self, copied: Path) -> None:
        copied.write_text(RECIPE.replace("epochs     = 1", "epochs     = 2"))
        states = {planned.step: (planned.state, planned.why) for planned in al.plan(copied, keep=["winner"])}
        assert states["winner"][0] == "kept"
        assert states["support"] == ("may run", "if adapters or scores changes")
        with pytest.raises(UserError, match="are not among what it was made from now") as told:
            al.run(copied, "support", keep=["winner"], workers=1)
        assert told.value.line

    def test_a_release_says_why_it_will_run_again(self, copied: Path) -> None:
        store = store_of(copied)
        opened = Line.open(copied)
        for node in opened.chosen(None):
            opened.look_up(node)
        (node,) = opened.nodes["support"]
        manifest = opened.manifests[id(node)]
        key = keys.key("another")
        meaning = {**manifest["meaning"], "behind": []}
        store.commit_manifest({**manifest, "key": key, "meaning": meaning})
        store.set_refs("recipe", "support", [{"cell": {}, "key": key, "digest": manifest["digest"]}])
        store.discard(store.root / "artifacts" / manifest["key"][:2] / f"{manifest['key']}.json")
        states = {planned.step: (planned.state, planned.why) for planned in al.plan(copied)}
        assert states["support"] == ("will run", "changed: what stands behind its input")


def test_a_row_is_traced_to_the_releases_whose_adapter_saw_it_and_to_no_other(line: Path) -> None:
    adapters = {entry["digest"]: entry["cell"]["seed"] for entry in al.show(line, "adapters")}
    released = {
        entry["key"]: adapters[entry["record"]["adapter"]] for entry in al.show(line) if "adapter" in entry["record"]
    }
    differ = 0
    for row in range(1, 30):
        steps = al.trace(line, f"data.jsonl:{row}")["steps"]
        saw = {step["cell"]["seed"] for step in steps if step["step"] == "adapters"}
        told = {step["key"] for step in steps if step.get("did") == "released an adapter that saw it"}
        assert told == {key for key, seed in released.items() if seed in saw}
        differ += len(saw) == 1
    assert differ


def test_a_release_is_traced_back_to_its_files(line: Path) -> None:
    assert "data.jsonl" in json.dumps(al.trace(line, "support"))


def test_show_and_the_report_speak_of_it(line: Path) -> None:
    (shown,) = al.show(line, "support")
    assert shown["summary"].startswith("classifier, lora on base-")
    assert shown["metrics"]["metrics"].keys() == {"route.accuracy", "route.macro_f1"}
    assert al.report(line).exists()
