from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common import clock
from wallets.verification import CHECKS, Finding, verify


class Command(BaseCommand):
    help = "Prove the books over the whole database; name every row that is wrong."

    def handle(self, *args: Any, **options: Any) -> None:
        failures = 0
        total = len(CHECKS) + 1  # and the warning
        for number, finding in enumerate(verify(now=clock.now()), start=1):
            failures += finding.is_failure
            self.stdout.write(f"[{number}/{total}] {self._verdict(finding)}")
            for culprit in finding.culprits:
                self.stdout.write(f"    {finding.check.table} {culprit.row}: {culprit.detail}")
        if failures:
            raise CommandError(f"{failures} of {total} checks failed.")
        self.stdout.write(self.style.SUCCESS("The books are right."))

    def _verdict(self, finding: Finding) -> str:
        check = finding.check
        line = f"{check.name}: {finding.rows} rows"
        if not finding.wrong:
            return self.style.SUCCESS(f"{line}, all right")
        style = self.style.WARNING if check.is_warning else self.style.ERROR
        return style(f"{line}, {finding.wrong} wrong. {check.promise}")
