"""The chain of a scanner's own record: each line's head covers the line and the head before it.

The server makes the same heads of the lines as they arrive. A head that a heartbeat told before a
void proves that the lines under it existed by then.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec.structs import replace

from admission.wire_outage import BatchLine

_PURPOSE = b"gatehouse journal v1\x00"
_encode = msgspec.json.Encoder(order="deterministic").encode


def first_head(device_id: str) -> str:
    """Return the head before a device's first line, 64 hexadecimal digits."""
    return hashlib.sha256(_PURPOSE + device_id.encode()).hexdigest()


def next_head(head: str, line: BatchLine) -> str:
    """Return the head after a line: SHA-256 over purpose, head before and the line without head."""
    content = _encode(replace(line, head=None))
    return hashlib.sha256(_PURPOSE + bytes.fromhex(head) + content).hexdigest()
