"""A platform is asked within limits that hold whatever it does, and nothing of ours is told."""

import time
import tracemalloc

import pytest

from admission.errors import FeedError, FeedRejected, FeedUnavailable, InvalidInput
from gate_server.certificates import TlsFiles, renew_server_certificate
from gate_server.feeds.http import (
    Answer,
    Limits,
    PlatformHttp,
    check,
    check_json,
    check_token,
    check_url,
)
from gate_server.ledger.ledger import utc_now
from tests import platforms
from tests.platforms import TOKEN, Platform
from tests.server import Park, a_free_port

QUICK = Limits(connect_s=1.0, silence_s=0.5, whole_s=1.0, most_bytes=1 << 20)


@pytest.fixture
def platform():
    with Platform() as found:
        yield found


@pytest.fixture
def http(platform):
    found = PlatformHttp(platform.url, TOKEN, limits=QUICK)
    yield found
    found.close()


def test_token_is_sent_and_an_answer_comes_whole(platform, http):
    answer = check_json(http.get("/changes", {"limit": "7"}))

    assert answer.status == 200
    assert platform.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert platform.asked[0].query == {"limit": "7"}
    assert TOKEN not in repr(http) + repr(answer)


def test_one_connection_is_kept_for_the_next_question(platform, http):
    for _ in range(3):
        http.get("/changes")

    assert len(platform.asked) == 3


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (platforms.hang_up, "broke off"),
        (platforms.truncate, "broke off"),
        (platforms.silent(3.0), "fell silent"),
        (platforms.drip(0.1), "took longer than 1 s"),
        (platforms.drip_headers(0.1), "took longer than 1 s"),
        (platforms.content(b"{}", Content_Encoding="gzip"), "not the gzip"),
        (platforms.content(b"{}", Content_Encoding="br"), "did not ask for"),
        (platforms.bomb, "larger than"),
        (platforms.endless(b"", b" " * 65536), "larger than"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_whatever_it_does_it_is_over_within_the_limits(platform, http, trouble, words):
    platform.troubles = [trouble]
    tracemalloc.start()
    began = time.monotonic()
    with pytest.raises(FeedError, match=words):
        http.get("/changes")
    took_s, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert took_s < 2.5
    assert peak < 8 << 20
    assert check_json(http.get("/changes")).status == 200, "and the next question is answered"


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"status": 401}, FeedRejected, "refuses it with 401"),
        ({"status": 403}, FeedRejected, "refuses it with 403"),
        ({"status": 404}, FeedRejected, "404"),
        ({"status": 422}, FeedRejected, "422"),
        ({"status": 429}, FeedUnavailable, "429"),
        ({"status": 500}, FeedUnavailable, "500"),
        ({"status": 503}, FeedUnavailable, "503"),
        ({"kind": "text/html"}, FeedRejected, "page for people"),
    ],
)
def test_answer_that_is_none_says_what_it_was(platform, http, given, kind, words):
    platform.troubles = [platforms.content(b"<html>", **given)]

    with pytest.raises(kind, match=words):
        check_json(http.get("/changes"))


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("7", 7),
        ("999999999999999999999", 3600),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("soon", None),
        ("-5", None),
        ("٣", None),
    ],
)
def test_platform_that_asks_for_peace_is_given_it_within_reason(given, seconds):
    answer = Answer(503, {"Retry-After": given}, b"")

    with pytest.raises(FeedUnavailable) as caught:
        check(answer)
    assert caught.value.retry_after_s == seconds


def test_redirect_is_not_followed_so_the_token_goes_nowhere_else(platform, http):
    with Platform() as other:
        platform.troubles = [platforms.redirect(other.url + "/changes")]
        with pytest.raises(FeedRejected, match="redirects with 302"):
            check(http.get("/changes"))

    assert other.asked == []


def test_nobody_there_and_no_such_name_are_told_apart():
    for url, words in [
        (f"http://127.0.0.1:{a_free_port()}", "nothing listens"),
        ("https://no-such-host.invalid/api", "name is not known"),
    ]:
        http = PlatformHttp(url, TOKEN, limits=QUICK)
        with pytest.raises(FeedUnavailable, match=words):
            http.get("/changes")
        http.close()


def test_certificate_that_nobody_vouches_for_is_not_believed(tmp_path):
    Park(tmp_path / "var").close()
    files = TlsFiles(tmp_path / "var/keys/tls")
    renew_server_certificate(files.directory, now=utc_now(), hosts=["127.0.0.1"])
    with Platform(tls=(files.server_pem, files.server_key)) as platform:
        http = PlatformHttp(platform.url, TOKEN, limits=QUICK)
        with pytest.raises(FeedUnavailable, match="certificate is not one"):
            http.get("/changes")
        http.close()

    assert platform.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://platform.example/api",
        "ftp://platform.example",
        "platform.example/api",
        "https://",
        "https://user:secret@platform.example",
        "https://platform.example/api?key=secret",
        "https://platform.example/api#part",
        "https://[::1",
        "http://10.0.0.1/api",
    ],
)
def test_address_must_be_safe_and_without_secrets(url):
    with pytest.raises(InvalidInput) as caught:
        check_url(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://platform.example/api/", "http://127.0.0.1:8000", "http://[::1]:1/x"]
)
def test_address_is_taken_without_its_last_slash(url):
    assert check_url(url) == url.rstrip("/")


@pytest.mark.parametrize("token", ["", "  \n", "two words", "line\r\nX-Evil: 1", "tök", "x" * 5000])
def test_token_that_cannot_stand_in_a_header_is_refused_unquoted(token):
    with pytest.raises(InvalidInput) as caught:
        check_token(token)

    assert token not in str(caught.value) or not token.strip()


def test_token_is_taken_without_the_line_end_of_its_file():
    assert check_token("abc\n") == "abc"
