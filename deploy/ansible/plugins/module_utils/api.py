# SPDX-License-Identifier: Apache-2.0
"""VMN's API, over its unix socket, HTTP or HTTPS: what all modules and the
inventory ask vmnd by.  Nothing of Ansible's controller: it runs where a
module runs."""

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

import json
import os
import re
import socket
import ssl
import stat
import time
import uuid
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlencode

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.text.converters import to_native, to_text

DEFAULT_SERVER = "unix:/run/vmn/vmnd.sock"
# For how many seconds vmnd may think about a call that does not wait.
ANSWER_SECONDS = 30
CONNECT_SECONDS = 5
# For how many seconds a call is repeated while no server has a writer, or
# while it is not known whether a change was made.
REPEAT_SECONDS = 30
HOST = r"([^/:\[\]]+|\[[^/\]]+\])"
SERVER = re.compile(r"(unix:/.+|(tcp|ssl):%s:\d+|https?://%s(:\d+)?)$"
                    % (HOST, HOST))
# Errors of certificates that one side does not accept.
CERTIFICATE = re.compile(r"\[SSL: \w*(CERTIFICATE_VERIFY_FAILED|_ALERT_)")


class ApiError(Exception):
    """No answer, or one that is not a yes: its 'status' and 'problem' then
    (docs/api.md#errors)."""

    def __init__(self, text, status=None, problem=None):
        super(ApiError, self).__init__(text)
        self.status = status
        self.problem = problem

    def is_absent(self):
        """Whether an object is not there, and not its type."""
        return is_kind(self.problem, "not-found")


class Away(ApiError):
    """A failure of a server that another server may not have.  'wait': the
    seconds until the call may be repeated, or None; 'lost': the server may
    have made the change."""

    def __init__(self, text, lost, wait=None, **refusal):
        super(Away, self).__init__(text, **refusal)
        self.lost = lost
        self.wait = wait


def parse(text):
    """Returns the JSON in a body, or the text if it is no JSON."""
    text = to_text(text, errors="surrogate_or_replace")
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def is_kind(problem, kind):
    return (isinstance(problem, dict)
            and problem.get("type") == "urn:vmn:problem:" + kind)


def faults(problem):
    """What is wrong, in words: each field by its JSON pointer."""
    if not isinstance(problem, dict):
        return to_native(problem).strip()
    texts = []
    for fault in problem.get("errors") or ():
        where = fault.get("pointer") or fault.get("parameter")
        text = fault.get("detail") or json.dumps(fault, sort_keys=True)
        texts.append("%s: %s" % (where, text) if where else text)
    return "; ".join(texts) or problem.get("detail") or problem.get(
        "title") or json.dumps(problem)


def read_token(path):
    """Returns the first line of a file that only its owner may read."""
    try:
        with open(path, "r", encoding="utf-8-sig") as file:
            info = os.fstat(file.fileno())
            others = stat.S_IRWXO | (stat.S_IRWXG
                                     if info.st_uid == os.geteuid() else 0)
            if info.st_mode & others:
                raise ApiError("%s: others may read or change this token "
                               "(mode %04o)" % (path, info.st_mode & 0o7777))
            return file.readline().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ApiError("token_file: %s" % to_native(error))


def check_server(server):
    """Returns it without blanks and a final slash."""
    server = server.strip().rstrip("/")
    if not SERVER.match(server):
        raise ApiError("server: \"%s\" must be unix:/PATH, "
                       "http://HOST:PORT or https://HOST:PORT (or "
                       "tcp:HOST:PORT, ssl:HOST:PORT)" % server)
    return server


def tls_context(ca_cert, client_cert, client_key):
    try:
        tls = ssl.create_default_context(cafile=ca_cert)
        if client_cert:
            tls.load_cert_chain(client_cert, client_key)
        return tls
    except OSError as error:
        raise ApiError("ca_cert, client_cert, client_key: %s"
                       % to_native(error))


