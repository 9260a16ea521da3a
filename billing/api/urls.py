from django.urls import path

from billing.api import views

urlpatterns = [
    path("credits-process/start", views.StartView.as_view()),
    path("credits-process/end", views.EndView.as_view()),
    path("credits-process/batch", views.BatchView.as_view()),
    path("credits-process/sessions/<uuid:usage_key>", views.SessionView.as_view()),
    path("credits-usages", views.CreditsUsageViewSet.as_view({"get": "list"})),
    path("credits-usages/<uuid:pk>", views.CreditsUsageViewSet.as_view({"get": "retrieve"})),
    path("credits-usages/<uuid:usage_key>/explain", views.ExplainView.as_view()),
]
