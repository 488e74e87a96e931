/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of a cluster: describes the structs of status.h. */

#include <config.h>

#include "controller/schema/schema-shown.h"
#include "controller/schema/status.h"

static const struct schema_struct member = SHOWN_KEPT(
    "member", status_cluster_member,
    SHOWN_OF(status_cluster_member, name, STRING, ALWAYS, "The member."),
    SHOWN_OF(status_cluster_member, role, ENUM, ALWAYS,
             "`writer`: it takes changes and is the master of all hosts; "
             "`standby`; `away`: it has not been heard for 3 seconds, or has "
             "ended.",
             SHOWN_NAMES("writer", "standby", "away")),
    SHOWN_OF(status_cluster_member, behind, I64, ALWAYS,
             "How many batches it lacks."),
    SHOWN_OF(status_cluster_member, hosts, I64, ALWAYS,
             "How many hosts are connected to it."),
    SHOWN_OF(status_cluster_member, heard, DOUBLE, ALWAYS,
             "For how many seconds it has not been heard."),
    SHOWN_OF(status_cluster_member, version, STRING, ALWAYS,
             "That of its `vmnd`."),
    SHOWN_OF(status_cluster_member, address, STRING, 0,
             "Where it serves the API, when it is the writer."),
    SHOWN_OF(status_cluster_member, ovsdb, STRING, 0,
             "Where databases of hosts that dial `vmnd` reach it: hosts are "
             "told."),
    SHOWN_OF(status_cluster_member, database_disk, I64, HIDE,
             "How full the disk of its server of the cluster's database is, "
             "in percent. None: it is not known."));

const struct schema_struct schema_status_cluster = SHOWN_KEPT(
    "Cluster", status_cluster,
    SHOWN_OF(status_cluster, member, STRING, 0, "The member that answers."),
    SHOWN_OF(status_cluster, role, ENUM, ALWAYS,
             "What that is; `alone`: it is of no cluster, and what follows "
             "says nothing.",
             SHOWN_NAMES("writer", "standby", "alone")),
    SHOWN_OF(status_cluster, connected, BOOL, ALWAYS,
             "Whether it sees the cluster's database, most of whose servers "
             "are there. If not, what follows is of a former time."),
    SHOWN_OF(status_cluster, problem, STRING, 0, "Why it cannot follow."),
    SHOWN_OF(status_cluster, writer, STRING, 0, "Who the writer is."),
    SHOWN_OF(status_cluster, epoch, I64, ALWAYS,
             "Raised with each writer; 0: there is no cluster in the "
             "database."),
    SHOWN_OF(status_cluster, batch, I64, ALWAYS,
             "The newest batch of changes."),
    SHOWN_OF(status_cluster, stored, I64, ALWAYS,
             "The newest one that this member has."),
    SHOWN_OF(status_cluster, revision, U64, ALWAYS,
             "The revision of its state."),
    SHOWN_OF(status_cluster, unknown_fields, SIZE, ALWAYS,
             "How many rows have fields that this member's version does not "
             "know: it keeps them, and they have no effect while it is the "
             "writer."),
    SHOWN_LIST_OF(status_cluster, members, n_members, STRUCT, ALWAYS,
                  "All of them.", .nested = &member));
