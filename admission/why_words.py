"""Put why it is busy into one sentence for staff, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from admission.calendar import Venue
from admission.deals import AtGate, Deal, Hold
from admission.messages import Sentence
from admission.notices import NoticeWords, notice_to_say
from admission.voids import Void

KINDS = ("voided", "voided_nobody", "held", "held_marked", "busy")
_NAMES = ("title", "refund", "arrived_from", "arrived_by", "admit_until", "share")
_NOTHING = Sentence("", "")


class WhyWords:
    """The sentences of a venue.

    Args:
        templates: `{kind: {"zh": ..., "en": ...}}` with names in braces, one of KINDS each.
        notices: say of refunds what each refusal says of them.

    Raises:
        ValueError: a kind has no sentence, or a sentence names what nobody fills in.
    """

    def __init__(
        self, templates: Mapping[str, Mapping[str, str]], venue: Venue, notices: NoticeWords
    ) -> None:
        self._venue, self._notices = venue, notices
        self._templates = {kind: _checked(kind, templates) for kind in KINDS}

    def voided(self, deal: Deal, void: Void, now: datetime) -> Sentence:
        """Return what to say of a voided deal: refunds, whom its terms let in, its own notice."""
        honour, refund = void.honour, _NOTHING
        if void.notice is None:
            told = self._notices.refund(notice_to_say(void, deal, now))
            refund = Sentence(told.zh, f"{told.en} ")
        if honour is None:
            said = self._fill("voided_nobody", refund, title=deal.title)
        else:
            said = self._fill(
                "voided",
                refund,
                title=deal.title,
                arrived_from=self._local(honour.arrived_from, now),
                arrived_by=self._local(honour.arrived_by, now),
                admit_until=self._local(honour.admit_until, now),
            )
        if void.notice is None:
            return said
        return Sentence(f"{said.zh}{void.notice[0]}", f"{said.en} {void.notice[1]}")

    def held(self, title: str, hold: Hold) -> Sentence:
        """Return what to say of a deal on hold."""
        marked = hold.at_gate is AtGate.ADMIT_AND_MARK
        return self._fill("held_marked" if marked else "held", title=title)

    def busy(self, title: str, share: float) -> Sentence:
        """Return what to say of a deal that many come with; `share` is from 0 to 1."""
        return self._fill("busy", title=title, share=f"{share * 100:.0f}")

    def _fill(self, kind: str, refund: Sentence = _NOTHING, **names: str) -> Sentence:
        zh, en = self._templates[kind]
        return Sentence(
            zh.format_map({**names, "refund": refund.zh}),
            en.format_map({**names, "refund": refund.en}),
        )

    def _local(self, at: datetime, now: datetime) -> str:
        form = "%H:%M" if self._venue.same_day(at, now) else "%m-%d %H:%M"
        return at.astimezone(self._venue.zone).strftime(form)


def _checked(kind: str, templates: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    texts = templates.get(kind)
    if texts is None or not texts.get("zh") or not texts.get("en"):
        raise ValueError(f"why.toml: [{kind}] needs a sentence in zh and in en")
    try:
        for text in (texts["zh"], texts["en"]):
            text.format_map(dict.fromkeys(_NAMES, ""))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"why.toml: [{kind}] has an unknown name {error}") from error
    return texts["zh"], texts["en"]
