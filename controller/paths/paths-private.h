/* SPDX-License-Identifier: Apache-2.0
 *
 * What path-measuring.c, path-judging.c, path-suspects.c, path-domains.c,
 * host-pairs.c, path-members.c and paths-status.c share.  Not for others. */

#ifndef CONTROLLER_PATHS_PATHS_PRIVATE_H
#define CONTROLLER_PATHS_PATHS_PRIVATE_H 1

#include "controller/paths/path-report.h"
#include "controller/paths/path-turns.h"
#include "controller/paths/paths.h"
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "simap.h"
#include "smap.h"

/* Another member of the cluster, as the writer knows it. */
struct path_teller {
    char *name;                 /* Owned. */
    uint64_t run, seq;          /* Of its last report; 0: none. */
    int64_t asked_us;           /* When it was asked last. */
};

/* Results that a member that stands by has found, the newest PATH_LOG_MAX:
 * result 'seq' is at index 'seq' % PATH_LOG_MAX. */
#define PATH_LOG_MAX 16384
struct path_log {
    uint64_t run;               /* Of this process; not 0. */
    uint64_t seq;               /* Of the last one; 0: there is none. */
    struct {
        struct path_result result;
        int64_t found_us;       /* Of time_usec(). */
    } *entries;                 /* NULL: nothing is logged. */
};

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
    int8_t row;                 /* At a member that stands by: so many small
                                 * probes in a row were answered since one of
                                 * the hosts is a suspect; or lost, if less
                                 * than 0. */
    int64_t since_ms, checked_ms; /* Wall clock; 0: never. */
    int64_t probed_us;          /* When this member probed it last, and when */
    int64_t judged_us;          /* a small probe was judged last, here or by
                                 * another; of time_usec(), 0: never. */
    /* In a cluster, at the writer: */
    int64_t heard_us;           /* When another member told of it last, or it
                                 * was made. */
    const struct path_teller *judged_by; /* Who has told of it last, of either
                                          * of its hosts; NULL: nobody, or it
                                          * was judged here. */
    const struct path_teller *teller; /* Who has told 'took' of the window;
                                       * NULL: it was found here. */
    bool looks;                 /* Its directions are to be looked at. */
    bool changes;               /* Is in 'changing', */
    enum path_state before;     /* and was that then. */
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
    /* In a cluster, at the writer: when another member told of a turn last, or
     * the host was made; who did (NULL: nobody), and how long references took
     * there at the least. */
    int64_t heard_us;
    const struct path_teller *teller;
    int64_t told_us;
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
    size_t n_here;              /* Those that have turns in this process, */
    int64_t counted_us;         /* as of then. */
    int64_t due_us;             /* When the next turn is. */
    struct path_host *suspects[PATH_SUSPECTS_MAX]; /* The oldest first, as
                                                    * of what they are
                                                    * suspected of. */
    size_t n_suspects;
    int64_t suspects_us;        /* When it was looked which are decided. */
    /* In a cluster, else NULL. */
    const struct paths_sharing *sharing;
    void *sharing_aux;
    struct event *help_timer;
    bool follows;               /* It stands by. */
    uint64_t epoch;             /* Of the last writer, or this one. */
    int64_t wanted_us;          /* When a writer has asked last; 0: never. */
    struct path_log log;
    struct shash tellers;       /* struct path_teller, owned, by member. */
    uint64_t generation;        /* Of shares of hosts. */
    int64_t awake_us;           /* Since then others are listened to. */
    size_t help;                /* Where it goes on in 'in_turn'. */
    bool helps;                 /* Something is to be looked at, or judged. */
    int64_t helped_us;          /* When all hosts were looked at last. */
    struct path **changing;     /* While an answer is taken. */
    size_t n_changing, allocated_changing;
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
/* Returns the host with that number, or NULL. */
struct path_host *path_judging_host(const struct paths *, uint32_t number);

/* path-measuring.c.  The writer has asked: it is to be told of turns. */
void path_measuring_want(struct paths *);
/* Returns true if the host's turns are this process'. */
bool path_measuring_is_here(const struct paths *, const struct path_host *);
/* Has directions of the path looked at: now, or soon, if its host had a turn a
 * short while ago or there is no room for them. */
void path_measuring_look(struct paths *, struct path *);
/* A path has lost a probe: returns true if its directions are to be looked
 * at. */
bool path_measuring_asks_directions(const struct path *);
/* One turn of the path has passed. */
void path_measuring_count_turn(struct path *);

/* path-suspects.c.  A probe of the path was answered, or lost; its window does
 * not have that yet. */
void path_suspects_note(struct paths *, struct path *, bool answered);
/* Chooses paths of suspects that a turn of the host begins with: at most one
 * of each.  Returns how many. */
size_t path_suspects_take(const struct paths *, const struct path_host *,
                          struct path *picks[PATH_TURN_URGENT]);
/* Forgets suspects of which all is decided. */
void path_suspects_check(struct paths *);
/* Forgets all, or a host, which goes. */
void path_suspects_clear(struct paths *);
void path_suspects_forget(struct paths *, const struct path_host *);
/* As the writer, fills in 'named', and returns how many they are; as a member
 * that stands by, has those be the suspects that it knows. */
size_t path_suspects_name(const struct paths *,
                          struct path_suspect named[PATH_SUSPECTS_MAX]);
void path_suspects_set(struct paths *, const struct path_suspect named[],
                       size_t n);

/* host-pairs.c.  Returns the path of two hosts, or NULL. */
struct path *host_pairs_find(const struct paths *, const struct path_host *,
                             const struct path_host *);

/* path-members.c.  Frees what others have told, and what is to be told. */
void path_members_destroy(struct paths *);

/* paths-status.c.  Fills in what is known of a path. */
void paths_describe(const struct path *, struct paths_path *);
/* Forgets which ports hosts have. */
void paths_forget_ports(struct paths *);

#endif /* controller/paths/paths-private.h */
