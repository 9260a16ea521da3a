"""How the tests of the pages speak of them."""

import html
import re

from django.core import mail


def text(response):
    """What a page says, without its tags."""
    body = re.sub(r"<[^>]*>", " ", response.content.decode())
    return html.unescape(re.sub(r"\s+", " ", body))


def hidden_fields(response, form_action):
    """The hidden fields of the form that leads to ``form_action``."""
    pattern = rf'<form[^>]*action="{re.escape(form_action)}".*?</form>'
    form = re.search(pattern, response.content.decode(), re.DOTALL)
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0]))


def link_of_last_mail():
    """The path of the verification link in the mail that was sent last."""
    return re.search(r"(/verify-email\?token=\S+)", mail.outbox[-1].body)[1]
