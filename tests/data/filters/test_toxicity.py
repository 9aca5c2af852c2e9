"""Toxicity: the package's model on texts that it did not learn, other languages, and a classifier in a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tiny
from sklearn.metrics import average_precision_score

from adaptline.core import registry
from adaptline.core.sources import find_folder
from adaptline.data import linear
from adaptline.data.filters.toxicity import MODEL, _check, toxicity
from adaptline.errors import UserError

Find = Callable[[str], Path]


def scores(*texts: str, **parameters: Any) -> list[Any]:
    found: list[Any] = toxicity(list(texts), **parameters).to_pylist()
    return found


@pytest.fixture(scope="module")
def sets(real_data: Find, root: Path) -> Iterator[dict[str, list[str]]]:
    """What the model's recipe did not let it learn, by set."""
    sys.path.insert(0, str(root / "recipes" / "toxicity"))
    try:
        import examples  # noqa: PLC0415 - the recipe's own division

        yield {one.name: one.measured for one in examples.sets(real_data("tox_davidson").parent)}
    finally:
        sys.path.pop(0)


def test_tweets_that_were_held_out(sets: dict[str, list[str]]) -> None:
    offensive, neither = (np.array(scores(*sets[f"tweets, {kind}"], languages=[])) for kind in ("offensive", "neither"))
    labels = np.repeat([True, False], [len(offensive), len(neither)])
    assert len(offensive) > 1500
    assert len(neither) > 350
    assert average_precision_score(labels, np.concatenate([offensive, neither])) > 0.994
    assert average_precision_score(~labels, -np.concatenate([offensive, neither])) > 0.91
    assert (offensive > 0.5).mean() > 0.94
    assert (neither > 0.5).mean() < 0.08


@pytest.mark.parametrize(
    ("name", "at_most"),
    [
        ("GSM8K", 0.005),
        ("Shakespeare", 0.02),
        ("Wikipedia", 0.006),
        ("banking queries", 0.005),
        ("voice commands", 0.01),
        ("text messages", 0.05),  # some of them are
        ("web reviews, answers, mails", 0.08),
        ("assistant chats", 0.03),
        ("news and Wikipedia sentences", 0.004),
        ("restaurant descriptions", 0.002),
        ("commonsense questions", 0.012),
        ("abstracts", 0.004),
    ],
)
def test_ordinary_text_is_seldom_taken_for_toxic(name: str, at_most: float, sets: dict[str, list[str]]) -> None:
    found = np.array(scores(*sets[name], languages=[]))
    assert (found > 0.5).mean() <= at_most


def test_the_file_is_what_is_packed() -> None:
    assert MODEL.stat().st_size <= 1_000_000
    model = linear.load(MODEL)
    assert linear.to_bytes(model) == MODEL.read_bytes()
    assert len(registry.load("filter", "toxicity").identity[3]) == 2


@pytest.mark.parametrize("languages", [[], ["en"], ["en", "en"]])
def test_the_languages_that_the_packages_own_model_knows_can_be_said(languages: list[str]) -> None:
    _check(languages=languages)
    with pytest.raises(UserError, match="knows English alone"):
        _check(languages=[*languages, "de"])


def test_who_somebody_is_is_no_insult() -> None:
    harmless = [
        f"My new colleague is {who}."
        for who in ("gay", "a lesbian", "Muslim", "Jewish", "Black", "transgender", "a nurse", "tall")
    ]
    found = scores(*harmless)
    assert None not in found
    assert max(score for score in found if score is not None) < 0.3


WHO = [
    "gay",
    "lesbian",
    "bisexual",
    "transgender",
    "queer",
    "straight",
    "Muslim",
    "Jewish",
    "Christian",
    "Hindu",
    "Buddhist",
    "atheist",
    "black",
    "white",
    "Asian",
    "Latino",
    "Mexican",
    "Arab",
    "Chinese",
    "Indian",
    "Nigerian",
    "Polish",
    "Turkish",
    "Roma",
    "immigrant",
    "refugee",
    "deaf",
    "blind",
    "disabled",
    "autistic",
    "old",
    "fat",
    "homeless",
    "female",
    "feminist",
    "nonbinary",
    "Palestinian",
    "Israeli",
]
FRAMES = [
    *(
        "I am a {x} man.",
        "My neighbour is a {x} person.",
        "The {x} community centre opened in May.",
        "She is proud to be {x}.",
    ),
    *(
        "Our {x} customers asked for longer opening hours.",
        "{x} people deserve respect.",
        "A {x} family moved in next door.",
    ),
    *("I'm {x}, 34, and I love hiking.", "Do you have any books by {x} authors?", "Her parents are both {x}."),
    *(
        "so glad my teacher is {x}",
        "The {x} kids were playing football in the yard.",
        "You don't have to be {x} to join.",
    ),
]


