/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics of a member of a cluster that are not in all processes.  Not for
 * those of the members as the writer sees them (metrics.c). */

#include <config.h>

#include <inttypes.h>

#include "controller/cluster/cluster.h"
#include "controller/northbound/metrics.h"
#include "controller/northbound/northbound-private.h"
#include "openvswitch/dynamic-string.h"

void
metrics_append_database_disk(const struct northbound *nb, struct ds *ds)
{
    uint64_t free, size;

    if (nb->cluster && cluster_get_disk(nb->cluster, &free, &size)) {
        metrics_family(ds, "vmn_cluster_database_disk_free_bytes", "gauge",
                       "Bytes that vmnd may still write on the file system "
                       "of the cluster's database. None if it is that of "
                       "vmnd's own database, or not known.");
        ds_put_format(ds, "vmn_cluster_database_disk_free_bytes %"PRIu64"\n",
                      free);
        metrics_family(ds, "vmn_cluster_database_disk_bytes", "gauge",
                       "Size of that file system.");
        ds_put_format(ds, "vmn_cluster_database_disk_bytes %"PRIu64"\n",
                      size);
    }
}
