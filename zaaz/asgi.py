import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zaaz.settings.base")

django_application = get_asgi_application()

from notifications.authentication import SocketAuthentication  # noqa: E402 -- needs the app registry
from notifications.routing import websocket_urlpatterns  # noqa: E402 -- needs the app registry

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": SocketAuthentication(URLRouter(websocket_urlpatterns)),  # type: ignore[arg-type]  # the stubs know no consumers
    }
)
