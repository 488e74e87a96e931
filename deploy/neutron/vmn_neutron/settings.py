# SPDX-License-Identifier: Apache-2.0
"""The options of [vmn] in Neutron's configuration."""

import os

from oslo_config import cfg

OPTIONS = [
    cfg.ListOpt("api", default=["unix:/run/vmn/vmnd.sock"],
                help="Where vmnd's API is: unix:/PATH, http://127.0.0.1:PORT "
                     "or https://HOST:PORT; of a cluster, a list of members.  "
                     "The first that answers is used, and another when it "
                     "stops."),
    cfg.StrOpt("token_file",
               help="A file whose first line is the token of an account of "
                    "vmnd without a scope; not needed by way of a socket."),
    cfg.StrOpt("ca_file",
               help="The CA of vmnd's certificate, for https."),
    cfg.StrOpt("cert_file", help="A client certificate, for https."),
    cfg.StrOpt("key_file", help="Its key."),
    cfg.IntOpt("timeout", default=10, min=1,
               help="Seconds that a call of a server may take."),
    cfg.ListOpt("gateway_hosts", default=[],
                help="The hosts that may be gateways of routers, as vmnd "
                     "names them, the first one first.  When empty: all that "
                     "have a bridge to the physical network, each router "
                     "with an order of its own."),
    cfg.IntOpt("resync_interval", default=600, min=10,
               help="Seconds between comparisons of all that vmnd has with "
                    "Neutron's database."),
    cfg.StrOpt("spool",
               help="A directory of the machine for marks of what vmnd has "
                    "perhaps not been told yet; $state_path/vmn when "
                    "absent."),
]


def register(conf=cfg.CONF):
    conf.register_opts(OPTIONS, "vmn")
    return conf.vmn


def list_options():
    """For oslo-config-generator."""
    return [("vmn", OPTIONS)]


def spool_directory(conf=cfg.CONF):
    return conf.vmn.spool or os.path.join(conf.state_path, "vmn")
