"""The replica over HTTP: all that a scanner decides from, and what changed since."""

from __future__ import annotations

import re
from typing import Final

from admission.errors import InvalidInput, LedgerConflict
from admission.wire_outage import NDJSON
from gate_server.gzip_parts import HEADER, Member, Part, expand
from gate_server.web.callers import DEVICES
from gate_server.web.operations import Call, Headers, Noun, Reply, text, whole

replica = Noun("replica")

# What follows the ledger is sent in one piece and holds no thread while it travels.
_MOST_AT_ONCE: Final = 256 << 10
_NO_GZIP: Final = re.compile(r"q=0(\.0*)?")
_GZIP: Final = frozenset({"gzip", "x-gzip", "*"})


@replica.operation(
    "GET",
    "/replica",
    who=DEVICES,
    problems=("epoch-changed", "downloads-full"),
    query=(whole("since"), text("epoch")),
    content_type=NDJSON,
)
def fetch_replica(call: Call) -> Reply:
    """Send what changed after revision `since`; 0 is everything.

    Lines `{"kind", "revision", ...}`, a `state` line, then
    `{"revision": N, "epoch": E, "complete": true}`. A download that broke off goes on with the
    revision of its last whole line. A line may repeat what was told before; the last one counts.
    `epoch` is required unless `since` is 0.
    """
    ledger, segments = call.services.ledger, call.services.segments
    since, epoch = call.whole("since"), call.query.get("epoch")
    if since and epoch is None:
        raise InvalidInput("epoch", "say of which epoch the revision `since` is")
    if epoch is not None and epoch != ledger.epoch:
        raise LedgerConflict("epoch-changed", "the ledger has begun a new life; download it afresh")
    cut = segments.cut()
    if since > cut.revision:
        raise LedgerConflict(
            "epoch-changed", f"the ledger is at revision {cut.revision}; download it afresh"
        )
    zipped = accepts_gzip(call.encodings)
    headers: Headers = [("Vary", "Accept-Encoding")]
    if zipped:
        headers.append(("Content-Encoding", "gzip"))
    if since >= cut.base:
        part = cut.delta(since)
        if part.length <= _MOST_AT_ONCE:
            return Reply(_whole(part, zipped=zipped), content_type=NDJSON, headers=headers)
    download = call.services.downloads.begin(call.device, since, zipped=zipped)
    return Reply(download, content_type=NDJSON, headers=headers)


def accepts_gzip(encodings: str) -> bool:
    """Say whether an Accept-Encoding takes gzip."""
    for each in encodings.lower().split(","):
        name, _, weight = each.partition(";")
        if name.strip() in _GZIP:
            return _NO_GZIP.fullmatch(weight.replace(" ", "")) is None
    return False


def _whole(part: Part, *, zipped: bool) -> bytes:
    if not zipped:
        return expand(part)
    member = Member()
    return HEADER + member.add(part) + member.end()
