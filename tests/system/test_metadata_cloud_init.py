# SPDX-License-Identifier: Apache-2.0
"""Cloud-init itself, Debian's, asks who its VM is (docs/apps/metadata.md): a
whole first start in a root of its own, from OpenStack's tree, and what it
makes of EC2's, with tokens."""

import json
import shutil
import subprocess

import pytest
from conftest import HERE, World, check_log, close_lab, make_lab
from metadata_guests import on_link, route
from test_live_apps import ctl
from test_metadata import APP, SUBNETS

from vmnlab import netns

# A root that has the machine's programs and nothing else of it.  Process 1 in
# it says that it is a VM of Nova, as its firmware would.
START = r"""
set -e
root=$1 files=$2
mkdir -p $root/etc/cloud $root/var/lib $root/var/log $root/run $root/tmp \
    $root/dev $root/proc $root/sys $root/usr $root/root $root/files
mount --bind /usr $root/usr
mount --bind "$files" $root/files
mount --rbind /dev $root/dev
mount -t proc proc $root/proc
mount -t sysfs sysfs $root/sys
for name in bin sbin lib lib64; do ln -s usr/$name $root/$name; done
cp -r "$files"/etc/cloud/. $root/etc/cloud
cp /etc/passwd /etc/group $root/etc
ln -s ../usr/lib/os-release $root/etc/os-release
cp "$3" $root/etc/cloud/cloud.cfg
chroot $root /usr/bin/env PATH=/usr/sbin:/usr/bin \
    PYTHONPATH=/files/usr/lib/python3/dist-packages \
    /usr/bin/python3 -m cloudinit.cmd.main init
"""

CONFIG = """
datasource_list: [%s]
network: {config: disabled}
cloud_init_modules: [write-files]
users: []
"""

# What cloud-init does on a VM of AWS; which it is, it asks the firmware.
EC2 = r"""
import json, sys
from cloudinit import helpers
from cloudinit.sources import DataSourceEc2 as ec2
ec2.identify_platform = lambda: ec2.CloudNames.AWS
paths = helpers.Paths({"run_dir": sys.argv[1], "cloud_dir": sys.argv[1]})
source = ec2.DataSourceEc2({}, None, paths)
assert source.get_data()
json.dump({"id": source.get_instance_id(), "user_data":
           source.get_userdata_raw().decode(), "keys":
           source.get_public_ssh_keys(), "hostname":
           str(source.get_hostname().hostname), "macs":
           source.metadata["network"]["interfaces"]["macs"], "identity":
           source.identity}, sys.stdout)
"""

USER_DATA = """#cloud-config
write_files:
- path: /etc/told
  content: hello from the metadata service
"""


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("cloudinit", 1)
    ctl(lab, "app", "load", APP, "--wait")
    yield lab
    close_lab(lab)


@pytest.fixture
def world(lab):
    world = World(lab)
    world.put("networks", "net", subnets=SUBNETS)
    yield world
    world.close()
    check_log(lab.vmnd)


@pytest.fixture(scope="module")
def files():
    """Where cloud-init is."""
    return subprocess.run([HERE + "/../../build-aux/cloud-init"], check=True,
                          stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def start(vm, files, place, source):
    """Has cloud-init start in the VM.  Returns its root."""
    root = place / "root"
    config = place / "cloud.cfg"
    config.write_text(CONFIG % source)
    root.mkdir()
    netns.run(["env", "product_name=OpenStack Nova", "unshare", "--mount",
               "--pid", "--fork", "sh", "-c", START, "sh", root, files,
               config], vm.ns, timeout=120)
    return root


def test_first_start_by_openstack(world, files, tmp_path):
    world.put("metadata-networks", "net", network="net", tokens="optional")
    vm = world.vm("web-1", "net", "h1", labels={"role": "web"})
    world.put("metadata", "web-1", ports=["web-1"], user_data=USER_DATA,
              hostname="web-1.shop.example", attributes=[
                  {"name": "stage", "value": "test"}])
    world.put("metadata", "web", selector="role=web",
              ssh_keys=["ssh-ed25519 AAAA ann"],
              vendor_data="#cloud-config\nfinal_message: of the vendor\n")
    on_link(vm)
    root = start(vm, files, tmp_path, "OpenStack")
    said = json.loads((root / "run/cloud-init/instance-data.json").read_text())
    assert said["v1"]["platform"] == "openstack"
    assert said["v1"]["instance_id"] == "web-1"
    assert said["v1"]["local_hostname"] == "web-1"
    assert said["v1"]["public_ssh_keys"] == ["ssh-ed25519 AAAA ann"]
    assert said["ds"]["meta_data"]["meta"] == {"stage": "test"}
    network = said["ds"]["network_json"]
    assert network["links"][0]["ethernet_mac_address"] == vm.mac
    assert [n["type"] for n in network["networks"]] == ["ipv4_dhcp", "ipv6"]
    # It has done what it was told.
    assert (root / "etc/told").read_text() == "hello from the metadata service"
    vendor = root / "var/lib/cloud/instances/web-1/vendor-data.txt"
    assert "of the vendor" in vendor.read_text()
    shutil.rmtree(root)


def test_by_ec2_with_required_tokens(world, files, tmp_path):
    world.put("metadata-networks", "net", network="net")
    vm = world.vm("web-1", "net", "h1")
    world.put("metadata", "web-1", ports=["web-1"], user_data=USER_DATA,
              instance_id="i-0123", ssh_keys=["ssh-ed25519 AAAA ann"])
    world.put("routers", "r", interfaces=[{"network": "net"}])
    route(vm, "default via 10.0.0.254")
    said = json.loads(netns.run(
        ["env", "PYTHONPATH=%s/usr/lib/python3/dist-packages" % files,
         "/usr/bin/python3", "-c", EC2, tmp_path], vm.ns, timeout=120))
    assert said["id"] == "i-0123" and said["hostname"] == "web-1"
    assert said["user_data"] == USER_DATA
    assert said["keys"] == ["ssh-ed25519 AAAA ann"]
    assert said["macs"][vm.mac]["local-ipv4s"] == vm.ip
    assert said["identity"]["instanceId"] == "i-0123"
