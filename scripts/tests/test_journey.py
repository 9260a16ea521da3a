import http.server
import threading
from email.message import EmailMessage
from urllib.parse import parse_qs

import pytest

from scripts.journey.checks import Wrong, expect, wait_for
from scripts.journey.hosted_page import Browser, FormReader
from scripts.journey.mailbox import newest_mail, verification_token

PAGE = b"""<html><form method="get"><input name="q"></form></html>"""
FORM = """
<form method="post" action="/pay">
  <input type="hidden" name="csrf" value="t&amp;k"><input name="number">
  <button name="action" value="pay">Pay</button>
</form>
<form action="/other"><input name="foreign" value="1"></form>
"""


def write_mails(folder, name, *texts, to="me@zaaz.test"):
    parts = []
    for text in texts:
        message = EmailMessage()
        message["To"], message["Subject"] = to, "Hello"
        message.set_content(text)
        parts.append(message.as_string() + "\n" + "-" * 79 + "\n")
    (folder / name).write_text("".join(parts))


def test_newest_mail_is_the_last_one_to_that_address(tmp_path):
    write_mails(tmp_path, "20260101-1.log", "first")
    write_mails(tmp_path, "20260101-2.log", "second", "third")
    write_mails(tmp_path, "20260101-3.log", "of another", to="you@zaaz.test")
    assert newest_mail(tmp_path, to="me@zaaz.test").strip() == "third"


def test_newest_mail_without_one_is_none(tmp_path):
    assert newest_mail(tmp_path, to="me@zaaz.test") is None


def test_verification_token_of_a_long_link_survives_the_mail(tmp_path):
    token = "abc." + "x" * 300
    write_mails(tmp_path, "1.log", f"open\n\nhttp://localhost:8000/verify-email?token={token}\n")
    text = newest_mail(tmp_path, to="me@zaaz.test")
    assert verification_token(text, base_url="http://localhost:8000") == token


def test_verification_token_of_another_site_is_none():
    text = "http://elsewhere/verify-email?token=abc"
    assert verification_token(text, base_url="http://localhost:8000") is None


def test_form_reader_reads_the_first_form_only():
    form = FormReader()
    form.feed(FORM)
    assert form.action == "/pay"
    assert form.fields == {"csrf": "t&k", "number": ""}


@pytest.fixture
def shop():
    """A server with one form; it answers a post with a redirect that quotes the fields."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(200, FORM.encode() if self.path == "/checkout" else PAGE)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, parse_qs(body, keep_blank_values=True)))
            self.answer(303 if "number=4" in body else 422, b"")

        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Location", "/challenge?token=1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    received = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.received = received
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


def test_browser_submits_what_the_page_and_the_person_filled_in(shop):
    base = f"http://127.0.0.1:{shop.server_port}"
    with Browser() as browser:
        browser.open(f"{base}/checkout")
        assert browser.submit({"number": "4", "action": "pay"}) == f"{base}/challenge?token=1"
    assert shop.received == [("/pay", {"csrf": ["t&k"], "number": ["4"], "action": ["pay"]})]


def test_browser_whose_form_is_refused_says_so(shop):
    with Browser() as browser:
        browser.open(f"http://127.0.0.1:{shop.server_port}/checkout")
        with pytest.raises(Wrong, match="the answer of /pay: 422, and it must be 303"):
            browser.submit({"number": "5"})


def test_expect_of_another_number_names_both():
    with pytest.raises(Wrong, match=r"^charge: 1574, and it must be 1575$"):
        expect("charge", 1574, 1575)


def test_wait_for_what_does_not_happen_ends():
    with pytest.raises(Wrong, match="a miracle did not happen within 0 s"):
        wait_for("a miracle", lambda: None, seconds=0)


def test_wait_for_returns_what_it_found():
    found = iter([None, None, 7])
    assert wait_for("seven", lambda: next(found), seconds=5) == 7
