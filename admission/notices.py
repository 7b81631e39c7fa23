"""What stands on every refusal of a void: what happened, what the visitor gets, where to go.

The notice that a supervisor wrote, word for word; else one composed of the void's terms. A scanner
without network composes the same, for it has the same terms. Whatever else withdraws vouchers needs
only to put its own notice into a verdict's `say`, under `notice`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from admission.calendar import Venue
from admission.deals import Deal
from admission.incident_words import money
from admission.messages import Sentence
from admission.remedies import Refund
from admission.verdicts import NOTHING_TO_SAY, Reason, Say
from admission.voids import Void
from admission.vouchers import Voucher

PARTS = ("happened", "refund", "refund_unknown", "compensation", "received", "where")
"""The sentences that a notice is put together from, in this order; each where it is true."""
_NAMES = ("amount", "arrived_by", "desk")
_OF_REFUND = ("refund", "refund_unknown", "compensation")


def bears_notice(reason: Reason, voucher: Voucher) -> bool:
    """Say whether a refusal is a void's: its own, or that of the refund list made for it."""
    return reason is Reason.DEAL_VOIDED or (reason is Reason.REFUNDED and voucher.refund_listed)


def notice_to_say(void: Void | None, deal: Deal, now: datetime) -> Say:
    """Return what the notice on a refusal is made of; nothing where no void is in force."""
    if void is None:
        return NOTHING_TO_SAY
    if void.notice is not None:
        return {"notice": void.notice}
    say: dict[str, object] = {"withdrawn": True}
    honour, remedy = void.honour, void.remedy
    # With a limit, or after the last admission, "is received" would be no promise that is kept.
    if honour is not None and honour.max_people is None and now <= honour.admit_until:
        say["arrived_by"] = honour.arrived_by
    if remedy is not None:
        say["refund"] = remedy.refund.value
        if remedy.compensation_per_buyer_minor:
            say["compensation_minor"] = remedy.compensation_per_buyer_minor
            say["currency"] = deal.currency
    return say


class NoticeWords:
    """The sentences of a venue for a notice that nobody wrote.

    Args:
        templates: `{part: {"zh": ..., "en": ...}}` with names in braces, one of PARTS each.
        desk: where visitors are helped; None: nobody has told, and it is left out.

    Raises:
        ValueError: a part has no sentence, or a sentence names what nobody fills in.
    """

    def __init__(
        self, templates: Mapping[str, Mapping[str, str]], venue: Venue, desk: Sentence | None
    ) -> None:
        self._venue, self._desk = venue, desk
        self._templates = {part: _checked(part, templates) for part in PARTS}

    def find_notice(self, say: Say) -> Sentence | None:
        """Return the notice that a verdict says; None where it says none."""
        written = say.get("notice")
        if isinstance(written, tuple):
            return Sentence(*written)
        return self._compose(PARTS, say) if say.get("withdrawn") else None

    def refund(self, say: Say) -> Sentence:
        """Return what of a composed notice is about money, for whoever says the rest otherwise."""
        return self._compose(_OF_REFUND, say)

    def _compose(self, among: Sequence[str], say: Say) -> Sentence:
        parts = [part for part in among if self._is_true(part, say)]
        texts = [self._templates[part] for part in parts]
        zh = "".join(zh.format_map(self._names(say, "zh")) for zh, _ in texts)
        en = " ".join(en.format_map(self._names(say, "en")) for _, en in texts)
        return Sentence(zh, en)

    def _is_true(self, part: str, say: Say) -> bool:
        given_back = say.get("refund") == Refund.PRICE_PAID.value
        return {
            "happened": True,
            "refund": given_back,
            "refund_unknown": not given_back,
            "compensation": "compensation_minor" in say,
            "received": "arrived_by" in say,
            "where": self._desk is not None,
        }[part]

    def _names(self, say: Say, language: str) -> dict[str, str]:
        names = dict.fromkeys(_NAMES, "")
        minor, arrived_by = say.get("compensation_minor"), say.get("arrived_by")
        if isinstance(minor, int):
            names["amount"] = _spoken(minor, str(say.get("currency", "")), language)
        if isinstance(arrived_by, datetime):
            at = arrived_by.astimezone(self._venue.zone)
            day = f"{at.month}月{at.day}日" if language == "zh" else f"{at.day} {at:%B},"
            names["arrived_by"] = f"{day} {at:%H:%M}"
        if self._desk is not None:
            names["desk"] = self._desk.zh if language == "zh" else self._desk.en
        return names


def _spoken(minor: int, currency: str, language: str) -> str:
    """Return an amount as people say it: `10 元`, `10 yuan`."""
    if currency != "CNY":
        return money(minor, currency)
    whole, rest = divmod(minor, 100)
    unit = "元" if language == "zh" else "yuan"
    return f"{whole:,}.{rest:02} {unit}" if rest else f"{whole:,} {unit}"


def _checked(part: str, templates: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    texts = templates.get(part)
    if texts is None or not texts.get("zh") or not texts.get("en"):
        raise ValueError(f"notices.toml: [{part}] needs a sentence in zh and in en")
    try:
        for text in (texts["zh"], texts["en"]):
            text.format_map(dict.fromkeys(_NAMES, ""))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"notices.toml: [{part}] has an unknown name {error}") from error
    return texts["zh"], texts["en"]
