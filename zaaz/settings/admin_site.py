"""How the back office looks: its names, its colours, and what its sidebar offers."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

# The theme's scale of the accent colour, from the lightest to the darkest.
INDIGO = {
    "50": "oklch(96.2% .018 272.314)", "100": "oklch(93% .034 272.788)",
    "200": "oklch(87% .065 274.039)", "300": "oklch(78.5% .115 274.713)",
    "400": "oklch(67.3% .182 276.935)", "500": "oklch(58.5% .233 277.117)",
    "600": "oklch(51.1% .262 276.966)", "700": "oklch(45.7% .24 277.023)",
    "800": "oklch(39.8% .195 277.366)", "900": "oklch(35.9% .144 278.697)",
    "950": "oklch(25.7% .09 281.288)",
}  # fmt: skip

# By task: title, icon of Material Symbols, and the list that it opens.
GROUPS: dict[str, list[tuple[str, str, str]]] = {
    "Customers": [
        ("Users", "person", "accounts_user"),
        ("Subscriptions", "card_membership", "catalog_subscription"),
    ],
    "Money": [
        ("Payments", "payments", "payments_paymenttransaction"),
        ("Webhooks received", "webhook", "payments_webhookevent"),
        ("Payment methods", "credit_card", "payments_paymentmethod"),
        ("Wallets and accounts", "account_balance_wallet", "wallets_account"),
        ("Transactions", "receipt_long", "wallets_transaction"),
        ("Entries", "format_list_numbered", "wallets_entry"),
        ("Grants of credits", "redeem", "wallets_grant"),
        ("Holds", "lock_clock", "wallets_hold"),
    ],
    "Catalog": [
        ("Packages", "inventory_2", "catalog_package"),
        ("Plans", "event_repeat", "catalog_plan"),
        ("Features", "extension", "catalog_feature"),
        ("Endpoints", "api", "catalog_featureendpoint"),
        ("Limits and options", "tune", "catalog_packagefeatureconfig"),
        ("Package versions", "history", "catalog_packagehistory"),
    ],
    "Usage": [
        ("Metered calls", "speed", "billing_usagesession"),
        ("Usage by model", "data_usage", "billing_creditsusage"),
        ("AI models", "smart_toy", "billing_aimodel"),
        ("Credit price", "sell", "billing_billingsetting"),
        ("Margins", "percent", "billing_creditsprofit"),
        ("Rate cards", "price_change", "billing_ratecard"),
        ("History of models", "history", "billing_aimodelhistory"),
        ("History of credit price", "history", "billing_billingsettinghistory"),
        ("History of margins", "history", "billing_creditsprofithistory"),
    ],
    "Operations": [
        ("Events", "bolt", "common_outboxevent"),
        ("Deliveries", "local_shipping", "common_eventdelivery"),
        ("Idempotent calls", "repeat_one", "common_idempotencyrecord"),
        ("Periodic tasks", "schedule", "django_celery_beat_periodictask"),
    ],
    "Access": [
        ("Partners", "handshake", "accounts_partner"),
        ("API keys", "key", "accounts_apikey"),
        ("Staff actions", "fact_check", "admin_logentry"),
    ],
}
SIMULATOR = [
    ("Merchants", "storefront", "simulator_merchant"),
    ("Simulated payments", "credit_score", "simulator_payment"),
    ("Simulated refunds", "currency_exchange", "simulator_refund"),
    ("Webhooks to send", "webhook", "simulator_webhookevent"),
    ("Webhook deliveries", "outbox", "simulator_webhookdelivery"),
    ("Stored replies", "repeat_one", "simulator_storedreply"),
]
ALWAYS_OPEN = {"Customers", "Money"}


def look(*, environment: str, has_simulator: bool) -> dict[str, Any]:
    """What django-unfold reads as ``UNFOLD``."""
    groups = GROUPS | ({"Simulator": SIMULATOR} if has_simulator else {})
    tone = "danger" if environment == "production" else "info"
    return {
        "SITE_TITLE": "ZaaZ",
        "SITE_HEADER": "ZaaZ",
        "SITE_SUBHEADER": "Back office",
        "SITE_ICON": _mark,
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _mark}],
        "ENVIRONMENT": [environment.capitalize(), tone],
        "DASHBOARD_CALLBACK": "zaaz.start_page.overview",
        "STYLES": [lambda _: static("common/back_office.css")],
        "COLORS": {"primary": INDIGO},
        "SIDEBAR": {
            "show_search": True,
            "navigation": [
                {"items": [_item("Overview", "dashboard", "index")]},
                *(_group(title, lists) for title, lists in groups.items()),
            ],
        },
    }


def _mark(request: HttpRequest) -> str:
    return static("portal/mark.svg")


def _group(title: str, lists: list[tuple[str, str, str]]) -> dict[str, Any]:
    return {
        "title": title,
        "separator": True,
        "collapsible": title not in ALWAYS_OPEN,
        "items": [_item(name, icon, f"{page}_changelist") for name, icon, page in lists],
    }


def _item(title: str, icon: str, page: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{page}")}
