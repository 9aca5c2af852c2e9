"""What is found in a text, kind by kind, and what only looks like it."""

# ruff: noqa: RUF001 - characters that look like others are part of what is tested

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import national_numbers
import pytest

from adaptline.data.personal.finding import KINDS, find

# Where a value stands is marked by [[ ]]. Numbers are the published examples of those who issue them, or made up with right
# check digits.
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu3aozN3tihPmUODnrudB9fNr\n-----END RSA PRIVATE KEY-----"
FOUND = {
    "email": [
        "write to [[anna.berg+news@mail.firma.co.uk]].",
        "mailto:[[o_k@xn--bcher-kva.ch]]?subject=x",
        "<[[a@b.io]]>, [[müller@bücher.de]]",
        "at ｆｕｌｌ: [[ａｎｎａ＠firma.de]]",
        "'[[x-y@z.museum]]'",
        "https://firma.de/?mail=[[anna%40firma.de]]&x",
        "请发邮件到[[wang@qq.com]]，谢谢",
        "[[kim@naver.com]]으로 메일 주세요",
        "मुझे [[अजय@डाटा.भारत]] पर लिखें",
        "[[user@ไทย.คอม]] [[δοκιμή@παράδειγμα.ελ]] [[иван.петров@почта.рф]]",
    ],
    "phone": [
        "[[+44 20 7946 1958]]",
        "[[+49 (0)171 2345678]] or [[+1-212-736-5000]]",
        "tel:[[+4917123456789]]",
        "([[212-736-5000]])",
        "[[(212) 736-5000]] x",
        "[[001-420-335-7509x3854]]",
        "fax [[212.736.5000 ext. 12]].",
        "[[01 42 68 53 00]] à Paris",
        "[[0171 2345678]]",
        "[[(11) 98765-4321]]",
        "[[8 (495) 123-45-67]]",
        "[[138-1234-5678]]",
        "拨打电话[[13812345678]]咨询",
        "मोबाइल [[९८७६५ ४३२१०]]",
        "call me on [[451 5986]]!",
        "my mobile is [[612 345 678]]",
        "Telefon: [[２３４ ５６ ７８]]",
        "[[9498777106]] is my phone",
        "Call me on [[074105 82254]], please",
        "or [[089 / 636-4801]] (Mo)",
        "[[8-800-555-35-35]], [[8 916 123 45 67]]",
        "Mi número de teléfono es [[912 354 347]].",
        "Mitt telefonnummer är [[08-12 75 76]], tack",
        "Telefonnummeret mitt er [[21282788]].",
        "Puhelinnumeroni on [[0131298282]].",
        "tlf. [[21 28 27 88]]",
        "Zadzwoń do mnie: [[512 377 495]]",
        "A telefonszámom [[(06 1) 234 2411]].",
        "Ο αριθμός τηλεφώνου μου είναι [[21 2317 8271]].",
        "Моб. [[8 0152 45-59-63]]",
        "Телефон [[8 (71236) 9 85 50]]",
        "תתקשר אליי ל-[[050-239-8931]] בבקשה",
        "اتصل بي على [[0501464707]]",
        "شماره تلفن من [[۰۲۱۲۳۷۹۹۷۶۴]] است",
        "ফোন: [[০২৭১১৪৮৬৫]]",
        "โทร. [[02 123 6216]]",
        "Gọi cho tôi theo số [[02101236307]] nhé",
        "Hubungi saya di [[0218347635]] ya",
        "제 전화번호는 [[021234567]]입니다",
        "mob. [[+(370) 43231948]]",
        "Puh. [[(+358) 091390996]]",
        "[[+46884 20821]]",
        '{"a": "[[+468420821]]"}',
        "手机[[18690139624]]",
        "mi número es [[810124637]]",
        "Du når meg på [[21234094]].",
        "pour me joindre au [[0612953551]]",
        "للتواصل: [[0501464707]]",
        "連絡先：[[0312372730]]",
        "tel. [[05 / 1250 3400]], or [[0171 / 2345678]]",
        "Ph. [[6123 1031]] ph: [[61231031]]",
        "kom. [[512 377 495]]",
        "HP: [[0824628194]], HP [[0824628194]]",
        "portable [[0612953551]], portable : [[701220556]]",
        "fijo: [[912354347]]",
        "Me chama no zap [[212344530]]",
        "my cell is [[2015563923]], cell: [[2015563923]]",
        "mon numéro : [[0123458171]]",
        "[[9498777106]] is my number",
        "EB 3889 [[713-853-3989]] (Phone)",
    ],
    "iban": [
        "[[DE89370400440532013000]]",
        "[[GB82 WEST 1234 5698 7654 32]] and more",
        "[[gb82west12345698765432]]",
        "[[FR1420041010050500013M02606]]",
        "[[NO93 8601 1117 947]]",
        "[[MT84MALT011000012345MTLCAST001S]]",
        "IBAN:[[NL91ABNA0417164300]].",
        "[[ES91-2100-0418-4502-0005-1332]]",
    ],
    "card": [
        "[[4012 8888 8888 1881]] 12/27",
        "[[4012-8888-8888-1881]]",
        "[[4012888888881881]].",
        "amex [[3714 496353 98431]]",
        "[[371449635398431]]",
        "[[5105105105105100]]",
        "[[30569309025904]]",
        "[[6011000990139424]]",
        "[[４０１２８８８８８８８８１８８１]]",
        "card 1: [[3522235032377454]]",
        "[[4421521028146]]",
        "Карта [[3508-7794-4069-4800]]",
        "信用卡[[3590799602612845]]已扣款",
    ],
    "ip": [
        "from [[58.74.121.78]].",
        "http://[[58.74.121.78]]:8080/x",
        "[[2a00:1450:4001:81b::200e]] up",
        "[[6e40:4041:c617:e898:c11:40d2:c669:2eb4]]",
        "client [[5.6.7.9]]",
    ],
    "mac": [
        "[[3a:4b:5c:6d:7e:8f]]",
        "[[3A-4B-5C-6D-7E-8F]]",
        "[[3a4b.5c6d.7e8f]]",
        "mac address [[20-01-05-12-30-55]]",
    ],
    "url_secret": [
        "postgres://[[admin:s3cretpw]]@db.firma.de/x",
        "https://firma.de/a?b=1&token=[[abcdef1234567890abcd]]#x",
        "?api_key=[[0a1b2c3d4e5f6a7b8c9d]]&x",
        "https://firma.de/cb#access_token=[[9f8e7d6c5b4a39281706fedc]]&state=1",
        "https://firma.de/;jsessionid=[[9f8e7d6c5b4a39281706fedc]]",
        "https://firma.de/?PHPSESSID=[[9f8e7d6c5b4a39281706fedc]]",
        "https://firma.de/?pw=[[hunter2abc]]&x",
        "https://hooks.slack.com/services/[[T0AB12CD3/B0AB12CD3/9f8e7d6c5b4a39281706fedc]]",
        "https://api.telegram.org/bot[[123456789:AAF9x-9f8e7d6c5b4a39281706fedcabc]]/sendMessage",
        "git clone https://[[9f8e7d6c5b4a39281706fedc]]@github.com/x/y.git",
    ],
    "secret": [
        "[[AKIAIOSFODNN7ABCDEFG]]",
        "[[ghp_16C7e42F292c6912E7710c838347Ae178B4a]]",
        "key=[[sk-proj-abc123DEF456ghi789JKL012]]",
        "[[AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY]]",
        f"x\n[[{KEY}]]\n",
        "curl -H 'Authorization: Bearer [[9f8e7d6c5b4a39281706fedc]]' https://firma.de",
        "Bearer [[eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P]]",
    ],
    "us_ssn": ["[[460-89-9847]].", "SSN [[460899847]]", "social security number: [[460 89 9847]]"],
    "uk_nino": ["[[AB123456C]]", "[[AB 12 34 56 C]]", "national insurance: [[ab123456c]]"],
    "es_dni": ["[[12345678Z]]", "NIE [[X-1234567-L]]", "dni [[12345678z]]", "DNI [[12.345.678-Z]]"],
    "it_codice_fiscale": ["[[RSSMRA85T10A562S]]", "[[rssmra85t10a562s]]"],
    "fr_nir": ["[[269054958815780]]", "[[2 69 05 49 588 157 80]]"],
    "de_steuer_id": ["[[86 095 742 719]]", "Steuer-ID: [[86095742719]]"],
    "nl_bsn": ["BSN [[111222333]]", "burgerservicenummer: [[1112.22.333]]"],
    "se_personnummer": ["[[811228-9874]]", "personnummer [[198112289874]]"],
    "pl_pesel": ["PESEL: [[44051401359]]"],
    "br_cpf": ["[[390.533.447-05]]", "CPF [[39053344705]]"],
    "br_cnpj": ["[[11.222.333/0001-81]]", "CNPJ [[11222333000181]]"],
    "in_aadhaar": ["Aadhaar [[2341 2341 2346]]", "aadhar no. [[234123412346]]", "आधार [[२३४१ २३४१ २३४६]]"],
    "cn_resident_id": ["[[11010519491231002X]]", "身份证[[11010519491231002x]]。"],
}
LEFT = {
    "email": [
        *(
            "@anna",
            "a@b",
            "logo@2x.png",
            "pkg@1.2.3",
            "x = a@b.T",
            "y = u@v.dot(w)",
            "@app.route",
            "git@github.com:o/r.git",
        ),
        *("anna@example.com", "x@mail.example.org", "me@host.test", "https://anna@firma.de/x", f"{'a' * 65}@firma.de"),
    ],
    "phone": [
        *("2024-05-01 10:20:30", "01.02.2003", "12/31/1999", "1,234,567", "3.14159265358979", "v1.2.3.4567890"),
        *(
            "0x1234567",
            "phone book of 1984",
            "$1234567 by phone",
            "ISBN 978-3-16-148410-0",
            "02110-1301",
            "1234567890123",
        ),
        *(
            "550e8400-e29b-41d4-a716-446655440000",
            "[0, 1, 2, 3, 4, 5, 6, 7]",
            "1 2 3 4 5 6 7 8 9",
            "call 12345678",
            "+0000",
        ),
        *("212-555-0123", "+1 212 555 0199", "f(12345678)", "call 10000000", "2001 2002 2003 2004", "phone 1111111"),
        *(
            "+999 123 456 789",
            "+1 012 345 6789",
            "a12345678",
            "tel 12345",
            "phone: 2024-05-01",
            "405-555-0140-2001:db8::1",
            "office 1990-2000",
            "office 77030-2707",
            "mobile sales: 763029251",
            "05 / 2024 and 01 / 02 / 2003, portable: 2400 / 200 = 12 200-kilobyte videos",
            "8 116 123 45 67",
            "mi número de pedido es 123456789",
            "a number 12345678, by php 12345678",
            "注文番号は123456789です",
            "شماره کالا 12345678",
            "携帯の発売日は15 02 1984です",
            "arXiv:0913.69674",
            "+23456789",
        ),
        *(
            "Row 09 / 46319318",
            "Track 01 / 12345678",
            "Model 05 / 12 345 678",
            "§ 03 / 45 678 901",
            "05 / 1250 3400",
            "page 03 / 2024 15 30",
        ),
        *(
            "at pH 7.4, 1234567 units",
            "at pH: 1234567",
            "kom. 30085712 kr",
            "a kom og 30085712",
            "does_zap_garbage: 0, peak: 1127496",
            "zap 1127496",
            "fijo de 1250000 pesos",
            "300 hp 1234567",
            "My number is 42, 1234567 tries",
            "We counted 1254367 cells",
            "Cell 1048576 of the sheet",
            "cells: 3412575 reads per library",
            "portable devices: 29695247 sold",
            "mobile phones sold: 34567812",
            "SMS volume: 12345678 messages",
            "phone_book_size = 1234567",
            "a handy 12345678",
            "<Buffer 01 02 03 04 05>",
            "1 1.52 999 Football French Ligue 2",
            "suna 1234567",
            "office space 12 500 000 sq ft",
            "office revenue of 1.250.400",
            "registered 12 345 678 users",
            "cell doi 10.1016/12345678",
        ),
    ],
    "iban": ["DE88370400440532013000", "DE8937040044053201300", "XX89370400440532013000", "xDE89370400440532013000"],
    "card": [
        *("4012888888881882", "4012 8888 8888 1882", "9012888888881881", "0.4012888888881881", "4111 1111 1111 1111"),
        *(
            "rng(2435908729190400)",
            "[4220315081820346526, 1]",
            "a4012888888881881",
            "40128888888818810",
            "9780306406157",
            "EAN 4006381333931",
            "kort sagt 474064212282",
            "kad je 635398589484",
            "la carte 868386315639",
            "discover 868386315639 ways",
            "150 cc 868386315639",
            "card opened at 1714236984840",
            "4006383354118",
        ),
    ],
    "ip": [
        *(
            "127.0.0.1",
            "192.168.0.7",
            "192.0.2.1",
            "256.1.1.1",
            "v58.74.121.78",
            "version 58.74.121.78",
            "x==58.74.121.78",
        ),
        *(
            "1.2.3.4.5",
            "1.3.6.1.4.1",
            "5.6.7.9",
            "58.74.121.0/24",
            "::1",
            "2001:db8::1",
            "std::abc",
            "12:34:56",
            "a[1::2]",
        ),
        *("dead::beef", "fe80::1", "10:20:30:40:50:60:70:80", "section 5.6.7.9"),
    ],
    "mac": [
        "0022 ; [*031D.0020.0002] # QUOTATION MARK",
        "00:00:5e:00:53:01",
        "20-01-05-12-30-55",
        "00:00:00:00:00:00",
        "3a:4b:5c:6d:7e",
        "3a:4b:5c:6d:7e:8f:90:a1",
    ],
    "url_secret": [
        *(
            "http://user:password@firma.de",
            "https://firma.de:8080/a@b",
            "http://{user}:{pass}@firma.de",
            "github://org:repo@sha",
        ),
        *(
            "?token=abc",
            "https://foo.com:123,foo:bar@bar.com/path",
            "?key=a-nice-name-of-something",
            "x?api_key=YOUR_API_KEY",
            "?page=12&sort=asc",
            "?password=required",
            "?code=de-AT-1996",
            "#section=9f8e7d6c5b4a39281706fedc",
            "https://the-long-name-of-a-person@firma.de/",
        ),
    ],
    "secret": [
        *(
            "AKIAIOSFODNN7EXAMPLE",
            "AKIA",
            "sk-folding-cube-with-a-long-name",
            "ghp_short",
            "sk-learn",
            "risk-1a2b3c4d5e6f7g8h9i0j1k",
        ),
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    ],
    "us_ssn": ["000-12-3456", "666-12-3456", "900-12-3456", "460-00-9847", "460-89-0000", "460899847", "1460-89-9847"],
    "uk_nino": ["GB123456A", "AB123456E", "DA123456A", "ab123456c", "AB12345C", "XAB123456C"],
    "es_dni": ["31.216.410M", "nie 12345678z", "12345678A", "X1234567M", "12345678z", "doi:10.1137/10081232X"],
    "it_codice_fiscale": ["RSSMRA85T10A562T", "RSSMRA85F10A562S", "RSSMRA85T99A562S"],
    "fr_nir": ["269054958815781", "369054958815780"],
    "de_steuer_id": ["Steuer-ID 86095742718", "86095742719", "Steuer-ID 12345678901"],
    "nl_bsn": ["111222333", "BSN 111222334", "BSN 000000000"],
    "se_personnummer": ["811228-9873", "811328-9874", "8112289874"],
    "pl_pesel": ["44051401359", "PESEL 44051401358", "PESEL 44991401359"],
    "br_cpf": ["390.533.447-06", "111.111.111-11", "39053344705"],
    "br_cnpj": ["11.222.333/0001-82", "11222333000181"],
    "in_aadhaar": [
        "2341 2341 2346",
        "uid 1000 gid 1000 time 234123412346",
        "Aadhaar 2341 2341 2347",
        "Aadhaar 1341 2341 2346",
    ],
    "cn_resident_id": ["110105194912310021", "11010519491331002X"],
}


