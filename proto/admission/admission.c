/* SPDX-License-Identifier: Apache-2.0
 *
 * Connection admission; see admission.h. */

#include <config.h>

#include "proto/admission/admission.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/vlog.h"
#include "proto/admission/fair-rate.h"
#include "socket-util.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(admission);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 20);

const char *const admission_reason_names[ADMISSION_N_REASONS] = {
    [ADMISSION_LIMIT] = "limit",
    [ADMISSION_SOURCE_SHARE] = "source_share",
    [ADMISSION_DISPLACED] = "displaced",
    [ADMISSION_TIMEOUT] = "timeout",
    [ADMISSION_IDENTITY] = "identity",
    [ADMISSION_RATE] = "rate",
};

/* In words, for logs. */
static const char *const reasons[ADMISSION_N_REASONS] = {
    [ADMISSION_LIMIT] = "there are too many connections",
    [ADMISSION_SOURCE_SHARE] = "its address has too many unauthenticated "
                               "connections",
    [ADMISSION_DISPLACED] = "unauthenticated; it gave way to another "
                            "address's",
    [ADMISSION_TIMEOUT] = "it was not authenticated in time",
    [ADMISSION_IDENTITY] = "it is not authorized to connect",
    [ADMISSION_RATE] = "there are too many connections a second",
};

struct admission_source {
    struct hmap_node node;      /* In 'sources', by 'peer'. */
    struct ovs_list remembered_node; /* In 'remembered', or empty. */
    struct admission_peer peer; /* Of IPv6, a /64 unless configured. */
    bool known;
    bool remembered;            /* Was authenticated. */
    bool admitting;             /* One more is about to be linked. */
    struct ovs_list conns[ADMISSION_N_STATES]; /* struct admission_entry, those
                                 * longest in the state first. */
    size_t n[ADMISSION_N_STATES];
};

struct admission {
    struct admission_options options;
    struct hmap sources;        /* struct admission_source. */
    struct ovs_list remembered; /* Of these, without a connection; those that
                                 * left longest ago first. */
    size_t n_remembered;
    struct fair_rate rate;      /* By hash_peer() of the source. */
    struct admission_stats stats;
};

/* Peers.  ---------------------------------------------------------------- */

struct admission_peer
admission_peer_make(int fd, const struct sockaddr *sa)
{
    struct admission_peer peer = { .family = AF_UNIX, .uid = (uid_t) -1 };

    if (sa && sa->sa_family == AF_INET) {
        struct sockaddr_in sin;

        memcpy(&sin, sa, sizeof sin);
        peer.family = AF_INET;
        peer.addr.s6_addr[10] = peer.addr.s6_addr[11] = 0xff;
        memcpy(&peer.addr.s6_addr[12], &sin.sin_addr, sizeof sin.sin_addr);
    } else if (sa && sa->sa_family == AF_INET6) {
        struct sockaddr_in6 sin6;

        memcpy(&sin6, sa, sizeof sin6);
        peer.family = (IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr)
                       ? AF_INET : AF_INET6);
        peer.addr = sin6.sin6_addr;
    } else if (fd >= 0) {
        struct ucred cred;
        socklen_t len = sizeof cred;

        if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
            peer.uid = cred.uid;
        }
    }
    return peer;
}

struct admission_peer
admission_peer_parse(const char *name)
{
    const char *colon = strchr(name, ':');
    struct sockaddr_storage ss;

    if (colon && (!strncmp(name, "tcp:", 4) || !strncmp(name, "ssl:", 4))
        && inet_parse_active(colon + 1, 0, &ss, false, NULL)) {
        return admission_peer_make(-1, (const struct sockaddr *) &ss);
    }
    return admission_peer_make(-1, NULL);
}

static uint32_t
hash_peer(const struct admission_peer *peer)
{
    uint32_t hash = hash_bytes(&peer->addr, sizeof peer->addr, peer->uid);

    return hash_int(peer->family, hash);
}

static bool
is_same_peer(const struct admission_peer *a, const struct admission_peer *b)
{
    return (a->family == b->family && a->uid == b->uid
            && !memcmp(&a->addr, &b->addr, sizeof a->addr));
}

