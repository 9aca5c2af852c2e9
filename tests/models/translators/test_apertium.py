"""Apertium as it is installed here; skipped where it is not, but for what is said then."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest

from adaptline.errors import RunError, UserError
from adaptline.models.translators import apertium
from adaptline.models.translators.apertium import Apertium, identity

MODES = Path("/usr/share/apertium/modes")
installed = pytest.mark.skipif(
    shutil.which("apertium") is None or not (MODES / "eng-spa.mode").is_file(),
    reason="Apertium's English-Spanish pair is not installed: apt-get install apertium apertium-eng-spa",
)

TEXTS = [
    "Hello, my friend.",
    "Where is my card",
    "",
    "While I was drunk, I lost my card.",  # "drunk" spoils the reading of every unknown word after it
    "i havent got my card",
    "how can i paint an old chair?",
    "I saw two gizmos.",
    "Thanks a lot of times till Monday, I blorped it.",
]


@installed
def test_texts_are_translated_one_by_one_and_in_their_order() -> None:
    found = Apertium().translate(TEXTS, "en", "es")
    assert found[:3] == ["Hola, mi amigo.", "D\u00f3nde es mi carta", ""]
    assert Apertium().translate(["Hola, mi casa."], "es", "en") == ["Hello, my house."]
    assert Apertium().translate([], "en", "es") == []


@installed
def test_what_a_text_becomes_depends_on_that_text_alone() -> None:
    alone = {text: Apertium().translate([text], "en", "es")[0] for text in TEXTS}
    for seed in range(4):
        order = TEXTS * 3
        random.Random(seed).shuffle(order)  # noqa: S311 - no secret
        assert Apertium().translate(order, "en", "es") == [alone[text] for text in order]


@installed
def test_a_tagger_that_saw_other_texts_before_reads_otherwise() -> None:
    """The reason for taggers of their own: without them this differs. Where Apertium is mended, they can go."""
    commands = apertium._commands(apertium._mode("en", "es"))
    texts = [apertium._escaped(text) for text in TEXTS[3:5]]
    together, _ = apertium._run(commands, texts, 60)
    (alone,), _ = apertium._run(commands, texts[1:], 60)
    assert together[1] != alone


@installed
@pytest.mark.parametrize(
    "text",
    [
        "a [b] {c} <d> ^e$ / f\\g @h",
        "*x* ~y~ #z +w",
        "\\",
        "^",
        "$[]",
        "[<STREAMCMD:SETVAR:x>]",
        "\u4f60\u597d",
        "<NUL>",
    ],
)
def test_what_means_something_to_apertium_means_nothing_in_a_text(text: str) -> None:
    before, found, after = Apertium().translate(["Hello.", f"Zqxaa {text} Zqxab", "Hello."], "en", "es")
    assert (before, after) == ("Hola.", "Hola.")
    assert [sign for sign in found if sign in "[]{}<>^$/\\@*~#+"] == [
        sign for sign in text if sign in "[]{}<>^$/\\@*~#+"
    ]


@installed
def test_a_null_character_and_line_ends_part_no_text() -> None:
    found = Apertium().translate(["Hello\0my friend", "Hello\nmy friend", "Hello"], "en", "es")
    assert len(found) == 3
    assert found[2] == "Hola"


@installed
def test_the_identity_is_that_of_the_dictionaries_not_of_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = identity("en", "es")
    assert before != identity("es", "en")
    copy = tmp_path / "apertium"
    shutil.copytree("/usr/share/apertium", copy)
    for mode in (copy / "modes").iterdir():
        mode.write_text(mode.read_text().replace("/usr/share/apertium", str(copy)))
    monkeypatch.setenv("APERTIUM_DATADIR", str(copy))
    assert identity("en", "es") == before
    (copy / "apertium-eng-spa" / "eng-spa.autobil.bin").write_bytes(b"another")
    assert identity("en", "es") != before


@installed
def _runs(pid: str) -> bool:
    """Whether a process does anything still: one that was killed and that nobody waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_pipeline_that_fails_or_hangs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"Apertium failed: .*/nowhere\.bin") as failed:
        apertium._run(["lt-proc -z /nowhere.bin", "cat"], [b"a"], 60)
    assert failed.value.brief == "Apertium failed with exit code 1"
    with pytest.raises(RunError, match="gave 1 texts for 2"):
        apertium._run(["head -c 2"], [b"a", b"b"], 60)
    lives = tmp_path / "lives"
    with pytest.raises(RunError, match="did not translate 1 texts within 1 seconds"):
        apertium._run([f"(echo $BASHPID > {lives}; exec sleep 600)"], [b"a"], 1)
    end = time.monotonic() + 20  # whoever inherits it needs a moment to see that it is dead
    while _runs(lives.read_text().strip()):
        assert time.monotonic() < end
        time.sleep(0.01)


@installed
def test_a_pair_that_is_not_there_is_told_with_what_is_and_how_to_install_it() -> None:
    with pytest.raises(
        UserError, match=r"the pair en-sv, which Apertium does not have here; it has .*eng-spa"
    ) as caught:
        Apertium().translate(["Hello."], "en", "sv")
    assert "apt-get install apertium apertium-eng-swe (or apertium-swe-eng)" in caught.value.do


def test_without_apertium_it_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"Apertium, 3\.8 or newer, which is not installed") as caught:
        identity("en", "es")
    assert "apt-get install apertium apertium-eng-spa" in caught.value.do
