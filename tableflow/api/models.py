"""What the API remembers: the answers that were given under an Idempotency-Key."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class IdempotencyKey(models.Model):
    """A key that a caller gave with a POST, what it asked, and the answer; both are committed with the work itself."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    path = models.CharField(max_length=255, help_text="The method and path it was given to.")
    request_hash = models.CharField(max_length=64, help_text="SHA-256 of the body.")
    response_status = models.PositiveSmallIntegerField(null=True)
    response_body = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "key", "path"), name="one_answer_per_key"),)
        # Serves the purge of what is older than a day.
        indexes = (models.Index(fields=("created_at",), name="idempotency_keys_by_age"),)

    def __str__(self) -> str:
        return self.key
