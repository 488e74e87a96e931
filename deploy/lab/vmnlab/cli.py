# SPDX-License-Identifier: Apache-2.0
"""The lab's command line: vmn-lab(1)."""

import argparse
import ipaddress
import json
import os
import signal
import sys
import time

from . import (agent, controllers, guest, libvirt, machine, migration, netns,
               page, qemu)
from .daemon import find
from .lab import (DATAPATHS, Lab, MAX_HOSTS, MAX_VLAN, OVSDB_MODES, UNDERLAYS,
                  all_names, check_machine, check_vm_name, default_datapath)
from .netns import Error
from .table import table

NETWORK = "lab"                 # Of VMs that are given by name and host.
SUBNET = "10.0.0.0/24"
EXEC_SECONDS = 60


class Usage(Error):
    """The command line was wrong."""


def main(argv=None):
    args = _parser().parse_args(argv)
    try:
        status = args.run(args) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Its reader has what it wanted ("| head").  Python would try again to
        # write what is left when it ends, so that goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Error as error:
        print("vmn-lab: %s" % error, file=sys.stderr)
        return 2 if isinstance(error, Usage) else 1


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

    _add_up_and_views(command)
    _add_machines(command)
    _add_failures(command)
    _add_demo_and_down(command)
    return parser


def _add_up_and_views(command):
    """Those that make a lab, and show it."""
    up = command("up", _up, "Make a lab.")
    up.add_argument("--hosts", type=_n_hosts, default=3, metavar="N",
                    help="emulated hypervisors (default 3)")
    up.add_argument("--vms", metavar="VMS",
                    help="VM@HOST[=IP],... or a JSON file with \"objects\" "
                    "and \"vms\" (default: one a host; \"\" for none)")
    up.add_argument("--vmnd", metavar="PATH", help="the daemon to run")
    up.add_argument("--vmnd-option", action="append", default=[],
                    metavar="OPTION", help="one of vmnd's options, such as "
                    "--vmnd-option=--count-interval=2; repeatable")
    up.add_argument("--controllers", type=_n_controllers, metavar="N",
                    default=1, help="how many vmnd, as one cluster "
                    "(default 1)")
    up.add_argument("--no-vmnd", action="store_true",
                    help="only hosts: no daemon, no VMs")
    up.add_argument("--ovsdb", choices=OVSDB_MODES, default="tcp",
                    help="how vmnd reaches the hosts' databases")
    up.add_argument("--underlay", choices=UNDERLAYS, default="ipv4",
                    help="the family of the hosts' tunnel addresses")
    up.add_argument("--datapath", choices=DATAPATHS,
                    help="of the hosts' switches: Open vSwitch's own, or the "
                    "kernel's (default: VMN_LAB_DATAPATH, or netdev)")
    command("status", _status, "Show hosts and VMs.")
    shown = command("page", _page, "Show the page of vmnd in a browser.")
    shown.add_argument("--port", type=_port, default=0, metavar="N",
                       help="on this machine's loopback (default: any)")
    command("list", _list, "Show the names of all labs.")


def _add_machines(command):
    """Those for VMs and machines outside."""
    run = command("exec", _exec, "Run a command in a VM, on a host, or on the "
                  "machine of one of several controllers.", "vm")
    run.add_argument("--limit", type=_positive, metavar="SECONDS",
                     help="of a guest: how long it may take (default %d)"
                     % EXEC_SECONDS)
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
    _add_guests(command)
    outside = command("outside", _outside, "Make a machine that is no VM, on "
                      "the lab's physical network.", "machine", "ip/length")
    outside.add_argument("--hosts", default="", metavar="HOST,...",
                         help="give these a bridge to that network: br-ex")
    outside.add_argument("--vlan", type=_vlan, metavar="N", help="its VLAN")
    outside.add_argument("--gateway", metavar="IP", help="its default route")


