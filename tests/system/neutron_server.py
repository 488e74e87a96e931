# SPDX-License-Identifier: Apache-2.0
"""A neutron-server of Debian's python3-neutron with VMN's driver, for tests:
its database is a file of SQLite, nobody asks who somebody is (noauth), and its
messages go nowhere.  The test plays Nova."""

from contextlib import nullcontext
import http.client
import json
import os
import shutil
import signal
import subprocess

from conftest import HERE
from free_port import free_port

from vmnlab.netns import inside, popen, wait_for

DRIVER = os.path.join(HERE, "../../deploy/neutron")
PYTHON = "/usr/bin/python3"     # Debian's, whose modules Neutron is.

DRIVER_CONFIG = """
[DEFAULT]
core_plugin = ml2
service_plugins = vmn-router
dhcp_agent_notification = false

[ml2]
mechanism_drivers = vmn
extension_drivers = port_security
type_drivers = local,flat,vlan,vxlan
tenant_network_types = vxlan

[ml2_type_vxlan]
vni_ranges = 5000:5999

[ml2_type_flat]
flat_networks = dc

[ml2_type_vlan]
network_vlan_ranges = dc:100:199
"""

SERVER_CONFIG = """
[DEFAULT]
auth_strategy = noauth
transport_url = fake://
bind_host = 127.0.0.1
bind_port = {port}
api_workers = 1
rpc_workers = 0
state_path = {place}
api_paste_config = {place}/api-paste.ini
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
global_physnet_mtu = 1500

[database]
connection = sqlite:///{place}/neutron.sqlite

[oslo_concurrency]
lock_path = {place}/lock

[vmn]
api = {vmnd}
"""

PASTE = """
[composite:neutron]
use = egg:Paste#urlmap
/v2.0: neutronapi

[composite:neutronapi]
use = call:neutron.auth:pipeline_factory
noauth = request_id catch_errors nobody extensions app

[filter:request_id]
paste.filter_factory = oslo_middleware:RequestId.factory

[filter:catch_errors]
paste.filter_factory = oslo_middleware:CatchErrors.factory

[filter:nobody]
paste.filter_factory = neutron.auth:NoauthFakeProjectId.factory

[filter:extensions]
paste.filter_factory = \
neutron.api.extensions:plugin_aware_extension_middleware_factory

[app:app]
paste.app_factory = neutron.api.v2.router:APIRouter.factory
"""

# Neutron's migrations are for MySQL and PostgreSQL; its own tests make
# SQLite's tables as this does.
TABLES = """
import sqlite3, sys
import sqlalchemy
from neutron.db.migration.models import head
from neutron_lib.db import model_base
model_base.BASEV2.metadata.create_all(
    sqlalchemy.create_engine("sqlite:///" + sys.argv[1]))
sqlite3.connect(sys.argv[1]).execute("PRAGMA journal_mode=WAL")
"""

# Where two processes change something at once, one of them waits, or begins
# again: Neutron does that for databases that it is for, and for SQLite here.
START = """
import sys
from neutron.cmd.eventlet.server import main
from oslo_db import exception
from oslo_db.sqlalchemy import exc_filters
import sqlalchemy.exc

@exc_filters.filters("sqlite", sqlalchemy.exc.OperationalError,
                     ".*database is locked")
def locked(error, match, engine, is_disconnect):
    print("begun again:", error, file=sys.stderr, flush=True)
    raise exception.DBDeadlock(error)

main()
"""


class Failed(Exception):
    def __init__(self, status, text):
        self.status = status
        super().__init__("%d: %s" % (status, text))