FOUND = {kind: FOUND.get(kind, []) + national_numbers.FOUND.get(kind, []) for kind in FOUND | national_numbers.FOUND}
LEFT = {kind: LEFT.get(kind, []) + national_numbers.LEFT.get(kind, []) for kind in LEFT | national_numbers.LEFT}


def cases(of: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(kind, text) for kind, texts in of.items() for text in texts]


def test_every_kind_has_examples_of_both() -> None:
    assert set(FOUND) == set(LEFT) == set(KINDS)


@pytest.mark.parametrize(("kind", "marked"), cases(FOUND))
def test_values_are_found_where_they_stand_and_as_what_they_are(kind: str, marked: str) -> None:
    wanted = re.findall(r"\[\[(.*?)\]\]", marked, re.DOTALL)
    text = marked.replace("[[", "").replace("]]", "")
    assert [(place.kind, text[place.start : place.end]) for place in find(text)] == [(kind, value) for value in wanted]


@pytest.mark.parametrize(("kind", "text"), cases(LEFT))
def test_what_only_looks_like_a_value_is_left(kind: str, text: str) -> None:
    assert find(text, [kind]) == []


def test_of_two_that_overlap_the_longer_is_taken() -> None:
    (place,) = find("https://anna:s3cretpw@mail.firma.de/", ["url_secret", "email"])
    assert place.kind == "url_secret"
    (place,) = find("phone 4012 8888 8888 1881")
    assert place.kind == "card"


