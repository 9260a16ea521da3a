"""Every setting. What differs between machines comes from the environment; see .env.example."""

from datetime import timedelta
from pathlib import Path

import django_stubs_ext
from celery.schedules import crontab
from environs import Env
from marshmallow.validate import Length, OneOf, Range

from common.logging import configure_logging
from zaaz.settings.admin_site import look
from zaaz.settings.refusals import fernet_keys, refuse_faults, web_address

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent.parent

env = Env(eager=False)  # collect every fault; refuse_faults() at the end reports them together

# --- Process --------------------------------------------------------------
ENVIRONMENT: str = (
    env.str("ENVIRONMENT", "development", validate=OneOf(["development", "production"]))
    or "production"  # a misspelt one is reported, and judged by the stricter rules meanwhile
)
DEBUG = False
SECRET_KEY = env.str("SECRET_KEY", validate=Length(min=32))
BASE_URL = env.str("BASE_URL", "http://localhost:8000", validate=web_address)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_FAILURE_VIEW = "portal.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENVIRONMENT == "production"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576  # bytes
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))

WSGI_APPLICATION = "zaaz.wsgi.application"
ASGI_APPLICATION = "zaaz.asgi.application"
ROOT_URLCONF = "zaaz.urls"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Applications ---------------------------------------------------------
SIMULATOR_ENABLED = env.bool("SIMULATOR_ENABLED", False)
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "django_celery_beat",
    "django_filters",
    "django_prometheus",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "common",
    "accounts",
    "catalog",
    "wallets",
    "billing",
    "payments",
    "notifications",
    "portal",
    "zaaz",
]
if SIMULATOR_ENABLED:
    INSTALLED_APPS.append("simulator")

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "common.request_id.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", BASE_DIR / "var" / "static")
WHITENOISE_USE_FINDERS = env.bool("SERVE_STATIC_FROM_APPS", False)  # no collectstatic needed

# --- Data -----------------------------------------------------------------
DATABASES = {
    "default": env.dj_db_url(
        "DATABASE_URL",
        conn_max_age=env.int("DATABASE_CONN_MAX_AGE_SECONDS", 0),
        conn_health_checks=True,
    )
}
REDIS_URL = env.str("REDIS_URL", "redis://localhost:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "zaaz",
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 1},  # seconds
    }
}
FIELD_ENCRYPTION_KEYS: list[str] = env.list(
    "FIELD_ENCRYPTION_KEYS", validate=[Length(min=1), fernet_keys]
)

# --- Sign-in --------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
API_KEY_PEPPER = env.str("API_KEY_PEPPER", validate=Length(min=32))
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "ALGORITHM": "HS256",
    "SIGNING_KEY": env.str("JWT_SIGNING_KEY", validate=Length(min=32)),
    "AUDIENCE": "zaaz",
    "ISSUER": "zaaz",
    "USER_ID_FIELD": "id",
    "USER_ID_CLAIM": "sub",
}

# --- Back office ----------------------------------------------------------
UNFOLD = look(environment=ENVIRONMENT, has_simulator=SIMULATOR_ENABLED)
FORMAT_MODULE_PATH = ["zaaz.formats"]
LOGIN_REDIRECT_URL = "admin:index"

# --- API ------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.JwtAuthentication",
        "accounts.authentication.ApiKeyAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["common.api.permissions.DenyAll"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "common.api.pagination.ListPagination",
    "DEFAULT_SCHEMA_CLASS": "common.api.schema.ProblemAutoSchema",
    "EXCEPTION_HANDLER": "common.api.problems.handle_exception",
    "COERCE_DECIMAL_TO_STRING": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ZaaZ",
    "DESCRIPTION": "Money and credits for products that sell AI features.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "CurrencyEnum": "common.money.Currency",
        "PaymentStatusEnum": "payments.enums.PaymentStatus",
        "SubscriptionStatusEnum": "catalog.enums.SubscriptionStatus",
        "UserStatusEnum": "accounts.enums.UserStatus",
        "FeatureTypeEnum": "catalog.enums.FeatureType",
        "DirectionEnum": "wallets.enums.Direction",
        "SessionStateEnum": "billing.enums.SessionState",
    },
    "SCHEMA_PATH_PREFIX": "/api",
}

