"""An empty replica in a directory of its own, and what it says to staff."""

from collections.abc import Iterator

import pytest

from scanner_client.replica import Replica
from scanner_client.seal import load_seal


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def replica(tmp_path, said) -> Iterator[Replica]:
    replica = Replica(tmp_path, load_seal(tmp_path, said.append), said.append)
    yield replica
    replica.close()