def test_a_word_counts_when_it_is_near_and_is_no_tag() -> None:
    far = " and so it goes on" * 4
    assert find("BSN 111222333", ["nl_bsn"])
    assert not find(f"BSN{far} 111222333", ["nl_bsn"])
    assert not find("<PHONE> 23456789", ["phone"])
    assert find("111222333", ["nl_bsn"], trusting=True)


def test_what_forms_call_any_national_number_tells_too() -> None:
    for form in ("My SSN is {}.", '{{"national_id": "{}"}}', "Personal ID number: {}", "Tax ID: {}", "ID card no. {}"):
        for value in ("44051401359", "39053344705", "10000000146", "7503305044089", "943 476 5919", "046454286"):
            assert [place.start for place in find(form.format(value))] == [form.format(value).index(value)], form
        assert find(form.format("123456")) == []
    assert find("sold 7503305044089 units") == []


def test_private_networks_and_what_is_kept_are_the_callers_choice() -> None:
    assert [place.kind for place in find("192.168.0.7 fe80::1", private=True)] == ["ip", "ip"]
    assert find("127.0.0.1", private=True) == []
    assert find("anna@firma.de", keep=[re.compile(r"@firma\.de$")]) == []


def test_places_are_those_of_the_text_itself_beyond_the_first_plane() -> None:
    text = "\U0001f469\u200d\U0001f4bb anna@firma.de \U0001f600 ４０１２８８８８８８８８１８８１"
    assert [text[p.start : p.end] for p in find(text)] == ["anna@firma.de", "４０１２８８８８８８８８１８８１"]


