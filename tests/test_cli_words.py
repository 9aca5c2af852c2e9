"""A recipe's words as one types them."""

from __future__ import annotations

import pytest

from adaptline.cli_words import as_typed

OPTIONS = ["text", "label", "prompt", "completion", "messages", "header", "subject", "row_per", "format", "do"]


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("header must be true or false, not 3", "--header must be true or false, not 3"),
        ("row_per must be one of 'line'", "--row-per must be one of 'line'"),
        ('Name them: text = "...".', "Name them: --text NAME."),
        ('Then say label = "category"', "Then say --label category"),
        ('Then say label = "of a kind"', "Then say --label 'of a kind'"),
        ("or header = true if its first line names them.", "or --header true if its first line names them."),
        ("or header = true.", "or --header true."),
        (
            'Name one: text = "...", or prompt = and completion =, or messages =.',
            "Name one: --text NAME, or --prompt and --completion, or --messages.",
        ),
        ("Else say format =.", "Else say --format."),
        ("Or say format = one of csv, json.", "Or say --format one of csv, json."),
        ('Write subject = ["user_id", "to"].', "Write --subject user_id,to."),
        ('Write keep = ["en"].', 'Write keep=["en"].'),
        ("keep of language must be a list, not 'en'", "keep of language must be a list, not 'en'"),
        ('Write { use = "decontaminate", against = ... }: a list', "Write decontaminate:against=...: a list"),
        ('Write { use = "length", min = 5, keep = ["a", "b"] }', 'Write length:min=5:keep=["a", "b"]'),
        ("the text of a label must be read", "the text of a label must be read"),
        ('Write subject = ["user id", "to"].', 'Write --subject \'["user id", "to"]\'.'),
    ],
)
def test_what_is_said_of_a_recipe_is_said_as_typed(said: str, typed: str) -> None:
    assert as_typed(said, OPTIONS) == typed