# --- Celery ---------------------------------------------------------------
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A request waits neither for a broker that is away nor for one that hangs: sweeps follow.
CELERY_BROKER_CONNECTION_TIMEOUT = 1  # seconds
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 0,
    "visibility_timeout": 600,  # seconds; this and the rest: Redis only
    "socket_connect_timeout": 1,
    "socket_timeout": 2,
}
# One more try, at once: without it beat keeps a lost connection for ever.
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0
}  # fmt: skip
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 60  # seconds
CELERY_TASK_TIME_LIMIT = 90  # seconds
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # acks_late tasks must not pile up behind a slow one
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"


def every(seconds: int, task: str) -> dict[str, object]:
    return {
        "task": task,
        "schedule": timedelta(seconds=seconds),
        "options": {"expires": max(2, seconds)},  # a late one is not worth a second run
    }


CELERY_BEAT_SCHEDULE = {
    "sweep-outbox": every(2, "common.tasks.sweep_outbox"),
    "expire-holds": every(60, "wallets.tasks.expire_holds"),
    "expire-grants": every(60, "wallets.tasks.expire_grants"),
    "expire-sessions": every(60, "billing.tasks.expire_sessions"),
    "expire-subscriptions": every(300, "catalog.tasks.expire_subscriptions"),
    "reconcile-payments": every(60, "payments.tasks.reconcile_payments"),
    "forget-expired-tokens": {
        "task": "accounts.tasks.forget_expired_tokens",
        "schedule": crontab(hour="3", minute="7"),
    },
    "forget-delivered-events": {
        "task": "common.tasks.forget_delivered_events",
        "schedule": crontab(hour="3", minute="17"),
    },
    "forget-stored-answers": {
        "task": "common.tasks.forget_stored_answers",
        "schedule": crontab(hour="3", minute="27"),
    },
}
if SIMULATOR_ENABLED:
    CELERY_BEAT_SCHEDULE |= {
        "simulator-send-webhooks": every(5, "simulator.tasks.send_due_webhooks"),
        "simulator-expire-payments": every(60, "simulator.tasks.expire_payments"),
    }

# --- Real time ------------------------------------------------------------
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "zaaz"},
    }
}

# --- Metering -------------------------------------------------------------
METERING_SESSION_TTL_SECONDS = env.int("METERING_SESSION_TTL_SECONDS", 3600, validate=Range(min=60))
METERING_DEFAULT_CONFIG = env.json("METERING_DEFAULT_CONFIG", {})

# --- Payments -------------------------------------------------------------
CHECKOUT_RETURN_ORIGINS = env.list("CHECKOUT_RETURN_ORIGINS", [BASE_URL])
GATEWAY_TIMEOUT_SECONDS = env.int("GATEWAY_TIMEOUT_SECONDS", 10, validate=Range(min=1, max=60))
SIMULATOR_BASE_URL = env.str("SIMULATOR_BASE_URL", "http://localhost:8001")
SIMULATOR_PAYMENT_TTL_SECONDS = env.int(
    "SIMULATOR_PAYMENT_TTL_SECONDS", 3600, validate=Range(min=60)
)

# --- E-mail ---------------------------------------------------------------
EMAIL_CONFIG = env.dj_email_url("EMAIL_URL", "smtp://localhost:25") or {}
EMAIL_BACKEND = EMAIL_CONFIG.get("EMAIL_BACKEND", "")
EMAIL_HOST = EMAIL_CONFIG.get("EMAIL_HOST")
EMAIL_PORT = EMAIL_CONFIG.get("EMAIL_PORT")
EMAIL_HOST_USER = EMAIL_CONFIG.get("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = EMAIL_CONFIG.get("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = EMAIL_CONFIG.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = EMAIL_CONFIG.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = EMAIL_CONFIG.get("EMAIL_FILE_PATH")
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "ZaaZ <no-reply@localhost>")

# --- Health ---------------------------------------------------------------
READY_MAX_OUTBOX_AGE_SECONDS = env.int("READY_MAX_OUTBOX_AGE_SECONDS", 300)

refuse_faults(env, globals())

LOGGING = configure_logging(LOG_LEVEL)
