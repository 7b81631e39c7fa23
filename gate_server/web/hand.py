"""The hand scanner: an installable page for the phones and handhelds of staff."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, render_template, url_for

from admission.codes import PAYMENT
from admission.looks import CATEGORIES, FACES, Face, face_for
from admission.scans import MODES, Mode, Profile
from admission.verdicts import Outcome, Reason
from gate_server.web.operations import JSON, Reply
from gate_server.web.replies import answer_page, respond
from gate_server.web.services import Services

HTML: Final = "text/html; charset=utf-8"
MANIFEST: Final = "application/manifest+json"
SCRIPT: Final = "text/javascript; charset=utf-8"

POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; worker-src 'self'; manifest-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page runs our own scripts and the reader's wasm, and reaches nobody but this server."""

# Reader parts come from npm and may be missing; without them the page works, plainer.
_READER: Final = "zxing_"
_SHELL_ENDINGS: Final = (".js", ".css", ".svg", ".png", ".wasm")


def hand(services: Services) -> Blueprint:
    """Make the blueprint of the hand scanner."""
    site = Blueprint("hand", __name__, template_folder="templates")

    @site.get("/scan")
    def scan() -> Response:
        page = render_template("scan.html").encode()
        return respond(answer_page(lambda: Reply(page, content_type=HTML)), policy=POLICY)

    @site.get("/scan/manifest.webmanifest")
    def manifest() -> Response:
        body = msgspec.json.encode(_manifest(services.settings.name))
        return respond(answer_page(lambda: Reply(body, content_type=MANIFEST)))

    @site.get("/scan/setup.json")
    def setup() -> Response:
        body = msgspec.json.encode(make_setup(services.settings.name))
        return respond(answer_page(lambda: Reply(body, content_type=JSON)))

    @site.get("/scan/worker.js")
    def worker() -> Response:
        # By this header a script below /scan/ may serve the page above it.
        headers = [("Service-Worker-Allowed", "/scan")]
        body = _static().joinpath("scan", "worker.js").read_bytes()
        reply = Reply(body, content_type=SCRIPT, headers=headers)
        return respond(answer_page(lambda: reply), policy=POLICY)

    return site


def make_setup(name: str) -> dict[str, Any]:
    """Return what the page must know that is the rules' or the venue's, not its own.

    The look of each verdict is looked up here, so that no page decides how one looks.
    """
    faces = {_face_id(face): face for mode in Mode for r in Reason for face in [face_for(r, mode)]}
    return {
        "venue": name,
        "faces": {key: _tell(face) for key, face in faces.items()},
        "looks": {mode: {r: _face_id(face_for(r, mode)) for r in Reason} for mode in Mode},
        "call": _face_id(FACES[Outcome.REFER]),
        "stop": _face_id(FACES[Outcome.REFUSE]),
        "categories": dict(CATEGORIES),
        "payment": PAYMENT,
        "modes": {
            profile: [mode for mode in Mode if mode in MODES[profile]] for profile in Profile
        },
        "shell": ["/scan", "/scan/setup.json", "/scan/manifest.webmanifest", *_shell()[0]],
        "version": _shell()[1],
    }


def _face_id(face: Face) -> str:
    return f"{face.word.lower()}-{face.colour}"


def _tell(face: Face) -> dict[str, Any]:
    return {name: getattr(face, name) for name in ("shape", "word", "zh", "colour", "bells")}


def _manifest(name: str) -> dict[str, Any]:
    icon = url_for("pages.static", filename="scan/icon.svg")
    pictures = [
        {
            "src": url_for("pages.static", filename=f"scan/icon-{size}.png"),
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": "any maskable",
        }
        for size in (192, 512)
    ]
    return {
        "id": "/scan",
        "name": f"{name} · 验票 Gatehouse",
        "short_name": "验票 Scan",
        "start_url": "/scan",
        "scope": "/scan",
        "display": "standalone",
        "orientation": "portrait",
        "background_color": "#101418",
        "theme_color": "#101418",
        "icons": [{"src": icon, "sizes": "any", "type": "image/svg+xml"}, *pictures],
    }


def _static() -> Traversable:
    return files("gate_server.web").joinpath("static")


@cache
def _shell() -> tuple[list[str], str]:
    """Return the paths of all that the page is made of, and a digest of it."""
    digest, paths = sha256(), []
    for folder in ("scan", "npm"):
        place = _static().joinpath(folder)
        parts = sorted(place.iterdir(), key=lambda part: part.name) if place.is_dir() else []
        for part in parts:
            # Beside it lie what the board takes from npm.
            own = folder == "scan" or part.name.startswith(_READER)
            if own and part.name.endswith(_SHELL_ENDINGS):
                digest.update(part.read_bytes())
                paths.append(f"/static/{folder}/{part.name}")
    return paths, digest.hexdigest()[:16]
