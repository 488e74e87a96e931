/* SPDX-License-Identifier: Apache-2.0
 *
 * How members of a cluster share the hosts: which members have a share, and
 * which of these manages a host, by weighted rendezvous hashing.  No I/O and
 * no clock: functions of what the writer sees and of the time that is given.
 * Not for how members learn of shares (cluster-managers.c). */

#ifndef CONTROLLER_CLUSTER_CLUSTER_SHARES_H
#define CONTROLLER_CLUSTER_CLUSTER_SHARES_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/cluster/cluster-reach.h"
#include "openvswitch/shash.h"

/* A member's weight, and the default; 0: it gets no share while another member
 * can have one. */
#define SHARES_WEIGHT_MAX 100
#define SHARES_WEIGHT 10

struct sset;

/* Members that share hosts, at most, and the length of their names. */
#define SHARES_MAX 32
#define SHARES_NAME_MAX 63
/* Hosts with exclusions, at most. */
#define SHARES_EXCLUDED_MAX 4096

/* Shares.  ---------------------------------------------------------------- */

struct share {
    char *name;                 /* Of a member.  Owned. */
    int64_t run;                /* Of its process. */
    int64_t weight;             /* From 1 to SHARES_WEIGHT_MAX. */
    uint64_t seed;              /* The hash of 'name'. */
};

/* A host that some members cannot reach, whose shares it is not in. */
struct shares_exclusion {
    char *host;                 /* Owned. */
    uint32_t members;           /* Bit i: that of share i. */
};

struct shares {
    uint64_t generation;        /* 0: there never were any. */
    size_t n;
    struct share shares[SHARES_MAX];    /* Sorted by name. */
    size_t n_excluded, allocated_excluded;
    struct shares_exclusion *excluded;  /* Sorted by host. */
};

/* Sets all to zero. */
void shares_init(struct shares *);
void shares_uninit(struct shares *);
void shares_clone(struct shares *, const struct shares *);
/* Adds one, whose name must come after those that are there.  Returns false if
 * it is none that a member may have written, or one too many. */
bool shares_add(struct shares *, const char *name, int64_t run,
                int64_t weight);
/* Returns the share of member 'name', or NULL. */
const struct share *shares_find(const struct shares *, const char *name);
/* Has 'host' not be in the share of 'member', which must be there; hosts are
 * to be given in their order.  Returns false if it is not, or there are too
 * many. */
bool shares_exclude(struct shares *, const char *host, const char *member);
/* Returns what is excluded, as text; the caller frees it. */
char *shares_print_excluded(const struct shares *);
/* Excludes what such a text says, as far as that is valid.  Nothing may be
 * excluded yet. */
void shares_parse_excluded(struct shares *, const char *text);
/* Returns the share that a host is in; NULL: there are none.  One that is
 * excluded from all of them is as one that is excluded from none. */
const struct share *shares_pick(const struct shares *, const char *host);

/* Generations: shares that are published have numbers that grow, from 1 within
 * each epoch, and those of a later epoch are larger.  The first of an epoch is
 * that of its writer, if it changes no shares. */
#define SHARES_EPOCH_SHIFT 20
/* Later epochs would have generations that JSON may not pass on. */
#define SHARES_EPOCH_MAX ((INT64_C(1) << 33) - 1)
uint64_t shares_first_generation(int64_t epoch);
/* Returns the one after 'last' in 'epoch'; 0: there is none. */
uint64_t shares_next_generation(uint64_t last, int64_t epoch);
/* Returns true if the writer of 'epoch', or of one before, may have published
 * shares of this generation. */
bool shares_is_generation(int64_t generation, int64_t epoch);

/* The policy.  ------------------------------------------------------------ */

/* A beat that stands still for so many milliseconds shows that a member is
 * gone.  Or for 2.5 leases, which are longer where machines are now and then
 * busy for longer. */
#define SHARES_SILENT_MS 2500
/* A member that lacks batches of so long ago gets no share.  It says what it
 * has only now and then, so that it always seems to lack some. */
#define SHARES_LAG_MAX_MS 4000
/* So long a member must be fit for a share before it gets one: Open vSwitch's
 * switches may take 8 seconds to connect to it again.  It is twice as long for
 * each time in SHARES_FAILED_MS that it has lost its share and had not said
 * that it ended, up to SHARES_READY_MAX_MS. */
#define SHARES_READY_MS 10000
#define SHARES_READY_MAX_MS 60000
#define SHARES_FAILED_MS 600000
#define SHARES_FAILED_MAX 3     /* Times that count. */
/* The policy is to be asked so often; if it was not, the writer itself was
 * away, and nobody is gone who was not heard meanwhile. */
#define SHARES_ASK_MS 500
#define SHARES_ASLEEP_MS 1000

/* A member as the writer sees it. */
struct shares_member {
    const char *name;
    int64_t run;                /* 0: it has ended. */
    int64_t weight;
    int64_t heard_ms;           /* When its beat changed. */
    int64_t applied;            /* The last batch that it has said it has. */
    bool is_writer;
    const struct sset *unreachable; /* Hosts that it says it cannot reach. */
};

struct shares_policy {
    int64_t silent_ms;          /* As SHARES_SILENT_MS. */
    int64_t former_run;         /* Of the writer before, which ends; or 0. */
    int64_t asked_ms;           /* Last, */
    int64_t awake_ms;           /* and since when again and again. */
    struct {
        int64_t ms, batch;      /* Which was the last one then. */
    } heads[SHARES_LAG_MAX_MS / SHARES_ASK_MS + 2];     /* The last first. */
    struct shash histories;     /* Of struct shares_history, by name. */
    struct reach reach;
};

void shares_policy_init(struct shares_policy *, int64_t lease_ms);
void shares_policy_uninit(struct shares_policy *);
/* Sets 'next', which this initialises, to the shares that should be in place
 * of 'current'; 'members' are sorted by name, and 'head' is the last batch
 * that there is.  Returns true if there is a change.  The generation is that
 * of 'current'. */
bool shares_policy_ask(struct shares_policy *, const struct shares *current,
                       const struct shares_member *members, size_t n,
                       int64_t head, int64_t now_ms, struct shares *next);

#endif /* controller/cluster/cluster-shares.h */
