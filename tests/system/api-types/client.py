# SPDX-License-Identifier: Apache-2.0
"""A client in Python whose types (api.py) were generated from the API's
description: what it sends is made of them, and what vmnd answers is read by
them, which fails where the description is wrong.
usage: TOKEN=... client.py URL"""

import json
import os
import sys
import urllib.error
import urllib.request

import api


def call(method, path, body=None):
    """Returns the status and the answer."""
    request = urllib.request.Request(
        sys.argv[1] + path, method=method,
        data=None if body is None else json.dumps(body.to_dict()).encode(),
        headers={"Authorization": "Bearer " + os.environ["TOKEN"],
                 "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def main():
    network = api.NetworkPut(spec=api.NetworkSpec(
        subnets=[api.NetworkSpecSubnet(cidr="10.79.0.0/24")]))
    status, answer = call("PUT", "/v1/networks/py", network)
    assert status == 201, answer
    assert api.NetworkChange.from_dict(answer).outcome \
        == api.OutcomeEnum.CREATED

    port = api.PortPut(spec=api.PortSpec(network="py", labels={"by": "py"}))
    status, answer = call("PUT", "/v1/ports/py-1", port)
    change = api.PortChange.from_dict(answer)
    assert status == 201 and change.status.ips[0].startswith("10.79.0.")
    status, answer = call("GET", "/v1/ports?selector=by=py")
    found = api.PortList.from_dict(answer)
    assert [p.name for p in found.items] == ["py-1"]
    assert found.items[0].metadata.etag == change.metadata.etag

    port.spec.network = "nowhere"
    status, answer = call("PUT", "/v1/ports/py-1", port)
    problem = api.Problem.from_dict(answer)
    assert status == problem.status == 400
    assert problem.errors[0].pointer == "/spec/network", answer

    for path in "/v1/ports/py-1", "/v1/networks/py":
        status, answer = call("DELETE", path)
        assert status == 200, answer
    api.Status.from_dict(call("GET", "/v1/status")[1])
    print("done")


main()
