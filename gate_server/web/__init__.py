"""The gate server over HTTP: one module a noun, joined by gate_server/app.py."""
