"""Values that cannot work are refused before any work, with the line of the recipe, what would fit, and what to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import adaptline as al
from adaptline import oneshot
from adaptline.data.languages import LANGUAGES, _detector
from adaptline.errors import UserError

RAW = '[raw]\nstep = "ingest"\nfiles = "a.jsonl"\n'
PARTS = RAW + '[parts]\nstep = "split"\nfrom = "raw"\nshare = { train = 0.9, validation = 0.1 }\n'
TRAIN = PARTS + '[tuned]\nstep = "train"\nfrom = "parts"\nbase = "base"\nmethod = "lora"\n'  # to line 12
SCORES = TRAIN + 'seed = 0\n[scores]\nstep = "evaluate"\nfrom = ["tuned", "parts"]\n'  # to line 16
BEST = SCORES + '[best]\nstep = "select"\nfrom = "scores"\n'  # to line 19


def clean(method: str) -> str:
    """A recipe with a method in line 8."""
    return RAW + f'[clean]\nstep = "curate"\nfrom = "raw"\ndo = ["exact",\n  {method}\n]\n'


def more(method: str, rest: str = "") -> str:
    """A recipe that augments, with a method in line 8."""
    return RAW + f'[more]\nstep = "augment"\nfrom = "raw"\ndo = [\n  {method}\n]\n{rest}'


def back(given: str) -> str:
    return f'{{ use = "back_translate", {given} }}'


MINE = """
from adaptline import filter, metric

@metric(version=1)
def label(predictions, references):
    return [0.0 for _ in predictions]

@filter(version=1)
def polite(texts: list[str]) -> list[float | None]:
    return [None for _ in texts]

@filter(version=1)
def tone(texts: list[str]) -> list[str]:
    return ["warm" for _ in texts]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_text("".join(f'{{"text": "row {i}", "label": "x"}}\n' for i in range(20)))
    (tmp_path / "b.xyz").write_text("a\n")
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "said.jsonl").write_text('{"file": "b.jsonl", "row": 1, "verdict": "drop"}\n')
    (tmp_path / "more.jsonl").write_text('{"file": "a.jsonl", "row": 1, "verdict": "keep"}\n')
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text('{"max_position_embeddings": 512}')
    (tmp_path / "writing").mkdir()
    (tmp_path / "writing" / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    (tmp_path / "judge").mkdir()
    told = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "fine", "1": "toxic"}}
    (tmp_path / "judge" / "config.json").write_text(json.dumps(told))
    (tmp_path / "test.toml").write_text('files = "a.jsonl"\n')
    (tmp_path / "odd.toml").write_text('files = "a.jsonl"\ntext = 5\n')
    (tmp_path / "task.toml").write_text('files = "a.jsonl"\nmetrics = ["acuracy"]\n')
    return tmp_path


def refused(folder: Path, text: str) -> UserError:
    (folder / "recipe.toml").write_text(text)
    with pytest.raises(UserError) as caught:
        al.plan(folder / "recipe.toml")
    assert not (folder / ".adaptline").exists()
    return caught.value