def _add_guests(command):
    """Those for VMs that QEMU runs."""
    vm = command("vm", _vm, "Make a VM that is no namespace but a guest of "
                 "QEMU, with a kernel of its own, for a port.", "vm")
    vm.add_argument("--host", required=True, help="where it is to boot")
    vm.add_argument("--image", default=guest.IMAGE, help="\"test\", which is "
                    "made when it is needed first, or a folder with vmlinuz "
                    "and initrd (default test)")
    vm.add_argument("--memory", type=_memory, default=guest.MEMORY_MIB,
                    metavar="MIB", help="default %d" % guest.MEMORY_MIB)
    vm.add_argument("--iface-id", metavar="ID", help="the port's iface-id, "
                    "if not the VM's name")
    vm.add_argument("--mac", help="instead of asking VMN")
    vm.add_argument("--libvirt", action="store_true", help="have libvirt run "
                    "it; the port's iface_id is a UUID")
    move = command("migrate", _migrate, "Move a guest to another host by "
                   "QEMU's live migration.", "vm", "host")
    move.add_argument("--bandwidth", type=_positive, metavar="MIB",
                      default=migration.BANDWIDTH_MIB,
                      help="the most that QEMU may send, in MiB/s (default "
                      "%d)" % migration.BANDWIDTH_MIB)
    move.add_argument("--downtime", type=_positive, metavar="MS",
                      default=migration.DOWNTIME_MS,
                      help="for how long the guest may stand still (default "
                      "%d)" % migration.DOWNTIME_MS)
    move.add_argument("--cancel-after", type=_positive, metavar="SECONDS",
                      help="give it up if it takes longer; exit status 3")
    move.add_argument("--limit", type=_positive, metavar="SECONDS",
                      default=migration.SECONDS, help="how long it may take "
                      "before it is an error (default %d)"
                      % migration.SECONDS)


def _add_failures(command):
    """Those that break something, and mend it."""
    command("stop", _stop, "Stop a host's Open vSwitch, vmnd, a controller, "
            "or a guest.", "what")
    command("start", _start, "Start it again.", "what")
    command("restart", _restart, "Restart a host's ovs-vswitchd as ovs-ctl "
            "does: its flows are saved and restored.", "host")
    cut = command("cut", _cut, "Cut a host off from vmnd.", "host")
    cut.add_argument("--silent", action="store_true",
                     help="leave it to both sides to notice")
    command("heal", _heal, "Join it to vmnd again.", "host")
    command("wipe", _wipe, "End a controller, and have its machine be one "
            "that was installed anew.", "controller")


def _add_demo_and_down(command):
    """The demonstration, and the lab's end."""
    demo = command("demo", _demo, "Show what VMN does, with real packets.")
    demo.add_argument("--vmnd", metavar="PATH", help="the daemon to run")
    demo.add_argument("--controllers", type=_n_controllers, metavar="N",
                      default=1, help="how many vmnd, as one cluster; with "
                      "three or more the writer is killed (default 1)")
    demo.add_argument("--keep", action="store_true",
                      help="leave the lab up afterwards")
    down = command("down", _down, "Remove a lab, or what is left of it.")
    down.add_argument("--all", action="store_true", help="all labs")


def _number(text, least, most):
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(
            "must be a number from %d to %d, not %r" % (least, most, text))
    return int(text)


def _n_hosts(text):
    return _number(text, 1, MAX_HOSTS)


def _n_controllers(text):
    return _number(text, 1, controllers.MAX)


def _port(text):
    return _number(text, 0, 65535)


def _vlan(text):
    return _number(text, 1, MAX_VLAN)


def _positive(text):
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1e6:
        raise argparse.ArgumentTypeError(
            "must be a number greater than 0, not %r" % text)
    return number


def _memory(text):
    return _number(text, *guest.MEMORY_RANGE_MIB)


