from rest_framework.routers import SimpleRouter

from wallets.api.views import CreditsTransactionViewSet, UserWalletViewSet

router = SimpleRouter(trailing_slash=False)
router.register("user-wallets", UserWalletViewSet)
router.register("credits-transactions", CreditsTransactionViewSet)

urlpatterns = router.urls
