/* SPDX-License-Identifier: Apache-2.0
 *
 * Guaranteed rates: which interfaces packets leave hosts by, which queues
 * these are to have, and which packets leave by which.  vmnd configures the
 * interfaces (VMN_REL_UPLINKS, VMN_REL_QUEUES).  Not for limits (qos.c).
 *
 * A queue is a class of the kernel's HTB, which it finds by a packet's
 * priority: the kernel's datapath sets that, and it outlives a tunnel's
 * encapsulation.  The userspace datapath sets none, so nothing is guaranteed
 * there. */

#include "qos.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Of what an uplink carries, what may be guaranteed; the rest is for the host
 * itself, and for whatever has no queue. */
#define TENTHS 9

/* Numbers of queues are a host's.  The kernel gives a packet its queue's
 * number and 1 as its priority, and an interface without HTB may go by the
 * lowest four bits of that: by default (prio2band of net/sched/sch_generic.c)
 * 6 and 7 would overtake all others, and some below wait for them, while 8 to
 * 15 are as 0, which packets without a queue have.  So those are taken. */
#define QUEUE(I) (VMN_UPLINK_QUEUE_MIN + (I) / 8 * 16 + 7 + (I) % 8)
_Static_assert((QUEUE(0) + 1) % 16 == 8 && (QUEUE(7) + 1) % 16 == 15
               && (QUEUE(8) + 1) % 16 == 8, "they are 8 to 15");

/* A port has that of its number in the switch, so a host's ports need no pool,
 * and those of all ports of a policy come behind. */
#define PORT_QUEUES 10240
#define PORT_QUEUE(OFPORT) QUEUE((OFPORT) % PORT_QUEUES)
#define POLICY_QUEUE(ID) QUEUE(PORT_QUEUES + (ID))
_Static_assert(POLICY_QUEUE(QUEUE_ID_MAX) <= VMN_UPLINK_QUEUE_MAX,
               "all IDs of the pool are numbers of queues");

/* Type.  ------------------------------------------------------------------ */

const struct vmn_struct_class qos_uplink_class = {
    .name = "uplink", .size = sizeof(struct qos_uplink),
    .fields = (const struct vmn_field_class[]) {
        { VMN_LIST_FIELD(qos_uplink, hosts), .type = VMN_FIELD_REF,
          .ref = "hosts", .min = 1,
          .flags = VMN_FIELD_SET | VMN_FIELD_ADMINISTRATORS,
          .doc = "Hosts that have it; absent: all.  The least `max_kbps` "
                 "counts of several that name an interface of a host." },
        { VMN_FIELD(qos_uplink, interface), .type = VMN_FIELD_TEXT,
          .min = 1, .max = 15,
          .flags = VMN_FIELD_REQUIRED | VMN_FIELD_ADMINISTRATORS,
          .doc = "A port of one of their bridges that is an interface or a "
                 "bond." },
        { VMN_FIELD(qos_uplink, max_kbps), .type = VMN_FIELD_INT,
          .min = 1000, .max = VMN_UPLINK_KBPS_MAX,
          .flags = VMN_FIELD_REQUIRED | VMN_FIELD_ADMINISTRATORS,
          .doc = "What it can carry, kilobits a second, of a bond of Open "
                 "vSwitch each of its members; nothing more leaves by it.  "
                 "Nine tenths may be guaranteed." },
        { .name = NULL },
    },
};

const struct vmn_field_class qos_uplink_status[] = {
    { .name = "unqueued", .type = VMN_FIELD_TEXT, .flags = VMN_FIELD_LIST,
      .relation = REL_UNQUEUED,
      .doc = "Hosts where it guarantees nothing, or not yet, and why.  A "
             "host's own `uplinks` have more." },
    { .name = NULL },
};

void
qos_check_uplink(const void *row_, struct vmn_check *check)
{
    const struct qos_uplink *row = (const struct qos_uplink *) row_;

    for (const char *c = row->interface; c && *c; c++) {
        if (!isalnum((unsigned char) *c) && !strchr("-_.", *c)) {
            vmn_check_fail(check, "/interface", "has letters, digits, \"-\", "
                           "\"_\" and \".\" alone");
            break;
        }
    }
}

