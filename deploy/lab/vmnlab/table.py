# SPDX-License-Identifier: Apache-2.0
"""Tables for people."""


def table(head, rows, indent=""):
    """Returns 'rows' under 'head' as text, each column as wide as it needs."""
    rows = [[str(c) for c in row] for row in [head] + rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return "\n".join(
        (indent + "   ".join(c.ljust(w) for c, w in zip(row, widths)))
        .rstrip() for row in rows)
