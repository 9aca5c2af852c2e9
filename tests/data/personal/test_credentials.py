"""Keys by the forms that services publish, and passwords and tokens within addresses."""

from __future__ import annotations

import random
import string

import pytest
from recognised import found

from adaptline.data.personal.credentials import may_hold_secrets, secrets, url_secrets

# Start of a key and how many characters follow, as the services' documents have them.
FORMS = {"ghp_": 36, "gho_": 36, "glpat-": 20, "sk-proj-": 40, "xoxb-": 24, "AIza": 35, "hf_": 34, "npm_": 36}


def key(start: str, length: int) -> str:
    chance = random.Random(start)  # noqa: S311 - not for secrets
    return start + "".join(chance.choices(string.ascii_letters + string.digits, k=length - 4)) + "a1B2"


@pytest.mark.parametrize(("start", "length"), FORMS.items())
def test_a_key_is_found_wherever_it_stands_alone(start: str, length: int) -> None:
    value = key(start, length)
    for text in ("{}", 'token = "{}"', "export KEY={}\n", "use {}, please"):
        assert may_hold_secrets(text.format(value))
        assert found(secrets, text.format(value)) == [value]
    assert found(secrets, f"x{value}") == []
    assert found(secrets, value[:-12]) == [] or start in {"sk-proj-", "xoxb-"}  # these may be shorter


@pytest.mark.parametrize(("start", "length"), FORMS.items())
def test_what_documents_show_is_no_secret(start: str, length: int) -> None:
    assert found(secrets, start + "x" * length) == []
    assert found(secrets, key(start, length - 7)[: length - 7] + "EXAMPLE") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("https://anna:tr0ub4dor@firma.de/x", "anna:tr0ub4dor"),
        ("redis://u:p4ss@[2a00::1]:6379", "u:p4ss"),
        ("https://firma.de/?q=1&access_token=0123456789abcdefghij", "0123456789abcdefghij"),
        ("wss://firma.de/?sig=aB3dE5gH7jK9mN1pQ3s", "aB3dE5gH7jK9mN1pQ3s"),
    ],
)
def test_what_opens_a_door_in_an_address_is_found_and_nothing_beside_it(text: str, value: str) -> None:
    assert found(url_secrets, text) == [value]


@pytest.mark.parametrize("password", ["password", "secret", "xxxx", "your-password", "***", "port", "kurz"])
def test_a_placeholder_is_no_password(password: str) -> None:
    assert found(url_secrets, f"http://anna:{password}@firma.de") == []
