# SPDX-License-Identifier: Apache-2.0
"""Guests of the lab that libvirt runs, plugs in and migrates: what
test_lab_guests.py says of those that the lab does so with by itself."""

import pytest
from conftest import close_lab, make_lab
from test_lab import left_of
from test_lab_guests import (Office, image, left_at, open_connections,
                             unmoved)

from vmnlab import libvirt
from vmnlab.netns import Error, wait_for

__all__ = ["image", "open_connections", "unmoved"]      # pytest's.

IFACE_ID = "6c1a5f0e-9c0b-4f55-8a7e-2f1f5f9b7c11"


@pytest.fixture(scope="module")
def office(image):
    try:
        libvirt.check_machine()
    except Error as error:
        pytest.skip("no libvirt here: %s" % error)
    lab = make_lab("lvt", 3)
    name = lab.name
    try:
        made = Office(lab, image, "libvirt", IFACE_ID)
        yield made
        made.servers.close()
    finally:
        close_lab(lab)
    assert not left_of(name)


def test_libvirt_runs_it_and_plugs_it_in(office):
    assert libvirt.Libvirtd(office.lab.host("h1")).virsh(
        "list", "--name").split() == ["web"]
    ids = office.lab.host("h1").vsctl("get", "interface", office.web.link,
                                      "external_ids")
    assert IFACE_ID in ids and office.web.uuid in ids
    assert "iface-status=active" in ids
    assert office.web.run("hostname") == "web\n"
    assert office.web.kind() == "libvirt guest"
    with pytest.raises(Error, match="web is libvirt's"):
        office.lab.unplug("web")


def test_iface_id_that_is_none_of_libvirts_is_refused(office, image):
    with pytest.raises(Error, match="libvirt takes UUIDs only"):
        office.lab.add_guest("other", "h1", image, "02:00:00:00:00:22",
                             kind="libvirt")
    assert "other" not in office.lab.vms


def test_migration_takes_connections_along(office, open_connections):
    source, to = office.lab.host(office.web.host), office.other()
    done = office.web.migrate(to).wait()
    assert (done.status, done.host, done.error) == ("completed", to.name, None)
    assert 0 < done.downtime_ms <= done.total_ms and done.transferred > 1 << 20
    assert not left_at(office, source)
    office.await_bound(to.name)
    assert open_connections()
    with pytest.raises(Error, match="is on %s already" % to.name):
        office.web.migrate(to)


def test_cancelled_migration_leaves_it_where_it_was(office, unmoved):
    to = office.other()
    moving = office.web.migrate(to, bandwidth=1, downtime_ms=50)
    wait_for("QEMU to be at it", lambda: moving.status() == "active", 20)
    assert left_at(office, to) == ["a link", "a port", "QEMU"]
    assert moving.wait(cancel_after=0.1).status == "cancelled"
    unmoved(to)


def test_destination_that_dies_leaves_it_where_it_was(office, unmoved):
    to = office.other()
    moving = office.web.migrate(to, bandwidth=1)
    wait_for("QEMU to be at it", lambda: moving.status() == "active", 20)
    moving.kill_destination()
    done = moving.wait()
    assert done.status == "failed" and done.error
    unmoved(to)


def test_migration_that_nobody_waits_for_is_mended(office, unmoved):
    """Its virsh was killed: libvirt gives it up then."""
    to = office.other()
    moving = office.web.migrate(to, bandwidth=1)
    wait_for("QEMU to be at it", lambda: moving.status() == "active", 20)
    assert "migrates to " + to.name in office.web.kind()
    moving.process.kill()
    moving.process.wait()

    def mended():
        try:
            office.web.recover()
        except Error:
            return False
        return True

    wait_for("libvirt to give it up", mended, 20)
    unmoved(to)
    assert office.web.kind() == "libvirt guest"


def test_it_is_stopped_and_boots_again(office):
    host = office.lab.host(office.web.host)
    office.web.stop()
    assert not left_at(office, host)
    assert office.web.kind() == "libvirt guest, ended"
    office.web.start()
    office.web.await_ready()
    office.await_bound(host.name)
