/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/traffic: who sends how much to whom, as switches have counted it:
 * pairs of ports, or of what ports are grouped by, the heaviest first; who
 * sends and gets most; and how much of it went from host to host.
 *
 * An account with a scope is told of pairs of which one end is in its scope.
 * Of the other end, and of its host, it gets no name unless it sees the port.
 * Not for what is kept, and for how long (fabric-pairs.h). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-pairs.h"
#include "controller/northbound/auth.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/packet-scope.h"
#include "controller/northbound/replies.h"
#include "controller/northbound/traffic-groups.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/schema/value.h"
#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "proto/loop/loop.h"
#include "util.h"

/* Pairs in a reply. */
#define LIMIT_MAX 2000
#define LIMIT_DEFAULT 100

/* In place of the name of a group.  No object has such a name. */
#define NO_PORT "(no port)"     /* No port has the address. */
#define NONE "(none)"           /* The port lacks the label, or is in no
                                 * group. */
#define NO_HOST "(no host)"     /* It was on none. */
#define DELETED "(deleted)"     /* Nobody knows any more what it had. */

/* Pairs of groups that pairs of ports are added to, each as often as it is
 * one of several: as many as 500 groups may have with each other. */
#define SPREAD_MAX 250000

enum group_by { BY_PORT, BY_NETWORK, BY_HOST, BY_LABEL, BY_GROUP };
static const char *const group_bys[] = {
    [BY_PORT] = "port", [BY_NETWORK] = "network", [BY_HOST] = "host",
    [BY_LABEL] = "label", [BY_GROUP] = "group",
};

enum sort { SORT_BYTES, SORT_PACKETS, SORT_CROSS_HOST };
static const char *const sorts[] = {
    [SORT_BYTES] = "bytes", [SORT_PACKETS] = "packets",
    [SORT_CROSS_HOST] = "cross_host_bytes",
};

/* A port, as far as it matters here; by the pointer to its name. */
struct member {
    struct hmap_node node;
    const char *name;           /* In fabric_pair. */
    const struct vmn_port *port; /* Or NULL: it was deleted. */
    bool in_scope, seen;
    struct talker *talker;      /* Its group's, once there is one. */
};

/* A host's group, by the pointer to its name. */
struct host {
    struct hmap_node node;
    const char *name;           /* In fabric_pair. */
    struct talker *talker;
};

/* A group, in 'talkers'. */
struct talker {
    struct hmap_node node;
    struct nb_traffic_talker shown;
    const struct traffic_class *class_; /* While ports of several groups are
                                         * summed up as one; or NULL. */
    size_t n_parts;             /* Then what that is spread over, */
    struct talker **parts;      /* which may be one. */
};

struct pair {
    struct hmap_node node;
    struct talker *src, *dst;
    int64_t last_ms;            /* Of what its hosts are from. */
    struct nb_traffic_pair shown;
};

struct tally {
    struct ovs_list node;       /* In nb->tallies. */
    struct northbound *nb;
    struct http_request *req;
    uint64_t limit;             /* Of pairs, and of talkers. */
    int64_t since_ms;
    const struct model_rights *rights; /* With a scope, or NULL. */
    enum group_by by;
    enum sort sort;
    const char *label;          /* BY_LABEL. */
    const char *network, *port; /* Pairs with an end of it alone, or NULL. */
    struct arena arena;
    struct hmap members, hosts, pairs, talkers;
    struct traffic_groups groups; /* BY_GROUP. */
    bool too_many;              /* Groups: it would take long. */
    struct fabric_pair_sums sums; /* Of the pairs. */
    struct fabric_pair_totals totals; /* Of all. */
    struct fabric_pair_stats stats;
};

/* Ends.  ------------------------------------------------------------------ */

/* Returns port 'name', unless it was deleted, or is another one than that
 * which was created at 'created_ms'. */
static const struct vmn_port *
find_port(const struct tally *tally, const char *name, bool gone,
          int64_t created_ms)
{
    struct model_meta meta = { .created_ms = 0 };
    const struct vmn_port *port
        = gone ? NULL : model_get_durable(tally->nb->model, VMN_TABLE_PORT,
                                          name, &meta);

    return port && meta.created_ms == created_ms ? port : NULL;
}