class UnixConnection(HTTPConnection):
    def __init__(self, path, timeout):
        super(UnixConnection, self).__init__("vmn", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Api(object):
    """A client of the API.  'server' is a list of the members of a cluster,
    each as of vmnctl (unix:PATH, tcp:HOST:PORT, ssl:HOST:PORT), or a URL."""

    def __init__(self, server, token=None, token_file=None, ca_cert=None,
                 client_cert=None, client_key=None):
        # The one that has replied last is the first.
        self.servers = [check_server(one) for one in server]
        self.token = read_token(token_file) if token_file else token
        if not self.servers:
            raise ApiError("server: is empty")
        self.tls = None
        if any(one.startswith(("https:", "ssl:")) for one in self.servers):
            self.tls = tls_context(ca_cert, client_cert, client_key)

    def _connection(self, server):
        kind, dummy, rest = server.partition(":")
        if kind == "unix":
            return UnixConnection(rest, CONNECT_SECONDS)
        if kind in ("tcp", "http"):
            return HTTPConnection(rest.lstrip("/"), timeout=CONNECT_SECONDS)
        return HTTPSConnection(rest.lstrip("/"), timeout=CONNECT_SECONDS,
                               context=self.tls)

    def call(self, method, path, body=None, query=None, wait_seconds=0):
        """Returns the answer's JSON; raises ApiError unless it is a yes.  A
        server that fails is followed by the next one, which gets a change
        with the same Idempotency-Key."""
        if query:
            path += "?" + urlencode(sorted(query.items()))
        headers = {"Accept": "application/json"}
        data = None
        if body is not None:
            data = json.dumps(body).encode("utf-8")
            headers["Content-Type"] = (
                "application/merge-patch+json" if method == "PATCH"
                else "application/json")
        if method != "GET":
            headers["Idempotency-Key"] = '"%s"' % uuid.uuid4()
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        end, lost = None, False
        while True:
            failed = []
            for dummy in self.servers:
                try:
                    return self._send(method, path, data, headers,
                                      ANSWER_SECONDS + wait_seconds)
                except Away as away:
                    failed.append(away)
                    self.servers = self.servers[1:] + self.servers[:1]
            end = end or time.time() + REPEAT_SECONDS
            lost = lost or any(away.lost for away in failed)
            wait = max(away.wait or lost for away in failed)
            if not wait or time.time() + wait > end:
                raise ApiError("vmnd does not answer at %s%s" % (
                    "; ".join(map(str, failed)),
                    "; the change may have been made" if lost else ""),
                    failed[-1].status, failed[-1].problem)
            time.sleep(wait)

    def _send(self, method, path, data, headers, timeout):
        """As call(), to the first server alone; raises Away."""
        server = self.servers[0]
        connection = self._connection(server)
        sent = False
        try:
            connection.connect()
            connection.sock.settimeout(timeout)
            sent = method != "GET"
            connection.request(method, path, data, headers)
            reply = connection.getresponse()
            answer = parse(reply.read())
        except (OSError, HTTPException, ValueError) as error:
            why = "%s: %s" % (server, to_native(error) or type(error).__name__)
            if CERTIFICATE.search(why):
                raise ApiError("vmnd does not answer at " + why)
            raise Away(why, sent)
        finally:
            connection.close()
        if 200 <= reply.status < 300 and not isinstance(answer, str):
            return answer
        what = faults(answer) or reply.reason
        wait = reply.headers.get("Retry-After", "")
        if reply.status == 503 and wait.isdigit() and not is_kind(
                answer, "busy"):
            raise Away("%s: %s (503)" % (server, what),
                       is_kind(answer, "uncertain"), int(wait),
                       status=reply.status, problem=answer)
        if reply.status == 401 and len(self.servers) > 1:
            what = "%s: %s" % (server, what)
        raise ApiError("%s %s is refused (%d): %s" % (
            method, path.split("?")[0], reply.status, what), reply.status,
            answer)

    def list(self, kind, **query):
        """Returns all objects of a type, by name, and the revision that the
        last of them were read at."""
        query = dict((k, v) for k, v in query.items() if v is not None)
        query["limit"] = 1000
        found = []
        while True:
            page = self.call("GET", "/v1/" + quote(kind, safe=""),
                             query=query)
            found += page["items"]
            if "next" not in page:
                return found, page["revision"]
            query["after"] = page["next"]


def object_path(kind, name):
    return "/v1/%s/%s" % (quote(kind, safe=""), quote(name, safe=""))


def connection_spec():
    """The options by which each module finds vmnd."""
    def option(kind, variable=None, **more):
        if variable:
            more["fallback"] = (env_fallback, [variable])
        return dict(type=kind, **more)
    return dict(
        server=option("list", "VMNCTL_SERVER", elements="str",
                      default=[DEFAULT_SERVER]),
        token=option("str", "VMNCTL_TOKEN", no_log=True),
        token_file=option("path", no_log=False),
        ca_cert=option("path", "VMNCTL_CA_CERT"),
        client_cert=option("path", "VMNCTL_CERTIFICATE"),
        client_key=option("path", "VMNCTL_PRIVATE_KEY", no_log=False))


def connect(params):
    """Returns the client that a module's, or a plugin's, options ask for."""
    return Api(**dict((name, params.get(name)) for name in connection_spec()))
