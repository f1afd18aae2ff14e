"""Django's settings. Every value that differs between installations comes from the environment (see .env.example)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import dj_database_url

from tableflow import assets, endpoints, env, secrets

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = env.home()

SECRET_KEY = secrets.read("SECRET_KEY")
ENCRYPTION_KEY = secrets.read("ENCRYPTION_KEY")
DEBUG = False
HOST = env.host()
PORT = env.port()
PUBLIC_URL = env.text("PUBLIC_URL", f"http://{HOST}:{PORT}").rstrip("/")
# The names of this machine itself are always among them: health checks come by those.
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *(env.words("ALLOWED_HOSTS") or [HOST])]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
DEMO = env.boolean("TABLEFLOW_DEMO", default=True)
HTTP_ALLOW_PRIVATE_NETWORKS = env.boolean("HTTP_ALLOW_PRIVATE_NETWORKS", default=False)
HTTP_ALLOWED_HOSTS = env.words("HTTP_ALLOWED_HOSTS")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "django_htmx",
    "tableflow.tables",
    "cells",
    "dispatch",
    "tableflow.api",
    "tableflow.grid",
    "tableflow.demo",
    "tableflow.operate",
    "tableflow.terminal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "tableflow.api.middleware.SlashMiddleware",
    "tableflow.api.middleware.measured_bodies",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "tableflow.urls"
ASGI_APPLICATION = "tableflow.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

_endpoints = endpoints.read()
_database = dj_database_url.parse(_endpoints["database_url"])
_wishes: dict[str, Any] = _database.get("OPTIONS", {})
# A process that freezes inside a transaction holds its locks no longer than this: a Stop would wait for them.
_FROZEN = "-c idle_in_transaction_session_timeout=30s"
DATABASES = {
    "default": {
        **_database,
        "CONN_MAX_AGE": 0,
        # A connection is tried before it is lent, so that one which died meanwhile is nobody's error.
        "CONN_HEALTH_CHECKS": True,
        # One pool a process: a thread holds a connection only while it talks to the database.
        "OPTIONS": {
            **_wishes,
            "options": f"{_FROZEN} {_wishes.get('options', '')}".strip(),
            "pool": {"min_size": 1, "max_size": env.database_connections(), "timeout": 10},
            "connect_timeout": 10,
        },
    },
}
REDIS_URL = _endpoints["redis_url"]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = f"/static/{assets.fingerprint()}/"
STATIC_ROOT = BASE_DIR / "staticfiles"
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = False
# Another file has another address.
SERVESTATIC_IMMUTABLE_FILE_TEST = "."

LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024


def _is_not_503(record: logging.LogRecord) -> bool:
    return getattr(record, "status_code", None) != 503


def _callers_errors_as_info(record: logging.LogRecord) -> bool:
    """Makes a 4xx a line of INFO; whether the log is to have it then."""
    if 400 <= getattr(record, "status_code", 0) < 500:
        record.levelno, record.levelname = logging.INFO, "INFO"
    return logging.getLogger(record.name).isEnabledFor(record.levelno)


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    # A 503 is how /readyz says "not yet": its body names the reason, and a line per question would fill the log.
    # What a caller did wrong is news to the caller, who has the answer; a WARNING is for those who run the system.
    "filters": {
        "no_503": {"()": "django.utils.log.CallbackFilter", "callback": _is_not_503},
        "callers": {"()": "django.utils.log.CallbackFilter", "callback": _callers_errors_as_info},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_503"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django.request": {"filters": ["callers"]},
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        # It would tell of each stream that opens.
        "django_eventstream": {"level": "WARNING"},
    },
}

# What django-eventstream streams is our log, and who may read it (tableflow/live/sse.py). The library's own tables,
# and its listener at Redis, are not used.
EVENTSTREAM_STORAGE_CLASS = "tableflow.live.storage.LogStorage"
EVENTSTREAM_CHANNELMANAGER_CLASS = "tableflow.api.live.Channels"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tableflow.api.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "tableflow.api.pagination.Pages",
    "DEFAULT_PARSER_CLASSES": ["tableflow.api.parsing.JsonBody"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "tableflow.api.negotiation.JsonAnyway",
    "DEFAULT_SCHEMA_CLASS": "tableflow.api.openapi.DescribedView",
    # No body has such a key, so that no field of somebody's is taken for it. tableflow/api/errors.py hides it.
    "NON_FIELD_ERRORS_KEY": "\x00",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
}
REST_KNOX = {"AUTH_HEADER_PREFIX": "Bearer", "TOKEN_TTL": None}
SPECTACULAR_SETTINGS = {
    "TITLE": "tableflow",
    "DESCRIPTION": "Tables whose columns run workflows.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "POSTPROCESSING_HOOKS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
}
DRF_STANDARDIZED_ERRORS = {"EXCEPTION_HANDLER_CLASS": "tableflow.api.errors.ErrorHandler"}
