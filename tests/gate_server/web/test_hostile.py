"""Whatever is sent: a verdict or a clean 400, never a 5xx."""

import json

import pytest

from tests.server import a_nonce, slug_of

CODES = {
    "empty": "",
    "spaces": "   \t ",
    "short": "abc",
    "huge": "A" * 900_000,
    "controls": "\x00\x01\x02\x1b[31mRED\x1b[0m\x07",
    "sql": "'; DROP TABLE vouchers; --",
    "markup": "<script>alert(1)</script>",
    "template": "{{ 7*7 }} {0.__class__} %(x)s %n",
    "emoji": "🎟️🎟️🎟️🎟️👨‍👩‍👧‍👦",
    "right-to-left": "\u202eABCDEF\u202c",
    "combining": "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!",
    "url": "https://example.com/t?code=ABCDEF",
    "wechat pay": "134567890123456789",
    "token-like": "GH1:" + "A" * 118,
    "eci": "\\000026ABCDEF",
    "non-characters": "\ufffe\uffff\u0000ABCDEF",
}


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_any_text_gets_a_verdict(site, park, code):
    device = park.enrol()
    answer = site.scan(device, code)

    assert answer["outcome"] == "refuse"
    assert answer["voucher"] is None


BODIES = {
    "nothing": b"",
    "not JSON": b"code=ABCDEF&nonce=12345678",
    "half": b'{"code": "ABCDEF", "nonce": "1234',
    "a list": b"[1, 2, 3]",
    "null": b"null",
    "binary": bytes(range(256)),
    "not UTF-8": b'{"code": "\xff\xfe\xfa", "nonce": "12345678"}',
    "raw surrogates": b'{"code": "\xed\xa0\x80", "nonce": "12345678"}',
    "lone surrogate": b'{"code": "\\ud800", "nonce": "12345678"}',
    "byte order mark": b'\xef\xbb\xbf{"code": "ABCDEF", "nonce": "12345678"}',
    "deep list": b"[" * 100_000,
    "deep field": b'{"code": ' + b'{"a":' * 100_000,
    "unknown field": b'{"code": "ABCDEF", "nonce": "12345678", "modus": "admit"}',
    "repeated field": b'{"code": "ABCDEF", "nonce": "12345678", "code": "GHIJKL"}',
    "escaped repetition": b'{"code": "ABCDEF", "nonce": "12345678", "\\u0063ode": "GHIJKL"}',
    "number for text": b'{"code": 123456, "nonce": "12345678"}',
    "NaN": b'{"code": "ABCDEF", "nonce": "12345678", "party": NaN}',
    "no party": b'{"code": "ABCDEF", "nonce": "12345678", "party": 0}',
    "a crowd": b'{"code": "ABCDEF", "nonce": "12345678", "party": 100}',
    "a huge number": b'{"code": "ABCDEF", "nonce": "12345678", "party": 1' + b"0" * 4000 + b"}",
    "half a person": b'{"code": "ABCDEF", "nonce": "12345678", "party": 1.5}',
    "unknown mode": b'{"code": "ABCDEF", "nonce": "12345678", "mode": "enter"}',
    "naive time": b'{"code": "ABCDEF", "nonce": "12345678", "scanned_at": "2015-02-12T09:00:00"}',
    "year one": b'{"code": "AB", "nonce": "12345678", "scanned_at": "0001-01-01T00:00:00+14:00"}',
    "last year": b'{"code": "AB", "nonce": "12345678", "scanned_at": "9999-12-31T23:59:59-14:00"}',
    "short nonce": b'{"code": "ABCDEF", "nonce": "1234567"}',
    "long nonce": b'{"code": "ABCDEF", "nonce": "' + b"1" * 65 + b'"}',
    "nonce with a line end": b'{"code": "ABCDEF", "nonce": "12345678\\n"}',
    "nonce with a path": b'{"code": "ABCDEF", "nonce": "../../../etc"}',
    "no nonce": b'{"code": "ABCDEF"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_unusable_body_is_refused_with_its_field(site, park, body):
    device = park.enrol()
    answer = site.post("/scans", device, body)

    assert (answer.status_code, slug_of(answer)) == (400, "invalid")
    assert answer.json()["errors"][0].keys() == {"field", "problem"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"code": "ABCDEF", "nonce": "12345678", "modus": "admit"}, "modus"),
        ({"code": "ABCDEF"}, "nonce"),
        ({"code": "ABCDEF", "nonce": "12345678", "party": 0}, "party"),
    ],
)
def test_bad_field_is_named(site, park, body, field):
    answer = site.post("/scans", park.enrol(), body)

    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_body_above_a_mebibyte_is_too_large(site, park):
    device = park.enrol()
    body = json.dumps({"code": "A" * (1 << 20), "nonce": a_nonce()}).encode()
    answer = site.post("/scans", device, body)

    assert (answer.status_code, slug_of(answer)) == (413, "too-large")


def test_code_stays_out_of_answers_and_audit(site, park):
    device, code = park.enrol(), "SECRET-CODE-9Z9Z"
    park.sell(code)
    admitted = site.try_scan(device, code)
    refused = site.try_scan(device, "SECRET-UNKNOWN-CODE")
    kept = park.ledger.read(lambda db: b"".join(_everything(db)))

    assert b"SECRET" not in admitted.content + refused.content
    assert b"SECRET" not in kept


def _everything(db):
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for row in db.execute(f"SELECT * FROM {table}"):
            yield repr(row).encode()


@pytest.mark.parametrize(
    "path",
    ["/scans//annul", "/scans/%00/annul", "/scans/../annul", "/deals/%2e"],
)
def test_odd_paths_find_nothing(site, park, path):
    supervisor = park.hire()
    method, body = ("GET", None) if path.startswith("/deals") else ("POST", {"reason": "x"})
    answer = site.call(method, path, supervisor, body)

    assert answer.status_code == 404
    assert slug_of(answer) == "not-found"


@pytest.mark.parametrize("query", ["preveiw=true", "preview=yes", "preview=true&preview=false"])
def test_misspelt_preview_never_voids(site, park, query):
    body = {"reason": "x", "honour": None, "cost_bearer": "platform"}
    answer = site.post(f"/deals/DAY/void?{query}", park.hire(), body)

    assert (answer.status_code, slug_of(answer)) == (400, "invalid")
    assert park.ledger.catalogue.voids == {}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_wrong_method_is_told_the_right_one(site, method):
    answer = site.call(method, "/scans")

    assert (answer.status_code, slug_of(answer)) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


def test_unknown_path_is_a_problem_too(site):
    answer = site.get("/nothing-here")

    assert (answer.status_code, slug_of(answer)) == (404, "not-found")
