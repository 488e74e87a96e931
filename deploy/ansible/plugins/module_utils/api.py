# SPDX-License-Identifier: Apache-2.0
"""VMN's API, over its unix socket, HTTP or HTTPS: what all modules and the
inventory ask vmnd by.  Nothing of Ansible's controller: it runs where a
module runs."""

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

import json
import os
import stat
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode

from ansible.module_utils import urls
from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.text.converters import to_native, to_text

DEFAULT_SERVER = "unix:/run/vmn/vmnd.sock"
# For how many seconds vmnd may think about a call that does not wait.
ANSWER_SECONDS = 30


class ApiError(Exception):
    """No answer, or one that is not a yes: its 'status' and 'problem' then
    (docs/api.md#errors)."""

    def __init__(self, text, status=None, problem=None):
        super(ApiError, self).__init__(text)
        self.status = status
        self.problem = problem

    def is_absent(self):
        """Whether an object is not there, and not its type."""
        return (isinstance(self.problem, dict) and self.problem.get("type")
                == "urn:vmn:problem:not-found")


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


class Api(object):
    """A client of the API.  'server' as of vmnctl (unix:PATH, tcp:HOST:PORT,
    ssl:HOST:PORT), or a URL."""

    def __init__(self, server, token=None, token_file=None, ca_cert=None,
                 client_cert=None, client_key=None):
        self.socket = None
        self.server = server
        self.token = read_token(token_file) if token_file else token
        self.tls = {"ca_path": ca_cert, "client_cert": client_cert,
                    "client_key": client_key}
        kind, dummy, rest = server.partition(":")
        if kind == "unix" and rest.startswith("/"):
            self.socket = rest
            self.base = "http://vmn"
        elif kind in ("tcp", "ssl") and ":" in rest:
            self.base = "%s://%s" % ("http" if kind == "tcp" else "https",
                                     rest)
        elif kind in ("http", "https") and rest.startswith("//"):
            self.base = server.rstrip("/")
        else:
            raise ApiError("server: \"%s\" must be unix:/PATH, "
                           "http://HOST:PORT or https://HOST:PORT (or "
                           "tcp:HOST:PORT, ssl:HOST:PORT)" % server)

    def call(self, method, path, body=None, query=None, wait_seconds=0):
        """Returns the answer's JSON; raises ApiError unless it is a yes."""
        url = self.base + path
        if query:
            url += "?" + urlencode(sorted(query.items()))
        headers = {"Accept": "application/json"}
        data = None
        if body is not None:
            data = json.dumps(body).encode("utf-8")
            headers["Content-Type"] = (
                "application/merge-patch+json" if method == "PATCH"
                else "application/json")
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        try:
            reply = urls.open_url(
                url, data=data, headers=headers, method=method,
                use_proxy=False, use_netrc=False, follow_redirects="none",
                http_agent="vmn-ansible", unix_socket=self.socket,
                timeout=ANSWER_SECONDS + wait_seconds, **self.tls)
            return self._json(reply.read())
        except HTTPError as error:
            raise self._refusal(error, method, path)
        except (URLError, OSError, HTTPException, ValueError,
                urls.ConnectionError, urls.NoSSLError,
                urls.SSLValidationError) as error:
            why = to_native(getattr(error, "reason", None) or error)
            raise ApiError("vmnd does not answer at %s: %s" % (
                self.server, why))

    @staticmethod
    def _json(text):
        return json.loads(to_text(text)) if text else None

    def _refusal(self, error, method, path):
        text = error.read()
        try:
            problem = self._json(text)
        except ValueError:
            problem = to_text(text, errors="surrogate_or_replace")
        what = faults(problem) or error.reason
        return ApiError("%s %s is refused (%d): %s" % (
            method, path, error.code, what), error.code, problem)

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
        server=option("str", "VMNCTL_SERVER", default=DEFAULT_SERVER),
        token=option("str", "VMNCTL_TOKEN", no_log=True),
        token_file=option("path", no_log=False),
        ca_cert=option("path", "VMNCTL_CA_CERT"),
        client_cert=option("path", "VMNCTL_CERTIFICATE"),
        client_key=option("path", "VMNCTL_PRIVATE_KEY", no_log=False))


def connect(params):
    """Returns the client that a module's, or a plugin's, options ask for."""
    return Api(**dict((name, params.get(name)) for name in connection_spec()))