def _open(args):
    """Returns the lab that is meant, locked and loaded."""
    lab = Lab(args.name)
    lab.lock()
    return lab.load()


# Up and down.  ---------------------------------------------------------------

def _up(args):
    # First all that can be wrong without a lab: nothing is made then.
    if args.no_vmnd and (args.vms or args.vmnd or args.vmnd_option
                         or args.controllers > 1):
        raise Usage("--no-vmnd cannot be combined with --vms, --vmnd, "
                    "--vmnd-option or --controllers")
    objects, placement = _read_vms(args.vms, args.hosts)
    lab = Lab(args.name)
    vmnd = None if args.no_vmnd else args.vmnd or find("vmnd")
    if vmnd and not (os.path.isfile(vmnd) and os.access(vmnd, os.X_OK)):
        raise Usage("%s: no such program" % vmnd)
    datapath = args.datapath or default_datapath()
    check_machine(datapath)
    lab.lock(create=True)
    print("%d hosts ..." % args.hosts, flush=True)
    lab.up(args.hosts, vmnd, args.ovsdb, args.underlay, datapath,
           controllers=args.controllers,
           **({"options": args.vmnd_option} if vmnd else {}))
    if vmnd:
        _make_vms(lab, objects, placement)
    lab.unlock()
    return _status(args)


def _make_vms(lab, objects, placement):
    """Makes the VMs that --vms asks for, and their objects."""
    if objects:
        lab.vmnd.api.apply(objects)
    if placement:
        print("%d VMs ..." % len(placement), flush=True)
    for port, host in placement.items():
        lab.add_vm_of_port(port, host)
    lab.await_ports(placement)


def _read_vms(text, n_hosts):
    """Returns the objects to apply and {port: host}, from what --vms says."""
    hosts = ["h%d" % (i + 1) for i in range(n_hosts)]
    if text is not None and os.path.isfile(text):
        objects, placement = _read_vms_file(text)
    elif text is None:
        objects, placement = _read_vms_list(
            ",".join("vm%d@%s" % (i + 1, h) for i, h in enumerate(hosts)))
    else:
        objects, placement = _read_vms_list(text)
    for name, host in placement.items():
        try:
            check_vm_name(name)
        except Error as error:
            raise Usage("--vms: %s" % error)
        if name == "net" or name in hosts:
            raise Usage("--vms: %s is the name of another part of the lab"
                        % name)
        if host not in hosts:
            raise Usage("--vms: %s is to be at %s, and there are h1 to h%d"
                        % (name, host or "no host", n_hosts))
    return objects, placement


def _read_vms_file(path):
    with open(path) as file:
        try:
            given = json.load(file)
            objects, placement = list(given["objects"]), dict(given["vms"])
        except (ValueError, TypeError, KeyError) as error:
            raise Usage("%s: not JSON with \"objects\" and \"vms\": %s"
                        % (path, error))
    if not all(isinstance(host, str) for host in placement.values()):
        raise Usage("%s: vms: must be {\"PORT\": \"HOST\"}" % path)
    return objects, placement


def _read_vms_list(text):
    objects = [{"type": "networks", "name": NETWORK,
                "spec": {"subnets": [{"cidr": SUBNET}]}}]
    placement = {}
    for word in filter(None, text.split(",")):
        name, at, rest = word.partition("@")
        host, _, ip = rest.partition("=")
        if not at or not name:
            raise Usage("--vms: neither VM@HOST[=IP] nor a file: %r" % word)
        if name in placement:
            raise Usage("--vms: %s is there twice" % name)
        spec = {"network": NETWORK}
        if ip:
            _check_ip(ip)
            spec["ips"] = [ip]
        objects.append({"type": "ports", "name": name, "spec": spec})
        placement[name] = host
    return (objects, placement) if placement else ([], {})


