"""Pages of the hand scanner as they are served: setup, manifest, policy, the certificate."""

from __future__ import annotations

import io
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from PIL import Image

from admission.codes import CodeForm, classify
from admission.looks import face_for
from admission.scans import Mode
from admission.verdicts import Outcome, Reason
from gate_server.certificates import ca_fingerprint
from tests.server import an_app, slug_of

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def setup(site):
    return site.http.get("/scan/setup.json").json()


@pytest.fixture
def ca_pem(park):
    return (park.directory / "keys/tls/ca.pem").read_bytes()


@pytest.fixture
def with_tls(park, ca_pem):
    with an_app(park, ca_pem=ca_pem) as (_, site):
        yield site.http


def test_page_has_a_strict_policy_and_no_script_of_its_own(site):
    page = site.http.get("/scan")

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "unsafe-inline" not in policy
    assert "<script>" not in page.text
    assert " style=" not in page.text
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    assert "https://" not in page.text


def test_every_script_comes_with_a_policy(site, setup):
    for path in setup["shell"]:
        answer = site.http.get(path)
        assert answer.status_code == 200, path
        assert "content-security-policy" in answer.headers, path
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_nothing_that_is_served_names_another_host(site, setup):
    own = [path for path in setup["shell"] if path.startswith("/static/scan/")]

    for path in own:
        if not path.endswith(".png"):
            text = site.http.get(path).text.replace("http://www.w3.org/2000/svg", "")
            assert "://" not in text.replace("https?:\\/\\/", ""), path
    assert len(own) > 20


@pytest.mark.parametrize("mode", Mode)
def test_every_verdict_looks_as_at_every_other_lane(setup, mode):
    for reason in Reason:
        face = setup["faces"][setup["looks"][mode][reason]]
        same = face_for(reason, mode)
        assert (face["shape"], face["word"], face["zh"]) == (same.shape, same.word, same.zh)
        assert (face["colour"], face["bells"]) == (same.colour, same.bells)


def test_a_call_for_a_human_has_a_face_for_what_has_no_verdict(setup):
    assert setup["faces"][setup["call"]]["word"] == "CALL"
    assert setup["faces"][setup["stop"]]["word"] == "STOP"
    assert face_for(Reason.DEAL_HELD, Mode.ADMIT).word == "CALL"
    assert Outcome.REFER


def test_phone_learns_what_a_payment_code_is_from_the_rules(setup):
    import re

    pattern = re.compile(setup["payment"])

    for code in ("134567890123456789", "2812345678901234567", "9K3F-22AX-8K2F", "3112345678901234"):
        assert bool(pattern.fullmatch(code)) is (classify(code) is CodeForm.PAYMENT)


def test_it_can_be_installed(site):
    answer = site.http.get("/scan/manifest.webmanifest")

    manifest = answer.json()
    assert answer.headers["content-type"] == "application/manifest+json"
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == (
        "/scan",
        "/scan",
        "standalone",
    )
    for icon in manifest["icons"][1:]:
        picture = Image.open(io.BytesIO(site.http.get(icon["src"]).content))
        assert f"{picture.width}x{picture.height}" == icon["sizes"]


def test_worker_may_serve_the_page_and_sees_no_call(site):
    worker = site.http.get("/scan/worker.js")

    assert worker.headers["service-worker-allowed"] == "/scan"
    assert worker.headers["content-type"].startswith("text/javascript")
    assert "/api/" not in worker.text


def test_certificate_is_told_as_pem_to_programs_and_as_a_page_to_browsers(with_tls, ca_pem):
    assert with_tls.get("/ca").content == ca_pem
    assert with_tls.get("/ca.pem").content == ca_pem
    page = with_tls.get("/ca", headers=HTML)
    assert page.headers["content-type"].startswith("text/html")
    assert all(word in page.text for word in ("Android", "iPhone", "安装", "/ca.crt"))


def test_page_tells_the_fingerprint_to_compare(with_tls, ca_pem):
    text = with_tls.get("/ca", headers=HTML).text

    shown = x509.load_pem_x509_certificate(ca_pem).fingerprint(SHA256()).hex().upper()
    assert " ".join(shown[at : at + 4] for at in range(0, 64, 4)) in text
    assert ca_fingerprint(ca_pem)[:8] in text


def test_phones_get_the_certificate_in_the_form_that_they_install(with_tls, ca_pem):
    answer = with_tls.get("/ca.crt")

    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    assert "gatehouse-ca.crt" in answer.headers["content-disposition"]
    assert x509.load_der_x509_certificate(answer.content) == x509.load_pem_x509_certificate(ca_pem)


def test_without_tls_it_says_that_loopback_is_trusted(site):
    page = site.http.get("/ca", headers=HTML)

    assert page.status_code == 200
    assert "127.0.0.1" in page.text
    assert slug_of(site.http.get("/ca.crt")) == "not-found"
    assert slug_of(site.http.get("/ca")) == "not-found"


def test_nothing_served_holds_a_secret(site, setup, park):
    token = park.enrol().token
    texts = [site.http.get(path).text for path in setup["shell"] if path.endswith(".js")]

    assert all(token not in text for text in [*texts, json.dumps(setup)])


def test_invitation_leads_to_the_page(site):
    page = site.http.get("/enrol").text

    assert 'href="/scan"' in page
    assert "scanner-client enrol" in page
