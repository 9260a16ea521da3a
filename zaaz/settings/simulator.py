"""Settings of the simulator's own process: the same data, other routes, no sign-in of ours."""

from zaaz.settings.base import *

ROOT_URLCONF = "simulator.urls"
ASGI_APPLICATION = "simulator.asgi.application"
CSRF_COOKIE_NAME = "simulator_csrftoken"  # cookies ignore ports; the admin has its own
