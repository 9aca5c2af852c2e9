"""Stand-ins: of the same kind, nobody's, and the same wherever the value is."""

from __future__ import annotations

import re

import national_numbers
import pytest

from adaptline.data.personal.finding import KINDS, find
from adaptline.data.personal.page import compact
from adaptline.data.personal.standins import stand_in, tag

VALUES = {
    "email": "anna.berg@firma.de",
    "phone": "+49 171 2345678",
    "iban": "GB82 WEST 1234 5698 7654 32",
    "card": "4012-8888-8888-1881",
    "ip": "58.74.121.78",
    "mac": "3A-4B-5C-6D-7E-8F",
    "url_secret": "admin:s3cretpw",
    "secret": "AKIAIOSFODNN7ABCDEFG",
    "us_ssn": "460-89-9847",
    "uk_nino": "AB123456C",
    "es_dni": "12345678Z",
    "it_codice_fiscale": "RSSMRA85T10A562S",
    "fr_nir": "269054958815780",
    "de_steuer_id": "86 095 742 719",
    "nl_bsn": "111222333",
    "se_personnummer": "811228-9874",
    "pl_pesel": "44051401359",
    "br_cpf": "390.533.447-05",
    "br_cnpj": "11.222.333/0001-81",
    "in_aadhaar": "2341 2341 2346",
    "cn_resident_id": "11010519491231002X",
}
VALUES |= {
    kind: re.findall(r"\[\[(.*?)\]\]", found[0])[0]
    for kind, found in national_numbers.FOUND.items()
    if kind not in VALUES
}
SHAPED = [kind for kind in KINDS if kind not in {"email", "phone", "ip", "url_secret"}]


def test_every_kind_has_a_value_and_a_tag_that_is_nothing_itself() -> None:
    assert set(VALUES) == set(KINDS)
    assert [find(tag(kind)) for kind in KINDS] == [[]] * len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stand_in_is_fixed_by_seed_and_value_and_is_no_value_itself(kind: str) -> None:
    value = VALUES[kind]
    made = {stand_in(kind, value, seed) for seed in range(50)}
    assert stand_in(kind, value, 7) == stand_in(kind, value, 7)
    assert len(made) > 10
    assert value not in made
    assert all(find(one, [kind], trusting=True) == [] for one in made)


@pytest.mark.parametrize("kind", SHAPED)
def test_a_stand_in_is_parted_as_its_value(kind: str) -> None:
    made = stand_in(kind, VALUES[kind], 0)
    assert re.sub(r"[0-9A-Z]", "x", made) == re.sub(r"[0-9A-Z]", "x", VALUES[kind])


def test_ranges_that_are_kept_for_examples_are_used() -> None:
    assert re.fullmatch(r"user-[0-9a-f]{10}@example\.com", stand_in("email", VALUES["email"], 0))
    assert re.fullmatch(r"\+1-[2-9]\d\d-555-01\d\d", stand_in("phone", VALUES["phone"], 0))
    assert re.fullmatch(r"[2-9]\d\d-555-01\d\d", stand_in("phone", "0171 2345678", 0))
    assert re.match(r"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.", stand_in("ip", VALUES["ip"], 0))
    assert stand_in("ip", "2a00:1450:4001:81b::200e", 0).startswith("2001:db8:")
    assert stand_in("mac", VALUES["mac"], 0).startswith("00-00-5E-00-53-")
    assert stand_in("iban", VALUES["iban"], 0).startswith("GB00")
    assert stand_in("us_ssn", VALUES["us_ssn"], 0).startswith("000-")


def test_two_ways_to_write_a_value_have_one_stand_in() -> None:
    assert stand_in("email", "Anna.Berg@Firma.de", 0) == stand_in("email", "anna.berg@firma.de", 0)
    assert stand_in("ip", "2A00:1450:4001:081B:0:0:0:200E", 0) == stand_in("ip", "2a00:1450:4001:81b::200e", 0)
    spaced, bare = (stand_in("card", card, 0) for card in ("4012 8888 8888 1881", "4012888888881881"))
    assert spaced.replace(" ", "") == bare == compact(stand_in("card", "４０１２８８８８８８８８１８８１", 0))  # noqa: RUF001


def test_a_private_key_stays_a_block() -> None:
    block = "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu3\n-----END PRIVATE KEY-----"
    made = stand_in("secret", block, 0).splitlines()
    assert (made[0], made[-1], len(made)) == ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", 3)
