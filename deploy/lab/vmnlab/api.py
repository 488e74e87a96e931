# SPDX-License-Identifier: Apache-2.0
"""VMN's API over its unix socket: what the lab, the demonstration and the
tests ask and tell vmnd.  docs/api.md describes it."""

import http.client
import json
import socket
import urllib.parse

from . import netns


class Refused(netns.Error):
    """An answer that is not a yes: 'status' and the problem's members."""

    def __init__(self, method, target, status, problem):
        self.status = status
        self.problem = problem
        words = ""
        if isinstance(problem, dict):
            words = "; ".join(
                ["%s: %s" % (e.get("pointer", ""), e.get("detail", ""))
                 for e in problem.get("errors", []) if isinstance(e, dict)]
                or [str(problem.get("detail") or problem.get("title") or "")])
        super().__init__("%s %s: %d %s" % (method, target, status, words))


class _Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout * netns.PATIENCE)
        self.path = path
        self.seconds = timeout

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        # A full queue is an error at once, with a time-out.
        netns.wait_for("a place in vmnd's queue", self._try, self.seconds)

    def _try(self):
        try:
            self.sock.connect(self.path)
        except BlockingIOError:
            return False
        return True


class Api:
    """A client of the API at unix socket 'path'."""

    def __init__(self, path, timeout=60 * netns.PATIENCE):
        self.path = path
        self.timeout = timeout

    def raw(self, method, target, body=None, headers=None):
        """Returns (status, headers, body as bytes), whatever they are."""
        connection = _Connection(self.path, self.timeout)
        try:
            connection.request(method, target, body, headers or {})
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()

    def call(self, method, target, body=None, headers=None, **query):
        """Returns the answer's JSON (None if it has no body); raises Refused
        unless the status is 2xx.  'query' becomes the target's query."""
        if query:
            target += "?" + urllib.parse.urlencode(query)
        headers = dict(headers or {})
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers.setdefault(
                "Content-Type", "application/merge-patch+json"
                if method == "PATCH" else "application/json")
        status, _, text = self.raw(method, target, data, headers)
        try:
            answer = json.loads(text) if text else None
        except ValueError:
            answer = text.decode(errors="replace")
        if not 200 <= status < 300:
            raise Refused(method, target, status, answer)
        return answer

    def get(self, target, **query):
        return self.call("GET", "/v1/" + target, **query)

    def put(self, target, spec, **query):
        return self.call("PUT", "/v1/" + target, {"spec": spec}, **query)

    def patch(self, target, spec, **query):
        """Changes some members of an object's spec (a merge patch)."""
        return self.call("PATCH", "/v1/" + target, {"spec": spec}, **query)

    def delete(self, target, **query):
        return self.call("DELETE", "/v1/" + target, **query)

    def apply(self, objects, **query):
        """Applies objects, {"type", "name", "spec"} each, as one
        transaction."""
        return self.call("POST", "/v1/apply", {"objects": objects}, **query)

    def healthy(self):
        try:
            return self.raw("GET", "/healthz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def metrics(self):
        """Returns the daemon's metrics, {"name{labels}": value}."""
        found = {}
        for line in self.raw("GET", "/metrics")[2].decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                found[name] = float(value)
        return found