/* Ports.  ----------------------------------------------------------------- */

void
qos_compile_number(struct vmn_view *view, const char *key,
                   struct vmn_emit *emit)
{
    const struct qos_policy *row
        = (const struct qos_policy *) vmn_read(view, ROW_POLICY, key);

    if (row && row->shared_min_kbps) {
        vmn_publish(emit, REL_NUMBER, key,
                    vmn_printf(view, "%u", (unsigned) POLICY_QUEUE(
                        vmn_id_of(view, POOL_QUEUE, key))));
    }
}

/* Returns the number of the queue of what a port is guaranteed; 0: it is
 * guaranteed nothing, or its policy has no number. */
static uint32_t
number_of(struct vmn_view *view, uint32_t ofport,
          const struct qos_effect *effect)
{
    if (effect->min) {
        return PORT_QUEUE(ofport);
    } else if (effect->shared_min) {
        struct vmn_names numbers = vmn_relation_values(
            view, REL_NUMBER, effect->shared_min->object.row.name);

        return numbers.n ? (uint32_t) strtoul(numbers.names[0], NULL, 10) : 0;
    }
    return 0;
}

uint32_t
qos_queue_of(struct vmn_view *view, const char *host, uint32_t ofport,
             const struct qos_effect *effect)
{
    uint32_t number = number_of(view, ofport, effect);

    return (number && vmn_relation_values(view, VMN_REL_UPLINKS, host).n
            ? number : 0);
}

void
qos_publish_guarantee(struct vmn_view *view, const struct vmn_port *port,
                      const char *host, uint32_t ofport,
                      const struct qos_effect *effect, struct vmn_emit *emit)
{
    const struct qos_policy *row = effect->min ? effect->min
                                   : effect->shared_min;

    if (row) {
        vmn_publish(emit, REL_GUARANTEES, host,
                    vmn_printf(view, "%s/%s %u %d %s",
                               effect->min ? "port" : "policy",
                               effect->min ? port->row.name
                               : row->object.row.name,
                               (unsigned) number_of(view, ofport, effect),
                               effect->min ? row->min_kbps
                               : row->shared_min_kbps,
                               row->object.row.name));
    }
}

/* Hosts.  ----------------------------------------------------------------- */

void
qos_compile_uplink(struct vmn_view *view, const char *key,
                   struct vmn_emit *emit)
{
    const struct qos_uplink *row
        = (const struct qos_uplink *) vmn_read(view, ROW_UPLINK, key);

    if (!row) {
        return;
    }
    for (size_t i = 0; i < row->n_hosts; i++) {
        vmn_publish(emit, REL_UPLINKS_FOR,
                    vmn_printf(view, "host %s", row->hosts[i]), key);
    }
    if (!row->n_hosts) {
        vmn_publish(emit, REL_UPLINKS_FOR, "any", key);
    }
}

/* What is found of a host's uplinks, each interface once. */
struct uplinks {
    size_t n;                   /* Perhaps more than there is room for. */
    const struct qos_uplink *rows[UPLINKS_MAX];
};

static void
add_uplink(struct uplinks *uplinks, const struct qos_uplink *row)
{
    for (size_t i = 0; i < uplinks->n && i < UPLINKS_MAX; i++) {
        if (!strcmp(uplinks->rows[i]->interface, row->interface)) {
            if (row->max_kbps < uplinks->rows[i]->max_kbps) {
                uplinks->rows[i] = row;
            }
            return;
        }
    }
    if (uplinks->n++ < UPLINKS_MAX) {
        uplinks->rows[uplinks->n - 1] = row;
    }
}

static void
add_uplinks(struct vmn_view *view, const char *key, struct uplinks *uplinks)
{
    struct vmn_names names = vmn_relation_values(view, REL_UPLINKS_FOR, key);

    for (size_t i = 0; i < names.n; i++) {
        const struct qos_uplink *row
            = (const struct qos_uplink *) vmn_read(view, ROW_UPLINK,
                                                   names.names[i]);

        if (row) {
            add_uplink(uplinks, row);
        }
    }
}

