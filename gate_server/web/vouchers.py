"""Vouchers over HTTP: find them where a code cannot be read, ask whose phone bought one."""

from __future__ import annotations

from datetime import datetime

from admission.codes import normalise
from admission.errors import Fault, InvalidInput
from admission.keys import code_hash, normalise_phone, phone_hash
from admission.scans import Profile
from admission.wire_buyers import VerifyAnswer, VerifyRequest
from admission.wire_staff import FoundVoucher, LookupAnswer, LookupRequest
from gate_server.ledger.lookups import Asked, LookedUp, look_up
from gate_server.ledger.phone_checks import Asker, Which, check_phone
from gate_server.web.callers import STEWARDS
from gate_server.web.operations import Call, Noun

FEWEST_DIGITS = 5

vouchers = Noun("vouchers")


@vouchers.operation(
    "POST",
    "/vouchers/lookup",
    who=STEWARDS | {Profile.GATE, Profile.EXCHANGE},
    body=LookupRequest,
    answer=LookupAnswer,
    problems=("too-many",),
)
def find(call: Call) -> LookupAnswer:
    """Find at most ten vouchers, masked, each with a handle to scan; always audited."""
    services, ledger = call.services, call.services.ledger
    asked = _asked(call, call.body)
    if asked.keys == () and asked.how != "code":
        services.attempts.count_lookup(call.caller.name)
    device, now = call.caller.device, ledger.clock()
    area = None if device is None else ledger.catalogue.gates[device.gate_id].area
    found, more = ledger.write(
        lambda tx: look_up(tx, asked, area=area, by=call.caller.name, now=now)
    )
    bound_to = None if device is None else device.device_id
    picks = services.answers.picks
    return LookupAnswer(
        vouchers=[
            _found(each, picks.write(each.row.voucher.voucher_id, device_id=bound_to, now=now))
            for each in found
        ],
        more=more,
    )


@vouchers.operation(
    "POST",
    "/vouchers/verify",
    who=STEWARDS | {Profile.GATE, Profile.MARSHAL, Profile.EXCHANGE},
    body=VerifyRequest,
    answer=VerifyAnswer,
    problems=("not-found", "no-phone", "no-tries-left", "too-many"),
)
def verify_phone(call: Call) -> VerifyAnswer:
    """Say whether four digits end the phone that bought a voucher; three wrong ones a day, audited.

    It tells the buyer from somebody with a copy of the code. Of the phone nothing else is told.
    """
    services, ledger, device = call.services, call.services.ledger, call.caller.device
    now = ledger.clock()
    which = _which(call, now)
    services.attempts.count_verify(call.caller.name)
    asker = Asker(call.caller.name, None if device is None else device.gate_id)
    checked = ledger.write(
        lambda tx: check_phone(tx, which.find(tx), call.body.phone_last4, asker=asker, now=now)
    )
    return VerifyAnswer(matches=checked.matches, tries_left=checked.tries_left)


def _which(call: Call, now: datetime) -> Which:
    """Return which voucher is asked about.

    Raises:
        InvalidInput: neither a code nor a handle, or both, or a handle that is no good.
    """
    request, services, device = call.body, call.services, call.caller.device
    if (request.code is None) is (request.pick is None):
        raise InvalidInput("code", "send either code or pick", Fault.OUT_OF_PLACE)
    if request.code is not None:
        return Which(keys=services.check_in.read(request.code).keys)
    bound_to = "" if device is None else device.device_id
    pick = services.answers.picks.read(request.pick, device_id=bound_to, now=now)
    if pick.voucher_id is None:
        raise InvalidInput("pick", pick.problem or "look the voucher up again", Fault.STALE)
    return Which(voucher_id=pick.voucher_id)


def _asked(call: Call, request: LookupRequest) -> Asked:
    """Return what was asked, personal parts hashed.

    Raises:
        InvalidInput: not exactly one of the four, or four digits without a reason.
    """
    ways = ("code", "order_ref", "phone", "phone_last4")
    given = [way for way in ways if getattr(request, way) is not None]
    if len(given) != 1:
        raise InvalidInput(
            given[1] if given else "code", f"send exactly one of {', '.join(ways)}", Fault.MISSING
        )
    keys, reason = call.services.keys, request.reason
    if request.code is not None:
        read = call.services.check_in.read(request.code)
        return Asked("code", _hex(read.keys), keys=read.keys, reason=reason)
    if request.order_ref is not None:
        order = normalise(request.order_ref)
        hashes = tuple(code_hash(order, key) for key in keys.code_keys)
        return Asked("order_ref", _hex(hashes), keys=hashes, reason=reason)
    if request.phone is not None:
        if len(normalise_phone(request.phone)) < FEWEST_DIGITS:
            raise InvalidInput(
                "phone",
                f"give the whole number, at least {FEWEST_DIGITS} digits",
                Fault.TOO_SHORT,
                FEWEST_DIGITS,
            )
        phone = phone_hash(request.phone, keys.phone_key())
        return Asked("phone", phone.hex(), phone=phone, reason=reason)
    if reason is None:
        raise InvalidInput(
            "reason", "say why, for four digits find other people's vouchers too", Fault.MISSING
        )
    last4 = request.phone_last4 or ""
    return Asked("phone_last4", last4, phone_last4=last4, reason=reason)


def _hex(keys: tuple[bytes, ...]) -> str:
    return keys[0].hex() if keys else ""


def _found(found: LookedUp, pick: str) -> FoundVoucher:
    voucher, deal, history = found.row.voucher, found.row.deal, found.history
    first = history.first_use
    return FoundVoucher(
        pick=pick,
        tail=voucher.tail,
        title=deal.title,
        category=deal.category.value,
        remaining=found.remaining,
        deal_id=deal.deal_id,
        status=voucher.status.value,
        admits=voucher.admits,
        sold_at=voucher.sold_at,
        admitted=sum(share.persons for share in history.shares.values()),
        first_use_at=None if first is None else first.at,
    )
