"""An enrolled scanner: its parts, joined."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self, TextIO
from zoneinfo import ZoneInfo

import msgspec

from admission import wire
from admission.errors import RelayError
from admission.scans import Mode, PartyDefault, Profile
from scanner_client.alarms import Alarms
from scanner_client.annulment import Annulment
from scanner_client.answers import Declined
from scanner_client.askers import Asker
from scanner_client.broadcasts import Broadcasts
from scanner_client.checkin import CheckIn, Terms, Tries
from scanner_client.clock import SteadyClock
from scanner_client.connectivity import Connectivity
from scanner_client.contact import REVOKED, Contact
from scanner_client.counting import Counting, Place
from scanner_client.desk import Desk
from scanner_client.download import Callbacks, Download, Pace
from scanner_client.download import Told as Event
from scanner_client.duty import DutyFile
from scanner_client.enrolment import server_of
from scanner_client.help_calls import HelpCalls
from scanner_client.journal import Journal
from scanner_client.journal_rows import Depth, Owner
from scanner_client.journal_store import JournalUnwritable
from scanner_client.offline import Offline
from scanner_client.practice import MINUTE_S, Practice
from scanner_client.practice_note import PracticeNote
from scanner_client.presenter import Outlook, Presenter
from scanner_client.printer import PrintDesk
from scanner_client.printer_queue import PrintQueue
from scanner_client.relay import Relay
from scanner_client.replica import Replica
from scanner_client.seal import load_seal
from scanner_client.settings import Settings, load_settings
from scanner_client.state import (
    DEVICE_FILE,
    Identity,
    Told,
    boot_id,
    find_told,
    is_half_wiped,
    load_identity,
    save_told,
)
from scanner_client.upload import Uploader
from scanner_client.venue_time import find_zone
from scanner_client.wipe import wipe

# A first download over a slow link takes minutes; only one that stands still is given up.
SYNC_WITHIN_S = 600.0
OWN_MODE = {Profile.MARSHAL: Mode.ARRIVE, Profile.EXCHANGE: Mode.EXCHANGE}


@dataclass(frozen=True, slots=True)
class Scanner:
    """Who this device is, and what it does its work with. To be used as a context, then closed.

    Attributes:
        listeners: are told what the server's event stream tells, and must not wait.
    """

    directory: Path
    settings: Settings
    identity: Identity
    relay: Relay
    presenter: Presenter
    clock: SteadyClock
    journal: Journal
    replica: Replica
    contact: Contact
    offline: Offline
    uploader: Uploader
    download: Download
    broadcasts: Broadcasts
    listeners: list[Callable[[Event], None]]
    desk: Desk
    help_calls: HelpCalls

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if not self.contact.revoked.is_set():
                self.journal.note_clock(self.clock.known())
            elif (self.directory / DEVICE_FILE).exists():
                self.hand_over_and_wipe()
        except (RelayError, JournalUnwritable) as error:
            self.presenter.report(str(error))
        self.close()

    @property
    def zone(self) -> ZoneInfo | None:
        """The venue's time zone, in which every time is said; None: nobody has told it yet."""
        return _find_zone(self.replica, self.offline, self.identity)

    def close(self) -> None:
        """Close what is open."""
        self.relay.close()
        self.replica.close()
        self.journal.close()

    def mode(self, named: str | None) -> Mode:
        """Return the mode that was named, else what the device is for."""
        return OWN_MODE.get(self.identity.profile, Mode.ADMIT) if named is None else Mode(named)

    def check_in(
        self,
        terms: Terms,
        questions: Asker | None = None,
        *,
        watches: Callable[[], bool] = lambda: False,
        printer: PrintDesk | None = None,
    ) -> CheckIn:
        """Return the use case for codes presented under these terms.

        Args:
            watches: whether the lane sees who passes its turnstile, as of now.
            printer: prints what a scan is answered with.
        """
        settings = self.settings
        return CheckIn(
            self.relay,
            self.contact,
            self.offline,
            self.clock,
            terms=terms,
            tries=Tries(settings.timeout_s, settings.pause_s),
            questions=questions,
            desk=self.desk,
            watches=watches,
            note=(lambda _: None) if printer is None else printer.note,
        )

    def practice(self, terms: Terms, questions: Asker | None = None) -> Practice:
        """Begin to practise: real codes are only looked at, and nothing is recorded."""
        look = self.check_in(replace(terms, mode=Mode.CHECK), questions)
        minutes, report = self.settings.practice.minutes, self.presenter.report
        PracticeNote(self.directory).write(minutes * MINUTE_S)
        return Practice(look, self.replica, self.clock, minutes=minutes, report=report)

    def print_desk(self) -> PrintDesk:
        """Return what prints for this scanner."""
        queue, report = PrintQueue(self.directory), self.presenter.report
        return PrintDesk(self.settings.printer, queue, self.relay, report)

    def annulment(self) -> Annulment:
        """Return the use case for scans that are taken back."""
        parts = self.relay, self.contact, self.journal, self.replica, self.clock
        return Annulment(*parts, operator=self.desk.operator)

    def counting(self) -> Counting:
        """Return the use case for people without a voucher."""
        place = Place(
            self.identity.profile,
            gate_id=lambda: self.offline.told.gate_id,
            operator=self.desk.operator,
            practising=lambda: PracticeNote(self.directory).lasts,
        )
        return Counting(self.relay, self.contact, self.journal, self.clock, place)

    def sync(self) -> None:
        """Bring the replica up to date now, and learn what the server knows of this device.

        Raises RelayError: the server does not answer, or broke off; the rest comes another time.
        """
        asked = self.clock.mark()
        try:
            known = self.relay.fetch_self()
            self.clock.learn(known.server_time, asked)
            self.learn(known)
            self.download.sync_now(SYNC_WITHIN_S)
        except RelayError as error:
            self.contact.failed(error)
            raise
        self.contact.answered(self.replica.epoch)

    # --- what it learns and tells ----------------------------------------------------------------

    def learn(self, known: wire.DeviceSelf) -> None:
        """Take what the server knows of this device, and keep it for a start without it."""
        told = Told(
            known.device_id,
            known.gate_id,
            known.gate_name,
            known.area,
            known.staffed,
            known.party_default,
            known.operator_required,
            known.zone,
        )
        self.offline.told = told
        save_told(self.directory, told)

    def word(self) -> wire.HeartbeatRequest:
        """Return how far this scanner has come, for a heartbeat."""
        self.journal.note_clock(self.clock.known())
        depth = self.journal.depth()
        return wire.HeartbeatRequest(
            epoch=self.journal.epoch,
            replica_revision=self.replica.revision,
            replica_age_s=self.replica.age_s(self.clock.now()) or 0.0,
            outbox_depth=depth.waiting,
            boot_id=self.journal.boot_id,
            outbox_seq=depth.seq,
            outbox_head=depth.head,
            seen=self.broadcasts.unsaid(),
        )

    def outlook(self) -> Outlook:
        """Return what staff have to know beside a verdict."""
        depth = self._depth()
        age_s = self.replica.age_s(self.clock.now())
        waiting = 0 if depth is None else depth.waiting
        here = self.desk.find_here()
        operator = "" if here is None else here.line
        return Outlook(self.contact.connectivity.link, age_s, waiting, operator, zone=self.zone)

    def _depth(self) -> Depth | None:
        try:
            return self.journal.depth()
        except JournalUnwritable:
            return None

    def standing(self) -> dict[str, object]:
        """Return where this scanner stands, as the contract of `status --json` has it."""
        epoch, problem = self.journal.epoch, None
        try:
            known = self.relay.fetch_self()
            self.learn(known)
            epoch = known.epoch
            self.contact.answered(epoch)
        except RelayError as error:
            self.contact.failed(error)
            problem = str(error)
        depth, age_s = self.journal.depth(), self.replica.age_s(self.clock.now())
        return {
            "gate_id": self.offline.told.gate_id,
            "online": problem is None,
            "epoch": epoch,
            "replica_revision": self.replica.revision,
            "replica_age_s": None if age_s is None else round(age_s, 3),
            "outbox_depth": depth.waiting,
            "parked": depth.parked,
            "parked_lines": [msgspec.to_builtins(line) for line in self.journal.parked()],
            "problem": problem,
            "broadcasts": [] if problem else [msgspec.to_builtins(b) for b in self.told()],
        }

    def told(self) -> list[wire.BroadcastEvent]:
        """Return what the server tells this device to show; nothing where it does not answer."""
        # An older server has none; whether this one answers was found out before.
        with suppress(RelayError):
            self.broadcasts.take(*self.relay.fetch_broadcasts().broadcasts)
        return self.broadcasts.current(self.clock.now())

    # --- the end of a device ---------------------------------------------------------------------

    def hand_over_and_wipe(self) -> None:
        """Give the server what it has not yet, then make this directory worthless.

        Raises:
            RelayError: the server does not answer; nothing is wiped before it has everything.
        """
        try:
            handed = self.uploader.flush()
        except Declined:
            # It does not want it: then nothing is lost that anybody would take.
            handed = None
        if handed is not None and (handed.left or handed.busy):
            raise RelayError("some scans have yet to be handed over before this device is wiped")
        self.uploader.forget()
        self.journal.forget()
        self.replica.close()
        wipe(self.directory, self.clock.now())
        self.presenter.report(REVOKED)