CASES = {
    "format": (RAW + 'format = "jsnl"\n', 4, "format must be one of arrow, csv, ", "Did you mean 'jsonl'?"),
    "encoding": (RAW + 'encoding = "utf8x"\n', 4, "encoding must be a string that is an encoding's name", ""),
    "delimiter": (RAW + 'delimiter = ";;"\n', 4, "delimiter must be a string of one character", ""),
    "idle": (RAW + "header = true\n", 4, "header does nothing: the files are jsonl", "Leave it out."),
    "columns": (RAW + 'text = "a"\nprompt = "b"\n', 1, "text and prompt cannot both be given", "A row is a text"),
    "shares": (PARTS.replace("0.1", "0.2"), 7, "share must be a table, each value a number from 0 on, together 1", ""),
    "items to learn from": (
        RAW
        + '[clean]\nstep = "curate"\nfrom = "raw"\ndo = [{ use = "decontaminate", against = "test.toml" }]\n'
        + '[parts]\nstep = "split"\nfrom = "clean"\nof = "Test"\nshare = { test = 0.5, validation = 0.5 }\n',
        11,
        "of makes 'validation' out of 'Test', whose rows decontaminate in [clean] spares",
        "Split first: let [clean] take from this step.",
    ),
    "no number": (clean('{ use = "length", min = nan }'), 8, "min of length must be a number, not nan", ""),
    "label": (clean('{ use = "language", keep = ["english"] }'), 8, "keep of language has 'english'", "Known:"),
    "a list": (
        clean('{ use = "language", keep = "en" }'),
        8,
        "keep of language must be a list",
        'Write keep = ["en"].',
    ),
    "beyond": (clean('{ use = "toxicity", max = 1.5 }'), 8, "max of toxicity is 1.5, and it gives", "Set it between"),
    "below": (clean('{ use = "length", min = -5 }'), 8, "min of length is -5, and it gives numbers of 0 and more", ""),
    "a share in percent": (
        clean('{ use = "share", of = "digit", max = 10 }'),
        8,
        "max of share is 10, and it gives numbers",
        "",
    ),
    "kind": (clean('{ use = "language", min = 1 }'), 8, "language gives labels, min does not fit", "Bound it"),
    "other kind": (clean('{ use = "length", keep = ["en"] }'), 8, "length gives numbers, keep does not fit", ""),
    "own numbers": (
        clean('{ use = "./mine.py:polite", drop = ["x"] }'),
        8,
        "./mine.py:polite gives numbers",
        "",
    ),
    "own labels": (clean('{ use = "./mine.py:tone", max = 1 }'), 8, "./mine.py:tone gives labels", ""),
    "bounds": (clean('{ use = "length", min = 9, max = 3 }'), 8, "min of length is 9 and max 3", "Swap them."),
    "verdict": (clean('{ use = "review", file = "a.jsonl", keep = ["mended"] }'), 8, "keep of review has", ""),
    "on": (
        clean('{ use = "review", file = "a.jsonl", on = "prompt" }'),
        8,
        "do has 'review', which sees whole rows: on = 'prompt' does nothing",
        "Leave on out.",
    ),
    "tokens of nothing": (
        clean('{ use = "length", unit = "tokens" }'),
        8,
        "do has unit = 'tokens' without a",
        "Tokens",
    ),
    "words of a base": (clean('{ use = "length", base = "base" }'), 8, "do has unit = 'characters' with a", "Tokens"),
    "a base without a tokenizer": (
        clean('{ use = "length", unit = "tokens", base = "base" }'),
        8,
        "do has a base without tokenizer.json: base",
        "save_pretrained",
    ),
    "boilerplate": (
        clean('{ use = "boilerplate", kinds = ["cookie"] }'),
        8,
        "do has the kind 'cookie', which",
        "Did you mean 'cookies'?",
    ),
    "no boilerplate": (clean('{ use = "boilerplate", kinds = [] }'), 8, "do has no kinds and no phrases", "Name some"),
    "overlap": (
        clean('{ use = "overlap", on = "response", max = 0.9 }'),
        8,
        "do has 'overlap', which sees whole rows: on = 'response' does nothing",
        "Leave on out.",
    ),
    "threshold": (
        clean('{ use = "minhash", threshold = 1.5 }'),
        8,
        "threshold of minhash must be a number above 0 to 1, not 1.5",
        "",
    ),
    "size": (
        clean('{ use = "minhash", size = 0 }'),
        8,
        "size of minhash must be a whole number of at least 1",
        "",
    ),
    "seed": (clean('{ use = "minhash", seed = -1 }'), 8, "seed of minhash must be", ""),
    "bands": (clean('{ use = "minhash", bands = 129 }'), 8, "do has bands = 129 of 128 permutations", "Give 1"),
    "no bands": (clean('{ use = "minhash", bands = 0 }'), 8, "bands of minhash must be a whole number of", ""),
    "confidence": (clean('{ use = "language", min_confidence = 2 }'), 8, "min_confidence of language must", ""),
    "examples of one kind": (
        clean('{ use = "quality", kept = "a.jsonl" }'),
        8,
        "do has kept without dropped",
        "It learns",
    ),
    "a review without rows": (
        clean('{ use = "quality", reviewed = "a.jsonl" }'),
        8,
        "do has reviewed without rows",
        "reviewed names verdicts",
    ),
    "idle reading": (
        clean('{ use = "quality", kept = "a.jsonl", dropped = "a.jsonl", header = false }'),
        8,
        "do has header, which does nothing: the files are jsonl",
        "Leave it out.",
    ),
    "verdicts on other files": (
        clean('{ use = "quality", reviewed = "said.jsonl", rows = "a.jsonl" }'),
        8,
        "do has no verdict on a row of rows = ['a.jsonl']",
        "Name in rows the files that the verdicts are on: b.jsonl.",
    ),
    "too few verdicts": (
        clean('{ use = "quality", reviewed = ["said.jsonl", "more.jsonl"], rows = "a.jsonl" }'),
        8,
        "do has only 1 rows with the verdict 'keep' to learn from",
        "Review more rows",
    ),
    "no examples": (clean('"quality"'), 8, "do has no examples", "Name them: kept = "),
    "toxic labels": (
        clean('{ use = "toxicity", model = "judge", labels = ["toxik"], max = 0.5 }'),
        8,
        "do has labels has 'toxik', which the model does not give",
        "Did you mean 'toxic'? It has 'fine', 'toxic'.",
    ),
    "no toxic labels": (
        clean('{ use = "toxicity", model = "judge", max = 0.5 }'),
        8,
        "do has labels is missing",
        "It has 'fine', 'toxic'. Name",
    ),
    "toxic labels of no model": (
        clean('{ use = "toxicity", labels = ["toxic"] }'),
        8,
        "do has labels without a model",
        "Name a classifier",
    ),
    "a language that the model does not know": (
        clean('{ use = "toxicity", languages = ["en", "de"] }'),
        8,
        "do has languages = ['en', 'de'], and the model",
        "Name a model that knows them",
    ),
    "no language": (clean('{ use = "toxicity", languages = ["english"] }'), 8, "languages of toxicity must be", ""),
    "a judge that judges nothing": (
        clean('{ use = "toxicity", model = "writing", labels = ["toxic"] }'),
        8,
        "do has model = 'writing', which is no classifier of texts",
        "Name a model that was trained",
    ),
    "n-gram": (
        clean('{ use = "decontaminate", against = "task.toml", size = 0 }'),
        8,
        "size of decontaminate must",
        "",
    ),
    "share": (more('{ use = "noise", share = 1.5 }'), 8, "share of noise must be a number from 0 to 1, not 1.5", ""),
    "copies": (more('{ use = "noise", copies = 0 }'), 8, "copies of noise must be a whole number from 1 to 1,000", ""),
    "an augmenter's name": (more('"nois"'), 8, "do has unknown augmenter 'nois'", "Did you mean 'noise'?"),
    "a filter that augments": (
        more('"./mine.py:polite"'),
        8,
        "do has './mine.py:polite' is a filter, not an augmenter",
        "",
    ),
    "two of a name": (
        more('"noise", { use = "noise", share = 0.2 }'),
        8,
        "do has two augmenters called 'noise'",
        'Name one of them: { use = "noise", name = "another" }',
    ),
    "rates": (
        more('{ use = "noise", typo = 0.6, swap = 0.6 }'),
        8,
        "do has typo, swap, drop and double that are together 1.2",
        "make them smaller",
    ),
    "what fills no gaps": (
        more('{ use = "masked_lm", base = "judge" }'),
        8,
        "do has base = 'judge', which is no masked language model: no architecture ...ForMaskedLM",
        "Name one that fills gaps",
    ),
    "no model that fills gaps": (
        more('{ use = "masked_lm", base = "nowhere" }'),
        8,
        "no such folder: 'nowhere'",
        "hub:ORG/NAME",
    ),
    "a rate of words": (
        more('{ use = "masked_lm", base = "judge", rate = 2 }'),
        8,
        "rate of masked_lm must be a number from 0 to 1",
        "",
    ),
    "a language": (more(back('via = "xx"')), 8, "via of back_translate must be a string that is a language's code", ""),
    "the same language": (more(back('via = "en"')), 8, "do has via = 'en', which is the language of the texts", ""),
    "no models": (
        more(back('via = "sv", by = "marian", there = "base"')),
        8,
        "do has by = 'marian' without back",
        "It needs there and back.",
    ),
    "a model that is not there": (
        more(back('via = "sv", by = "marian", there = "nowhere", back = "base"')),
        8,
        "no such folder: 'nowhere'",
        "hub:ORG/NAME",
    ),
    "what does nothing": (
        more(back('via = "es", beams = 4')),
        8,
        "do has beams, which does nothing with by = 'apertium'",
        "Leave it out",
    ),
    "drawn and looked for": (
        more(back('via = "sv", by = "marian", there = "base", back = "base", beams = 4, temperature = 0.8')),
        8,
        "do has a temperature and beams",
        "Leave one out.",
    ),
    "a gate": (
        more(back('via = "es", gates = ["name"]')),
        8,
        "gates of back_translate must be",
        "Did you mean 'names'?",
    ),
    "similarities": (
        more(back('via = "es", min_similarity = 0.9, max_similarity = 0.5')),
        8,
        "do has min_similarity = 0.9 and max_similarity = 0.5: no text is between",
        "Swap them.",
    ),
    "meanings": (
        more(back('via = "es", encoder = "base", min_meaning = 0.9, max_meaning = 0.5')),
        8,
        "do has min_meaning = 0.9 and max_meaning = 0.5: no text is between",
        "Swap them.",
    ),
    "a band without an encoder": (
        more(back('via = "es", min_meaning = 0.9')),
        8,
        "do has min_meaning, which does nothing without encoder",
        "Name an encoder",
    ),
    "a gate without an encoder": (
        more(back('via = "es", gates = ["meaning"]')),
        8,
        "do has the gate 'meaning' without an encoder",
        "Name a sentence encoder",
    ),
    "an encoder without its gate": (
        more(back('via = "es", encoder = "base", gates = ["copy"]')),
        8,
        "do has an encoder, and gates without 'meaning'",
        'Add "meaning" to gates',
    ),
    "an encoder that writes": (
        more(back('via = "es", encoder = "writing"')),
        8,
        "do has a base that writes: writing",
        "Name a sentence encoder",
    ),
    "a server's key": (
        more(back('via = "es", by = "endpoint", model = "m", server = { url = "http://a.example", key = "sk-1" }')),
        8,
        "a server's key does not stand in a recipe",
        'key = "env:NAME"',
    ),
    "a key by http": (
        more(back('via = "es", by = "endpoint", model = "m", server = { url = "http://a.example", key = "env:KEY" }')),
        8,
        "a key for a server that is asked by http: it would cross the network unencrypted",
        "Ask by https",
    ),
    "a server's port": (
        more(back('via = "es", by = "endpoint", model = "m", server = "http://127.0.0.1:99999/v1"')),
        8,
        "not a server's URL",
        'url = "http://127.0.0.1:8001/v1"',
    ),
    "a key that is not set": (
        more(
            back('via = "es", by = "endpoint", model = "m", server = { url = "https://a.example", key = "env:NO_KEY" }')
        ),
        8,
        "do has the key env:NO_KEY, which the environment does not have",
        "export NO_KEY=",
    ),
    "division after augmentation": (
        more('"noise"', '[parts]\nstep = "split"\nfrom = "more"\nshare = { train = 1.0 }\n'),
        12,
        "divides what [more] augmented",
        "Split first: let [more] take from this step.",
    ),
    "not curated": (RAW + '[x]\nstep = "audit"\nfrom = "raw"\nplanted = "a.jsonl"\n', 6, "audit needs rows that a", ""),
    "epochs": (TRAIN + "epochs = 0\n", 13, "epochs must be a whole number from 1 to 1,000,000, not 0", ""),
    "batch_size": (TRAIN + "batch_size = 0\n", 13, "batch_size must be", ""),
    "accumulate": (TRAIN + "accumulate = 0\n", 13, "accumulate must be", ""),
    "max_tokens": (TRAIN + "max_tokens = 2\n", 13, "max_tokens must be a whole number of at least 3", ""),
    "patience": (TRAIN + "patience = -1\n", 13, "patience must be", ""),
    "weight_decay": (TRAIN + "weight_decay = -0.1\n", 13, "weight_decay must be", ""),
    "warmup": (TRAIN + "warmup = 1.0\n", 13, "warmup must be a number from 0 to below 1, not 1.0", ""),
    "lr": (TRAIN + "lr = 0.0\n", 13, "lr must be a number above 0, not 0.0", ""),
    "lr without end": (TRAIN + "lr = inf\n", 13, "lr must be a number above 0, not inf", ""),
    "epochs by a slip": (
        TRAIN + "epochs = 99999999999999999999\n",
        13,
        "epochs must be a whole number from 1 to 1,000,000",
        "",
    ),
    "lr of nothing": (TRAIN + "lr = nan\n", 13, "lr must be a number, not nan", ""),
    "more tokens than the base takes": (
        TRAIN + "max_tokens = 513\n",
        13,
        "max_tokens is 513, and the base takes at most 512",
        "Set max_tokens = 512",
    ),
    "rank": (TRAIN + "rank = 0\n", 13, "rank of lora must be a whole number of at least 1, not 0", ""),
    "a cell": (TRAIN + "each = { rank = [4, 0] }\n", 13, "rank of lora must be", ""),
    "alpha": (TRAIN + "alpha = 0\n", 13, "alpha of lora must be", ""),
    "dropout": (TRAIN + "dropout = 1.0\n", 13, "dropout of lora must be", ""),
    "a method for what writes": (
        TRAIN.replace("lora", "bare"),
        12,
        "adapter 'bare' is for a base that writes, and this one reads only",
        "Choose another of ",
    ),
    "a method for what reads": (
        TRAIN.replace('"base"', '"writing"').replace("lora", "head"),
        12,
        "adapter 'head' is for a base that reads only, and this one writes",
        "Choose another of ",
    ),
    "pack": (TRAIN + "pack = true\n", 13, "pack is for a base that writes", "Leave it out."),
    "max_new_tokens": (SCORES + "max_new_tokens = 0\n", 17, "max_new_tokens must be", ""),
    "case": (SCORES + 'metrics = ["bleu"]\n', 17, "case is missing: bleu needs it", "Write { use = "),
    "tokenize": (
        SCORES + 'metrics = [{ use = "rougeL", tokenize = "gogle" }]\n',
        17,
        "tokenize of rougeL must be one of",
        "Did you mean 'google'?",
    ),
    "name": (
        SCORES + 'metrics = [{ use = "slots", name = "all slots" }]\n',
        17,
        "name of slots must be a string of letters, digits and _",
        "",
    ),
    "best of what writes": (
        BEST.replace('"base"', '"writing"') + 'best = "test.accuracy"\n',
        20,
        "best = 'test.accuracy' is what no report",
        "Did you mean 'test.",
    ),
    "release of weights": (
        TRAIN + '[ready]\nstep = "release"\nfrom = "tuned"\n',
        15,
        "'tuned' gives weights, and release has no place for it",
        "release takes: report.",
    ),
    "guard": (
        BEST + 'best = "test.accuracy"\n[ready]\nstep = "release"\nfrom = "best"\n'
        'guards = [{ use = "deny", patterns = ["("] }]\n',
        24,
        "guards has ",
        "",
    ),
    "nothing to evaluate": (SCORES.replace(', "parts"]', "]"), 14, "nothing to evaluate on", "Name task files"),
    "metric": (
        SCORES + 'metrics = ["acuracy"]\n',
        17,
        "metrics has unknown metric 'acuracy'",
        "Did you mean 'accuracy'?",
    ),
    "no metrics": (SCORES + "metrics = []\n", 17, "metrics must be a list", ""),
    "twice": (SCORES + 'metrics = ["accuracy", "accuracy"]\n', 17, "two metrics are called 'accuracy'", ""),
    "best": (
        BEST + 'best = "test.acuracy"\n',
        20,
        "best = 'test.acuracy' is what no report",
        "Did you mean 'test.accu",
    ),
    "over": (
        BEST + 'best = "test.accuracy"\nover = ["sead"]\n',
        21,
        "over has 'sead', which no grid key",
        "Known: none.",
    ),
    "sure": (
        BEST + 'best = "test.accuracy"\nconfidence = 1\n',
        21,
        "confidence must be a number above 0 to below 1",
        "",
    ),
    "entities": (clean('{ use = "presidio", entities = [] }'), 8, "entities of presidio must be a list", ""),
    "countries": (clean('{ use = "presidio", countries = [] }'), 8, "countries of presidio must be a list", ""),
}