static void
format_peer(const struct admission_peer *peer, char *s, socklen_t size)
{
    if (peer->family == AF_UNIX) {
        if (peer->uid == (uid_t) -1) {
            ovs_strlcpy(s, "unix", size);
        } else {
            snprintf(s, size, "unix:uid=%u", (unsigned) peer->uid);
        }
    } else if (peer->family == AF_INET) {
        inet_ntop(AF_INET, &peer->addr.s6_addr[12], s, size);
    } else {
        inet_ntop(AF_INET6, &peer->addr, s, size);
    }
}

/* Sources.  -------------------------------------------------------------- */

static struct admission_source *
find_source(const struct admission *adm, const struct admission_peer *peer)
{
    struct admission_source *source;

    HMAP_FOR_EACH_WITH_HASH (source, node, hash_peer(peer), &adm->sources) {
        if (is_same_peer(&source->peer, peer)) {
            return source;
        }
    }
    return NULL;
}

/* Returns true if 'peer' is known without having been authenticated: who runs
 * this process, or whom the configuration names. */
static bool
is_configured(const struct admission *adm, const struct admission_peer *peer)
{
    if (peer->family == AF_UNIX) {
        return !peer->uid || peer->uid == geteuid();
    }
    return (adm->options.is_known
            && adm->options.is_known(adm->options.aux, &peer->addr));
}

static struct admission_source *
add_source(struct admission *adm, const struct admission_peer *peer,
           bool known)
{
    struct admission_source *source = xzalloc(sizeof *source);

    source->peer = *peer;
    source->known = known;
    ovs_list_init(&source->remembered_node);
    for (size_t i = 0; i < ADMISSION_N_STATES; i++) {
        ovs_list_init(&source->conns[i]);
    }
    hmap_insert(&adm->sources, &source->node, hash_peer(peer));
    return source;
}

static bool
has_conns(const struct admission_source *source)
{
    size_t n = 0;

    for (size_t i = 0; i < ADMISSION_N_STATES; i++) {
        n += source->n[i];
    }
    return n > 0;
}

static void
free_source(struct admission *adm, struct admission_source *source)
{
    if (!ovs_list_is_empty(&source->remembered_node)) {
        ovs_list_remove(&source->remembered_node);
        adm->n_remembered--;
    }
    hmap_remove(&adm->sources, &source->node);
    free(source);
}

/* Forgets 'source' if it has no connection, and keeps those that were
 * authenticated for a while. */
static void
release_source(struct admission *adm, struct admission_source *source)
{
    if (source->admitting || has_conns(source)) {
        return;
    }
    if (!source->remembered) {
        free_source(adm, source);
        return;
    }
    if (!ovs_list_is_empty(&source->remembered_node)) {
        ovs_list_remove(&source->remembered_node);
        adm->n_remembered--;
    }
    ovs_list_push_back(&adm->remembered, &source->remembered_node);
    if (++adm->n_remembered > ADMISSION_REMEMBERED_MAX) {
        free_source(adm, CONTAINER_OF(ovs_list_front(&adm->remembered),
                                      struct admission_source,
                                      remembered_node));
    }
}

/* Returns the source that connections of 'peer' count for, a new one if need
 * be.  An IPv6 address that is not configured counts for its /64, also once it
 * is known: who has one address of that has them all. */
static struct admission_source *
get_source(struct admission *adm, const struct admission_peer *peer)
{
    bool configured = is_configured(adm, peer);
    struct admission_peer key = *peer;
    struct admission_source *source;

    if (!configured && peer->family == AF_INET6) {
        memset(&key.addr.s6_addr[8], 0, 8);
    }
    source = find_source(adm, &key);
    if (!source) {
        source = add_source(adm, &key, configured);
    }
    source->known |= configured;
    return source;
}

/* Entries.  -------------------------------------------------------------- */

/* Takes 'source' off the list of those that may be forgotten. */
static void
hold_source(struct admission *adm, struct admission_source *source)
{
    if (!ovs_list_is_empty(&source->remembered_node)) {
        ovs_list_remove(&source->remembered_node);
        ovs_list_init(&source->remembered_node);
        adm->n_remembered--;
    }
}

