"""Data only: default settings, staff messages and the demo venue."""
