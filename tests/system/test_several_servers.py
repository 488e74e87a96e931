# SPDX-License-Identifier: Apache-2.0
"""Clients with a list of servers: vmnctl, the Ansible collection, Neutron's
driver and the plugin for Proxmox send a request to the next server if one
fails, and make each change once."""

import contextlib
import http.client
import http.server
import importlib.util
import json
import os
import socket
import ssl
import subprocess
import sys
import threading

import pytest
from conftest import HERE, end
from free_port import free_port
from test_auth import Pki, make_token
# Fixtures, as tests name them: place, cluster.
from test_cluster_api import _cluster, _place  # noqa: F401
from test_durable import Alone

from vmnlab.daemon import find
from vmnlab.netns import PATIENCE

DEPLOY = os.path.join(HERE, "../../deploy")
sys.path.insert(0, os.path.join(DEPLOY, "neutron"))

from vmn_neutron import client as vmn_neutron  # noqa: E402

# Timeout of the clients of which it can be set.
ANSWER_S = 10 * PATIENCE
PORT = free_port()


# Servers.  -------------------------------------------------------------------

class Proxy(http.server.ThreadingHTTPServer):
    """A server in front of vmnd, which treats requests as 'behave' does and
    records them."""

    def __init__(self, pki, behave, certificate="vmnd"):
        super().__init__(("127.0.0.1", free_port()), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.path(certificate + ".pem"),
                                pki.path(certificate + ".key"))
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False)
        self.behave = behave
        self.ca = pki.path("ca.pem")
        self.keys = []          # Of the requests, in their order.
        self.replayed = []      # Whether vmnd had made the change before.
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, *_):
        """Clients may leave."""

    def close(self):
        self.ended.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def serve(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.keys.append(self.headers.get("Idempotency-Key"))
        self.server.behave(self)

    do_GET = do_PUT = do_POST = serve

    def pass_on(self):
        """Returns vmnd's reply and its body."""
        link = http.client.HTTPSConnection(
            "127.0.0.1", PORT, timeout=30 * PATIENCE,
            context=ssl.create_default_context(cafile=self.server.ca))
        with contextlib.closing(link):
            link.request(self.command, self.path, self.body, self.headers)
            reply = link.getresponse()
            self.server.replayed.append(
                reply.getheader("Idempotency-Replayed") == "true")
            return reply, reply.read()

    def reply(self, status, text, *headers):
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(text)


def serves(handler):
    reply, text = handler.pass_on()
    handler.reply(reply.status, text)


def dies(handler):
    """After it has received the request."""
    handler.pass_on()


def is_mute(handler):
    handler.pass_on()
    handler.server.ended.wait()


def problem(status, kind, passes_on=False):
    """Returns a behaviour: the reply is a problem."""
    def behave(handler):
        if passes_on:
            handler.pass_on()
        handler.reply(status, json.dumps({
            "type": "urn:vmn:problem:" + kind,
            "detail": "it is " + kind}).encode(), ("Retry-After", "1"))
    return behave


# Clients.  -------------------------------------------------------------------

class Failed(Exception):
    pass


def run(*args, text=None):
    done = subprocess.run(args, input=text, text=True, capture_output=True,
                          timeout=120 * PATIENCE, check=False)
    if done.returncode:
        raise Failed(done.stderr)


def by_vmnctl(place, ports, name):
    run(find("vmnctl"), "-s", ",".join("ssl:127.0.0.1:%d" % p for p in ports),
        "--ca-cert", place.ca, "--token-file", place.token, "apply", "-f", "-",
        text="{type: networks, name: %s, spec: {}}" % name)


def urls(ports):
    return ["https://127.0.0.1:%d" % port for port in ports]


def by_ansible(place, ports, name):
    spec = importlib.util.spec_from_file_location(
        "vmn_ansible", os.path.join(DEPLOY,
                                    "ansible/plugins/module_utils/api.py"))
    api = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(api)
    api.ANSWER_SECONDS = ANSWER_S
    try:
        api.Api(urls(ports), token_file=place.token, ca_cert=place.ca).call(
            "PUT", "/v1/networks/" + name, {"spec": {}})
    except api.ApiError as error:
        raise Failed(str(error))


def by_neutron(place, ports, name):
    try:
        vmn_neutron.Client(
            urls(ports), ANSWER_S, place.token, place.ca).apply(
                [{"type": "networks", "name": name, "spec": {}}])
    except (vmn_neutron.Unreachable, vmn_neutron.Refused) as error:
        raise Failed(str(error))


PUT = """
my ($ca, $token, $name, @servers) = @ARGV;
open(my $file, '<', $token) or die;
chomp($token = <$file>);
VMN::Client->new(servers => \\@servers, token => $token, ca_file => $ca)
    ->must('PUT', "networks/$name", { spec => {} });
"""


def by_proxmox(place, ports, name):
    run("perl", "-I", os.path.join(DEPLOY, "proxmox/perl"), "-MVMN::Client",
        "-e", PUT, place.ca, place.token, name, *urls(ports))


# vmnctl is the first: it has the most patience.
CLIENTS = [by_vmnctl, by_ansible, by_neutron, by_proxmox]


class Place:
    """What clients get: the CA of the servers, and a token."""

    def __init__(self, folder, ca, api):
        self.ca = ca
        self.token = os.path.join(str(folder), "token")
        api.put("accounts/client", {"role": "operator"})
        with open(os.open(self.token, os.O_CREAT | os.O_WRONLY, 0o600),
                  "w", encoding="ascii") as file:
            file.write(make_token(api, "client", "client") + "\n")


class Vmnd(Alone):
    def __init__(self, where, pki):
        super().__init__(where)
        self.pki = pki

    def args(self):
        return super().args() + [
            "--api-listen=ssl:127.0.0.1:%d" % PORT, "--api-rate=0",
            "--private-key=" + self.pki.path("vmnd.key"),
            "--certificate=" + self.pki.path("vmnd.pem"),
            "--ca-cert=" + self.pki.path("ca.pem")]


@pytest.fixture(scope="module", name="pki")
def _pki(tmp_path_factory):
    pki = Pki(tmp_path_factory.mktemp("pki"))
    pki.issue("vmnd")
    return pki


@pytest.fixture(scope="module", name="vmnd")
def _vmnd(pki, tmp_path_factory):
    vmnd = Vmnd(str(tmp_path_factory.mktemp("vmnd")), pki)
    vmnd.start()
    vmnd.place = Place(tmp_path_factory.mktemp("client"), pki.path("ca.pem"),
                       vmnd.api)
    yield vmnd
    end(vmnd)


@pytest.fixture(params=CLIENTS, ids=lambda client: client.__name__)
def client(request):
    return request.param


@pytest.fixture(name="server")
def _server(pki):
    """Starts servers in front of vmnd."""
    with contextlib.ExitStack() as all_:
        def start(behave, of=pki):
            proxy = Proxy(of, behave)
            all_.callback(proxy.close)
            return proxy
        yield start


def makes_once(vmnd, client, ports):
    """The client makes one revision."""
    def revision():
        return vmnd.api.get("revisions")["revision"]
    before = revision()
    name = "n%d" % before
    client(vmnd.place, ports, name)
    assert vmnd.api.get("networks/" + name)["metadata"]["revision"] \
        == before + 1 == revision()


# Servers that fail.  ---------------------------------------------------------

def test_server_that_is_not_there(vmnd, client, server):
    good = server(serves)
    makes_once(vmnd, client, [free_port(), good.port])
    assert len(good.keys) == 1 and good.keys[0]


def test_server_that_does_not_accept(vmnd, client, server):
    good = server(serves)
    with socket.create_server(("127.0.0.1", free_port())) as silent:
        makes_once(vmnd, client, [silent.getsockname()[1], good.port])
    assert len(good.keys) == 1


@pytest.mark.parametrize("behave", [
    dies, is_mute, problem(503, "uncertain", passes_on=True)],
    ids=["dies", "is_mute", "uncertain"])
def test_change_that_is_sent_again_is_made_once(vmnd, client, server, behave):
    bad, good = server(behave), server(serves)
    makes_once(vmnd, client, [bad.port, good.port])
    # HTTP::Tiny sends a PUT to the same server once more.
    assert set(bad.keys) == set(good.keys) and len(good.keys) == 1
    assert good.keys[0]
    assert (bad.replayed[0], good.replayed) == (False, [True])


def test_member_without_a_writer(vmnd, client, server):
    bad = server(problem(503, "standby"))
    good = server(serves)
    makes_once(vmnd, client, [bad.port, good.port])
    assert bad.keys == good.keys and len(good.keys) == 1


# Errors at once.  ------------------------------------------------------------

@pytest.mark.parametrize("status,kind", [
    (401, "unauthorized"), (403, "forbidden"), (409, "conflict"),
    (503, "busy")])
def test_refusals_are_final(vmnd, client, server, status, kind):
    bad = server(problem(status, kind))
    good = server(serves)
    with pytest.raises(Failed) as failed:
        client(vmnd.place, [bad.port, good.port], "refused")
    assert (len(bad.keys), good.keys) == (1, [])
    text = str(failed.value)
    assert (str(bad.port) if status == 401 else "it is " + kind) in text


def test_certificate_that_is_not_accepted(vmnd, client, server, tmp_path):
    other = Pki(tmp_path)
    other.issue("vmnd")
    stranger, good = server(serves, other), server(serves)
    with pytest.raises(Failed) as failed:
        client(vmnd.place, [stranger.port, good.port], "refused")
    assert (stranger.keys, good.keys) == ([], [])
    assert "certificate" in str(failed.value)
    assert str(stranger.port) in str(failed.value)


def test_errors_name_each_server(vmnd, client):
    ports = [free_port(), free_port()]
    with pytest.raises(Failed) as failed:
        client(vmnd.place, ports, "lost")
    text = str(failed.value)
    assert all(":%d" % port in text for port in ports), text
    assert text.count("refused") == 2, text


# A cluster.  -----------------------------------------------------------------

def test_cluster_whose_writer_dies(cluster, tmp_path):  # noqa: F811
    writer = cluster.writer()
    place = Place(tmp_path, cluster.place.path("servers.pem"), writer.api)
    ports = [cluster.place.api[m.name] for m in [writer] + [
        m for m in cluster.members if m is not writer]]
    for i, client in enumerate(CLIENTS):
        client(place, ports, "n%d" % i)
    writer.kill()
    for i, client in enumerate(CLIENTS):
        client(place, ports, "m%d" % i)
    api = cluster.writer(but=[writer]).api
    first, *others = (api.get("networks/m%d" % i)["metadata"]["revision"]
                      for i in range(len(CLIENTS)))
    assert others == list(range(first + 1, first + len(CLIENTS)))