static struct member *
find_member(struct tally *tally, const char *name, bool gone,
            int64_t created_ms)
{
    struct member *member;

    HMAP_FOR_EACH_WITH_HASH (member, node, hash_pointer(name, 0),
                             &tally->members) {
        if (member->name == name) {
            return member;
        }
    }
    member = arena_alloc(&tally->arena, sizeof *member);
    memset(member, 0, sizeof *member);
    member->name = name;
    member->port = find_port(tally, name, gone, created_ms);
    if (member->port && tally->rights) {
        member->in_scope = model_in_scope(tally->rights, &member->port->row);
        member->seen = model_sees(tally->rights, &member->port->row);
    } else {
        member->in_scope = member->port != NULL;
        member->seen = !tally->rights;
    }
    hmap_insert(&tally->members, &member->node, hash_pointer(name, 0));
    return member;
}

/* True if 'member' is of the network and the port that are asked for, or there
 * is none. */
static bool
is_wanted(const struct tally *tally, const struct member *member)
{
    return (member && member->seen
            && (!tally->network
                || (member->port
                    && !strcmp(member->port->network, tally->network)))
            && (!tally->port || (member->port
                                 && !strcmp(member->name, tally->port))));
}

/* Summing up.  ------------------------------------------------------------ */

static struct talker *
find_talker(struct tally *tally, const char *name, bool deleted)
{
    uint32_t hash = hash_string(name, deleted);
    struct talker *talker;

    HMAP_FOR_EACH_WITH_HASH (talker, node, hash, &tally->talkers) {
        if (talker->shown.deleted == deleted
            && !strcmp(talker->shown.name, name)) {
            return talker;
        }
    }
    talker = arena_alloc(&tally->arena, sizeof *talker);
    memset(talker, 0, sizeof *talker);
    talker->shown.name = name;
    talker->shown.deleted = deleted;
    hmap_insert(&tally->talkers, &talker->node, hash);
    return talker;
}

/* Returns the group of a host, NULL: of none.  Names are looked up once for
 * each, and then by pointers: there may be many pairs. */
static struct talker *
talker_of_host(struct tally *tally, const char *name)
{
    uint32_t hash = hash_pointer(name, 0);
    struct host *host;

    HMAP_FOR_EACH_WITH_HASH (host, node, hash, &tally->hosts) {
        if (host->name == name) {
            return host->talker;
        }
    }
    host = arena_alloc(&tally->arena, sizeof *host);
    memset(host, 0, sizeof *host);
    host->name = name;
    host->talker = find_talker(tally, name ? name : NO_HOST, false);
    hmap_insert(&tally->hosts, &host->node, hash);
    return host->talker;
}

/* Returns what stands for all groups of a port.  An account is told of those
 * of its own ports, as far as it sees the groups. */
static struct talker *
talker_of_groups(struct tally *tally, const struct member *member)
{
    const struct traffic_class *class_;
    struct talker *talker;

    if (!member->in_scope) {
        return find_talker(tally, MODEL_OUT_OF_SCOPE, false);
    }
    class_ = traffic_groups_of(&tally->groups, member->port);
    tally->too_many |= !class_;
    if (!class_ || !class_->n) {
        return find_talker(tally, NONE, false);
    }
    talker = find_talker(tally, class_->text, false);
    talker->class_ = class_;
    return talker;
}

static struct talker *
find_talker_of(struct tally *tally, const struct member *member)
{
    const char *value;

    if (!member->seen) {
        return find_talker(tally, MODEL_OUT_OF_SCOPE, false);
    } else if (tally->by == BY_PORT) {
        return find_talker(tally, member->name, !member->port);
    } else if (!member->port) {
        return find_talker(tally, DELETED, false);
    } else if (tally->by == BY_GROUP) {
        return talker_of_groups(tally, member);
    } else if (tally->by == BY_NETWORK) {
        return find_talker(tally, member->port->network, false);
    }
    value = vmn_labels_get(&member->port->labels, tally->label);
    return find_talker(tally, value ? value : NONE, false);
}

/* Returns the group of an end; 'member' NULL: it is no port. */
static struct talker *
talker_of(struct tally *tally, struct member *member, const char *host)
{
    if (!member) {
        return find_talker(tally, NO_PORT, false);
    } else if (member->seen && tally->by == BY_HOST) {
        return talker_of_host(tally, host);
    } else if (!member->talker) {
        member->talker = find_talker_of(tally, member);
    }
    return member->talker;
}

