from __future__ import annotations

from xml.etree import ElementTree as ET

from flame import boxes, read, short, svg

RAW = """process 7:"python x";main (adaptline/cli.py:3);run (adaptline/data/steps/curate.py:40);take (pyarrow/compute.py:7) 30
main (adaptline/cli.py:3);run (adaptline/data/steps/curate.py:44) 60
main (adaptline/cli.py:9);main (adaptline/cli.py:9);_load (<frozen importlib._bootstrap>:7);<module> (x&y.py:1) 10
"""


def test_names_are_short() -> None:
    assert short("run (adaptline/data/steps/curate.py:40)") == "run (adaptline/data/steps/curate.py)"
    assert short("run (lib/adaptline/src/adaptline/data/jsons.py:40)") == "run (adaptline/data/jsons.py)"
    assert short("take (pyarrow/compute.py:7)") == "take (pyarrow)"
    assert short("[idle]") == "[idle]"


def test_lines_of_one_function_are_one_frame_and_recursion_is_one() -> None:
    run = ("main (adaptline/cli.py)", "run (adaptline/data/steps/curate.py)")
    assert read(RAW) == {(*run, "take (pyarrow)"): 30, run: 60, ("main (adaptline/cli.py)", "<module> (x&y.py)"): 10}


def test_frames_lie_within_the_one_that_called_them() -> None:
    assert boxes(read(RAW)) == [
        (0, 0.0, 1.0, "main (adaptline/cli.py)"),
        (1, 0.0, 0.1, "<module> (x&y.py)"),
        (1, 0.1, 0.9, "run (adaptline/data/steps/curate.py)"),
        (2, 0.1, 0.3, "take (pyarrow)"),
    ]


def test_what_is_rare_is_left_out() -> None:
    assert [name for *_, name in boxes({("a",): 1000, ("b",): 9})] == ["a"]


def test_the_picture_is_xml() -> None:
    picture = ET.fromstring(svg(read(RAW)))  # noqa: S314 - made here
    titles = [found.text for found in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert "<module> (x&y.py) 10.0%" in titles
