"""Which hosts are this machine."""

import pytest

from admission.hosts import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_by_each_of_its_names(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "10.0.0.1", "::", "localhost.evil"])
def test_any_other_host_is_not(host):
    assert not is_loopback(host)
