# SPDX-License-Identifier: Apache-2.0
"""The lab's command line: vmn-lab(1)."""

import argparse
import json
import os
import sys

from . import netns
from .daemon import find
from .lab import Lab, OVSDB_MODES, all_names
from .netns import Error
from .table import table

NETWORK = "lab"                 # Of VMs that are given by name and host.
SUBNET = "10.0.0.0/24"


def main(argv=None):
    args = _parser().parse_args(argv)
    try:
        return args.run(args) or 0
    except Error as error:
        print("vmn-lab: %s" % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("vmn-lab: interrupted", file=sys.stderr)
        return 130


# Reading the arguments.  ---------------------------------------------------

def _parser():
    parser = argparse.ArgumentParser(
        prog="vmn-lab", description="Emulated hypervisors and VMs on this "
        "machine, programmed by a vmnd of their own.")
    parser.add_argument("--name", default=os.environ.get("VMN_LAB", "lab"),
                        help="which lab (default: VMN_LAB, or \"lab\")")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name, run, text, *words):
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--name", default=argparse.SUPPRESS,
                         help="which lab")
        for word in words:
            sub.add_argument(word, metavar=word.upper())
        sub.set_defaults(run=run)
        return sub

    up = command("up", _up, "Make a lab.")
    up.add_argument("--hosts", type=int, default=3, metavar="N",
                    help="emulated hypervisors (default 3)")
    up.add_argument("--vms", metavar="VMS",
                    help="VM@HOST[=IP],... or a JSON file with \"objects\" "
                    "and \"vms\" (default: one a host; \"\" for none)")
    up.add_argument("--vmnd", metavar="PATH", help="the daemon to run")
    up.add_argument("--no-vmnd", action="store_true",
                    help="only hosts: no daemon, no VMs")
    up.add_argument("--ovsdb", choices=OVSDB_MODES, default="tcp",
                    help="how vmnd reaches the hosts' databases")
    command("status", _status, "Show hosts and VMs.")
    command("list", _list, "Show the names of all labs.")
    run = command("exec", _exec, "Run a command in a VM or on a host.", "vm")
    run.add_argument("command", metavar="CMD", nargs=argparse.REMAINDER)
    plug = command("plug", _plug, "Plug in a VM, made if need be.",
                   "vm", "host")
    plug.add_argument("--iface-id", metavar="ID", help="the port's iface-id, "
                      "if not the VM's name")
    plug.add_argument("--mac", help="instead of asking VMN")
    plug.add_argument("--ip", metavar="IP/LENGTH",
                      help="instead of asking VMN")
    command("unplug", _unplug, "Take a VM off its host.", "vm")
    command("move", _move, "Move a VM, as it runs, to another host.",
            "vm", "host")
    command("stop", _stop, "Stop a host's Open vSwitch.", "host")
    command("start", _start, "Start it again.", "host")
    cut = command("cut", _cut, "Cut a host off from vmnd.", "host")
    cut.add_argument("--silent", action="store_true",
                     help="leave it to both sides to notice")
    command("heal", _heal, "Join it to vmnd again.", "host")
    demo = command("demo", _demo, "Show what VMN does, with real packets.")
    demo.add_argument("--vmnd", metavar="PATH", help="the daemon to run")
    demo.add_argument("--keep", action="store_true",
                      help="leave the lab up afterwards")
    down = command("down", _down, "Remove a lab, or what is left of it.")
    down.add_argument("--all", action="store_true", help="all labs")
    return parser


def _open(args):
    """Returns the lab that is meant, locked and loaded."""
    lab = Lab(args.name)
    lab.lock()
    return lab.load()


# Up and down.  ---------------------------------------------------------------

def _up(args):
    lab = Lab(args.name)
    lab.lock(create=True)
    vmnd = None if args.no_vmnd else args.vmnd or find("vmnd")
    if vmnd and not os.access(vmnd, os.X_OK):
        raise Error("%s: no such program" % vmnd)
    print("%d hosts ..." % args.hosts, flush=True)
    lab.up(args.hosts, vmnd, args.ovsdb)
    if vmnd:
        _make_vms(lab, args.vms)
    lab.unlock()
    return _status(args)


def _make_vms(lab, text):
    """Makes the VMs that --vms asks for, and their objects."""
    objects, placement = _read_vms(lab, text)
    if objects:
        lab.vmnd.api.apply(objects)
    if placement:
        print("%d VMs ..." % len(placement), flush=True)
    for port, host in placement.items():
        lab.add_vm_of_port(port, host)
    lab.await_ports(placement)


