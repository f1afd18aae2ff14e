"""What people call the types of columns."""

from __future__ import annotations

TYPE_NAMES = {
    "text": "Text",
    "number": "Number",
    "boolean": "Checkbox",
    "date": "Date",
    "datetime": "Date and time",
    "json": "JSON",
    "select": "Choice",
    "multiselect": "Choices",
    "url": "Web address",
    "email": "E-mail",
    "currency": "Money",
}
