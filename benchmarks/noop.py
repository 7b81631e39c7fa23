"""The yardstick: a Flask route that takes JSON, gives JSON of a scan's size, and does nothing."""

from __future__ import annotations

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

ANSWER = {
    "outcome": "admit",
    "reason": "admitted",
    "admitted": 1,
    "remaining": 0,
    "nonce": "bench-00000000-00000001",
    "scan_id": "1234567",
    "replayed": False,
    "message": {"zh": "请通行，1 人。", "en": "Please go in, 1."},
    "decided_at": "2015-02-12T00:59:58.120000Z",
    "epoch": "0123456789ab",
    "ledger_revision": 1234567,
    "void_version": None,
    "rules_version": 1,
    "voucher": {
        "tail": "2015",
        "deal_id": "BENCH",
        "title": "Combined ticket",
        "category": "adult",
        "admits": 1,
        "area": "park",
        "arrived_at": None,
        "first_use": None,
    },
    "vouchers": None,
    "arrival_number": None,
    "tickets": None,
    "clock_skew_s": None,
}


def create_app() -> Flask:
    """Return the yardstick's app."""
    app = Flask(__name__)

    @app.post("/api/v1/scans")
    def noop() -> ResponseReturnValue:
        request.get_json()
        return jsonify(ANSWER)

    return app
