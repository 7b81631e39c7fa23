"""Commands about closures: list, show, declare, amend, restore."""

from __future__ import annotations

from typing import Any

import msgspec

from admission.wire_terms import ClosureRequest
from gate_server.closures import ClosureDesk
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Named, Nothing


class Declare(Params, frozen=True):
    """A closure to be declared, or to be amended where it has a number already."""

    request: ClosureRequest
    closure_id: str | None = None
    preview: bool = False


class Restore(Params, frozen=True):
    """A closure that is to end."""

    closure_id: str
    reason: str
    preview: bool = False


def list_closures(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List all closures, the newest first."""
    return [_built(each) for each in _desk(services).page().closures]


def show_closure(services: Services, params: Named) -> dict[str, Any]:
    """Show one closure with its versions."""
    return _built(_desk(services).show(params.name))


def declare_closure(services: Services, params: Declare) -> dict[str, Any]:
    """Close the venue for a time, or put other terms in the place of a closure's."""
    desk, closure_id = _desk(services), params.closure_id
    if params.preview:
        return _built(desk.preview(params.request, closure_id))
    if closure_id is None:
        return _built(desk.declare(params.request))
    return _built(desk.amend(closure_id, params.request))


def restore_closure(services: Services, params: Restore) -> dict[str, Any]:
    """End a closure, or say what that would take back."""
    desk = _desk(services)
    if params.preview:
        return _built(desk.preview_restore(params.closure_id))
    return _built(desk.restore(params.closure_id, params.reason))


def _desk(services: Services) -> ClosureDesk:
    return ClosureDesk(services.ledger, by=services.by)


def _built(answer: msgspec.Struct) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(answer)
    return built


COMMANDS: dict[str, Command[Any]] = {
    "closure list": Command(Nothing, list_closures),
    "closure show": Command(Named, show_closure),
    "closure declare": Command(Declare, declare_closure),
    "closure amend": Command(Declare, declare_closure),
    "closure restore": Command(Restore, restore_closure),
}