static struct pair *
find_pair(struct tally *tally, struct talker *src, struct talker *dst)
{
    uint32_t hash = hash_pointer(dst, hash_pointer(src, 0));
    struct pair *pair;

    HMAP_FOR_EACH_WITH_HASH (pair, node, hash, &tally->pairs) {
        if (pair->src == src && pair->dst == dst) {
            return pair;
        }
    }
    pair = arena_alloc(&tally->arena, sizeof *pair);
    memset(pair, 0, sizeof *pair);
    pair->src = src;
    pair->dst = dst;
    pair->shown.src = src->shown.name;
    pair->shown.dst = dst->shown.name;
    pair->shown.src_deleted = src->shown.deleted;
    pair->shown.dst_deleted = dst->shown.deleted;
    hmap_insert(&tally->pairs, &pair->node, hash);
    return pair;
}

/* Whether somebody else's port is on the same host is not told. */
static enum fabric_pair_way
way_of(const struct fabric_pair *p, const struct member *src,
       const struct member *dst)
{
    return (!src || !src->seen || !dst->seen || !p->src_host || !p->dst_host
            ? FABRIC_PAIR_OTHERS
            : !strcmp(p->src_host, p->dst_host) ? FABRIC_PAIR_SAME_HOST
            : FABRIC_PAIR_CROSS_HOST);
}

/* Of ports: where they were when something was added last. */
static void
set_hosts(const struct tally *tally, struct pair *pair,
          const struct fabric_pair *p, const struct member *src,
          const struct member *dst)
{
    if (tally->by == BY_PORT && p->last_ms >= pair->last_ms) {
        pair->last_ms = p->last_ms;
        pair->shown.src_host = src && src->seen ? p->src_host : NULL;
        pair->shown.dst_host = dst->seen ? p->dst_host : NULL;
    }
}

/* An account with a scope is told of pairs of which an end is in it.  How
 * uncertain what it is told is would tell it of others' traffic. */
static void
pair_cb(void *tally_, const struct fabric_pair *p)
{
    struct tally *tally = tally_;
    struct member *src = (p->src ? find_member(tally, p->src, p->src_gone,
                                               p->src_created_ms)
                          : NULL);
    struct member *dst = find_member(tally, p->dst, p->dst_gone,
                                     p->dst_created_ms);
    enum fabric_pair_way way;
    struct talker *from, *to;
    struct pair *pair;

    if (tally->too_many
        || (tally->rights && !dst->in_scope && !(src && src->in_scope))
        || ((tally->network || tally->port)
            && !is_wanted(tally, src) && !is_wanted(tally, dst))) {
        return;
    }
    way = way_of(p, src, dst);
    from = talker_of(tally, src, p->src_host);
    to = talker_of(tally, dst, p->dst_host);
    from->shown.sent_bytes += p->bytes;
    to->shown.received_bytes += p->bytes;
    pair = find_pair(tally, from, to);
    pair->shown.packets += p->packets;
    pair->shown.bytes += p->bytes;
    pair->shown.uncertain_bytes += tally->rights ? 0 : p->uncertain_bytes;
    if (way == FABRIC_PAIR_CROSS_HOST) {
        pair->shown.cross_host_bytes += p->bytes;
    }
    set_hosts(tally, pair, p, src, dst);
    tally->sums.packets[way] += p->packets;
    tally->sums.bytes[way] += p->bytes;
}

/* Groups.  ---------------------------------------------------------------- */

/* Adds what ports of a class have sent and got to each of their groups. */
static void
spread_talker(struct tally *tally, struct talker *talker)
{
    const struct traffic_class *class_ = talker->class_;

    talker->n_parts = class_ ? class_->n : 1;
    talker->parts = arena_alloc(&tally->arena,
                                talker->n_parts * sizeof *talker->parts);
    for (size_t i = 0; i < talker->n_parts; i++) {
        struct talker *part = find_talker(tally, (class_ ? class_->groups[i]
                                                  : talker->shown.name),
                                          false);

        part->shown.sent_bytes += talker->shown.sent_bytes;
        part->shown.received_bytes += talker->shown.received_bytes;
        talker->parts[i] = part;
    }
}

