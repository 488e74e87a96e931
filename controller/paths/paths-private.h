/* SPDX-License-Identifier: Apache-2.0
 *
 * What path-measuring.c, path-judging.c, path-suspects.c, path-domains.c,
 * host-pairs.c and paths-status.c share.  Not for others. */

#ifndef CONTROLLER_PATHS_PATHS_PRIVATE_H
#define CONTROLLER_PATHS_PATHS_PRIVATE_H 1

#include "controller/paths/path-turns.h"
#include "controller/paths/paths.h"
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "simap.h"
#include "smap.h"

/* Probes of a turn: of each path a small one, a full-sized one, and one for
 * each direction. */
#define TURN_PROBES_MAX (4 * PATH_TURN_PATHS)

/* The most suspects of path-suspects.c at a time. */
#define PATH_SUSPECTS_MAX 16

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
    struct path_host *hosts[2]; /* The first one's turns it is probed in; the
                                 * second one's, while one is a suspect. */
    struct path_window window;
    uint32_t mtu;
    uint8_t until_rare;         /* Its turns until the next one with rare
                                 * probes: a full-sized one, or those of
                                 * directions. */
    uint8_t forth, back;        /* enum direction. */
    uint8_t told;               /* enum path_state: that the watch was told of
                                 * last; PATH_UP: of none, or all is well. */
    int64_t since_ms, checked_ms; /* Wall clock; 0: never. */
    int64_t probed_us;          /* When it was probed last, and when */
    int64_t judged_us;          /* a small probe was judged last; of
                                 * time_usec(), 0: never. */
};

struct sent_probe {
    struct path *path;          /* NULL: it is gone. */
    enum probe_kind kind;
    bool by_second;             /* The turn is the path's second host's. */
    uint64_t nonce;
    int64_t sent_us;
    int64_t took_us;            /* -1: there is no answer yet. */
};

struct path_turn {
    int64_t sent_us;            /* When its reference was sent. */
    int64_t reference_us;       /* How long that took; -1: it was not back when
                                 * the next turn began, or is not yet. */
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
    /* See path-suspects.c: paths in a row that have lost their first probe, or
     * were answered again; and since when it is a suspect, 0: it is none. */
    uint8_t lost_row, back_row;
    bool is_back;               /* What it is suspected of. */
    unsigned n_for, n_against;  /* Results since then. */
    int64_t suspected_us;
    unsigned n_directions;      /* Paths whose directions were asked for, */
    int64_t directions_us;      /* in the second that begins then. */
    /* The last turn, and the one before, which is judged when the reference of
     * the last one is back: by then all that the switch had to say of it has
     * been read. */
    struct path_turn *last, *before;
    size_t index;               /* While pairs are found: its index, plus 1; 0:
                                 * it has no peers. */
};

/* Networks that routers join, or one. */
struct path_domain {
    unsigned long *hosts;       /* Bitmap, by index. */
    size_t n_hosts;
    uint32_t least, most;       /* The smallest MTU of its networks, and the
                                 * largest. */
    uint32_t *largest;          /* Of each host: the largest MTU of the
                                 * networks here that it has a part in, 0: in
                                 * none.  NULL: it is one network, it has one
                                 * host, or all is known already. */
};

/* Hosts and domains while they are found. */
struct finding_host {
    char *name;
    uint32_t number;            /* As in struct path_host. */
    unsigned long *peers;       /* Bitmap of hosts, itself among them; NULL:
                                 * none. */
    unsigned long *domains;     /* Bitmap of those it is in. */
    struct path_host *host;     /* NULL: it has no peers. */
    bool live;                  /* Gets each revision's flows, */
    uint64_t acked;             /* and has those of this one. */
};
struct path_finding {
    char *after;                /* Name of the last network. */
    uint32_t common_mtu;        /* Of networks that say nothing. */
    struct simap indexes;       /* Name of a host -> its index, plus 1. */
    size_t n;
    struct finding_host *hosts; /* By index. */
    struct shash domains;       /* struct path_domain, owned, by key. */
    size_t n_list, allocated;
    struct path_domain **list;  /* The same. */
    struct smap networks;       /* Name -> key of its domain. */
};

