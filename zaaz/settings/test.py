"""Settings of the test run: the same file, with secrets that open nothing."""

import os

os.environ.setdefault("SECRET_KEY", "test-secret-key-that-opens-nothing-at-all")
os.environ.setdefault("JWT_SIGNING_KEY", "test-jwt-signing-key-that-opens-nothing")
os.environ.setdefault("API_KEY_PEPPER", "test-pepper-that-opens-nothing-at-all-here")
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
os.environ.setdefault("SIMULATOR_ENABLED", "true")
os.environ.setdefault("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/zaaz")

from zaaz.settings.base import *

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # Argon2 is slow by design
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
INSTALLED_APPS += ["common.tests"]  # tables that only the kernel's own tests use
