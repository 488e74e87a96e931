# SPDX-License-Identifier: Apache-2.0
"""The benchmark of VMN beside OVN; see ../compare."""