def _check_ip(text):
    try:
        inside = ipaddress.ip_address(text) in ipaddress.ip_network(SUBNET)
    except ValueError:
        inside = False
    if not inside:
        raise Usage("--vms: %s is no address in %s" % (text, SUBNET))


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
            ["VM", "IS A", "HOST", "ADDRESS", "MAC", "VMND SAYS"],
            [[v.name, v.kind(), v.host or "-",
              ", ".join(v.state["ips"]) or "-", v.mac,
              _said(api, "ports/" + v.state.get("port", v.state["iface_id"]))]
             for v in lab.vms.values()]))
    print()
    if lab.controllers:
        print(table(
            ["CONTROLLER", "VMND", "DATABASE", "ITS API"],
            [[c.name, c.role(), "runs" if c.server_pid() else "stopped",
              c.socket] for c in lab.controllers]))
        if not api:
            print("no writer (logs: %s/c*/vmnd.log)" % lab.dir)
    elif lab.vmnd:
        print("vmnd: %s; its API: %s"
              % ("runs" if api else "does not answer (log: %s)"
                 % lab.vmnd.log, lab.vmnd.socket))
    else:
        print("no vmnd")


def _page(args):
    lab = _open(args)
    if not lab.vmnd or not lab.vmnd.pid():
        raise Error("lab %s has no vmnd that runs" % lab.name)
    try:
        port = page.serve(lab, args.port)
    except OSError as error:
        raise Error("port %d: %s" % (args.port, error.strerror))
    print("the page: http://127.0.0.1:%d/   its token: %s"
          % (port, page.token(lab.vmnd.token_file)))


def _said(api, target):
    """What vmnd says of the state of an object, in a word."""
    if api is None:
        return "-"
    try:
        return api.get(target)["status"].get("state", "-")
    except Error:
        return "unknown"


def _names(*lists):
    return ", ".join(name for names in lists for name in names) or "none"


def _exec(args):
    lab = _open(args)
    lab.unlock()
    words = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not words:
        raise Error("exec: no command")
    if isinstance(lab.vms.get(args.vm), guest.Guest):
        return _exec_in_guest(lab.vms[args.vm], words,
                              args.limit or EXEC_SECONDS)
    if args.limit:
        raise Usage("--limit: %s is no guest of QEMU" % args.vm)
    if args.vm in lab.vms:
        ns, env = lab.vms[args.vm].ns, os.environ
    elif args.vm in lab.outsides:
        ns, env = lab.outsides[args.vm].ns, os.environ
    elif lab.find_controller(args.vm):
        ns, env = lab.net_ns, machine.environment(lab.find_controller(args.vm))
    else:
        host = lab.find_host(args.vm)
        if not host:
            raise Error("lab %s has neither a VM nor a host %s; its VMs: %s; "
                        "its hosts: %s%s" % (
                            lab.name, args.vm,
                            _names(lab.vms, lab.outsides),
                            _names(h.name for h in lab.hosts),
                            "; its controllers: "
                            + _names(c.name for c in lab.controllers)
                            if lab.controllers else ""))
        ns, env = host.ns, host.env
    netns.enter(ns)
    try:
        os.execvpe(words[0], words, env)
    except OSError as error:
        print("vmn-lab: %s: %s" % (words[0], error.strerror),
              file=sys.stderr)
        return 127


def _exec_in_guest(vm, words, limit):
    done = vm.finish(*words, seconds=limit)
    sys.stdout.flush()
    sys.stdout.buffer.write(done.out)
    sys.stdout.buffer.flush()
    sys.stderr.buffer.write(done.err)
    if done.truncated:
        print("vmn-lab: it wrote more than %d bytes, of which these are the "
              "first" % agent.OUTPUT_MAX, file=sys.stderr)
    return done.status


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


