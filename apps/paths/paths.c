/* SPDX-License-Identifier: Apache-2.0
 *
 * The paths app: has vmnd measure the paths between hosts, by asking for it
 * (VMN_REL_PATH_PROBES).  Whoever loads it switches that on.  Not for the
 * flows (app overlay), nor for measuring (controller/paths). */

#include "vmn/app.h"

static void
compile_wish(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    vmn_publish(emit, VMN_REL_PATH_PROBES, "", "");
}

static const struct vmn_unit_class units[] = {
    { .name = "wish", .each = VMN_EACH_ONCE, .compile = compile_wish },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "paths",
    .description = "Latency, loss and MTU between hosts",
    .units = units,
};
