"""The log as django-eventstream reads it: its storage class (settings.EVENTSTREAM_STORAGE_CLASS)."""

from __future__ import annotations

from typing import Any

import redis
from django_eventstream.event import Event as SentEvent
from django_eventstream.storage import EventDoesNotExist, StorageBase

from tableflow.live import events, log
from tableflow.live.hub import hub


class LogStorage(StorageBase):  # type: ignore[misc]
    """Hints out of the log. It is read here; what writes it is the flusher."""

    def append_event(self, channel: str, event_type: str, data: Any) -> Any:
        """Nothing is sent by the library's own function."""
        raise NotImplementedError("Hints are sent by tableflow.live.marks.")

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Any]:
        """The hints after an id. Raises EventDoesNotExist where the client has to begin anew."""
        if last_id == hub.reader.heard:
            return []  # what comes from now on is in the listener's queue
        if not hub.reader.has_redis:
            raise EventDoesNotExist("Redis does not answer", last_id)
        try:
            entries = log.since(last_id, table_id=int(channel.removeprefix("table-")), most=limit)
        except log.NoSuchPlace as error:
            raise EventDoesNotExist(str(error), error.current) from None
        except redis.RedisError as error:
            # Nobody knows what came since. The reader goes on from its own place, which is no later.
            raise EventDoesNotExist(f"Redis cannot be asked: {error}", last_id) from None
        found = [hint for entry in entries for hint in events.hints(entry) if hint.id > last_id]
        return [SentEvent(channel, hint.name, events.encoded(hint), id=hint.id) for hint in found[:limit]]

    def get_current_id(self, channel: str) -> int:  # noqa: ARG002
        """The last id."""
        return log.position().last
