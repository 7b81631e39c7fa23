"""The browser that tests drive is really there, and reads codes by our own copy of zxing-wasm."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
import qrcode

from scripts import web_parts

ROOT = Path(__file__).parent.parent
NPM = ROOT / web_parts.TARGET

READ = """async ({wasm, picture}) => {
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    ZXingWASM.prepareZXingModule({overrides: {wasmBinary: bytes(wasm).buffer}});
    const found = await ZXingWASM.readBarcodes(new Blob([bytes(picture)]), {formats: ["QRCode"]});
    return found.map((each) => each.text);
}"""


def test_browser_runs_our_copy_of_the_reader(page):
    if not web_parts.are_current(ROOT):
        pytest.skip("no parts from npm on this machine: apt-get install npm, then make test")
    picture = io.BytesIO()
    qrcode.make("9K3F-22AX-8K2F").save(picture, "PNG")
    page.set_content("<title>reader</title>")
    page.add_script_tag(path=NPM / "zxing_reader.js")

    texts = page.evaluate(
        READ,
        {
            "wasm": base64.b64encode((NPM / "zxing_reader.wasm").read_bytes()).decode(),
            "picture": base64.b64encode(picture.getvalue()).decode(),
        },
    )

    assert texts == ["9K3F-22AX-8K2F"]


def test_lock_names_no_place_to_download_from():
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))

    assert {name for part in lock["packages"].values() for name in part} & {"resolved"} == set()


def test_copies_are_not_committed():
    assert f"/{web_parts.TARGET}/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_copies_are_current_only_while_the_lock_says_so(tmp_path):
    (tmp_path / "package-lock.json").write_text("{}")
    target = tmp_path / web_parts.TARGET
    target.mkdir(parents=True)
    for name in web_parts.PARTS.values():
        (target / name).write_text("")
    (target / web_parts.STAMP).write_text(web_parts.digest(tmp_path))

    before = web_parts.are_current(tmp_path)
    (tmp_path / "package-lock.json").write_text("{ }")

    assert (before, web_parts.are_current(tmp_path)) == (True, False)