def _read_vms(lab, text):
    """Returns the objects to apply and {port: host}."""
    if text is not None and os.path.isfile(text):
        with open(text) as file:
            try:
                given = json.load(file)
                return list(given["objects"]), dict(given["vms"])
            except (ValueError, TypeError, KeyError) as error:
                raise Error("%s: not JSON with \"objects\" and \"vms\": %s"
                            % (text, error))
    if text is None:
        text = ",".join("vm%d@%s" % (h.index, h.name) for h in lab.hosts)
    objects = [{"type": "networks", "name": NETWORK,
                "spec": {"subnets": [{"cidr": SUBNET}]}}]
    placement = {}
    for word in filter(None, text.split(",")):
        name, at, rest = word.partition("@")
        host, _, ip = rest.partition("=")
        if not at or not name:
            raise Error("not VM@HOST[=IP]: %r" % word)
        lab.host(host)
        spec = {"network": NETWORK}
        if ip:
            spec["ips"] = [ip]
        objects.append({"type": "ports", "name": name, "spec": spec})
        placement[name] = host
    return (objects, placement) if placement else ([], {})


def _down(args):
    for name in all_names() if args.all else [args.name]:
        lab = Lab(name)
        if name not in all_names():
            print("there is no lab %s" % name)
            continue
        if os.path.isdir(lab.dir):
            lab.lock()
            try:
                lab.load()
            except (Error, ValueError, KeyError):
                pass            # It died early; the names will do.
        lab.down()
        lab.unlock()
        print("lab %s is gone" % name)


def _list(args):
    for name in all_names():
        print(name)


# What is there.  -------------------------------------------------------------

def _status(args):
    lab = _open(args)
    api = lab.vmnd.api if lab.vmnd and lab.vmnd.api.healthy() else None
    print(table(
        ["HOST", "OPEN VSWITCH", "CONTROL LINK", "VMND SAYS", "TUNNEL IP"],
        [[h.name, "runs" if h.running() else "stopped",
          "cut" if h.is_cut() else "up", _said(api, "hosts/" + h.name),
          h.tunnel_ip] for h in lab.hosts]))
    if lab.vms:
        print()
        print(table(
            ["VM", "HOST", "ADDRESS", "MAC", "VMND SAYS"],
            [[v.name, v.host or "-", ", ".join(v.state["ips"]), v.mac,
              _said(api, "ports/" + v.state["iface_id"])]
             for v in lab.vms.values()]))
    print()
    if lab.vmnd:
        print("vmnd: %s; its API: %s"
              % ("runs" if api else "does not answer (log: %s)"
                 % lab.vmnd.log, lab.vmnd.socket))
    else:
        print("no vmnd")


def _said(api, target):
    """What vmnd says of the state of an object, in a word."""
    if api is None:
        return "-"
    try:
        return api.get(target)["status"].get("state", "-")
    except Error:
        return "unknown"


def _exec(args):
    lab = _open(args)
    lab.unlock()
    words = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not words:
        raise Error("exec: no command")
    if args.vm in lab.vms:
        ns, env = lab.vms[args.vm].ns, os.environ
    else:
        host = lab.host(args.vm)
        ns, env = host.ns, host.env
    netns._enter_child(ns)()
    try:
        os.execvpe(words[0], words, env)
    except OSError as error:
        print("vmn-lab: %s: %s" % (words[0], error.strerror),
              file=sys.stderr)
        return 127


# Changing it.  ---------------------------------------------------------------

def _plug(args):
    lab = _open(args)
    if args.vm in lab.vms:
        if args.mac or args.ip or args.iface_id:
            raise Error("%s has its addresses and iface-id already" % args.vm)
        lab.replug(args.vm, args.host)
    elif args.mac and args.ip:
        lab.add_vm(args.vm, args.host, args.mac, [args.ip], args.iface_id)
    elif args.mac or args.ip or not lab.vmnd:
        raise Error("give both --mac and --ip")
    else:
        lab.add_vm_of_port(args.iface_id or args.vm, args.host, args.vm)


def _unplug(args):
    _open(args).unplug(args.vm)


def _move(args):
    _open(args).move(args.vm, args.host)


def _stop(args):
    lab = _open(args)
    lab.host(args.host).stop()


def _start(args):
    lab = _open(args)
    lab.host(args.host).start()


def _cut(args):
    _open(args).host(args.host).cut(args.silent)


def _heal(args):
    _open(args).host(args.host).heal()


def _demo(args):
    import shop  # deploy/lab/shop.py: it reads as a story.
    return shop.main(args.name, args.vmnd or find("vmnd"), args.keep)