static void
find_uplinks(struct vmn_view *view, const char *host, struct uplinks *uplinks)
{
    uplinks->n = 0;
    add_uplinks(view, vmn_printf(view, "host %s", host), uplinks);
    add_uplinks(view, "any", uplinks);
}

/* Returns why nothing is guaranteed on a host, or NULL: something may be. */
static const char *
fault_of(const struct vmn_host *host, const struct uplinks *uplinks)
{
    return (host->datapath == VMN_DATAPATH_NETDEV
            ? "its datapath, netdev, has no queues"
            : uplinks->n > UPLINKS_MAX ? "it has too many uplinks"
            : !uplinks->n ? "it has no uplink" : NULL);
}

/* Returns why an interface of the host guarantees nothing, or NULL: it may
 * guarantee something, as far as the host's database tells, or that has told
 * nothing yet. */
static const char *
interface_fault(struct vmn_view *view, const char *host,
                const struct qos_uplink *row)
{
    const struct vmn_vif *vif = vmn_read_vif(view, host, VMN_VIF_QUEUES);

    if (!vif || strstr(vif->iface, vmn_printf(view, ",%s,",
                                              row->interface))) {
        return NULL;
    }
    return vmn_printf(view, "\"%s\" has no queues that count, or not yet: see "
                      "its status (reason, uplinks)", row->interface);
}

void
qos_compile_uplinks(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    const struct vmn_host *host = vmn_read_host(view, key);
    struct uplinks uplinks;

    if (!host) {
        return;
    }
    find_uplinks(view, key, &uplinks);
    for (size_t i = 0; !fault_of(host, &uplinks) && i < uplinks.n; i++) {
        vmn_publish(emit, VMN_REL_UPLINKS, key,
                    vmn_printf(view, "%s/%d", uplinks.rows[i]->interface,
                               uplinks.rows[i]->max_kbps));
    }
}

/* Returns what may be guaranteed on each of the uplinks, in kilobits a
 * second. */
static int64_t
capacity(const struct uplinks *uplinks)
{
    int64_t least = INT64_MAX / TENTHS;

    for (size_t i = 0; i < uplinks->n && i < UPLINKS_MAX; i++) {
        if (uplinks->rows[i]->max_kbps < least) {
            least = uplinks->rows[i]->max_kbps;
        }
    }
    return least * TENTHS / 10;
}

/* One of REL_GUARANTEES. */
struct guarantee {
    const char *key;
    size_t key_len;
    uint32_t number;            /* 0: there is none for it. */
    int64_t kbps;
    const char *policy;
};

static bool
parse_guarantee(const char *text, struct guarantee *g)
{
    char *end;

    g->key = text;
    g->key_len = strcspn(text, " ");
    if (!text[g->key_len]) {
        return false;
    }
    g->number = (uint32_t) strtoul(text + g->key_len + 1, &end, 10);
    g->kbps = strtoll(end, &end, 10);
    g->policy = end + (*end == ' ');
    return *end == ' ';
}

/* The queues of a host, as they are given out. */
struct queues {
    int64_t left;               /* Of what may be guaranteed. */
    int n;
    /* Numbers that are taken.  Two ports may have the same one if their
     * numbers in the switch are PORT_QUEUES apart; and for a moment one of
     * which the host says something else than before. */
    unsigned char taken[(VMN_UPLINK_QUEUE_MAX - VMN_UPLINK_QUEUE_MIN) / 8 + 1];
};

