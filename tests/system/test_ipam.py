# SPDX-License-Identifier: Apache-2.0
"""Addresses that are given out: to many who ask at once, and late for the
second time."""

import ipaddress
import threading

import pytest
from conftest import close_lab, make_lab

WORKERS = 50
EACH = 20
NETWORK = {"subnets": [{
    "cidr": "10.0.0.0/20", "gateway": "10.0.0.1",
    "pools": [{"start": "10.0.0.1", "end": "10.0.7.255"}],
    "exclude": [{"start": "10.0.1.0", "end": "10.0.1.255"}],
    "reservations": [{"ip": "10.0.0.77", "port": "p-3-3"},
                     {"ip": "10.0.0.78", "port": "nobody"}]}]}


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("ipam", 1)
    yield lab
    close_lab(lab)


def subnet(lab):
    return lab.vmnd.api.get("networks/net")["status"]["subnets"][0]


def addresses(lab):
    found, after = {}, ""
    while True:
        page = lab.vmnd.api.get("ports", limit=500, after=after)
        found.update((port["name"], port["status"]["ips"][0])
                     for port in page["items"])
        after = page.get("next")
        if not after:
            return found


def work(lab, i, faults):
    """Makes ports, and takes each fifth one away again."""
    try:
        for j in range(EACH):
            name = "p-%d-%d" % (i, j)
            lab.vmnd.api.put("ports/" + name, {"network": "net"})
            if j % 5 == 4:
                lab.vmnd.api.delete("ports/" + name)
    except Exception as error:  # pylint: disable=broad-except
        faults.append(error)


def test_nobody_gets_an_address_that_another_has(lab):
    lab.vmnd.api.put("networks/net", NETWORK)
    faults = []
    threads = [threading.Thread(target=work, args=(lab, i, faults))
               for i in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults

    ips = addresses(lab)
    assert len(ips) == WORKERS * EACH * 4 // 5
    assert len(set(ips.values())) == len(ips)
    assert ips["p-3-3"] == "10.0.0.77"
    assert not set(ips.values()) & {"10.0.0.1", "10.0.0.78"}
    for ip in ips.values():
        assert not ip.startswith("10.0.1."), ip
        assert ipaddress.ip_address(ip) < ipaddress.ip_address("10.0.8.0")
    # All of the pool but .0 of the subnet, the gateway and 256 addresses;
    # p-3-3 has one of the two that are kept.
    assert subnet(lab) == {"cidr": "10.0.0.0/20", "size": 2047 - 257,
                           "used": len(ips) + 1,
                           "free": 2047 - 257 - len(ips) - 1}


def test_what_is_given_back_comes_last_after_a_restart_too(lab):
    before = addresses(lab)
    newest = max(before, key=lambda name: ipaddress.ip_address(before[name]))
    lab.vmnd.api.delete("ports/" + newest)
    lab.vmnd.stop()
    lab.vmnd.start()
    lab.vmnd.api.put("ports/again", {"network": "net"})
    given = addresses(lab)["again"]
    assert given not in before.values()
    # Until there is nothing else.
    left = subnet(lab)["free"]
    lab.vmnd.api.apply([{"type": "ports", "name": "q%d" % i,
                    "spec": {"network": "net"}} for i in range(left)])
    assert subnet(lab)["free"] == 0
    assert before[newest] in addresses(lab).values()
    with pytest.raises(Exception) as refused:
        lab.vmnd.api.put("ports/more", {"network": "net"})
    assert "no address of 10.0.0.0/20" in str(refused.value)