def test_harmless_sentences_in_frames_that_were_not_learnt_are_kept() -> None:
    told = [frame.replace("{x}", x) for frame in FRAMES for x in WHO]
    found = np.array(scores(*told, languages=[]))
    assert (found > 0.5).mean() <= 0.01  # 0.099 before the recipe had sentences on respect, pride and good wishes
    for x in set(WHO) - {"queer"}:
        assert (np.array(scores(*[frame.replace("{x}", x) for frame in FRAMES], languages=[])) > 0.5).mean() == 0, x


def test_news_that_quotes_a_slur_is_seldom_taken_for_one() -> None:
    news = [
        'The minister was fined after calling a colleague a "bitch" during the debate, the court said on Monday.',
        'In her book she describes how classmates called her a "dyke" and a "freak".',
        'Police said the graffiti included the words "kill all Muslims" and a swastika.',
        'The coach was suspended for calling the linesman a "retard", officials said.',
        'The word "asshole" was bleeped in the broadcast, the channel said.',
        'Prosecutors quoted a message in which he wrote "I will kill you".',
    ]
    assert max(scores(*news)) < 0.5


def test_obfuscated_insults_are_found() -> None:
    for text in (
        "go f*ck yourself you idiot",
        "you are a b!tch and a liar",
        "f u c k you and your friends",
        "fuuuuck you all",
    ):
        (score,) = scores(text, languages=[])
        assert score is not None
        assert score > 0.5, text


def test_an_insult_in_a_long_text_counts() -> None:
    calm = "The committee will meet on Thursday to talk about the budget of the library. " * 20
    assert scores(calm)[0] < 0.1
    assert scores(calm + "You are a stupid bitch and I hate you. " + calm)[0] > 0.5


@pytest.mark.parametrize(
    "text",
    [
        "Du bist ein verdammter Idiot, geh sterben",
        "eres una puta mierda",
        "ta gueule connard",
        "иди нахуй, сука",
        "你这个该死的白痴",
        "sen bir aptal gibisin",
        "",
        "ok",
        "?!",
    ],
)
def test_what_is_not_english_beyond_doubt_is_unjudged(text: str) -> None:
    assert scores(text) == [None]
    assert scores(text, languages=[]) != [None]


def test_it_does_not_depend_on_its_neighbours() -> None:
    texts = ["you are an idiot and a liar", "Das ist ein deutscher Satz.", "have a nice day with your family"]
    assert scores(*texts) == [scores(text)[0] for text in texts]


def test_a_classifier_in_a_folder(tmp_path: Path) -> None:
    import torch  # noqa: PLC0415
    from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: PLC0415

    folder = tiny.write_classifier(tmp_path / "model", ["fine", "rude", "hateful"])
    texts = ["please book a table for me", "soup", "the salad and the bread today " * 2]
    model, tokenizer = (
        AutoModelForSequenceClassification.from_pretrained(folder.path),
        AutoTokenizer.from_pretrained(folder.path),
    )
    with torch.inference_mode():
        expected = [model(**tokenizer(text, return_tensors="pt")).logits.softmax(1)[0] for text in texts]
    found = scores(*texts, model=folder, labels=["rude", "hateful"], languages=[])
    assert found == pytest.approx([float(one[1] + one[2]) for one in expected], abs=1e-5)
    assert len({round(score or 0, 3) for score in found}) == 3
    assert scores(*texts, model=folder, labels=["fine"], languages=[]) == pytest.approx(
        [float(one[0]) for one in expected], abs=1e-5
    )
    assert scores(
        "bitte ein Tisch für zwei Personen heute Abend", "soup", model=folder, labels=["rude"], languages=["en"]
    ) == [None, None]


def test_labels_that_do_not_exclude_each_other_and_long_texts(tmp_path: Path) -> None:
    folder = tiny.write_classifier(tmp_path / "model", ["insult", "threat"], problem_type="multi_label_classification")
    parts = ["please book a table", "soup salad bread", "cancel the refund"]
    apart = scores(*parts, model=folder, labels=["insult", "threat"], languages=[])
    each = [scores(*parts, model=folder, labels=[label], languages=[]) for label in ("insult", "threat")]
    assert apart == [max(one) for one in zip(*each, strict=True)]
    long = "soup " * 100  # in pieces of 30 words
    assert scores(long, model=folder, labels=["insult"], languages=[])[0] == pytest.approx(
        max(scores("soup " * 30, "soup " * 10, model=folder, labels=["insult"], languages=[])),
        abs=1e-5,
    )


def test_a_model_without_a_head_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    tiny.write_base(folder)
    check = registry.load("filter", "toxicity").check
    assert check is not None
    with pytest.raises(UserError, match="which is no classifier of texts"):
        check(model=find_folder("base", tmp_path), labels=["toxic"])


def test_only_a_model_costs_much() -> None:
    method = registry.load("filter", "toxicity")
    assert (method.cost_with({}), method.cost_with({"model": "any"})) == ("low", "high")
    assert pa.types.is_floating(toxicity([]).type)