@pytest.mark.parametrize(("text", "line", "what", "do"), CASES.values(), ids=CASES)
def test_it_is_told_before_any_work(folder: Path, text: str, line: int, what: str, do: str) -> None:
    error = refused(folder, text)
    assert (Path(str(error.where)).name, error.line) == ("odd.toml" if "odd.toml" in text else "recipe.toml", line)
    assert error.what.partition("] ")[2].startswith(what) or error.what.startswith(what)
    assert do in error.do


def test_a_file_of_an_unknown_format_is_named(folder: Path) -> None:
    error = refused(folder, RAW.replace("a.jsonl", "*.xyz"))
    assert (error.where, error.what) == ("b.xyz", "no format is known for '.xyz'")
    assert "Or say format = one of arrow, csv, " in error.do


def test_a_task_that_does_not_fit_is_named_with_its_line(folder: Path) -> None:
    error = refused(folder, SCORES + 'tasks = "task.toml"\n')
    assert (error.where, error.line) == (folder / "task.toml", 2)
    assert (error.what, error.do) == ("metrics has unknown metric 'acuracy'", "Did you mean 'accuracy'?")


def test_a_link_out_of_the_folder_and_an_archive_are_told(folder: Path) -> None:
    (folder.parent / "elsewhere").write_text("secret")
    (folder / "link.jsonl").symlink_to(folder.parent / "elsewhere")
    error = refused(folder, RAW.replace("a.jsonl", "*.jsonl"))
    assert "link.jsonl is a link that leads out of its folder" in error.what
    assert error.do.startswith("Name it without a wildcard")
    (folder / "a.zip").write_bytes(b"PK")
    assert refused(folder, RAW.replace("a.jsonl", "a.zip")).what == ".zip files are not unpacked here"


