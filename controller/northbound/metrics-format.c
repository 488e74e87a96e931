/* SPDX-License-Identifier: Apache-2.0
 *
 * Prometheus' text format; see metrics.h.  Depends on nothing else in
 * northbound. */

#include <config.h>

#include "controller/northbound/metrics.h"

#include "openvswitch/dynamic-string.h"

void
metrics_family(struct ds *ds, const char *name, const char *type,
               const char *help)
{
    ds_put_format(ds, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                  type);
}

void
metrics_label(struct ds *ds, const char *text)
{
    ds_put_char(ds, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '\\' || *p == '"') {
            ds_put_char(ds, '\\');
        }
        ds_put_char(ds, (unsigned char) *p < ' ' ? ' ' : *p);
    }
    ds_put_char(ds, '"');
}
