"""A gateway of a few lines that speaks the simulator's protocol, and misbehaves on demand."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

SECRET_KEY = "sk_test_crooked0123456789"
WEBHOOK_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


class CrookedGateway:
    """Honest until ``faults`` are queued (one is used up per request) or ``lies`` are told."""

    def __init__(self, base_url):
        self.base_url = base_url
        self.payments = {}
        self.keys = {}
        self.calls = []
        self.faults = []
        self.lies = {}
        self.released = threading.Event()
        self.lock = threading.Lock()

    @property
    def credentials(self):
        return {
            "base_url": self.base_url,
            "secret_key": SECRET_KEY,
            "webhook_secret": WEBHOOK_SECRET,
        }

    def move(self, status, *, reference=None, failure=None):
        """Give the payment of ``reference`` (the only one, if left out) another status."""
        for payment in self.payments.values():
            if reference in {None, payment["reference"]}:
                payment |= {"status": status, "failure": failure}

    def create(self, key, body):
        with self.lock:
            if key not in self.keys:
                payment_id = f"pay_{uuid4().hex}"
                self.keys[key] = payment_id
                self.payments[payment_id] = {
                    "id": payment_id,
                    "object": "payment",
                    "mode": "test",
                    "amount": body["amount"],
                    "currency": body["currency"],
                    "status": "pending",
                    "reference": body["reference"],
                    "amount_refunded": 0,
                    "failure": None,
                    "checkout_url": f"{self.base_url}/checkout/{payment_id}?token=t",
                    "expires_at": "2099-01-01T00:00:00.000Z",
                }
            return self.payments[self.keys[key]]

    def find(self, path, query):
        """Status and content of a read."""
        if path == "/v1/payments":
            wanted = query["reference"][0]
            found = [row for row in self.payments.values() if row["reference"] == wanted]
            return 200, {"results": [row | self.lies for row in found]}
        payment = self.payments.get(path.rsplit("/", 1)[1])
        if payment is None:
            return 404, {"code": "not_found"}
        return 200, payment | self.lies


class _Handler(BaseHTTPRequestHandler):
    gateway: CrookedGateway

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        self.gateway.calls.append(("POST", self.path, key, body))
        self.answer(lambda: (201, self.gateway.create(key, body) | self.gateway.lies))

    def do_GET(self):
        parts = urlsplit(self.path)
        self.gateway.calls.append(("GET", self.path, None, None))
        self.answer(lambda: self.gateway.find(parts.path, parse_qs(parts.query)))

    def answer(self, honestly):
        if self.gateway.faults:
            self.gateway.faults.pop(0)(self, honestly)
        else:
            self.send_json(*honestly())

    def send_json(self, status, content):
        self.send(status, json.dumps(content).encode(), "application/json")

    def send(self, status, body, content_type="text/html", **headers):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def crooked_gateway():
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {}))
    server.RequestHandlerClass.gateway = CrookedGateway(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.RequestHandlerClass.gateway
    finally:
        server.RequestHandlerClass.gateway.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


# Faults: each takes the handler and the honest answer.


def server_error(handler, honestly):
    handler.send_json(500, {"code": "server_error"})


def html(handler, honestly):
    handler.send(200, b"<html>We are down for maintenance</html>")


def redirect(handler, honestly):
    handler.send(302, b"", Location="http://elsewhere.example/")


def hang(handler, honestly):
    """Never answers while the test runs."""
    handler.gateway.released.wait()
    handler.close_connection = True


def charge_and_hang(handler, honestly):
    """Does what was asked, and the answer is lost."""
    honestly()
    hang(handler, honestly)


def drip(handler, honestly):
    """Sends a byte now and then, so that no single read times out."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not handler.gateway.released.wait(0.1):
        try:
            handler.wfile.write(b" ")
        except OSError:
            break
    handler.close_connection = True


def flood(handler, honestly):
    try:
        handler.send(200, b" " * 3_000_000, "application/json")
    except OSError:
        handler.close_connection = True


def hang_up(handler, honestly):
    handler.close_connection = True


def answers(status, content):
    def fault(handler, honestly):
        handler.send_json(status, content)

    return fault


def lying(**lies):
    """The honest answer with other facts in it, once."""

    def fault(handler, honestly):
        status, content = honestly()
        handler.send_json(status, content | lies)

    return fault
