/* SPDX-License-Identifier: Apache-2.0
 *
 * What path-measuring.c, host-pairs.c and paths-status.c share.  Not for
 * others. */

#ifndef CONTROLLER_PATHS_PATHS_PRIVATE_H
#define CONTROLLER_PATHS_PATHS_PRIVATE_H 1

#include "controller/paths/path-turns.h"
#include "controller/paths/paths.h"
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "smap.h"
#include "sset.h"

/* Probes of a turn: of each path a small one, a full-sized one, and one for
 * each direction. */
#define TURN_PROBES_MAX (4 * PATH_TURN_PATHS)

enum probe_kind {
    PROBE_SMALL,
    PROBE_LARGE,
    PROBE_FORTH,                /* From the path's first host to the second,
                                 * whose switch hands it to vmnd. */
    PROBE_BACK,                 /* The other way. */
};

/* Whether single probes of a direction get there. */
enum direction { DIRECTION_UNKNOWN, DIRECTION_PASSES, DIRECTION_BROKEN };

struct path {
    struct hmap_node node;      /* In 'pairs', by both hosts. */
    struct path_host *hosts[2]; /* The first one's turns it is probed in. */
    struct path_window window;
    uint32_t mtu;
    uint8_t until_rare;         /* Its turns until the next one with rare
                                 * probes: a full-sized one, or those of
                                 * directions. */
    uint8_t forth, back;        /* enum direction. */
    bool shared;                /* While pairs are found: it is still one. */
    int64_t since_ms, checked_ms; /* Wall clock; 0: never. */
};

struct sent_probe {
    struct path *path;          /* NULL: it is gone. */
    enum probe_kind kind;
    uint64_t nonce;
    int64_t sent_us;
    int64_t took_us;            /* -1: there is no answer yet. */
};

struct path_turn {
    int64_t sent_us;            /* When its reference was sent. */
    int64_t reference_us;       /* How long that took; -1: not back yet. */
    uint64_t nonce;             /* The reference's. */
    size_t n;
    struct sent_probe probes[TURN_PROBES_MAX];
};

struct path_host {
    struct hmap_node node;      /* In 'numbers'. */
    char *name;                 /* In 'hosts'. */
    uint32_t number;            /* See VMN_ID_POOL_HOST. */
    uint64_t revision;          /* The durable one when it was seen first: who
                                 * has it has the flows for it. */
    size_t n_bad;               /* Of paths_each_bad_host(). */
    size_t n_own, allocated;    /* Those probed in its turns. */
    struct path **own;
    struct path_turns turns;
    struct path_least reference; /* How long references took. */
    /* The last turn, and the one before, which is judged when the reference of
     * the last one is back: by then all that the switch had to say of it has
     * been read. */
    struct path_turn *last, *before;
    bool shared;                /* While pairs are found: it is in one. */
};

/* Networks that routers join, or one. */
struct path_domain {
    struct sset hosts;
    uint32_t mtu;               /* The largest of its networks'. */
};

struct paths {
    struct model *model;
    struct engine *engine;
    struct commit *commit;
    struct fabric *fabric;
    struct event *turn_timer, *refresh_timer;
    bool begun;                 /* The first compile is done. */
    bool refreshes;             /* Waits for the state to be quiescent. */
    bool waits;                 /* Some hosts lack flows of probes. */
    int64_t refresh_us;         /* What the last one took. */
    uint32_t vni;               /* Of probes; 0: nothing is measured, */
    const char *problem;        /* for this reason, a constant. */
    struct shash hosts;         /* struct path_host, owned, by name. */
    struct hmap numbers;        /* The same. */
    struct hmap pairs;          /* struct path, owned. */
    struct shash domains;       /* struct path_domain, owned. */
    struct smap networks;       /* Name -> key of its domain. */
    struct shash ports;         /* Host -> struct svec, owned, of the names of
                                 * ports there, */
    int64_t ports_us;           /* since then (0: it is not known), */
    uint64_t ports_revision;    /* and of that revision. */
    size_t n_turns, turn;       /* Hosts that have turns, and whose is next. */
    struct path_host **in_turn;
    uint8_t key[16];            /* For nonces. */
    uint64_t n_nonces;
    uint8_t *frame;
    paths_changed_cb *changed;
    void *changed_aux;
    struct paths_stats stats;   /* Counters, and n_unmeasured. */
};

/* host-pairs.c.  Finds anew which hosts are pairs; the state is quiescent. */
void host_pairs_find(struct paths *);
/* Forgets all hosts and paths. */
void host_pairs_clear(struct paths *);
/* Returns the path of two hosts, or NULL. */
struct path *host_pairs_get(const struct paths *, const struct path_host *,
                            const struct path_host *);

/* paths-status.c.  Fills in what is known of a path. */
void paths_describe(const struct path *, struct paths_path *);
/* Forgets which ports hosts have. */
void paths_forget_ports(struct paths *);

#endif /* controller/paths/paths-private.h */
