"""A customer at the payment provider's hosted page, filling in its forms over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urljoin

import httpx

from scripts.journey.checks import Wrong, expect

THREE_D_SECURE_CARD = "4000002500003155"
SEE_OTHER = 303
TIMEOUT_SECONDS = 30


class FormReader(HTMLParser):
    """Reads the first form of a page: where it goes, and what its fields hold already."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = values.get("action") or ""
            self._is_inside = True
        elif tag == "input" and self._is_inside and (name := values.get("name")):
            self.fields[name] = values.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False


@dataclass(kw_only=True)
class Browser:
    """Keeps cookies, and follows no redirect by itself, so that each can be looked at."""

    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=TIMEOUT_SECONDS))
    page: httpx.Response | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def open(self, url: str) -> httpx.Response:
        self.page = self.client.get(url)
        return self.page

    def submit(self, filled_in: Mapping[str, str]) -> str:
        """Send the form of the open page, and return where the answer leads.

        Raises:
            Wrong: the page has no such form, or the form was not accepted.
        """
        assert self.page is not None
        form = FormReader()
        form.feed(self.page.text)
        if form.action is None:
            raise Wrong(f"{self.page.url} has no form")
        here = str(self.page.url)
        answer = self.client.post(
            urljoin(here, form.action),
            data={**form.fields, **filled_in},
            headers={"Origin": urljoin(here, "/").rstrip("/"), "Referer": here},
        )
        expect(f"the answer of {answer.url.path}", answer.status_code, SEE_OTHER)
        return urljoin(here, answer.headers["Location"])


def pay_with_three_d_secure(checkout_url: str) -> str:
    """Pay, pass the bank's challenge, and return the address to which the customer is sent."""
    card = {"number": THREE_D_SECURE_CARD, "expiry": "12 / 40", "cvc": "123", "name": "Demo"}
    with Browser() as browser:
        expect("the hosted page", browser.open(checkout_url).status_code, 200)
        challenge = browser.submit({**card, "action": "pay"})
        expect("the challenge page", browser.open(challenge).status_code, 200)
        return browser.submit({"outcome": "complete"})