class Neutron:
    """'vmnd' is the address of its API, 'more' is more of [vmn]; it runs in
    network namespace 'net_ns'.  'code' is where the driver is installed, and
    'config' what a deployment has in Neutron's configuration for it."""

    def __init__(self, place, vmnd, more="", net_ns=None, code=None,
                 config=DRIVER_CONFIG):
        self.place = str(place)
        self.net_ns = net_ns
        self.port = free_port()
        self.log = os.path.join(self.place, "neutron.log")
        self.process = None
        self._write("driver.conf", config)
        self._write("neutron.conf", (SERVER_CONFIG + more).format(
            place=self.place, port=self.port, vmnd=vmnd))
        self._write("api-paste.ini", PASTE)
        self.code = str(code) if code else self._make_code()
        self._run("-c", TABLES, os.path.join(self.place, "neutron.sqlite"))

    def _write(self, name, text):
        with open(os.path.join(self.place, name), "w") as out:
            out.write(text)

    def _make_code(self):
        """Returns where the driver is as if installed: entry points are read
        from there."""
        code = os.path.join(self.place, "driver")
        shutil.copytree(DRIVER, code,
                        ignore=shutil.ignore_patterns("__pycache__"))
        self._run("-c", "import setuptools; setuptools.setup()", "-q",
                  "egg_info", cwd=code)
        return code

    def _run(self, *args, cwd=None):
        done = subprocess.run([PYTHON, *args], cwd=cwd or self.place,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout.decode()[-3000:]

    def start(self):
        env = dict(os.environ, PYTHONPATH=self.code, PYTHONWARNINGS="ignore")
        with open(self.log, "ab") as log:
            self.process = popen(
                [PYTHON, "-c", START, "--config-file", "driver.conf",
                 "--config-file", "neutron.conf"], self.net_ns,
                env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.place, start_new_session=True)
        wait_for("neutron-server to answer", self._answers, 60, 0.1)
        return self

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def _answers(self):
        assert self.is_running(), self.last_words()
        try:
            self.call("GET", "networks")
            return True
        except OSError:
            return False

    def last_words(self):
        with open(self.log, errors="replace") as log:
            return log.read()[-6000:]

    def stop(self, number=signal.SIGTERM):
        """Ends it with its workers, which are its process group."""
        if not self.process:
            return
        if number == signal.SIGKILL:
            if not self._no_worker():
                os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        wait_for("its workers to end", self._no_worker, 20)
        self.process = None

    def _no_worker(self):
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False

    # The API.  ------------------------------------------------------------

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=60)
        try:
            with inside(self.net_ns) if self.net_ns else nullcontext():
                connection.connect()
            connection.request(method, "/v2.0/" + path,
                               json.dumps(body) if body else None,
                               {"Content-Type": "application/json"})
            reply = connection.getresponse()
            text = reply.read().decode()
        finally:
            connection.close()
        if reply.status >= 300:
            raise Failed(reply.status, text)
        return json.loads(text) if text else None

    def make(self, kind, **attributes):
        """Returns the object made: 'kind' is "network", "security_group",
        ..."""
        return self.call("POST", paths(kind), {kind: attributes})[kind]

    def change(self, kind, ident, **attributes):
        return self.call("PUT", "%s/%s" % (paths(kind), ident),
                         {kind: attributes})[kind]

    def get(self, kind, ident):
        return self.call("GET", "%s/%s" % (paths(kind), ident))[kind]

    def delete(self, kind, ident):
        self.call("DELETE", "%s/%s" % (paths(kind), ident))

    def status(self, port):
        return self.get("port", port)["status"]

    def list(self, kind):
        return self.call("GET", paths(kind))[paths(kind).replace("-", "_")]

    def empty(self):
        """Deletes all that is there, but what is always there: the project's
        default security group.  Returns what failed, as texts."""
        failed = []

        def attempt(call, *args, **kwargs):
            try:
                call(*args, **kwargs)
            except Failed as error:
                if error.status != 404:
                    failed.append("%s: %s" % (args, error))
        for one in self.list("floatingip"):
            attempt(self.delete, "floatingip", one["id"])
        for one in self.list("router"):
            attempt(self.change, "router", one["id"],
                    external_gateway_info={}, routes=[])
        for port in self.list("port"):
            if port["device_owner"] == "network:router_interface":
                attempt(self.call, "PUT", "routers/%s/remove_router_interface"
                        % port["device_id"], {"port_id": port["id"]})
            else:
                attempt(self.delete, "port", port["id"])
        for kind in ("router", "subnet", "network", "security_group",
                     "address_group"):
            for one in self.list(kind):
                if (kind, one["name"]) != ("security_group", "default"):
                    attempt(self.delete, kind, one["id"])
        return failed


def paths(kind):
    return kind.replace("_", "-") + "s"


def add_vm(lab, neutron, name, port, host, dhcp=False):
    """Does as Nova does: binds the port, waits, and plugs an interface with
    the port's id."""
    port = neutron.change("port", port["id"], **{
        "binding:host_id": host, "device_id": name,
        "device_owner": "compute:nova"})
    assert port["binding:vif_type"] == "ovs", port
    subnets = [neutron.get("subnet", f["subnet_id"])
               for f in port["fixed_ips"]]
    gateway = {4: None, 6: None}
    for subnet in subnets:
        gateway[subnet["ip_version"]] = subnet["gateway_ip"]
    ips = ["%s/%s" % (f["ip_address"], s["cidr"].split("/")[1])
           for f, s in zip(port["fixed_ips"], subnets)]
    vm = lab.add_vm(name, host, port["mac_address"], [] if dhcp else ips,
                    port["id"], None if dhcp else gateway[4],
                    None if dhcp else gateway[6])
    await_status(neutron, port["id"], "ACTIVE")
    return vm


def await_status(neutron, port, status, seconds=20):
    wait_for("port %s to be %s" % (port, status),
             lambda: neutron.status(port) == status, seconds, 0.1)


