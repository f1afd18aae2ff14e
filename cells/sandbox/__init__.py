"""The Jinja2 environment in which templates run: nothing to reach, and no way to eat memory or time.

Templates are written by users and run on the event loop of a worker, so every construct that can multiply work is
bounded: operators, filters and text methods before they build their result; loops, calls, filters and tests by a
budget of steps, of CPU time and of what is made, for one rendering. Only names listed here can be called. Every list
or object that a template makes weighs as much as a value may, shared parts counted as often as they are in it: so
nothing that walks it (comparing, hashing, writing it as text) can take long.
"""

from __future__ import annotations

from cells.sandbox.environment import MAPPING_METHODS, Sandbox, guard
from cells.sandbox.meter import begin_rendering

__all__ = ["MAPPING_METHODS", "Sandbox", "begin_rendering", "guard"]