struct paths {
    struct model *model;
    struct engine *engine;
    struct commit *commit;
    struct fabric *fabric;
    struct event *turn_timer, *refresh_timer;
    bool begun;                 /* The first compile is done. */
    bool refreshes;             /* Waits for the state to be quiescent. */
    struct path_finding *finding; /* While pairs are found, in slices; or
                                 * NULL. */
    bool stale;                 /* Something has changed since it began. */
    bool waits;                 /* Some hosts lack flows of probes. */
    int64_t refresh_us;         /* What the last one took, or this one so
                                 * far. */
    uint32_t vni;               /* Of probes; 0: nothing is measured, */
    const char *problem;        /* for this reason, a constant. */
    struct shash hosts;         /* struct path_host, owned, by name. */
    struct hmap numbers;        /* The same. */
    struct hmap pairs;          /* struct path, owned. */
    struct simap indexes;       /* As in struct path_finding. */
    struct shash domains;
    struct smap networks;
    struct shash ports;         /* Host -> struct host_ports, owned, */
    int64_t ports_us;           /* since then (0: it is not known), */
    uint64_t ports_revision;    /* and of that revision. */
    size_t n_turns, turn;       /* Hosts with paths, and whose is next. */
    struct path_host **in_turn;
    struct path_host *suspects[PATH_SUSPECTS_MAX]; /* The oldest first, as
                                                    * of what they are
                                                    * suspected of. */
    size_t n_suspects;
    int64_t suspects_us;        /* When it was looked which are decided. */
    uint8_t key[16];            /* For nonces. */
    uint64_t n_nonces;
    uint8_t *frame;
    paths_changed_cb *changed;
    void *changed_aux;
    int64_t aged_us;            /* When old results were looked for. */
    bool untold;                /* The watch was not told of some paths, */
    int64_t told_us;            /* and tried to be then. */
    struct paths_stats stats;   /* Counters, and n_unmeasured. */
};

/* path-domains.c.  Begins to find anew which hosts are in which domains; the
 * state is quiescent. */
struct path_finding *path_domains_begin(struct paths *);
/* Goes on, for some milliseconds; the state is quiescent again.  Returns true
 * if that was all. */
bool path_domains_step(struct paths *, struct path_finding *);
void path_domains_free(struct path_finding *);
/* Empties 'domains'. */
void path_domains_clear(struct shash *domains);
/* Returns the largest MTU of packets that hosts 'a' and 'b' of the domain have
 * for each other. */
uint32_t path_domain_mtu(const struct path_domain *, size_t a, size_t b);

/* host-pairs.c.  Begins to find anew which hosts are pairs; the state is
 * quiescent. */
void host_pairs_begin(struct paths *);
/* Goes on, as path_domains_step(), if it has begun. */
bool host_pairs_step(struct paths *);
/* Forgets all hosts and paths. */
void host_pairs_clear(struct paths *);

/* path-judging.c.  A fabric_sink_cb. */
void path_judging_receive(void *paths, const char *host, uint32_t in_port,
                          const uint8_t *frame, size_t size);
/* The path's state was 'before'; tells whoever is to know. */
void path_judging_tell(struct paths *, struct path *, enum path_state before);
/* Tells of what could not be told before. */
void path_judging_tell_untold(struct paths *);
/* Forgets what is too old. */
void path_judging_forget_old(struct paths *);
/* The path goes: whoever was told that it is in trouble is told that this has
 * ended. */
void path_judging_forget(struct paths *, struct path *);

/* path-suspects.c.  A probe of the path was answered, or lost; its window does
 * not have that yet. */
void path_suspects_note(struct paths *, struct path *, bool answered);
/* Chooses paths of suspects that a turn of the host begins with: at most one
 * of each.  Returns how many. */
size_t path_suspects_take(const struct paths *, const struct path_host *,
                          struct path *picks[PATH_TURN_URGENT]);
/* Forgets suspects of which all is decided. */
void path_suspects_check(struct paths *);
/* Forgets a host, which goes. */
void path_suspects_forget(struct paths *, const struct path_host *);

/* host-pairs.c.  Returns the path of two hosts, or NULL. */
struct path *host_pairs_find(const struct paths *, const struct path_host *,
                             const struct path_host *);

/* paths-status.c.  Fills in what is known of a path. */
void paths_describe(const struct path *, struct paths_path *);
/* Forgets which ports hosts have. */
void paths_forget_ports(struct paths *);

#endif /* controller/paths/paths-private.h */
