# SPDX-License-Identifier: Apache-2.0
"""What a host or a tenant may try by what others read or run:
lines of vmnd's log and escapes of a terminal by the texts of a host.  One
function for each attack, named for what the attacker wants."""

import json
import os
import re
import subprocess

import pytest
import yaml
from conftest import close_lab, make_lab
from vmnlab.daemon import find
from vmnlab.netns import PATIENCE, wait_for

# Characters that a log and a terminal must not get from outside.
UNSAFE = re.compile("[\0-\t\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e"
                    "\u2060-\u206f\ufeff]")
HOSTILE = ("a\n2026-01-01T00:00:00Z|00001|vmnd|ERR|forged\x1b[2J\x9b31m"
           "\u202etxt.exe\u2028\u200b{{ 7 * 7 }}$(id)`id`<b>")


@pytest.fixture(scope="module", name="lab")
def fixture_lab():
    lab = make_lab("texts", 1)
    yield lab
    close_lab(lab)


# Hosts.  ---------------------------------------------------------------------

def ovs_text(text):
    """A value as ovs-vsctl takes it."""
    return json.dumps(text)


def log_of(lab):
    with open(lab.vmnd.log, "rb") as log:
        return log.read()


def test_forge_lines_of_the_log_by_an_iface_id(lab):
    """Also by an interface's name, and in what libopenvswitch logs itself."""
    host = lab.host("h1")
    host.vsctl("add-port", "br-int", "forged{1}", "--", "set", "Interface",
               "forged{1}", "type=internal",
               "external_ids:iface-id=" + ovs_text(HOSTILE))
    try:
        wait_for("vmnd to refuse the interface",
                 lambda: b"is ignored: its iface-id" in log_of(lab), 30)
    finally:
        host.vsctl("del-port", "forged{1}")
    text = log_of(lab).decode()
    assert not UNSAFE.search(text), ascii(UNSAFE.search(text))
    assert not re.search(r"(?m)^2026-01-01T00:00:00Z\|00001", text)
    assert "a\\n2026-01-01T00:00:00Z|00001|vmnd|ERR|" in text


def test_have_a_host_report_what_a_template_a_shell_or_a_page_runs(lab):
    """What vmnd takes in of a host's texts has a character set."""
    lab.host("h1").vsctl("set", "Open_vSwitch", ".",
                         "ovs_version=" + ovs_text(HOSTILE))

    def version():
        return lab.vmnd.api.get("hosts/h1")["status"]["ovs_version"]
    wait_for("vmnd to have the version", lambda: "7 * 7" in version(), 30)
    assert re.fullmatch(r"[ -~]*", version())
    assert not set(version()) & set("{}<>`\\$")
    assert "(( 7 * 7 ))?(id)'id'(b)" in version()


# Terminals.  -----------------------------------------------------------------

def vmnctl(lab, *args):
    return subprocess.run(
        [find("vmnctl"), *args], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.STDOUT, timeout=60 * PATIENCE, check=False,
        env=dict(os.environ, VMNCTL_SERVER="unix:" + lab.vmnd.socket)).stdout


def test_hide_a_text_from_who_reads_it_in_a_terminal(lab):
    """Of what the API accepts, characters that are not visible."""
    text = "a\u200bb\u2060c\U000e0041\ufeffd"
    lab.vmnd.api.put("networks/hidden", {
        "description": text, "subnets": [{"cidr": "10.9.0.0/24"}]})
    try:
        for args in (["describe", "network", "hidden"], ["get", "networks"],
                     ["get", "networks", "hidden", "-o", "yaml"],
                     ["get", "networks", "hidden", "-o", "json"],
                     ["get", "networks", "-o", "wide"],
                     ["get", "networks", "-o",
                      "custom-columns=TEXT:.spec.description"],
                     ["get", "nets\x1b[2J\u202e"], ["revisions"],
                     ["history", "network", "hidden"]):
            shown = vmnctl(lab, *args)
            assert shown and not UNSAFE.search(shown), (args, ascii(shown))
        # Both mean what it is.
        for form, load in (("json", json.loads), ("yaml", yaml.safe_load)):
            shown = vmnctl(lab, "get", "networks", "hidden", "-o", form)
            assert load(shown)["spec"]["description"] == text
    finally:
        lab.vmnd.api.delete("networks/hidden")
