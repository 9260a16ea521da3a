"""A merchant's web server: keeps what it is sent, and answers as it is told to."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class MerchantServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received = []  # (path, headers, raw body) of each POST
        self.visited = []  # path of each GET
        self.answers = []  # (status, body, headers) of the next POSTs; then 200
        self.delay_seconds = 0
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, dict(self.headers), body))
        time.sleep(self.server.delay_seconds)
        status, content, headers = (
            self.server.answers.pop(0) if self.server.answers else (200, b"thanks", {})
        )
        self._send(status, content, headers)

    def do_GET(self):
        self.server.visited.append(self.path)
        self._send(200, b"<h1>Welcome back</h1>", {"Content-Type": "text/html"})

    def _send(self, status, content, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@contextmanager
def merchant_server():
    server = MerchantServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
