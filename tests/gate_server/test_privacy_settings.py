"""How long personal fields are kept is a setting; what the commands say about them is true."""

from __future__ import annotations

import re

import pytest

from admission.errors import InvalidInput
from tests.gate_server.test_cli import run
from tests.server import Park

PHONE = "13812345678"


def test_settings_of_privacy_are_days(tmp_path):
    with pytest.raises(InvalidInput, match="phone_days"):
        Park(tmp_path / "var", settings="[privacy]\nphone_days = -1\n")


def test_dry_run_says_of_nothing_that_it_was_erased_or_can_still_be_used(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("USED-001", buyer_phone=PHONE)
    park.close()
    said = run(park.directory, "privacy", "erase", "--phone", PHONE, "--dry-run").stdout

    assert "1 voucher would be erased" in said
    assert "0 accounts would be erased" in said
    assert "kept: deal DAY: 1 voucher. 电子票尚未到期" in said
    assert "已删除" not in said
    assert "still valid" not in said


def test_holds_are_listed_with_venue_time(tmp_path):
    Park(tmp_path / "var").close()
    run(tmp_path / "var", "privacy", "hold", "case 7", "--reason", "court")
    listed = run(tmp_path / "var", "privacy", "holds").stdout

    assert re.search(r"case 7 .* \d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", listed)
