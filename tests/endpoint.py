"""A chat endpoint on loopback that says what a test tells it to, and remembers what it was sent."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Response = tuple[int, dict[str, str], str]


class Endpoint:
    """A server whose answers are given in order; the last one is repeated.

    Attributes:
        requests: bodies of the requests so far.
        headers: their headers, names in lower case.
        times: when they came, seconds of a monotonic clock.
    """

    def __init__(self, *answers: Response | Callable[[dict], Response] | None):
        self.answers, self.requests, self.headers, self.times = list(answers), [], [], []
        self.closing = threading.Event()

    def __enter__(self) -> "Endpoint":
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.requests.append(request)
                endpoint.headers.append({name.lower(): value for name, value in self.headers.items()})
                endpoint.times.append(time.monotonic())
                answer = endpoint.answers[min(len(endpoint.requests), len(endpoint.answers)) - 1]
                if answer is None:
                    endpoint.closing.wait(30)
                    return
                status, headers, body = answer(request) if callable(answer) else answer
                self.send_response(status)
                for name, value in ({"Content-Type": "application/json"} | headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        return self

    def __exit__(self, *_: Any) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


def completion(content: Any, finish: str = "stop", refusal: str | None = None) -> Response:
    """A chat completion; a value that is no text is written as JSON."""
    text = content if isinstance(content, str | None) else json.dumps(content)
    message = {"role": "assistant", "content": text, "refusal": refusal}
    choice = {"index": 0, "finish_reason": finish, "message": message}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "toy", "choices": [choice]}
    return 200, {}, json.dumps(body)


def failure(status: int, message: str = "no", **headers: str) -> Response:
    """An error of the endpoint."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, sent, json.dumps({"error": {"message": message}})
