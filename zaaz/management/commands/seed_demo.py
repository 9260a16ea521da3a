"""Demo data for `make run`: staff, a customer, a catalogue, prices and a way to pay."""

from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from environs import Env

from accounts.enums import Role, Scope
from accounts.models import User
from accounts.services import confirm_email, recognise_api_key
from billing.models import AiModel, BillingSetting, CreditsProfit
from billing.services import prices
from catalog.contents import PlanTerms
from catalog.models import Feature, FeatureEndpoint, Package, Plan
from catalog.services import create_package
from common import clock
from payments.models import PaymentMethod

ADMIN = "admin@zaaz.test"
CUSTOMER = "customer@zaaz.test"


class Command(BaseCommand):
    help = "Loads the demo. Safe to run again; needs the DEMO_* variables of `make run`."

    def handle(self, *args: Any, **options: Any) -> None:
        env = Env()
        admin = _ensure_user(ADMIN, "Demo admin", Role.SUPER_ADMIN, env.str("DEMO_PASSWORD"))
        customer = _ensure_user(CUSTOMER, "Demo customer", Role.USER, env.str("DEMO_PASSWORD"))
        if not Package.objects.exists():
            _create_catalogue(admin.id)
        if not AiModel.objects.exists():
            _create_prices(admin.id)
        for user in (admin, customer):
            confirm_email(user_id=user.id)  # after the catalogue: the initial package follows
        _ensure_gateway(env.str("DEMO_SIMULATOR_SECRET_KEY"), env.str("DEMO_WEBHOOK_SECRET"))
        _ensure_partner_key(Path(env.str("DEMO_PARTNER_KEY_FILE")))
        self.stdout.write("The demo data is there.")


def _ensure_user(email: str, name: str, role: Role, password: str) -> User:
    user = User.objects.filter(email=email).first() or User(email=email, name=name, role=role)
    if not user.check_password(password):  # a new hash would end the sessions of the last run
        user.set_password(password)
        user.save()
    return user


def _create_catalogue(actor_id: UUID) -> None:
    writing = Feature.objects.create(name="Writing", value="writing", type="writing")
    FeatureEndpoint.objects.create(
        feature=writing,
        name="Article writer",
        value="article-writer",
        endpoint="/v1/articles",
        method="POST",
        min_credits=50,
    )
    monthly = Plan.objects.create(name="Monthly", duration_days=30, sequence=1)
    yearly = Plan.objects.create(name="Yearly", duration_days=365, sequence=2)
    _create_packages(actor_id, writing, monthly, yearly)


def _create_packages(actor_id: UUID, writing: Feature, monthly: Plan, yearly: Plan) -> None:
    free = PlanTerms(plan_id=monthly.id, price_usd_minor=0, price_bdt_minor=0, credits=100)
    month = PlanTerms(
        plan_id=monthly.id, price_usd_minor=2900, price_bdt_minor=348_000, credits=3_000_000
    )
    year = PlanTerms(
        plan_id=yearly.id, price_usd_minor=29_000, price_bdt_minor=3_480_000, credits=36_000_000
    )
    create_package(
        fields={"value": "starter", "name": "Starter", "is_initial": True, "sequence": 1},
        feature_ids=[writing.id],
        plans=[free],
        actor_id=actor_id,
    )
    create_package(
        fields={"value": "pro", "name": "Pro", "badge": "Popular", "sequence": 2},
        feature_ids=[writing.id],
        plans=[month, year],
        actor_id=actor_id,
    )


def _create_prices(actor_id: UUID) -> None:
    prices.create_ai_model(
        actor_id=actor_id,
        name="Model A",
        value="model-a",
        provider="demo",
        input_token_price=Decimal("0.0000003"),
        output_token_price=Decimal("0.0000025"),
        is_initial=True,
    )
    prices.create_ai_model(
        actor_id=actor_id,
        name="Model B",
        value="model-b",
        provider="demo",
        input_token_price=Decimal("0.0000025"),
        output_token_price=Decimal("0.00001"),
    )
    if not BillingSetting.objects.exists():
        prices.create_billing_setting(
            actor_id=actor_id, credit_price=Decimal("0.00001"), is_initial=True
        )
    if not CreditsProfit.objects.exists():
        for name, percentage in (("Margin", 20), ("Operations", 10)):
            prices.create_credits_profit(
                actor_id=actor_id, name=name, percentage=Decimal(percentage)
            )


def _ensure_gateway(secret_key: str, webhook_secret: str) -> None:
    call_command(
        "ensure_payment_method",
        "--currency=USD",
        "--currency=BDT",
        gateway="simulator",
        base_url=settings.SIMULATOR_BASE_URL,
        secret_key=secret_key,
        webhook_secret=webhook_secret,
        test=True,
        stdout=StringIO(),
    )
    method = PaymentMethod.objects.get(value="simulator", is_test=True)
    call_command(
        "create_merchant",
        name="ZaaZ demo",
        webhook_url=f"{settings.BASE_URL}/api/payments/webhook/{method.id}",
        secret_key=secret_key,
        webhook_secret=webhook_secret,
        stdout=StringIO(),
    )


def _ensure_partner_key(key_file: Path) -> None:
    if key_file.exists():
        key = key_file.read_text().strip()
        if recognise_api_key(key=key, now=clock.now()) is not None:
            return
        key_file.unlink()
    call_command(
        "issue_api_key",
        f"--scope={Scope.METERING_WRITE}",
        partner="Demo AI backend",
        key_file=key_file,
        stdout=StringIO(),
    )
