"""What was given back on request, beside the classes of a settlement, on the wire."""

from __future__ import annotations

from admission.wire_base import Answer


class OnRequest(Answer, frozen=True):
    """People of a deal whose money was given back because the platform asked for them.

    A voucher of which nobody is left is in the class `refunded`, one that was given back in part in
    that of those who are left, for their share of the price.

    Attributes:
        vouchers: those with such people, `in_part` of them still let others in.
        paid_back_minor: the share of the price of those people; of an unknown price 0.
    """

    vouchers: int
    in_part: int
    people: int
    paid_back_minor: int
