/* SPDX-License-Identifier: Apache-2.0
 *
 * A member of a cluster of vmnds.  One member is the writer: it accepts
 * changes and is the OpenFlow master of all hosts.  The others are standbys:
 * each applies the writer's batches to its own model and file, and relays
 * requests to the writer.
 *
 * The writer appends each batch to the cluster's database, which ovsdb-server
 * replicates, and then writes its own file.  An append fails once another
 * member is the writer.
 *
 * When the writer dies, its lease ends (lease.h).  A standby that has all
 * batches takes the lease, and 'activated' is called.  A former writer that is
 * alive is told so by 'deposed'.  docs/design/cluster.md has all steps.
 *
 * Not for what a batch is (controller/store), nor for consensus
 * (ovsdb-server). */

#ifndef CONTROLLER_CLUSTER_CLUSTER_H
#define CONTROLLER_CLUSTER_CLUSTER_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/error.h"

struct arena;
struct cluster;
struct loop;
struct model;
struct status_cluster;
struct store;
struct store_class;
struct tls;

struct cluster_options {
    const char *name;           /* Of this member. */
    const char *remote;         /* Of the database's server beside it. */
    const char *database_dir;   /* The folder of that server's file. */
    const char *state;          /* This member's own file. */
    int64_t lease_ms;           /* See lease.h. */
    const char *address;        /* Of its API, shown to people; or "". */
    const char *openflow;       /* Where switches reach it, a target for
                                 * bridges; or NULL. */
    const char *ovsdb;          /* Where databases of hosts that dial reach
                                 * it, a target for these; or NULL. */
    const char *listen;         /* Where other members reach it, ADDRESS:PORT.
                                 * NULL: nowhere; it relays no requests, and
                                 * the next three may be NULL. */
    const char *private_key;    /* A PEM file. */
    const char *certificate;    /* A PEM file; its name is 'name'. */
    const char *ca_cert;        /* A PEM file, of a CA for members alone. */
};

/* Called with 0, or a positive errno and an error.  EUCLEAN: no later batch
 * can be applied either. */
typedef void cluster_applied_cb(void *aux, int error,
                                const struct vmn_error *);

struct cluster_callbacks {
    /* Applies a batch of the writer's at a standby, and calls 'done' as
     * commit_apply_batch() does; the text is valid in the call. */
    void (*apply)(void *aux, const char *text, int64_t index,
                  cluster_applied_cb *done, void *done_aux);
    /* The writer, or the list of members, may have changed. */
    void (*seen)(void *aux);
    /* Returns how many hosts' switches are connected to this member. */
    int64_t (*count_hosts)(void *aux);
    /* This member has become the writer.  The model has all acknowledged
     * changes.  'revision' is newer than any that a client has seen, and
     * 'epoch' later than that of any former writer. */
    void (*activated)(void *aux, uint64_t revision, int64_t epoch);
    /* This member is not the writer any more, for this reason.  Its process
     * must end: its state may differ from the cluster's. */
    void (*deposed)(void *aux, const char *why);
};

/* Creates a standby.  'model' has been loaded from 'store', and changes by
 * batches alone until 'activated' is called.  All of these, and the strings of
 * 'options', are borrowed. */
struct cluster *cluster_create(struct loop *, const struct cluster_options *,
                               const struct store_class *, struct store *,
                               struct model *,
                               const struct cluster_callbacks *, void *aux);
/* Prepares to relay requests to the writer; does nothing without
 * options.listen.  The CAs, files or NULL, are those of hosts and of API
 * clients, which must not be the members'.  Returns 0, or a positive errno
 * with an error. */
int cluster_open_relay(struct cluster *, const char *host_ca_cert,
                       const char *api_ca_cert, struct vmn_error *why);
/* Relays a request to the writer; takes ownership.  If that is not possible,
 * replies 503 with the writer's name. */
struct http_peer;
struct http_request;
void cluster_pass_on(struct cluster *, struct http_request *,
                     const struct http_peer *);
/* Sends relayed requests without a reply to this member itself, which is the
 * writer now and listens at cluster_listen(). */
void cluster_relay_to_self(struct cluster *);
/* Replies 503 to relayed requests without a reply, and relays no others. */
void cluster_close_relay(struct cluster *);
/* Returns true if the cluster's database answers this member: most of its
 * servers are there, or were until a moment ago. */
bool cluster_is_connected(const struct cluster *);
/* Returns true if requests can be relayed to another member, which is the
 * writer and whose lease has not ended. */
bool cluster_can_relay(const struct cluster *);
/* Returns for how many seconds the writer has not been heard: the age of this
 * member's copy of the state, at most INT32_MAX. */
int cluster_age_s(const struct cluster *);
/* Returns where the writer serves relayed requests, and the certificates for
 * that; or NULL: nowhere. */
const char *cluster_listen(const struct cluster *);
const struct tls *cluster_tls(const struct cluster *);
/* Returns false while the list of members is not known. */
bool cluster_knows_members(const struct cluster *);
/* Returns true if there is a member of this name. */
bool cluster_has_member(const struct cluster *, const char *name);

/* Returns the latest epoch of a writer that this member has seen, the
 * generation_id of its requests for roles of switches; 0: none is known. */
int64_t cluster_epoch(const struct cluster *);

/* Adds where switches reach the other members to 'targets', sorted. */
struct svec;
void cluster_get_controllers(const struct cluster *, struct svec *targets);
/* Adds where databases of hosts that dial reach the other members, each as of
 * ovsdb_target_normalize(), sorted.  Returns false if that is not known of one
 * of them. */
bool cluster_get_managers(struct cluster *, struct svec *targets);
/* Returns true if the server's file is on another file system than this
 * member's file; then sets the bytes that vmnd may still write on it, and its
 * size. */
bool cluster_get_disk(const struct cluster *, uint64_t *free,
                      uint64_t *size);

/* To be called before the store is closed.  The outcome of an append is not
 * reported any more. */
void cluster_destroy(struct cluster *);

/* Prepares for the end of the process: hands over, if this member is the
 * writer, and leaves the list of running members.  Runs the loop until that is
 * done, for a second at most.  Nothing is appended any more. */
void cluster_resign(struct cluster *);

/* Fills in the status.  Its texts, and what is in 'arena', are valid until the
 * next turn of the loop. */
void cluster_get_status(const struct cluster *, struct arena *,
                        struct status_cluster *);

/* Begins to hand over to 'successor'; "": to any member.  Returns 0; or
 * EPERM, ENOENT or EAGAIN with an error. */
int cluster_hand_over(struct cluster *, const char *successor,
                      struct vmn_error *why);
/* Called once, from the loop: with NULL, or why it failed. */
typedef void cluster_done_cb(void *aux, const char *fault);
/* Begins to remove a member from the list.  Returns 0; or EPERM, ENOENT or
 * EAGAIN with an error, and 'done' is not called. */
int cluster_remove_member(struct cluster *, const char *name,
                          cluster_done_cb *done, void *aux,
                          struct vmn_error *why);

/* Registers "cluster/status" and others with unixctl, for the one cluster of
 * the process. */
void cluster_unixctl_init(struct cluster *);

#endif /* controller/cluster/cluster.h */
