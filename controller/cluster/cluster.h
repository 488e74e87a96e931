/* SPDX-License-Identifier: Apache-2.0
 *
 * A member of a cluster of vmnds.  One of them is the writer: it takes changes
 * and says who manages which host; the others have the same state in their own
 * files, and one of them takes over when the writer is gone.  What makes a
 * change durable is the cluster's database, which ovsdb-server replicates: a
 * batch is appended to it before the writer's file has it, and each append
 * fails if another member has become the writer.
 *
 * Not for what a batch is (controller/store), nor for consensus
 * (ovsdb-server). */

#ifndef CONTROLLER_CLUSTER_CLUSTER_H
#define CONTROLLER_CLUSTER_CLUSTER_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/cluster/cluster-faults.h"
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
    const char *database_dir;   /* Where that has its file, */
    const char *state;          /* and where this member has its own. */
    int64_t lease_ms;           /* See lease.h. */
    int64_t weight;             /* Its part of the hosts; see
                                 * cluster-shares.h. */
    const char *address;        /* Where it serves the API, for people; "". */
    const char *openflow;       /* Where switches reach it, a target for
                                 * bridges; or NULL. */
    const char *ovsdb;          /* Where databases of hosts that dial do, a
                                 * target for these; or NULL. */
    const char *listen;         /* Where other members reach it, ADDRESS:PORT;
                                 * or NULL: nowhere, and it passes nothing on,
                                 * and the next three may be NULL. */
    const char *private_key;    /* PEM files; the certificate is for */
    const char *certificate;    /* 'name'. */
    const char *ca_cert;        /* Of members alone. */
};

/* With 0, or a positive errno and an error; EUCLEAN: the member can apply
 * nothing more. */
typedef void cluster_applied_cb(void *aux, int error,
                                const struct vmn_error *);

struct cluster_callbacks {
    /* While it stands by, applies a batch of the writer's, and calls 'done' as
     * commit_apply_batch() does; the text is valid in the call. */
    void (*apply)(void *aux, const char *text, int64_t index,
                  cluster_applied_cb *done, void *done_aux);
    /* What the database says of the writer, of the members or of their shares
     * of hosts may have changed. */
    void (*seen)(void *aux);
    /* Returns how many hosts this member manages and is connected to. */
    int64_t (*count_hosts)(void *aux);
    /* Returns the text of cluster_faults_print() for the hosts that this
     * member manages, which the caller frees. */
    char *(*get_faults)(void *aux);
    /* Returns the names, with spaces between, of hosts whose switches have not
     * been connected to this member for some time, which the caller frees. */
    char *(*get_unreachable)(void *aux);
    /* Returns those of hosts of which this member has not known for some time
     * what is there (fabric_host_is_seen()); and of those that it rejects.
     * The caller frees them. */
    char *(*get_unseen)(void *aux);
    char *(*get_rejected)(void *aux);
    /* As the writer: returns what to ask the member about the counters of the
     * hosts that it manages, JSON, which the caller frees; NULL: nothing. */
    char *(*ask_counters)(void *aux, const char *member);
    /* Takes the answer of what was asked at 'asked_ms', of loop_now_ms(); it
     * comes from outside.  Sets '*more' to whether there is more to ask for.
     * Returns NULL, or what is wrong, a constant. */
    const char *(*take_counters)(void *aux, const char *member,
                                 const void *answer, size_t size,
                                 int64_t asked_ms, bool *more);
    /* The same of what its probes have found. */
    char *(*ask_probes)(void *aux, const char *member);
    const char *(*take_probes)(void *aux, const char *member,
                               const void *answer, size_t size,
                               int64_t asked_ms, bool *more);
    /* And of what its probes of paths have. */
    char *(*ask_paths)(void *aux, const char *member);
    const char *(*take_paths)(void *aux, const char *member,
                              const void *answer, size_t size,
                              int64_t asked_ms, bool *more);
    /* While it stands by: returns what to ask the writer, of this epoch, about
     * its events, JSON, which the caller frees; NULL: nothing. */
    char *(*ask_events)(void *aux, int64_t epoch);
    /* Takes the answer, as take_counters. */
    const char *(*take_events)(void *aux, const void *answer, size_t size,
                               bool *more);
    /* The writer does not answer that: it is of an older version, or cannot be
     * reached for some time, and is well otherwise. */
    void (*lack_events)(void *aux);
    /* This member has become the writer, and the model has all that was ever
     * acknowledged.  'revision' is newer than all that anybody has seen, and
     * 'epoch' later than that of any former writer. */
    void (*activated)(void *aux, uint64_t revision, int64_t epoch);
    /* It is about to give that up: what it tells clients from now on other
     * members may not hear. */
    void (*hands_over)(void *aux);
    /* Returns true if that member has heard all that was told before.  What it
     * returns may be another value after cluster_note_told(). */
    bool (*has_told)(void *aux, const char *member);
    /* It is not the writer any more, for this reason.  All that has followed
     * from its state must be given up. */
    void (*deposed)(void *aux, const char *why);
};

