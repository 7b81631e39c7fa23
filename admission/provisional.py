"""What a good token says of a voucher whose row is not held."""

from __future__ import annotations

from admission.calendar import Venue
from admission.tokens import Token
from admission.vouchers import MOST_ADMITS, Voucher


def voucher_of_token(token: Token, venue: Venue, *, voucher_id: int = 0, tail: str = "") -> Voucher:
    """Return the voucher that a token describes, for days in the venue's own calendar.

    A token has room for more people than any voucher admits; what is over is cut off.
    """
    return Voucher(
        voucher_id=voucher_id,
        tail=tail,
        admits=min(token.admits, MOST_ADMITS),
        valid_from=venue.day_bounds(token.first_day)[0],
        valid_until=venue.day_bounds(token.last_day)[1],
    )