def open_scanner(directory: Path, out: TextIO, err: TextIO) -> Scanner:
    """Return the scanner that is enrolled in `directory`.

    Raises:
        StateError: it is not enrolled.
        InvalidInput: a wrong setting.
        RelayError: the authority that was kept does not fit its fingerprint.
        JournalUnwritable: nothing could be recorded.
    """
    if is_half_wiped(directory):
        wipe(directory, SteadyClock().now())
    settings, identity = load_settings(directory), load_identity(directory)
    presenter = Presenter(out, err, colour=settings.colour, bell=settings.bell)
    alarms, seal = Alarms(presenter.report), load_seal(directory, presenter.report)
    owner = Owner(identity.device_id, identity.epoch, boot_id(directory))
    journal = Journal(directory, seal, owner, _alarm_of(alarms, "journal damaged"))
    clock = SteadyClock(journal.find_clock())
    journal.note_clock(clock.known())
    replica = Replica(directory, seal, _alarm_of(alarms, "replica"))
    connectivity, device_id = Connectivity(), identity.device_id
    contact = Contact(connectivity, journal, alarms, device_id=device_id, now=clock.now)
    relay = Relay(server_of(identity), token=identity.token, timeout_s=settings.timeout_s)
    offline = Offline(
        _told(directory, identity),
        replica,
        journal,
        code_key=identity.code_key,
        max_age=settings.replica_max_age,
        desk=identity.profile is Profile.EXCHANGE,
    )
    uploader = Uploader(
        directory,
        relay,
        journal,
        contact,
        now=clock.now,
        batch_lines=settings.batch_lines,
        keep=settings.journal_keep,
    )
    broadcasts, pace = Broadcasts(), Pace(poll_s=settings.poll_s)
    listeners = [_teller(presenter, broadcasts, offline)]
    callbacks = _callbacks(presenter, contact, listeners)
    download = Download(relay, replica, clock, callbacks, device_id=device_id, pace=pace)
    whole = (directory, settings, identity, relay, presenter, clock, journal, replica)
    desk = Desk(DutyFile(directory), relay, contact, clock, venue=lambda: replica.standing.venue)
    more = offline, uploader, download, broadcasts, listeners, desk
    zone = partial(_find_zone, replica, offline, identity)
    return Scanner(*whole, contact, *more, HelpCalls(directory, relay, contact, clock, zone=zone))


