"""How long personal fields are kept is a setting."""

from __future__ import annotations

import pytest

from admission.errors import InvalidInput
from tests.server import Park


def test_settings_of_privacy_are_days(tmp_path):
    with pytest.raises(InvalidInput, match="phone_days"):
        Park(tmp_path / "var", settings="[privacy]\nphone_days = -1\n")
