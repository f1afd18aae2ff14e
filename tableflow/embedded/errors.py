"""What can go wrong with the embedded servers."""

from __future__ import annotations


class CannotStart(Exception):
    """A part cannot start; the message says why and what to do, in plain words."""