/* Creates a member that stands by.  'model' has been loaded from 'store', and
 * changes by its batches alone until it is activated.  All of these, and the
 * strings of 'options', are borrowed. */
struct cluster *cluster_create(struct loop *, const struct cluster_options *,
                               const struct store_class *, struct store *,
                               struct model *,
                               const struct cluster_callbacks *, void *aux);
/* Prepares to pass requests on to the writer; does nothing without
 * options.listen.  The CAs, files or NULL, are those of hosts and of API
 * clients, which must not be the members'.  Returns 0, or a positive errno
 * with an error. */
int cluster_open_relay(struct cluster *, const char *host_ca_cert,
                       const char *api_ca_cert, struct vmn_error *why);
/* Passes a request on to the writer; takes ownership.  If it cannot, replies
 * 503 with who that is. */
struct http_peer;
struct http_request;
void cluster_pass_on(struct cluster *, struct http_request *,
                     const struct http_peer *);
/* The same to the member with this name, which must not pass it on. */
void cluster_pass_to(struct cluster *, const char *name,
                     struct http_request *, const struct http_peer *);
/* Has what was passed on and has no reply yet be answered by this member,
 * which is the writer now and listens at cluster_listen(). */
void cluster_relay_to_self(struct cluster *);
/* Replies 503 to that; nothing is passed on any more. */
void cluster_close_relay(struct cluster *);
/* Returns true if the model lacks nothing that the cluster has had for more
 * than a moment (some leases). */
bool cluster_is_current(const struct cluster *);
/* Returns true if the cluster's database answers this member: most of its
 * servers are there, or were until a moment ago. */
bool cluster_is_connected(const struct cluster *);
/* Returns true if something can be passed on, if only to a writer that has not
 * been heard for a while. */
bool cluster_may_pass(const struct cluster *);
/* Returns true if another member is the writer and has been heard within a
 * lease; and if requests can be passed on to it. */
bool cluster_hears_writer(const struct cluster *);
bool cluster_can_ask_writer(const struct cluster *);
/* Returns true if another member is the writer, or was some leases ago, and
 * the next one is to be expected. */
bool cluster_expects_writer(const struct cluster *);
/* Returns true unless the writer says that it does not see the host of that
 * name either, which it does after some seconds. */
bool cluster_writer_sees(const struct cluster *, const char *host);
/* Returns true if the writer says that it rejects the host. */
bool cluster_writer_rejects(const struct cluster *, const char *host);
/* Calls 'cb' with each of these, in any order, until that returns false.
 * Returns false if it did. */
typedef bool cluster_rejected_cb(void *aux, const char *host);
bool cluster_each_rejected(const struct cluster *, cluster_rejected_cb *,
                           void *aux);
/* Returns the newest revision that clients of this member were shown by the
 * writer lately, or 0: what they are shown here must not be older.  It may be
 * one that was given up. */
uint64_t cluster_shown(const struct cluster *);
/* Where a member answers ask_counters, ask_probes and ask_paths, and the
 * writer ask_events, to other members alone. */
#define CLUSTER_COUNTERS_PATH "/member/counters"
#define CLUSTER_PROBES_PATH "/member/probes"
#define CLUSTER_PATHS_PATH "/member/paths"
#define CLUSTER_EVENTS_PATH "/member/events"
/* Where any member answers any other one what it knows of an object. */
#define CLUSTER_PART_PATH "/member/part"
/* Posts 'json' to 'path' of that member, which may take 'reply_ms'.  'cb' is
 * called once, from the loop: with the status of the reply and its body, which
 * are valid in the call; or with status 0 and why there is none.  Returns
 * false, and it is not called, if where the member listens is not known, or
 * this one has no certificate for that. */
