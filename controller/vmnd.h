/* SPDX-License-Identifier: Apache-2.0
 *
 * What vmnd's own files share: vmnd.c has main() and the rooms that each vmnd
 * has, vmnd-member.c what a member of a cluster has besides.  Not for the
 * rooms, which do not know of it. */

#ifndef CONTROLLER_VMND_H
#define CONTROLLER_VMND_H 1

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "controller/apphost/apphost.h"
#include "controller/cluster/cluster.h"
#include "controller/fabric/fabric.h"
#include "controller/health/health.h"
#include "controller/paths/paths.h"
#include "controller/load-monitor/load-sources.h"
#include "controller/options.h"
#include "controller/schema/tables.h"
#include "proto/loop/loop.h"

struct model_request;
struct unixctl_conn;
struct vmn_error;

/* An app of the options that cannot be loaded. */
struct vmnd_unloaded {
    const char *file;           /* As the options name it. */
    char *why;
};

/* In the order of creation. */
struct vmnd {
    struct options options;
    struct loop *loop;
    struct event *signals[2];   /* SIGTERM and SIGINT. */
    struct unixctl_server *unixctl;
    struct loop_task *unixctl_task;
    struct model *model;
    const struct store_class *store_class;
    struct store *store;
    struct cluster *cluster;    /* Or NULL. */
    struct cluster_options cluster_options;
    struct loop_deferred activation; /* As the cluster's writer. */
    int64_t epoch;              /* Of this writer, */
    uint64_t first_revision;    /* and from where it goes on. */
    bool active;                /* The rooms above the fabric are there, */
    bool deposed;               /* Another member of the cluster is the
                                 * writer now. */
    bool ended;                 /* By an operator. */
    struct apphost *apphost;
    size_t n_unloaded;
    struct vmnd_unloaded *unloaded;
    struct event *workers_timer; /* Or NULL: vmnd is being started. */
    struct {
        struct unixctl_conn *conn; /* Who has an app resumed that is absent;
                                    * or NULL. */
        char *app;
        struct apphost_load *load; /* Or NULL: it waits for a quiescent
                                    * state. */
    } resuming;
    struct engine *engine;
    struct commit *commit;
    struct audit_log *audit_log; /* Or NULL. */
    struct fabric *fabric;
    struct health *health;
    struct paths *paths;
    struct resolver *resolver;
    struct fqdns *fqdns;
    struct webhook *webhook;
    struct load_sources load_sources;
    struct load_monitor *load;
    struct northbound *northbound;
};

/* vmnd.c.  ---------------------------------------------------------------- */

/* If 'error' is nonzero, logs 'what' failed and why, and exits: 'text' says
 * why, or if that is NULL, the errno 'error'. */
void vmnd_die_of(int error, const char *what, const char *text);
/* Creates the folder that 'path' is in, if only its last component is missing.
 * Errors are ignored: creating files in it will fail with a better
 * message. */
void vmnd_make_folder_of(const char *path, mode_t mode);
/* Creates the fabric; if it 'stands_by', another member is the writer. */
void vmnd_start_fabric(struct vmnd *, bool stands_by);
/* Serves the API; if 'following', as a standby does. */
void vmnd_start_northbound(struct vmnd *, bool following);
/* Creates the rooms above the fabric, by which this serves the API. */
void vmnd_start_active(struct vmnd *);

/* The first compile is done and durable, and each app has its row. */
void vmnd_set_ready(void *vmnd);

/* vmnd-apps.c.  ----------------------------------------------------------- */

/* Loads the apps of the options.  One of VMN's own must load. */
void vmnd_load_apps(struct vmnd *);
/* Gives each app its tables, once the database is loaded: one that could not
 * be loaded keeps those that it had. */
void vmnd_place_apps(struct vmnd *);
/* Creates a row for each app, by which users see and disable it, and then has
 * vmnd be ready.  Existing rows are kept; rows of apps that the options do not
 * name are deleted. */
void vmnd_start_apps(struct vmnd *);
/* Has the apps whose files are in the database be those of the rows, for
 * commit_set_follow(). */
bool vmnd_follow_apps(void *vmnd);
/* Adds to the request what the rows are to say of the apps, for
 * commit_set_note(). */
void vmnd_note_apps(void *vmnd, struct model_request *);
/* Begins to load an app of the database that could not be loaded, from the
 * code that its row has: apphost_prepare().  Nothing changes if that fails. */
struct apphost_load *vmnd_prepare_absent(struct vmnd *, const char *name,
                                         apphost_load_cb *done, void *aux,
                                         struct vmn_error *why);
/* Puts the loaded app in its place, as a start would.  Returns 0, or a
 * positive errno with the error set: if there is no room for its stages it is
 * absent for that reason.  The state must be quiescent. */
int vmnd_load_absent(struct vmnd *, const char *name, struct vmn_error *why);
/* After the engine is gone. */
void vmnd_forget_apps(struct vmnd *);
/* Has the app that declares 'type' look at an object of it
 * (model_set_check_object()). */
void vmnd_check_object(void *vmnd, const struct vmn_type_row *type,
                       const struct vmn_row *object, uint64_t *checked,
                       struct vmn_errors *faults);

/* vmnd-workers.c.  -------------------------------------------------------- */

/* Looks after workers from now on. */
void vmnd_start_workers(struct vmnd *);
/* The same, when there may be a first one. */
void vmnd_watch_workers(struct vmnd *);
void vmnd_stop_workers(struct vmnd *);

/* vmnd-member.c.  --------------------------------------------------------- */

/* Begins as a standby, until the cluster has this member become the writer. */
void vmnd_start_standby(struct vmnd *);
/* Drops what would have it become the writer. */
void vmnd_cancel_activation(struct vmnd *);

#endif /* controller/vmnd.h */