static void
spread_pair(struct tally *tally, const struct pair *pair)
{
    for (size_t i = 0; i < pair->src->n_parts; i++) {
        for (size_t j = 0; j < pair->dst->n_parts; j++) {
            struct nb_traffic_pair *part
                = &find_pair(tally, pair->src->parts[i],
                             pair->dst->parts[j])->shown;

            part->packets += pair->shown.packets;
            part->bytes += pair->shown.bytes;
            part->uncertain_bytes += pair->shown.uncertain_bytes;
            part->cross_host_bytes += pair->shown.cross_host_bytes;
        }
    }
}

/* Returns true if 'pairs' are added to more pairs of groups than may be. */
static bool
are_spread_far(const struct hmap *pairs)
{
    const struct pair *pair;
    size_t n = 0;

    HMAP_FOR_EACH (pair, node, pairs) {
        size_t n_dst = pair->dst->n_parts;

        if (pair->src->n_parts > (SPREAD_MAX - n) / n_dst) {
            return true;
        }
        n += pair->src->n_parts * n_dst;
    }
    return false;
}

/* Makes pairs of groups of those of classes: a port that is in several counts
 * in each of them. */
static void
spread(struct tally *tally)
{
    struct hmap pairs = HMAP_INITIALIZER(&pairs);
    struct hmap talkers = HMAP_INITIALIZER(&talkers);
    struct talker *talker;
    const struct pair *pair;

    if (tally->too_many) {
        return;                 /* It is refused anyway. */
    }
    hmap_swap(&pairs, &tally->pairs);
    hmap_swap(&talkers, &tally->talkers);
    HMAP_FOR_EACH (talker, node, &talkers) {
        spread_talker(tally, talker);
    }
    tally->too_many |= are_spread_far(&pairs);
    if (!tally->too_many) {
        HMAP_FOR_EACH (pair, node, &pairs) {
            spread_pair(tally, pair);
        }
    }
    hmap_destroy(&pairs);
    hmap_destroy(&talkers);
}

/* The reply.  ------------------------------------------------------------- */

static int
compare_numbers(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);   /* The greatest first. */
}

static int
compare_pairs(const struct nb_traffic_pair *a,
              const struct nb_traffic_pair *b, enum sort sort)
{
    int order = (sort == SORT_PACKETS ? compare_numbers(a->packets, b->packets)
                 : sort == SORT_CROSS_HOST
                 ? compare_numbers(a->cross_host_bytes, b->cross_host_bytes)
                 : 0);

    order = order ? order : compare_numbers(a->bytes, b->bytes);
    order = order ? order : strcmp(a->src, b->src);
    order = order ? order : strcmp(a->dst, b->dst);
    order = order ? order : a->src_deleted - b->src_deleted;
    return order ? order : a->dst_deleted - b->dst_deleted;
}

/* Sorting.  As many as are asked for are picked first, by a heap that has the
 * last one of these on top: there may be many more. */
struct top {
    enum sort sort;
    struct nb_traffic_pair *pairs;
    size_t n, max;
};

static bool
comes_first(const struct top *top, const struct nb_traffic_pair *a,
            const struct nb_traffic_pair *b)
{
    return compare_pairs(a, b, top->sort) < 0;
}

/* Puts 'pair' at 'i', where there is room, or below. */
static void
top_sift_down(struct top *top, size_t i, const struct nb_traffic_pair *pair)
{
    size_t child;

    while ((child = 2 * i + 1) < top->n) {
        if (child + 1 < top->n
            && comes_first(top, &top->pairs[child], &top->pairs[child + 1])) {
            child++;
        }
        if (!comes_first(top, pair, &top->pairs[child])) {
            break;
        }
        top->pairs[i] = top->pairs[child];
        i = child;
    }
    top->pairs[i] = *pair;
}