typedef void cluster_asked_cb(void *aux, int status, const void *body,
                              size_t size, const char *fault);
bool cluster_ask(struct cluster *, const char *member, const char *path,
                 const char *json, int reply_ms, cluster_asked_cb *,
                 void *aux);
/* Nothing is called any more of what was asked with these. */
void cluster_forget_asked(struct cluster *, cluster_asked_cb *, void *aux);
/* Of a member that has just become the writer: returns true if it was told the
 * former one's events until about when that was heard last. */
bool cluster_has_events(const struct cluster *);
/* Where the writer is to serve requests that other members pass on, and the
 * certificates for that; NULL: nowhere. */
const char *cluster_listen(const struct cluster *);
const struct tls *cluster_tls(const struct cluster *);
/* Returns false while it is not known who the members are. */
bool cluster_knows_members(const struct cluster *);
/* Returns true if there is a member of this name. */
bool cluster_has_member(const struct cluster *, const char *name);

/* Who manages which host; see cluster-shares.h.  A member that has lost the
 * database goes on with what it knew last. */

/* Returns the number of the shares of hosts, which grows with each change of
 * them and of the writer's epoch: the generation_id by which a member asks a
 * switch for the role of master.  0: none is known. */
uint64_t cluster_generation(const struct cluster *);
/* Returns true if this member manages the host of that name.  That changes
 * with the generation, and when this member becomes the writer. */
bool cluster_manages_host(const struct cluster *, const char *host);
/* Returns the name of the member that manages it, or NULL: none, or it is not
 * known.  Valid until the next turn of the loop. */
const char *cluster_host_manager(const struct cluster *, const char *host);

/* From now on, as the writer, this member changes the shares: hosts have
 * reported what there is on them.  Once is enough. */
void cluster_share_hosts(struct cluster *);
/* Returns true if this member has all batches that there were when the
 * generation became what it is.  Until then it must not begin to manage a
 * host, which may have more than the member knows of. */
bool cluster_has_caught_up(const struct cluster *);

/* Calls 'cb' with each fault that another member says of a host that it
 * manages. */
void cluster_each_fault(const struct cluster *, cluster_fault_cb *,
                        void *aux);
/* Returns a number that changes when these may have. */
uint64_t cluster_faults_seq(const struct cluster *);

/* Calls 'cb' with each host that another member says it cannot reach, maybe
 * more than once; and returns a number that changes with these. */
typedef void cluster_unreachable_cb(void *aux, const char *host);
void cluster_each_unreachable(const struct cluster *,
                              cluster_unreachable_cb *, void *aux);
uint64_t cluster_unreachable_seq(const struct cluster *);

/* Adds where switches reach the other members to 'targets', sorted. */
struct svec;
void cluster_get_controllers(const struct cluster *, struct svec *targets);
/* The same of databases of hosts that dial members, each as of
 * ovsdb_target_normalize().  Returns false if it is not known of one of
 * them. */
bool cluster_get_managers(struct cluster *, struct svec *targets);
/* Returns true if the file system of the server's file is another one than
 * that of this member's, and how many bytes that user may still write on it,
 * and its size. */
bool cluster_get_disk(const struct cluster *, uint64_t *free,
                      uint64_t *size);

/* To be called before the store is closed; what is being appended is not
 * reported any more. */
void cluster_destroy(struct cluster *);

/* Hands the writer's part over, if this member has it, and says that it ends,
 * for the end of the process: runs turns of the loop until then, for a second
 * at most.  Nothing is appended any more. */
void cluster_resign(struct cluster *);

/* Fills in the status.  Its texts, and what is in 'arena', are valid until the
 * next turn of the loop. */
void cluster_get_status(const struct cluster *, struct arena *,
                        struct status_cluster *);

/* Begins to hand the writer's part over to 'successor', or to anybody if that
 * is "".  Returns 0; or EPERM, ENOENT or EAGAIN with an error. */
int cluster_hand_over(struct cluster *, const char *successor,
                      struct vmn_error *why);
/* Another member may have heard what was told until the writer began to hand
 * over, which it goes on with then. */
void cluster_note_told(struct cluster *);
/* Called once, from the loop: with NULL, or why it was not done. */
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
