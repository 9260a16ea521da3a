from django.urls import include, path
from rest_framework.routers import SimpleRouter

from catalog.api import public_views, views

router = SimpleRouter(trailing_slash=False)
router.register("features", views.FeatureViewSet)
router.register("feature-endpoints", views.FeatureEndpointViewSet)
router.register("plans", views.PlanViewSet)
router.register("packages", views.PackageViewSet)
router.register("package-feature-configs", views.PackageFeatureConfigViewSet)
router.register("package-histories", views.PackageHistoryViewSet)
router.register("user-subscriptions", views.SubscriptionViewSet)

urlpatterns = [
    path("features/public", public_views.PublicFeatureViewSet.as_view({"get": "list"})),
    path("plans/public", public_views.PublicPlanViewSet.as_view({"get": "list"})),
    path("packages/public", public_views.PublicPackageViewSet.as_view({"get": "list"})),
    path(
        "packages/<uuid:pk>/public",
        public_views.PublicPackageViewSet.as_view({"get": "retrieve"}),
    ),
    path("user-subscriptions/self", views.OwnSubscriptionView.as_view()),
    path("", include(router.urls)),
]