# What labelled sentences hold: at least so much of it is found, and at least so much of what is found is it.
FLOORS = {
    "EMAIL_ADDRESS": ("email", 51, 1.0, 1.0),
    "PHONE_NUMBER": ("phone", 102, 1.0, 0.97),
    "IBAN_CODE": ("iban", 21, 1.0, 1.0),
    "CREDIT_CARD": ("card", 146, 0.99, 1.0),
    "US_SSN": ("us_ssn", 19, 1.0, 1.0),
    "IP_ADDRESS": ("ip", 16, 1.0, 1.0),
}


def test_labelled_sentences_are_found_as_well_as_measured(real_data: Callable[[str], Path]) -> None:
    folder = real_data("pii_presidio")
    sentences = [
        sentence
        for name in ("synth_dataset_v2", "generated_small")
        for sentence in json.loads(gzip.decompress((folder / f"{name}.json.gz").read_bytes()))
    ]
    labelled, covered, found, right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for sentence in sentences:
        places = find(sentence["full_text"])
        for entity, (kind, *_) in FLOORS.items():
            spans = [(s["start_position"], s["end_position"]) for s in sentence["spans"] if s["entity_type"] == entity]
            mine = [(place.start, place.end) for place in places if place.kind == kind]
            labelled[entity] += len(spans)
            found[entity] += len(mine)
            covered[entity] += sum(any(a <= start and end <= b for a, b in mine) for start, end in spans)
            right[entity] += sum(any(a < end and start < b for start, end in spans) for a, b in mine)
    for entity, (_, count, recall, precision) in FLOORS.items():
        assert labelled[entity] == count
        assert covered[entity] >= recall * count, entity
        assert right[entity] >= precision * found[entity], entity


@pytest.mark.parametrize("name", ["instruct_gsm8k/train.jsonl.gz", "text_tinyshakespeare/input.txt.gz"])
def test_sums_and_plays_hold_no_personal_data(real_data: Callable[[str], Path], name: str) -> None:
    lines = gzip.decompress(real_data(name).read_bytes()).decode().splitlines()
    assert [line for line in lines if find(line)] == []
