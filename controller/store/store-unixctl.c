/* SPDX-License-Identifier: Apache-2.0
 *
 * "ovs-appctl -t vmnd store/show": state and statistics of the store. */

#include <config.h>

#include "controller/store/store.h"

#include <inttypes.h>
#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "unixctl.h"
#include "util.h"

struct shown {
    const struct store_class *class_;
    struct store *store;
};

static void
unixctl_show(struct unixctl_conn *conn, int argc OVS_UNUSED,
             const char *argv[] OVS_UNUSED, void *shown_)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct shown *shown = shown_;
    struct store_stats stats;

    shown->class_->get_stats(shown->store, &stats);
    ds_put_format(&ds, "state: %s\n",
                  stats.corrupt ? "corrupt: nothing is written any more"
                  : stats.ok ? "ok" : "the newest change was not stored");
    if (stats.error) {
        ds_put_format(&ds, "reason: %s\n", stats.error);
    }
    ds_put_format(&ds, "database: %s, %"PRIu64" bytes, and %"PRIu64" of its "
                  "write-ahead log\n", stats.path, stats.size,
                  stats.log_size);
    ds_put_format(&ds, "groups of changes: %"PRIu64" stored, %"PRIu64
                  " refused\nreadings of the log that failed: %"PRIu64
                  "\nbackups: %"PRIu64"\n", stats.n_batches,
                  stats.n_failed, stats.n_read_failures, stats.n_copies);
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
store_unixctl_init(const struct store_class *class_, struct store *store)
{
    struct shown *shown = xmalloc(sizeof *shown);

    /* Never freed, since a command cannot be unregistered. */
    *shown = (struct shown) { class_, store };
    unixctl_command_register("store/show", "", 0, 0, unixctl_show, shown);
}
