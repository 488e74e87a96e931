# SPDX-License-Identifier: Apache-2.0
"""The calls of vmnd's API that the driver makes.  No state but the addresses
of the servers: each call has a connection of its own, so greenthreads and
processes may share a client."""

import http.client
import json
import re
import socket
import ssl
import urllib.parse
import uuid

PAGE = 1000
# The API sends a line at least every 15 s where events are listened to.
SILENCE_S = 45

# Errors of certificates that one side does not accept.
_CERTIFICATE = re.compile(r"\[SSL: \w*(CERTIFICATE_VERIFY_FAILED|_ALERT_)")
_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Unreachable(Exception):
    """No server answered, or one says to try again later."""


class Refused(Exception):
    """vmnd says no.  'objects' has the (type, name) of those objects of an
    apply at fault that it names, 'ids' all ids of Neutron's in what it says:
    also of objects that are in the way."""

    def __init__(self, status, problem, sent=()):
        self.status = status
        errors = [e for e in problem.get("errors", ()) if isinstance(e, dict)]
        self.objects = set()
        for error in errors:
            parts = error.get("pointer", "").split("/")
            if parts[1:2] == ["objects"] and len(parts) > 2:
                one = sent[int(parts[2])]
                self.objects.add((one["type"], one["name"]))
        words = "; ".join("%s: %s" % (e.get("pointer", ""),
                                      e.get("detail", "")) for e in errors)
        words = words or str(problem.get("detail") or status)
        self.ids = set(_ID.findall(words))
        super().__init__(words)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("vmn", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def _tls(ca_file, cert_file, key_file):
    """Returns the context of connections.  Raises ValueError."""
    try:
        tls = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ValueError("[vmn] ca_file: must be the CA's certificate, in "
                         "PEM; of %s: %s" % (ca_file, error))
    if cert_file:
        try:
            tls.load_cert_chain(cert_file, key_file)
        except OSError as error:
            raise ValueError("[vmn] cert_file, key_file: must be a "
                             "certificate and its key, in PEM; of %s, %s: %s"
                             % (cert_file, key_file, error))
    return tls


def _server(api):
    """Returns the address, split.  Raises ValueError."""
    address = urllib.parse.urlsplit(api)
    if address.scheme not in ("unix", "http", "https") or not (
            address.path if address.scheme == "unix" else address.hostname):
        raise ValueError("[vmn] api: must be unix:/PATH, http://HOST:PORT or "
                         "https://HOST:PORT, and is %r" % api)
    return address


def _lacks_writer(reply, answer):
    return (reply.status == 503 and reply.getheader("Retry-After")
            and answer.get("type") != "urn:vmn:problem:busy")


class Client:
    def __init__(self, api, timeout=10, token_file=None, ca_file=None,
                 cert_file=None, key_file=None):
        """'api' lists the members of a cluster."""
        # The server that has replied last is the first.
        self.servers = [_server(one) for one in api]
        if not self.servers:
            raise ValueError("[vmn] api: is empty")
        self.timeout = timeout
        self.token_file = token_file
        self.tls = None
        if any(server.scheme == "https" for server in self.servers):
            self.tls = _tls(ca_file, cert_file, key_file)

    def _connection(self, server, timeout):
        if server.scheme == "unix":
            return _UnixConnection(server.path, timeout)
        if server.scheme == "https":
            return http.client.HTTPSConnection(
                server.hostname, server.port, timeout=timeout,
                context=self.tls)
        return http.client.HTTPConnection(
            server.hostname, server.port, timeout=timeout)

    def _headers(self, method):
        headers = {"Content-Type": "application/json"}
        if method != "GET":
            headers["Idempotency-Key"] = '"%s"' % uuid.uuid4()
        if self.token_file:
            try:
                with open(self.token_file, encoding="utf-8-sig") as token:
                    headers["Authorization"] = ("Bearer "
                                                + token.readline().strip())
            except (OSError, ValueError) as error:
                raise Unreachable("[vmn] token_file: %s: %s" % (
                    self.token_file, error))
        return headers

    def _send(self, method, target, data=None, stream=False, **more):
        """Sends a request, a change with one key, to the servers in turn,
        until one replies, but not that it has no writer.  Returns the
        connection, the reply and its JSON; of a stream the connection is open
        and the JSON None.  Raises Unreachable."""
        headers = dict(self._headers(method), **more)
        servers, faults = self.servers, []
        for i, server in enumerate(servers):
            connection = self._connection(
                server, SILENCE_S if stream else self.timeout)
            is_open = False
            try:
                connection.request(method, target, data, headers)
                reply = connection.getresponse()
                is_open = stream and reply.status == 200
                answer = None if is_open else json.loads(reply.read() or "{}")
                if not _lacks_writer(reply, answer):
                    if i:
                        self.servers = servers[i:] + servers[:i]
                    return connection, reply, answer
                fault = "503 %s" % answer.get("detail", "")
            except (OSError, ValueError, http.client.HTTPException) as error:
                fault = str(error) or type(error).__name__
            finally:
                if not is_open:
                    connection.close()
            faults.append("%s: %s" % (server.geturl(), fault))
            if _CERTIFICATE.search(fault):
                break
        raise Unreachable("; ".join(faults))

    def call(self, method, target, body=None):
        """Returns the answer's JSON; raises Unreachable or Refused."""
        data = None if body is None else json.dumps(body).encode()
        _, reply, answer = self._send(method, target, data)
        status = reply.status
        if 200 <= status < 300:
            return answer
        # Who is not let in has done nothing wrong with the object: that is
        # set right by who administers vmnd, and told again then.
        # A quota that is exceeded is another matter.
        if status >= 500 or status in (401, 408, 429) or (
                status == 403
                and answer.get("type") != "urn:vmn:problem:quota"):
            raise Unreachable("%s: %s %s: %d %s" % (
                self.servers[0].geturl(), method, target, status,
                answer.get("detail", "")))
        raise Refused(status, answer, (body or {}).get("objects", ()))

    def get(self, kind, name):
        """Returns the object, or None."""
        try:
            return self.call("GET", "/v1/%s/%s" % (
                kind, urllib.parse.quote(name)))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def list(self, kind, selector=None):
        """Returns all objects of a type."""
        items, after = [], None
        while True:
            query = {"limit": PAGE}
            if selector:
                query["selector"] = selector
            if after:
                query["after"] = after
            answer = self.call("GET", "/v1/%s?%s" % (
                kind, urllib.parse.urlencode(query)))
            items += answer["items"]
            after = answer.get("next")
            if not after:
                return items

    def apply(self, objects):
        return self.call("POST", "/v1/apply", {"objects": objects})

    def events(self, kinds, after=None):
        """Yields (kind, data, id) as they happen, and ends when vmnd does;
        raises Unreachable."""
        target = "/v1/events?kinds=" + ",".join(kinds)
        last = {"Last-Event-ID": after} if after else {}
        connection, reply, _ = self._send("GET", target, stream=True, **last)
        try:
            if reply.status != 200:
                raise Unreachable("%s: %d" % (target, reply.status))
            event = {}
            for line in reply:
                line = line.decode(errors="replace").rstrip("\r\n")
                if not line:
                    if "data" in event:
                        yield (event.get("event"), json.loads(event["data"]),
                               event.get("id"))
                    event = {}
                elif not line.startswith(":"):
                    name, _, value = line.partition(":")
                    event[name] = value[1:] if value[:1] == " " else value
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Unreachable("%s: %s" % (target,
                                          error or type(error).__name__))
        finally:
            connection.close()


def of_settings(conf):
    """The client that [vmn] describes."""
    return Client(conf.api, conf.timeout, conf.token_file, conf.ca_file,
                  conf.cert_file, conf.key_file)
