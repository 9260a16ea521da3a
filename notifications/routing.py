from django.urls import path

from notifications.consumers import NotificationConsumer

websocket_urlpatterns = [
    path("ws/", NotificationConsumer.as_asgi())  # type: ignore[arg-type]  # path() knows HTTP only
]
