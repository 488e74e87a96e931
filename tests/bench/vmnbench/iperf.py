# SPDX-License-Identifier: Apache-2.0
"""Streams between VMs of a lab, by iperf3: how much of each came."""

import json
import subprocess

from vmnlab import netns

from .process import Error

PORT = 5201
WARM_UP_S = 3                   # A limit's burst, and TCP finding its rate.
# Streams that somebody looks at "meanwhile" last longer by that.
MORE_S = 2 * netns.PATIENCE
UDP_PAYLOAD, UDP_FRAME = 1370, 1370 + 8 + 20 + 14


def streams(lab, pairs, seconds, udp_kbps, meanwhile=None):
    """Has each of 'pairs' of VMs stream at once, by UDP with so many kbit/s of
    payload, or by TCP (0), and calls 'meanwhile', before whose end none may
    end.  Returns bits of payload a second that came of each."""
    servers, clients = [], []
    if meanwhile:
        seconds += MORE_S
    limit = (seconds + WARM_UP_S + 60) * netns.PATIENCE
    try:
        for i, (_, to) in enumerate(pairs):
            servers.append(netns.popen(
                ["iperf3", "-s", "-1", "-J", "-p", str(PORT + i)],
                ns=lab.vm(to).ns, stdout=subprocess.PIPE))
        for i, (of, to) in enumerate(pairs):
            vm = lab.vm(to)
            netns.wait_for("iperf3", lambda vm=vm, i=i: ":%d " % (
                PORT + i) in netns.run(["ss", "-ltn"], ns=vm.ns), 20)
            command = ["iperf3", "-c", vm.ip, "-p", str(PORT + i), "-t",
                       "%d" % seconds, "-O", str(WARM_UP_S)]
            if udp_kbps:
                command += ["-u", "-l", str(UDP_PAYLOAD), "-b",
                            "%dK" % udp_kbps]
            clients.append(netns.popen(command, ns=lab.vm(of).ns,
                                       stdout=subprocess.DEVNULL))
        if meanwhile:
            meanwhile()
            if any(client.poll() is not None for client in clients):
                raise Error("a stream has ended before it was counted")
        for client in clients:
            if client.wait(limit):
                raise Error("iperf3 has failed")
        return [json.loads(server.communicate(timeout=limit)[0])["end"][
            "sum_received"]["bits_per_second"] for server in servers]
    finally:
        for one in servers + clients:
            if one.poll() is None:
                one.kill()
            one.wait()