def _vm(args):
    qemu.check_machine()
    if args.libvirt:
        libvirt.check_machine()
    image = guest.find_image(args.image)
    start = time.monotonic()
    lab = _open(args)
    more = {"iface_id": args.iface_id, "memory": args.memory,
            "kind": "libvirt" if args.libvirt else "guest"}
    if args.mac:
        vm = lab.add_guest(args.vm, args.host, image, args.mac, **more)
    elif lab.vmnd:
        del more["iface_id"]
        vm = lab.add_guest_of_port(args.iface_id or args.vm, args.host, image,
                                   args.vm, **more)
    else:
        raise Error("give --mac: lab %s has no vmnd to ask" % lab.name)
    _await_guest(lab, vm, start)


def _await_guest(lab, vm, start):
    lab.unlock()                # It boots for seconds.
    vm.await_ready()
    print("%s runs on %s (%s) after %.1f s" % (
        vm.name, vm.host, qemu.accelerator(), time.monotonic() - start))


def _migrate(args):
    lab = _open(args)
    moving = lab.migrate(args.vm, args.host, bandwidth=args.bandwidth,
                         downtime_ms=args.downtime)
    lab.unlock()
    found = moving.wait(args.limit, args.cancel_after)
    if found.status == migration.CANCELLED:
        print("%s: cancelled; it is on %s" % (found.guest, found.host))
        return 3
    found.check()
    print("%s is on %s: downtime %d ms, total %d ms, %.1f MiB" % (
        found.guest, found.host, found.downtime_ms, found.total_ms,
        found.transferred / 2**20))


def _outside(args):
    lab = _open(args)
    address = getattr(args, "ip/length")
    hosts = [lab.host(h) for h in filter(None, args.hosts.split(","))]
    there = lab.outsides.get(args.machine)
    if not there:
        lab.add_outside(args.machine, [address], args.vlan,
                        gateway=args.gateway)
    elif not there.is_as([address], args.vlan, args.gateway):
        raise Error("%s is there already, with another address, VLAN or "
                    "gateway" % args.machine)
    for host in hosts:
        host.add_provider_bridge()


def _stop(args):
    lab, part = _part(args)
    if part in lab.controllers:
        part.stop_machine()
    else:
        part.stop()
        lab.save()


def _start(args):
    start = time.monotonic()
    lab, part = _part(args)
    if part in lab.controllers:
        part.start_machine()
    elif isinstance(part, guest.Guest):
        part.start()
        lab.save()
        _await_guest(lab, part, start)
    elif part is not lab.vmnd or lab.controllers or part.pid() is None:
        part.start()


def _restart(args):
    error = _open(args).host(args.host).restart_switch()
    if error:
        raise Error("%s has restarted, but its flows were not restored: %s"
                    % (args.host, error))


def _part(args):
    """The lab, and its host, controller, guest or vmnd that is to be stopped
    or started."""
    lab = _open(args)
    part = lab.find_controller(args.what)
    if part:
        return lab, part
    if isinstance(lab.vms.get(args.what), guest.Guest):
        return lab, lab.vms[args.what]
    if args.what in lab.vms or args.what in lab.outsides:
        raise Error("%s is no guest of QEMU: it is plugged in and unplugged"
                    % args.what if args.what in lab.vms else
                    "%s is a machine outside: it cannot be stopped"
                    % args.what)
    if args.what != "vmnd":
        return lab, lab.host(args.what)
    if not lab.vmnd:
        raise Error("lab %s has no vmnd" % lab.name)
    return lab, lab.vmnd


def _cut(args):
    _open(args).host(args.host).cut(args.silent)


def _heal(args):
    _open(args).host(args.host).heal()


def _wipe(args):
    lab = _open(args)
    controller = lab.find_controller(args.controller)
    if not controller:
        raise Error("lab %s has no controller %s; it has %s" % (
            lab.name, args.controller, _names(c.name for c in
                                              lab.controllers)))
    controller.wipe()


def _demo(args):
    import shop  # deploy/lab/shop.py: it reads as a story.
    return shop.main(args.name, args.vmnd or find("vmnd"), args.keep,
                     args.controllers)