static void
link_entry(struct admission *adm, struct admission_entry *entry,
           struct admission_source *source, enum admission_state state,
           int64_t now_ms)
{
    hold_source(adm, source);
    entry->source = source;
    entry->state = state;
    entry->since_ms = now_ms;
    ovs_list_push_back(&source->conns[state], &entry->node);
    source->n[state]++;
    adm->stats.n_conns++;
    adm->stats.n_pending += state == ADMISSION_PENDING;
}

static void
unlink_entry(struct admission *adm, struct admission_entry *entry)
{
    ovs_list_remove(&entry->node);
    entry->source->n[entry->state]--;
    adm->stats.n_conns--;
    adm->stats.n_pending -= entry->state == ADMISSION_PENDING;
}

static struct admission_entry *
oldest(const struct admission_source *source, enum admission_state state)
{
    return (source && source->n[state]
            ? CONTAINER_OF(ovs_list_front(&source->conns[state]),
                           struct admission_entry, node)
            : NULL);
}

/* Closes the connection of 'entry' for 'reason'. */
static void
close_entry(struct admission *adm, struct admission_entry *entry,
            enum admission_reason reason)
{
    admission_count(adm, &entry->peer, reason);
    admission_remove(adm, entry);
    adm->options.close(adm->options.aux, entry);
}

/* Making room.  ---------------------------------------------------------- */

/* Returns true if 'n' pending connections of 'source' are evicted last. */
static bool
is_protected(const struct admission_source *source, size_t n)
{
    return source->known && n <= ADMISSION_KNOWN_PENDING;
}

/* Returns true if 'a' is to be evicted before 'b'. */
static bool
is_before(const struct admission_source *a, const struct admission_source *b,
          enum admission_state state)
{
    bool pa = is_protected(a, a->n[state]);
    bool pb = is_protected(b, b->n[state]);

    if (pa != pb) {
        return pb;
    } else if (a->n[state] != b->n[state]) {
        return a->n[state] > b->n[state];
    }
    return oldest(a, state)->since_ms < oldest(b, state)->since_ms;
}

/* Returns the source other than 'except' that is evicted first, or NULL. */
static struct admission_source *
find_largest(const struct admission *adm, enum admission_state state,
             const struct admission_source *except)
{
    struct admission_source *source, *largest = NULL;

    HMAP_FOR_EACH (source, node, &adm->sources) {
        if (source != except && source->n[state]
            && (!largest || is_before(source, largest, state))) {
            largest = source;
        }
    }
    return largest;
}

/* Returns the pending connection to evict for one more of 'source', or
 * NULL. */
static struct admission_entry *
choose_pending(const struct admission *adm,
               const struct admission_source *source, int64_t now_ms)
{
    const struct admission_source *other = find_largest(
        adm, ADMISSION_PENDING, source);
    struct admission_entry *own = oldest(source, ADMISSION_PENDING);
    struct admission_entry *theirs = oldest(other, ADMISSION_PENDING);
    size_t n = source->n[ADMISSION_PENDING] + 1;
    int64_t aged_ms = now_ms - adm->options.grace_ms;

    if (theirs) {
        size_t n_other = other->n[ADMISSION_PENDING];
        bool weak = !is_protected(other, n_other);
        bool equal = weak == !is_protected(source, n);

        if ((weak && !equal) || (equal && n_other > n)) {
            return theirs;
        } else if (theirs->since_ms <= aged_ms
                   && (!own || ((weak || equal) && n_other >= n))) {
            return theirs;
        }
    }
    return own && own->since_ms <= aged_ms ? own : NULL;
}

/* Makes room for one more pending connection of 'source'.  Returns false if
 * there is none. */
static bool
make_room(struct admission *adm, struct admission_source *source,
          int64_t now_ms)
{
    const struct admission_options *o = &adm->options;
    struct admission_entry *victim;

    if (!source->known
        && source->n[ADMISSION_PENDING] >= o->max_source_pending) {
        victim = oldest(source, ADMISSION_PENDING);
        if (!victim || victim->since_ms > now_ms - o->grace_ms) {
            admission_count(adm, &source->peer, ADMISSION_SOURCE_SHARE);
            return false;
        }
        close_entry(adm, victim, ADMISSION_SOURCE_SHARE);
    }
    if (adm->stats.n_pending < o->max_pending
        && adm->stats.n_conns < o->max_conns) {
        return true;
    }
    victim = choose_pending(adm, source, now_ms);
    if (!victim && adm->stats.n_conns >= o->max_conns) {
        victim = oldest(find_largest(adm, ADMISSION_IDLE, NULL),
                        ADMISSION_IDLE);
    }
    if (!victim) {
        admission_count(adm, &source->peer, ADMISSION_LIMIT);
        return false;
    }
    close_entry(adm, victim, (victim->source == source
                              ? ADMISSION_SOURCE_SHARE
                              : ADMISSION_DISPLACED));
    return (adm->stats.n_pending < o->max_pending
            && adm->stats.n_conns < o->max_conns);
}