static void
top_add(struct top *top, const struct nb_traffic_pair *pair)
{
    size_t i = top->n;

    if (top->n >= top->max) {
        if (comes_first(top, pair, &top->pairs[0])) {
            top_sift_down(top, 0, pair);
        }
        return;
    }
    top->n++;
    while (i && comes_first(top, &top->pairs[(i - 1) / 2], pair)) {
        top->pairs[i] = top->pairs[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    top->pairs[i] = *pair;
}

/* Takes the last one off again and again: the first one is left. */
static void
top_sort(struct top *top)
{
    size_t n = top->n;

    while (top->n > 1) {
        struct nb_traffic_pair last = top->pairs[--top->n];
        struct nb_traffic_pair first = top->pairs[0];

        top_sift_down(top, 0, &last);
        top->pairs[top->n] = first;
    }
    top->n = n;
}

static int
compare_talkers(const void *a_, const void *b_)
{
    const struct nb_traffic_talker *a = a_, *b = b_;
    int order = compare_numbers(a->sent_bytes + a->received_bytes,
                                b->sent_bytes + b->received_bytes);

    order = order ? order : strcmp(a->name, b->name);
    return order ? order : a->deleted - b->deleted;
}

static void
fill_pairs(struct tally *tally, size_t limit, struct nb_reply_traffic *reply)
{
    size_t n = hmap_count(&tally->pairs);
    struct top top = { .sort = tally->sort, .max = MIN(n, limit) };
    struct pair *pair;

    top.pairs = arena_alloc(&tally->arena, top.max * sizeof *top.pairs);
    HMAP_FOR_EACH (pair, node, &tally->pairs) {
        top_add(&top, &pair->shown);
    }
    top_sort(&top);
    reply->pairs = top.pairs;
    reply->n_pairs = top.n;
    reply->matching = n;
}

static void
fill_talkers(struct tally *tally, size_t limit,
             struct nb_reply_traffic *reply)
{
    size_t n = hmap_count(&tally->talkers);
    struct talker *talker;

    reply->talkers = arena_alloc(&tally->arena, n * sizeof *reply->talkers);
    HMAP_FOR_EACH (talker, node, &tally->talkers) {
        reply->talkers[reply->n_talkers++] = talker->shown;
    }
    if (n) {
        qsort(reply->talkers, n, sizeof *reply->talkers, compare_talkers);
    }
    reply->n_talkers = MIN(n, limit);
}

/* True if nothing is left out. */
static bool
is_of_all(const struct tally *tally)
{
    return !tally->rights && !tally->network && !tally->port;
}

/* Sums have what no pair is listed of, where nothing is left out. */
static void
fill_sums(const struct tally *tally, const struct fabric_pair_totals *totals,
          struct nb_reply_traffic *reply)
{
    const struct fabric_pair_sums *sums
        = is_of_all(tally) ? &totals->sums : &tally->sums;
    uint64_t same = sums->bytes[FABRIC_PAIR_SAME_HOST];
    uint64_t cross = sums->bytes[FABRIC_PAIR_CROSS_HOST];

    for (int way = 0; way < FABRIC_PAIR_N_WAYS; way++) {
        reply->packets += sums->packets[way];
        reply->bytes += sums->bytes[way];
    }
    reply->same_host_bytes = same;
    reply->cross_host_bytes = cross;
    reply->other_bytes = sums->bytes[FABRIC_PAIR_OTHERS];
    reply->cross_host_share = (same + cross
                               ? (double) cross / (double) (same + cross)
                               : 0);
    /* It would tell of others' traffic. */
    reply->unlisted_bytes = tally->rights ? 0 : totals->unlisted_bytes;
    reply->since = totals->since_ms;
}

/* Parses a query parameter that is one of 'n' names, the first by default. */
static bool
query_name(struct http_request *req, const char *parameter,
           const char *const *names, size_t n, const char *what, int *value)
{
    const char *text = http_request_query(req, parameter);

    *value = 0;
    for (size_t i = 0; text && i < n; i++) {
        if (!strcmp(text, names[i])) {
            *value = i;
            return true;
        }
    }
    return !text || nb_query_reject(req, parameter, "must be %s", what);
}

static bool
query_tally(struct http_request *req, struct tally *tally)
{
    const struct northbound *nb = tally->nb;
    struct vmn_error why = VMN_ERROR_INIT;
    int by, sort;

    if (!query_name(req, "group_by", group_bys, ARRAY_SIZE(group_bys),
                    "port, network, host, label or group", &by)
        || !query_name(req, "sort", sorts, ARRAY_SIZE(sorts),
                       "bytes, packets or cross_host_bytes", &sort)
        || !nb_query_object(req, nb, "network", VMN_TABLE_NETWORK,
                            &tally->network)
        || !nb_query_object(req, nb, "port", VMN_TABLE_PORT, &tally->port)) {
        return false;
    }
    tally->by = by;
    tally->sort = sort;
    tally->label = http_request_query(req, "label");
    if (by == BY_LABEL && (!tally->label || !*tally->label)) {
        return nb_query_reject(req, "label", "must be the key of a label to "
                               "group by");
    } else if (by != BY_LABEL && tally->label) {
        return nb_query_reject(req, "label", "is for group_by=label");
    } else if (tally->label && value_check_label_key(tally->label, &why)) {
        nb_query_reject(req, "label", "%s", why.text);
        vmn_error_uninit(&why);
        return false;
    }
    return true;
}

static void
tally_init(struct tally *tally)
{
    arena_init(&tally->arena);
    hmap_init(&tally->members);
    hmap_init(&tally->hosts);
    hmap_init(&tally->pairs);
    hmap_init(&tally->talkers);
    traffic_groups_init(&tally->groups, tally->nb->model, tally->rights,
                        &tally->arena);
}

static void
tally_destroy(void *tally_)
{
    struct tally *tally = tally_;

    ovs_list_remove(&tally->node);
    traffic_groups_uninit(&tally->groups);
    hmap_destroy(&tally->talkers);
    hmap_destroy(&tally->pairs);
    hmap_destroy(&tally->hosts);
    hmap_destroy(&tally->members);
    arena_uninit(&tally->arena);
    free(tally);
}

/* Reads all pairs at once, since they change: so one reply after another, in
 * the order in which they were asked for, and once the time of a turn of the
 * loop is over, none but the first of that turn.  Whoever asks on many
 * connections has others wait for one reading, and not for all; and however
 * much else there is to do, each turn gets one reading on. */
static bool
tally_read(void *tally_)
{
    struct tally *tally = tally_;
    struct northbound *nb = tally->nb;

    if (ovs_list_front(&nb->tallies) != &tally->node
        || (nb->loop && nb->tally_ms == loop_now_ms(nb->loop)
            && loop_turn_is_over(nb->loop))) {
        return false;
    }
    nb->tally_ms = nb->loop ? loop_now_ms(nb->loop) : 0;
    fabric_pair_stats(nb->fabric, &tally->stats);
    if (tally->by == BY_PORT && is_of_all(tally)) {
        hmap_reserve(&tally->pairs, tally->stats.n_pairs);
    }
    fabric_pairs(nb->fabric, tally->since_ms, pair_cb, tally,
                 &tally->totals);
    if (tally->by == BY_GROUP) {
        spread(tally);
    }
    return true;
}

static void
tally_reply(void *tally_)
{
    struct tally *tally = tally_;
    struct nb_reply_traffic reply = {
        .group_by = group_bys[tally->by], .label = tally->label,
        .full_hosts = tally->rights ? 0 : tally->stats.n_full_hosts,
        .unread_hosts = fabric_unread_hosts(tally->nb->fabric),
        .counted = fabric_counted_ms(tally->nb->fabric),
    };

    if (tally->too_many) {
        http_reply_problem(tally->req, 413, "too-large", NULL, "These ports "
                           "are in too many groups, or too many would have to "
                           "be looked at: ask for one network, or one port, "
                           "or group by a label");
        return;
    }
    fill_sums(tally, &tally->totals, &reply);
    fill_pairs(tally, tally->limit, &reply);
    fill_talkers(tally, tally->limit, &reply);
    nb_reply_struct(tally->req, &nb_reply_traffic, &reply);
}

void
nb_get_traffic(struct http_request *req, void *nb_)
{
    static const struct nb_parts_class class = {
        tally_read, tally_reply, tally_destroy,
    };
    struct northbound *nb = nb_;
    const struct model_rights *rights = nb_rights(req);
    struct tally *tally = xzalloc(sizeof *tally);

    ovs_list_push_back(&nb->tallies, &tally->node);
    tally->nb = nb;
    tally->req = req;
    tally->rights = packet_scope_applies(rights) ? rights : NULL;
    tally_init(tally);
    if (!nb_query_limit(req, LIMIT_MAX, LIMIT_DEFAULT, &tally->limit)
        || !nb_query_since(req, &tally->since_ms)
        || !query_tally(req, tally)) {
        tally_destroy(tally);
        return;
    }
    nb_reply_in_parts(nb, req, &class, tally);
}