def _callbacks(
    presenter: Presenter, contact: Contact, listeners: list[Callable[[Event], None]]
) -> Callbacks:
    def tell(event: Event) -> None:
        for listener in [*listeners]:
            listener(event)

    return Callbacks(
        on_epoch=contact.note_epoch,
        on_revoked=contact.note_revoked,
        on_event=tell,
        report=presenter.report,
    )


def _teller(
    presenter: Presenter, broadcasts: Broadcasts, offline: Offline
) -> Callable[[Event], None]:
    # The gate as it is by then: a device may be moved to another.
    return lambda event: _tell(presenter, broadcasts, offline.told.gate_id, event)


def _tell(presenter: Presenter, broadcasts: Broadcasts, gate_id: str, event: Event) -> None:
    """Show what the server's event stream tells this device."""
    if isinstance(event, wire.BroadcastEvent):
        broadcasts.take(event)
    elif isinstance(event, wire.GateEvent) and event.gate_id == gate_id:
        emergency = "  EMERGENCY 紧急疏散" if event.emergency else ""
        presenter.report(f"gate {event.name}: {event.state}{emergency}")


def _alarm_of(alarms: Alarms, name: str) -> Callable[[str], None]:
    return lambda line: alarms.sound(name, line)


def _find_zone(replica: Replica, offline: Offline, identity: Identity) -> ZoneInfo | None:
    """Return the venue's zone: by the replica, else as the server last told it."""
    few = replica.standing
    if few.state is not None:
        return few.venue.zone
    return find_zone(offline.told.zone or identity.zone)


def _told(directory: Path, identity: Identity) -> Told:
    """Return what is known of the device: as last told, else by its enrolment."""
    usual = PartyDefault.ALL if identity.profile.staffed else PartyDefault.ONE
    return find_told(directory, identity.device_id) or Told(
        identity.device_id,
        identity.gate_id,
        identity.gate_id,
        "",
        identity.profile.staffed,
        usual,
    )
