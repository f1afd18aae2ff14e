#!/usr/bin/env python
"""Runs Django's management commands against the settings that the environment gives."""

import os
import sys


def main() -> None:
    """Read the command line and run it."""
    from tableflow.embedded import commands
    from tableflow.embedded.errors import CannotStart

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", commands.settings_for(sys.argv))
    from django.core.management import execute_from_command_line

    try:
        with commands.serving(sys.argv):
            execute_from_command_line(sys.argv)
    except CannotStart as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
