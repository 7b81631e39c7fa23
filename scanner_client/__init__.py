"""The scanner: reads QR codes, asks the gate server and shows staff the verdict."""

__version__ = "0.1.0"
