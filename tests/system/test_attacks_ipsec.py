# SPDX-License-Identifier: Apache-2.0
"""What somebody in the underlay would have hosts believe: each test is named
for what the attacker wants, and asserts that it is not had."""

import subprocess

import pytest
from conftest import close_lab, make_lab
from test_ipsec import ip, restart
from test_ipsec_certificates import PKI, named
from vmnlab.netns import wait_for


@pytest.fixture(name="lab", scope="module")
def _lab():
    lab = make_lab("aip", 2)
    yield lab
    close_lab(lab)


# IKE daemons take 0.0.0.0 for anybody, and the rest for addresses, which no
# certificate of vmn-pki has.
ADDRESSES = ["0.0.0.0", "10.1.2.3", "10.0.0.0-10.255.255.255"]


def test_any_certificate_passes_for_a_host_named_as_an_address(lab, tmp_path):
    """Somebody who may create hosts, or an operator without a thought, names
    one so: no host is told to accept whom that name means."""
    api = lab.vmnd.api
    h1, h2 = lab.hosts
    restart(lab, "--ipsec=certificates")
    for i, name in enumerate(ADDRESSES + ["10.0.0.x"]):
        api.put("hosts/" + name, {"ovsdb": "inbound",
                                  "tunnel_ip": "10.99.0.%d" % (77 + i)})
    try:
        wait_for("the one with a letter",
                 lambda: "10.0.0.x" in named(h1).values(), 30)
        wait_for("all to be written", lambda: named(h1) == {
            ip(h2): "h2", "10.99.0.80": "10.0.0.x"}, 30)
    finally:
        for name in ADDRESSES + ["10.0.0.x"]:
            api.delete("hosts/" + name)
    # Nor is there a certificate for it.
    subprocess.run([PKI, "init", "ipsec"], cwd=tmp_path, check=True,
                   timeout=120, stdout=subprocess.DEVNULL)
    for name in ADDRESSES:
        done = subprocess.run([PKI, "ipsec", name], cwd=tmp_path, text=True,
                              timeout=60, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 1 and "has no letter" in done.stdout
        assert not list(tmp_path.glob(name + "*"))
