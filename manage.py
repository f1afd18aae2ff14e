#!/usr/bin/env python
"""Runs Django's management commands against the settings that the environment gives."""

import os
import sys


def main() -> None:
    """Read the command line and run it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tableflow.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
