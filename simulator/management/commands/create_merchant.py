from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.errors import DomainError
from simulator.services.merchants import register_merchant


class Command(BaseCommand):
    help = "Create a simulated merchant, or bring the one of that name up to date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--webhook-url", required=True)
        parser.add_argument("--secret-key", help="sk_test_…; a new merchant gets one if left out")
        parser.add_argument("--webhook-secret", help="whsec_…; likewise")

    def handle(
        self,
        *args: Any,
        name: str,
        webhook_url: str,
        secret_key: str | None,
        webhook_secret: str | None,
        **options: Any,
    ) -> None:
        try:
            keys = register_merchant(
                name=name,
                webhook_url=webhook_url,
                secret_key=secret_key,
                webhook_secret=webhook_secret,
            )
        except DomainError as error:
            raise CommandError(f"{error.field}: {error.message}") from error
        unchanged = "unchanged; it was shown when it was made"
        self.stdout.write(f"merchant: {keys.merchant.name}")
        self.stdout.write(f"webhook url: {keys.merchant.webhook_url}")
        self.stdout.write(f"secret key: {keys.secret_key or unchanged}")
        self.stdout.write(f"webhook secret: {keys.webhook_secret or unchanged}")
