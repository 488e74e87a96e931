# SPDX-License-Identifier: Apache-2.0
"""How modules find vmnd; module_utils/api.py has the same options."""

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  server:
    description:
      - Where C(vmnd) serves its API, as seen from where the module runs.
      - C(unix:/PATH), C(http://HOST:PORT) or C(https://HOST:PORT);
        C(tcp:HOST:PORT) and C(ssl:HOST:PORT), as C(vmnctl) has it, are the
        last two.
      - Of a cluster, a list of the members, also with commas between. The
        first that answers is used, and another when that stops.
      - The environment variable C(VMNCTL_SERVER) if it is absent. Proxies
        are not used.
    type: list
    elements: str
    default: [unix:/run/vmn/vmnd.sock]
  token:
    description:
      - The token of an account; not for the unix socket.
      - The environment variable C(VMNCTL_TOKEN) if it is absent.
    type: str
  token_file:
    description:
      - A file whose first line is the token, used in place of I(token). Only
        its owner may read it.
    type: path
  ca_cert:
    description:
      - The CA, in PEM, that has signed the certificate of C(vmnd). Those of
        the system if it is absent.
      - The environment variable C(VMNCTL_CA_CERT) if it is absent.
    type: path
  client_cert:
    description:
      - A certificate in place of a token, in PEM.
      - The environment variable C(VMNCTL_CERTIFICATE) if it is absent.
    type: path
  client_key:
    description:
      - The private key of I(client_cert), in PEM.
      - The environment variable C(VMNCTL_PRIVATE_KEY) if it is absent.
    type: path
requirements:
  - Python 3.6 or later where the module runs, and nothing else
"""
