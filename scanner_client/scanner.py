"""An enrolled scanner: its parts, joined."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from admission import wire
from admission.errors import RelayError
from admission.scans import Mode, Profile
from scanner_client.capture import open_source
from scanner_client.checkin import CheckIn, Shown, Terms, Tries
from scanner_client.connectivity import Connectivity
from scanner_client.debounce import Debounce
from scanner_client.decode import LiveReader, load_stages
from scanner_client.enrolment import server_of
from scanner_client.heartbeat import Heartbeat
from scanner_client.loop import Lane
from scanner_client.presenter import Presenter
from scanner_client.preview import Window
from scanner_client.questions import Questions
from scanner_client.relay import Relay
from scanner_client.settings import Settings, load_settings
from scanner_client.state import Identity, load_identity

OWN_MODE = {Profile.MARSHAL: Mode.ARRIVE, Profile.EXCHANGE: Mode.EXCHANGE}


@dataclass(frozen=True, slots=True)
class Scanner:
    """Who this device is, and what it does its work with. Close the relay at the end."""

    settings: Settings
    identity: Identity
    relay: Relay
    presenter: Presenter

    def mode(self, named: str | None) -> Mode:
        """Return the mode that was named, else what the device is for."""
        return OWN_MODE.get(self.identity.profile, Mode.ADMIT) if named is None else Mode(named)

    def check_in(
        self, terms: Terms, connectivity: Connectivity, questions: Questions | None = None
    ) -> CheckIn:
        """Return the use case for codes presented under these terms."""
        settings = self.settings
        tries = Tries(settings.timeout_s, settings.give_up_s, settings.pause_s)
        return CheckIn(self.relay, connectivity, terms, tries, questions)

    def run(
        self,
        source: str,
        terms: Terms,
        *,
        stop: threading.Event,
        present: Callable[[Shown], object],
        keys: TextIO,
        preview: Window | None = None,
    ) -> None:
        """Scan what a source shows until it ends or `stop` is set.

        Args:
            source: `camera:N`, `video FILE` or `folder DIR`.
            keys: what staff type at; only a terminal is asked.
        """
        settings = self.settings
        frames = open_source(source, width=settings.camera_width, height=settings.camera_height)
        connectivity = Connectivity(self.presenter.show_link)
        check_in = self.check_in(terms, connectivity, self._questions(keys, stop))
        self._beat(connectivity, check_in, stop)
        lane = Lane(
            LiveReader(load_stages(self.presenter.report)),
            Debounce(settings.away_s),
            check_in=check_in.check_in,
            present=present,
            report=self.presenter.report,
        )
        lane.run(frames, stop, preview)

    def standing(self) -> dict[str, object]:
        """Return where this scanner stands, as the contract of `status --json` has it."""
        epoch, gate_id, problem = self.identity.epoch, self.identity.gate_id, None
        try:
            known = self.relay.fetch_self()
            epoch, gate_id = known.epoch, known.gate_id
        except RelayError as error:
            problem = str(error)
        return {
            "gate_id": gate_id,
            "online": problem is None,
            "epoch": epoch,
            "replica_revision": 0,
            "replica_age_s": None,
            "outbox_depth": 0,
            "parked": 0,
            "problem": problem,
        }

    def _questions(self, keys: TextIO, stop: threading.Event) -> Questions | None:
        if not keys.isatty():
            return None
        return Questions(keys, self.presenter.report, wait_s=self.settings.ask_s, stop=stop)

    def _beat(self, connectivity: Connectivity, check_in: CheckIn, stop: threading.Event) -> None:
        """Start the heartbeat; from it the check-in learns the device's default party."""

        def learn(known: wire.DeviceSelf) -> None:
            check_in.party_default = known.party_default

        heart = Heartbeat(self.relay, connectivity, epoch=self.identity.epoch, learn=learn)
        every_s = self.settings.heartbeat_s
        beat = threading.Thread(target=heart.run, args=(stop, every_s), daemon=True, name="beat")
        beat.start()


def open_scanner(directory: Path, out: TextIO, err: TextIO) -> Scanner:
    """Return the scanner that is enrolled in `directory`.

    Raises:
        StateError: it is not enrolled.
        InvalidInput: a wrong setting.
        RelayError: the authority that was kept does not fit its fingerprint.
    """
    settings = load_settings(directory)
    identity = load_identity(directory)
    relay = Relay(server_of(identity), token=identity.token, timeout_s=settings.timeout_s)
    presenter = Presenter(out, err, colour=settings.colour, bell=settings.bell)
    return Scanner(settings, identity, relay, presenter)