def test_an_output_that_cannot_be_written_is_told_before_the_work(folder: Path) -> None:
    for out, what in (
        ("out.xyz", "no format is known for '.xyz'"),
        ("out.xml", "xml is read, not written"),
        ("nowhere/out.jsonl", "no such folder"),
    ):
        with pytest.raises(UserError, match=what):
            oneshot.call("curate", folder / "a.jsonl", folder / out, {"do": ["./never.py:read"]})


def test_a_review_that_names_no_row_is_told_with_its_line(folder: Path) -> None:
    """Known only once the rows are read; but a person's word is never lost in silence."""
    reviews = [{"file": "a.jsonl", "row": row, "verdict": "drop"} for row in (3, 21)]
    (folder / "review.jsonl").write_text("".join(json.dumps(review) + "\n" for review in reviews))
    (folder / "recipe.toml").write_text(clean('{ use = "review", file = "review.jsonl" }'))
    with pytest.raises(UserError, match=r"review\.jsonl, line 2: no row a\.jsonl:21 that could be read is in the data"):
        al.run(folder / "recipe.toml")
    (folder / "review.jsonl").write_text(json.dumps(reviews[0]) + "\n")
    made = al.run(folder / "recipe.toml")
    assert al.show(folder / "recipe.toml", "clean")[0]["methods"][1]["dropped"] == 1
    assert len(made) == 2


