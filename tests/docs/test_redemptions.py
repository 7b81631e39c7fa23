"""The platform of docs/redemptions.md, as it stands there, takes what a real venue reports."""

import re
import threading
from http.server import ThreadingHTTPServer

import pytest

from tests.docs.pages import ROOT, read
from tests.redeem_desk import a_desk

PAGE = read(ROOT / "docs/redemptions.md")
(PROGRAM,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def example():
    """Run the page's program, but for its port."""
    names = {"__name__": "example"}
    exec(compile(PROGRAM, "redemptions.md", "exec"), names)
    names["Platform"].log_message = lambda *_: None
    with ThreadingHTTPServer(("127.0.0.1", 0), names["Platform"]) as server:
        names["url"] = f"http://127.0.0.1:{server.server_address[1]}/redemptions"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield names
        server.shutdown()


class Example:
    """The page's platform, as a desk knows one."""

    def __init__(self, url):
        self.url = url


def test_platform_of_the_page_takes_redemptions_and_undoes_them(example, tmp_path):
    with a_desk(tmp_path / "var", Example(example["url"])) as desk:
        desk.park.sell("PAGE-CODE-01", admits="2", voucher_ref="V-1001")
        desk.scan("PAGE-CODE-01", party=2, nonce="page-scan")
        desk.report()
        redeemed = dict(example["people"])

        desk.annul("page-scan", people=1)
        desk.report()

    assert redeemed == {"V-1001": 2}
    assert example["people"] == {"V-1001": 1}
