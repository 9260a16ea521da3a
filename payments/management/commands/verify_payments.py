from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common import clock
from payments.verification import CHECKS, Finding, verify


class Command(BaseCommand):
    help = "Prove that what was paid is what was delivered; name every row that is wrong."

    def handle(self, *args: Any, **options: Any) -> None:
        failures = 0
        for number, finding in enumerate(verify(now=clock.now()), start=1):
            failures += finding.wrong > 0
            self.stdout.write(f"[{number}/{len(CHECKS)}] {self._verdict(finding)}")
            for culprit in finding.culprits:
                self.stdout.write(f"    {culprit}")
        if failures:
            raise CommandError(f"{failures} of {len(CHECKS)} checks failed.")
        self.stdout.write(self.style.SUCCESS("What was paid is what was delivered."))

    def _verdict(self, finding: Finding) -> str:
        line = f"{finding.check.name}: {finding.rows} rows"
        if not finding.wrong:
            return self.style.SUCCESS(f"{line}, all right")
        return self.style.ERROR(f"{line}, {finding.wrong} wrong. {finding.check.promise}")
