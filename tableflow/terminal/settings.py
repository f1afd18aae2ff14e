"""Django's settings for the commands that only ask a server over HTTP: no database, no secrets, no data folder.

They run on a machine where nothing of tableflow is installed but its code.
"""

from __future__ import annotations

INSTALLED_APPS = ["tableflow.terminal"]
USE_TZ = True
# Times are shown by the clock of the machine that it runs on.
TIME_ZONE = None
