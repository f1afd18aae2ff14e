"""The Python functions that a workflow may call: what installed apps register in their `functions` modules.

The modules beside this one hold the functions that come with the project.
"""

from __future__ import annotations

from cells.functions.registry import Function, find, function, listing

__all__ = ["Function", "find", "function", "listing"]
