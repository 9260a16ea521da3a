from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from common.errors import DomainError
from common.money import Currency
from payments.enums import GatewayName
from payments.services.methods import ensure_payment_method


class Command(BaseCommand):
    help = "Create the payment method of a gateway and mode, or bring it up to date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--gateway", required=True, choices=GatewayName.values)
        parser.add_argument("--base-url", required=True)
        parser.add_argument("--secret-key", required=True)
        parser.add_argument("--webhook-secret", required=True)
        parser.add_argument(
            "--currency", required=True, action="append", choices=Currency.values, dest="currencies"
        )
        parser.add_argument("--test", action="store_true", help="no real money moves")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            method = ensure_payment_method(
                value=options["gateway"],
                is_test=options["test"],
                currencies=options["currencies"],
                credentials={
                    "base_url": options["base_url"],
                    "secret_key": options["secret_key"],
                    "webhook_secret": options["webhook_secret"],
                },
            )
        except DomainError as error:
            raise CommandError(f"{error.field}: {error.message}") from error
        self.stdout.write(reverse("payment-webhook", args=[method.id]))
