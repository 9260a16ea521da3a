"""Settings of the simulator's own process: the same data, other routes, no sign-in of ours."""

from django.core.exceptions import ImproperlyConfigured

from zaaz.settings.base import *

if not SIMULATOR_ENABLED:
    raise ImproperlyConfigured("SIMULATOR_ENABLED: The simulator starts only where it is true.")

ROOT_URLCONF = "simulator.urls"
ASGI_APPLICATION = "simulator.asgi.application"
CSRF_COOKIE_NAME = "simulator_csrftoken"  # cookies ignore ports; the admin has its own
UNFOLD = {}  # the back office is not served here