def test_a_method_of_an_extra_that_is_not_installed_is_told_with_how_to_get_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)  # as if it were not there
    told = refused(folder, clean("'presidio'"))
    assert (told.line, told.do) == (8, "pip install 'adaptline[presidio]'")
    assert "a need of presidio_analyzer, which is not installed" in told.what


def test_a_pair_of_languages_that_apertium_lacks_is_told_with_how_to_install_it(folder: Path) -> None:
    told = refused(folder, more(back('via = "jbo"')))
    assert "Apertium" in told.what
    assert told.line == 8
    assert "apt-get install apertium apertium-eng-jbo" in told.do


def test_a_model_that_does_not_translate_is_told_with_its_folder(folder: Path) -> None:
    (folder / "base" / "config.json").write_text('{"model_type": "bert"}')
    told = refused(folder, more(back('via = "sv", by = "marian", there = "base", back = "base"')))
    assert (told.what, told.where) == ("a bert model, not a Marian model", folder / "base")


def test_a_file_of_pairs_that_has_none_is_told_with_its_line(folder: Path) -> None:
    (folder / "recipe.toml").write_text(more('{ use = "synonyms", file = "b.xyz" }'))
    with pytest.raises(UserError, match=r"b\.xyz, line 1: 1 columns, not a pair of words(?s:.*)One pair a line"):
        al.plan(folder / "recipe.toml")


def test_the_languages_are_those_of_the_model() -> None:
    known = set(LANGUAGES.split())
    assert len(known) == 176
    # The model tells only of those whose probability it does not round to nothing.
    assert {entry["lang"] for entry in _detector().detect("hello", model="lite", k=176)} <= known
