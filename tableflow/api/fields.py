"""Fields of request bodies that take what they say and nothing else: no "3" for 3, no "yes" for true."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

MAX_ID = 2**63 - 1
MAX_IDS = 10_000


class Text(serializers.CharField):
    """A JSON string."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A JSON number without a fraction."""

    default_error_messages = {"invalid": "A valid integer is required."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Number(serializers.FloatField):
    """A JSON number."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return data


class Id(Whole):
    """The id of something."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_ID, **kwargs)


class Truth(serializers.BooleanField):
    """JSON's true or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Value(serializers.JSONField):
    """Any JSON value; what it must be is the business of whoever takes it."""

    def to_internal_value(self, data: Any) -> Any:
        return data


class Ids(serializers.ListField):
    """A list of at most 10,000 ids."""

    child = Id()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_IDS, **kwargs)

    def to_internal_value(self, data: Any) -> list[int]:
        if isinstance(data, list) and all(type(item) is int and 0 < item <= MAX_ID for item in data):
            return data
        return super().to_internal_value(data)


class Object(serializers.DictField):
    """A JSON object of any values."""

    child = Value()

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        return data


class Lines(serializers.ListField):
    """A list of lists of any JSON values."""

    child = serializers.ListField(child=Value())

    def to_internal_value(self, data: Any) -> list[list[Any]]:
        """As they came: of very many values none is looked at here."""
        if isinstance(data, list) and all(isinstance(line, list) for line in data):
            return data
        return super().to_internal_value(data)


class Texts(serializers.ListField):
    """A list of texts."""

    child = Text(max_length=1000)


class Body(serializers.Serializer[Any]):
    """A request's body. A field that it does not know is refused by name."""

    @classmethod
    def read(cls, request: Request, **options: Any) -> dict[str, Any]:
        """The checked fields of the request's body; ValidationError naming every field that is wrong."""
        body = cls(data=request.data, **options)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def to_internal_value(self, data: Any) -> Any:
        unknown = self._unknown(data)
        try:
            checked = super().to_internal_value(data)
        except ValidationError as error:
            if not isinstance(error.detail, dict):
                raise
            raise ValidationError({**error.detail, **unknown}) from error
        if unknown:
            raise ValidationError(unknown)
        return checked

    def _unknown(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            return {}
        known = [name for name, field in self.fields.items() if not field.read_only]
        detail = f"There is no such field here. There are: {', '.join(known) or 'none'}."
        return {name: [ErrorDetail(detail, "unknown_field")] for name in data if name not in known}
