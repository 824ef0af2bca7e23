"""The management service: buckets, scopes and collections over HTTP, and what tests ask for (faults, a later clock).

The paths and messages are the real server's, as far as the SDK and this project use them; ``/standin/...`` is ours.
Requests come in on threads of the standard library's server and are answered on the event loop's thread, which owns
the data.
"""

import asyncio
import base64
import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ops.standin.cluster import Cluster
from ops.standin.configuration import Node
from ops.standin.documents import Bucket
from ops.standin.faults import Fault, Faults
from ops.standin.sasl import Account

__all__ = ["Management", "serve"]

Reply = tuple[HTTPStatus, Any]
_NOT_FOUND: Reply = (HTTPStatus.NOT_FOUND, "Requested resource not found.")
_ANSWER_TIMEOUT_S = 30.0
_STOP_POLL_S = 0.05


class Management:
    """What each request does. For the event loop's thread."""

    def __init__(self, cluster: Cluster, node: Node, faults: Faults) -> None:
        """Over the data and the faults of the key-value service."""
        self._cluster = cluster
        self._node = node
        self._faults = faults

    def answer(self, method: str, path: str, body: str) -> Reply:
        """Status and JSON of the answer to a request of somebody who may do everything."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts[0] == "standin":
            return self._obey_test(method, parts[1:], body)
        if parts[:3] != ["pools", "default", "buckets"]:
            return _NOT_FOUND
        form = {name: values[0] for name, values in parse_qs(body).items()}
        match method, parts[3:]:
            case "GET", []:
                return HTTPStatus.OK, [self._node.describe_bucket(each) for each in self._cluster.buckets.values()]
            case "POST", []:
                return self._create_bucket(form.get("name", ""))
        bucket = self._cluster.buckets.get(parts[3])
        if bucket is None:
            return _NOT_FOUND
        match method, parts[4:]:
            case "GET", []:
                return HTTPStatus.OK, self._node.describe_bucket(bucket)
            case "DELETE", []:
                self._cluster.drop_bucket(bucket.name)
                return HTTPStatus.OK, {}
            case "GET", ["scopes"]:
                return HTTPStatus.OK, bucket.manifest()
            case _, ["scopes", *rest]:
                return self._change_layout(bucket, method, rest, form.get("name", ""))
        return _NOT_FOUND

    def _create_bucket(self, name: str) -> Reply:
        if not name:
            return HTTPStatus.BAD_REQUEST, {"errors": {"name": "Bucket name needs to be specified"}}
        if name in self._cluster.buckets:
            return HTTPStatus.BAD_REQUEST, {"errors": {"name": "Bucket with given name already exists"}}
        self._cluster.add_bucket(name)
        return HTTPStatus.ACCEPTED, {}

    def _change_layout(self, bucket: Bucket, method: str, rest: list[str], name: str) -> Reply:
        match method, rest:
            case "POST", [] if name in bucket.scopes:
                return _exists(f'Scope with name "{name}" already exists')
            case "POST", [] if name:
                bucket.add_scope(name)
            case _, [scope, *_] if scope not in bucket.scopes:
                return _missing(f'Scope with name "{scope}" is not found')
            case "DELETE", [scope]:
                bucket.drop_scope(scope)
            case "POST", [scope, "collections"] if name in bucket.scopes[scope]:
                return _exists(f'Collection with name "{name}" in scope "{scope}" already exists')
            case "POST", [scope, "collections"] if name:
                bucket.add_collection(scope, name)
            case "DELETE", [scope, "collections", collection] if collection not in bucket.scopes[scope]:
                return _missing(f'Collection with name "{collection}" in scope "{scope}" is not found')
            case "DELETE", [scope, "collections", collection]:
                bucket.drop_collection(scope, collection)
            case _:
                return _NOT_FOUND
        self._cluster.save_layout(bucket)
        return HTTPStatus.OK, {"uid": f"{bucket.revision:x}"}

    def _obey_test(self, method: str, what: list[str], body: str) -> Reply:
        try:
            match method, what:
                case "POST", ["faults"]:
                    self._faults.ask(Fault(**json.loads(body)))
                case "DELETE", ["faults"]:
                    self._faults.clear()
                case "POST", ["clock"]:
                    self._cluster.advance_clock(float(json.loads(body)["advance_s"]))
                case _:
                    return _NOT_FOUND
        except (KeyError, TypeError, ValueError) as error:
            return HTTPStatus.BAD_REQUEST, {"errors": {"_": repr(error)}}
        return HTTPStatus.OK, {}


def serve(management: Management, account: Account, node: Node) -> ThreadingHTTPServer:
    """Open the port and answer from a thread until ``shutdown``. Call from the event loop's thread.

    Raises:
        OSError: The port cannot be listened on.
    """
    loop = asyncio.get_running_loop()

    async def answer(method: str, path: str, body: str) -> Reply:
        return management.answer(method, path, body)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            if path == "/pools":  # open to all, as on the real server: the readiness check
                self._send(HTTPStatus.OK, {"pools": [], "implementationVersion": "kv-stand-in"})
            elif not self._is_allowed():
                self._send(HTTPStatus.UNAUTHORIZED, {"message": "wrong user or password"})
            else:
                asked = asyncio.run_coroutine_threadsafe(answer(self.command, path, body), loop)
                self._send(*asked.result(_ANSWER_TIMEOUT_S))

        do_POST = do_DELETE = do_GET  # noqa: N815 (names that the library calls)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
            """Say nothing of requests that went well."""

        def _is_allowed(self) -> bool:
            scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "basic":
                return False
            username, _, password = base64.b64decode(credentials).decode().partition(":")
            return account.is_valid(username, password)

        def _send(self, status: HTTPStatus, content: Any) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer((node.host, node.http_port), Handler)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, args=(_STOP_POLL_S,), name="management", daemon=True)
    serving.start()
    return server


def _exists(message: str) -> Reply:
    return HTTPStatus.BAD_REQUEST, {"errors": {"_": message}}


def _missing(message: str) -> Reply:
    return HTTPStatus.NOT_FOUND, {"errors": {"_": message}}
