"""The printer of an exchange desk or a marshal, as `scanner.toml` describes it."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from admission.errors import InvalidInput

KINDS = ("none", "escpos-usb", "escpos-network", "escpos-serial", "escpos-file", "pdf")
_USB = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{4}")
_HOST = re.compile(r"(?P<host>[^:]+|\[[^\]]+\])(?::(?P<port>[0-9]{1,5}))?")
_RANGES = (
    # A ticket's code is 45 modules wide with its margin, and a module is at least 4 dots.
    ("width_px", 180, 2000),
    ("baud", 300, 4_000_000),
    ("timeout_s", 0.1, 120),
    ("per_page", 1, 12),
)


@dataclass(frozen=True, slots=True)
class PrinterSettings:
    """Which printer, and how it prints; `config/scanner.toml` explains each."""

    kind: str
    address: str
    width_px: int
    encoding: str
    cut: bool
    confirm: bool
    baud: int
    timeout_s: float
    per_page: int
    slips: bool
    refusal_slips: bool

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidInput("kind", f"give one of: {', '.join(KINDS)}")
        for name, least, most in _RANGES:
            if not least <= getattr(self, name) <= most:
                raise InvalidInput(name, f"give a number from {least} to {most}")
        try:
            codecs.lookup(self.encoding)
        except LookupError as error:
            raise InvalidInput("encoding", "no such code page; gb18030 is usual") from error
        self._check_address()

    def _check_address(self) -> None:
        if self.kind == "escpos-usb" and not _USB.fullmatch(self.address):
            raise InvalidInput("address", "give VENDOR:PRODUCT as lsusb shows it, 04b8:0e28")
        if self.kind == "escpos-network" and not _HOST.fullmatch(self.address):
            raise InvalidInput("address", "give HOST or HOST:PORT")
        if self.kind != "none" and not self.address:
            raise InvalidInput("address", "say where the printer is")

    @property
    def usb(self) -> tuple[int, int]:
        """Vendor and product of a USB printer."""
        vendor, _, product = self.address.partition(":")
        return int(vendor, 16), int(product, 16)

    @property
    def host(self) -> tuple[str, int]:
        """Host and port of a network printer; 9100 where none is named."""
        found = _HOST.fullmatch(self.address)
        assert found is not None  # noqa: S101 - checked when it was made
        return found["host"].strip("[]"), int(found["port"] or 9100)