/* Returns false if 'source' opens too many connections a second. */
static bool
has_rate(struct admission *adm, const struct admission_source *source)
{
    bool ok = (source->peer.family == AF_UNIX
               || fair_rate_take(&adm->rate, hash_peer(&source->peer)));

    if (!ok) {
        admission_count(adm, &source->peer, ADMISSION_RATE);
    }
    return ok;
}

bool
admission_admit(struct admission *adm, struct admission_entry *entry,
                const struct admission_peer *peer, int64_t now_ms)
{
    struct admission_source *source = get_source(adm, peer);
    bool ok;

    entry->peer = *peer;
    source->admitting = true;
    hold_source(adm, source);   /* Those that are closed may push it out. */
    ok = has_rate(adm, source) && make_room(adm, source, now_ms);
    source->admitting = false;
    if (ok) {
        link_entry(adm, entry, source, ADMISSION_PENDING, now_ms);
    } else {
        release_source(adm, source);
    }
    return ok;
}

/* Marks the source of 'peer' as one that was authenticated. */
static struct admission_source *
know(struct admission *adm, const struct admission_peer *peer)
{
    struct admission_source *source = get_source(adm, peer);

    /* Of AF_UNIX without a user anybody may be the next. */
    source->known = source->remembered = (peer->family != AF_UNIX
                                          || peer->uid != (uid_t) -1);
    return source;
}

void
admission_set_state(struct admission *adm, struct admission_entry *entry,
                    enum admission_state state, int64_t now_ms)
{
    struct admission_source *before = entry->source;

    if (before) {
        unlink_entry(adm, entry);
        /* Whoever is not pending is known already. */
        link_entry(adm, entry, (state == ADMISSION_PENDING
                                || entry->state != ADMISSION_PENDING
                                ? before : know(adm, &entry->peer)), state,
                   now_ms);
        if (entry->source != before) {
            release_source(adm, before);
        }
    }
}

void
admission_remove(struct admission *adm, struct admission_entry *entry)
{
    struct admission_source *source = entry->source;

    if (source) {
        unlink_entry(adm, entry);
        entry->source = NULL;
        release_source(adm, source);
    }
}

void
admission_remember(struct admission *adm, const struct admission_peer *peer)
{
    release_source(adm, know(adm, peer));
}

/* Counting.  ------------------------------------------------------------- */

void
admission_count(struct admission *adm, const struct admission_peer *peer,
                enum admission_reason reason)
{
    char s[INET6_ADDRSTRLEN + 16];

    adm->stats.n_refused[reason]++;
    format_peer(peer, s, sizeof s);
    VLOG_WARN_RL(&rl, "%s: a connection from %s was closed: %s",
                 adm->options.listener, s, reasons[reason]);
}

void
admission_get_stats(const struct admission *adm,
                    struct admission_stats *stats)
{
    *stats = adm->stats;
}

/* Life.  ----------------------------------------------------------------- */

struct admission *
admission_create(const struct admission_options *options)
{
    struct admission *adm = xzalloc(sizeof *adm);

    adm->options = *options;
    hmap_init(&adm->sources);
    ovs_list_init(&adm->remembered);
    fair_rate_init(&adm->rate, options->rate, 1);
    return adm;
}

void
admission_destroy(struct admission *adm)
{
    struct admission_source *source, *next;

    if (adm) {
        HMAP_FOR_EACH_SAFE (source, next, node, &adm->sources) {
            free_source(adm, source);
        }
        hmap_destroy(&adm->sources);
        fair_rate_uninit(&adm->rate);
        free(adm);
    }
}
