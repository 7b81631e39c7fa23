"""Ask a call of the API for what a page shows: with the account's role, and its platform alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gate_server.web.board.acts import find_operation
from gate_server.web.board.pages import Visit
from gate_server.web.operations import Noun


def answer_of(
    visit: Visit,
    noun: Noun,
    view: str,
    args: Mapping[str, str] = MappingProxyType({}),
    *,
    body: Mapping[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
) -> Any:
    """Return what a call answers; `args` are the variable parts of its path.

    Raises:
        AdmissionError: as the call does; another platform's is not there for a partner.
    """
    return find_operation(noun, view).perform(
        visit.services,
        visit.caller,
        args=args,
        body=body or {},
        query=query or {},
        address=visit.address,
    )