/* Gives out a queue.  Returns why it cannot be had, or NULL. */
static const char *
add_queue(struct vmn_view *view, struct queues *queues,
          const struct guarantee *g)
{
    uint32_t bit = g->number - VMN_UPLINK_QUEUE_MIN;
    unsigned char mask = (unsigned char) (1u << bit % 8);

    if (g->number < VMN_UPLINK_QUEUE_MIN || g->number > VMN_UPLINK_QUEUE_MAX
        || queues->taken[bit / 8] & mask) {
        return vmn_printf(view, "%.*s has no queue of its own",
                          (int) g->key_len, g->key);
    } else if (queues->n >= QUEUES_MAX) {
        return "too many guarantees";
    } else if (g->kbps > queues->left) {
        return "more than nine tenths of its least uplink";
    }
    queues->taken[bit / 8] |= mask;
    queues->left -= g->kbps;
    queues->n++;
    return NULL;
}

/* Publishes that the policy's rate is not guaranteed at those of the host's
 * uplinks that have no queues. */
static void
publish_faults(struct vmn_view *view, const char *host,
               const struct uplinks *uplinks, const char *policy,
               struct vmn_emit *emit)
{
    for (size_t i = 0; i < uplinks->n && i < UPLINKS_MAX; i++) {
        const char *fault = interface_fault(view, host, uplinks->rows[i]);

        if (fault) {
            vmn_publish(emit, REL_UNGUARANTEED, policy,
                        vmn_printf(view, "%s: %s", host, fault));
        }
    }
}

/* Publishes the queue of each guaranteed rate, in the order of their keys,
 * policies first, as far as there is room for it; and for whom there is
 * none. */
void
qos_compile_queues(struct vmn_view *view, const char *key,
                   struct vmn_emit *emit)
{
    const struct vmn_host *host = vmn_read_host(view, key);
    struct vmn_names values = vmn_relation_values(view, REL_GUARANTEES, key);
    struct uplinks uplinks;
    struct queues queues = { .n = 0 };
    struct guarantee last = { .key_len = 0 };
    struct guarantee g;

    if (!host || !values.n) {
        return;
    }
    find_uplinks(view, key, &uplinks);
    queues.left = capacity(&uplinks);
    for (size_t i = 0; i < values.n; i++) {
        const char *fault = fault_of(host, &uplinks);

        /* Ports that have not been computed again yet may name another rate
         * of the same policy. */
        if (!parse_guarantee(values.names[i], &g)
            || (g.key_len == last.key_len
                && !memcmp(g.key, last.key, g.key_len))) {
            continue;
        }
        last = g;
        fault = fault ? fault : add_queue(view, &queues, &g);
        if (fault) {
            vmn_publish(emit, REL_UNGUARANTEED, g.policy,
                        vmn_printf(view, "%s: %s", key, fault));
        } else {
            vmn_publish(emit, VMN_REL_QUEUES, key,
                        vmn_printf(view, "%u/%lld", (unsigned) g.number,
                                   (long long) g.kbps));
            publish_faults(view, key, &uplinks, g.policy, emit);
        }
    }
}

/* Publishes which of the uplinks with 'name' guarantee nothing on a host. */
static void
publish_unqueued(struct vmn_view *view, const struct vmn_host *host,
                 const char *name, const char *fault, struct vmn_emit *emit)
{
    struct vmn_names names = vmn_relation_values(view, REL_UPLINKS_FOR, name);

    for (size_t i = 0; i < names.n; i++) {
        const struct qos_uplink *row
            = (const struct qos_uplink *) vmn_read(view, ROW_UPLINK,
                                                   names.names[i]);
        const char *why = (fault || !row ? fault
                           : interface_fault(view, host->row.name, row));

        if (row && why) {
            vmn_publish(emit, REL_UNQUEUED, names.names[i],
                        vmn_printf(view, "%s: %s", host->row.name, why));
        }
    }
}

void
qos_compile_unqueued(struct vmn_view *view, const char *key,
                     struct vmn_emit *emit)
{
    const struct vmn_host *host = vmn_read_host(view, key);
    struct uplinks uplinks;
    const char *fault;

    if (!host) {
        return;
    }
    find_uplinks(view, key, &uplinks);
    fault = fault_of(host, &uplinks);
    publish_unqueued(view, host, vmn_printf(view, "host %s", key), fault,
                     emit);
    publish_unqueued(view, host, "any", fault, emit);
}
