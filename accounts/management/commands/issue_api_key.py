import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import services
from accounts.enums import Scope


class Command(BaseCommand):
    help = "Issues an API key for a partner, and makes the partner if it is new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--partner", required=True, help="name of the partner")
        parser.add_argument("--scope", required=True, action="append", choices=Scope.values)
        parser.add_argument("--key-file", type=Path, help="new file for the key; default: print it")

    def handle(self, *args: Any, **options: Any) -> None:
        key_file: Path | None = options["key_file"]
        if key_file and key_file.exists():
            raise CommandError(f"{key_file} exists. Remove it if nobody needs the key in it.")
        partner = services.ensure_partner(name=options["partner"])
        _, key = services.issue_api_key(
            partner_id=partner.id, name="issue_api_key", scopes=options["scope"]
        )
        if key_file is None:
            self.stdout.write(key)
            return
        descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{key}\n")
        self.stdout.write(f"The key of {partner} is in {key_file}.")
