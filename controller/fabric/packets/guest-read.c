/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads which guests a switch has seen; see guest-read.h.  One port after the
 * other is asked for, by its network and MAC address: the table has what
 * guests behind ports have made the switch learn, too. */

#include <config.h>

#include "controller/fabric/packets/guest-read.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-private.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/learn-mac.h"
#include "controller/model/model.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "proto/openflow/ofdump.h"
#include "util.h"
#include "vmn/flow.h"
#include "vmn/rows.h"

VLOG_DEFINE_THIS_MODULE(guest_read);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

/* Flows that there may be for one address: a switch has one. */
#define FLOWS_MAX 16

/* A guest that may have come to the host. */
struct guest {
    char *port, *iface_id;
    uint32_t ofport;
};

/* The part's state of a switch. */
struct guests {
    struct fabric_switch *sw;
    size_t n, allocated, next;  /* Those before 'next' were asked for. */
    struct guest *guests;
    struct ofdump *dump;        /* Of the one before 'next'; or NULL. */
    struct match match;         /* Of the flow that remembers that one. */
    bool seen;                  /* There is one. */
    bool again;                 /* To be begun once more when it is done. */
};

static void ask(struct guests *);
static void begin(struct fabric_switch *, void *guests);

static void
forget(struct guests *guests)
{
    ofdump_destroy(guests->dump);
    guests->dump = NULL;
    for (size_t i = 0; i < guests->n; i++) {
        free(guests->guests[i].port);
        free(guests->guests[i].iface_id);
    }
    guests->n = guests->next = 0;
    guests->again = false;
}

/* Returns true if 'held' is of the network and the address that 'asked' is
 * of: a switch might answer what it was not asked. */
static bool
is_of_address(const struct match *held, const struct match *asked)
{
    return (held->wc.masks.regs[0] == UINT32_MAX
            && held->flow.regs[0] == asked->flow.regs[0]
            && eth_mask_is_exact(held->wc.masks.dl_dst)
            && eth_addr_equals(held->flow.dl_dst, asked->flow.dl_dst));
}

/* Returns true if a learned flow remembers that the guest came by interface
 * 'ofport'. */
static bool
is_of_guest(const struct ofputil_flow_stats *fs, uint32_t ofport)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, fs->ofpacts, fs->ofpacts_len) {
        const struct ofpact_set_field *set
            = a->type == OFPACT_SET_FIELD ? ofpact_get_SET_FIELD(a) : NULL;

        if (set && set->field->id == MFF_REG11) {
            return ntohl(set->value->be32) == (VMN_MAC_OF_GUEST | ofport);
        }
    }
    return false;
}

static void
flow_cb(void *guests_, const struct ofputil_flow_stats *fs,
        const void *instructions OVS_UNUSED,
        size_t instructions_size OVS_UNUSED)
{
    struct guests *guests = guests_;

    guests->seen |= (fs->table_id == MAC_TABLE
                     && is_of_address(&fs->match, &guests->match)
                     && is_of_guest(fs, guests->guests[guests->next
                                                       - 1].ofport));
}

/* A guest that is looked for among those that may have come. */
struct search {
    const struct guest *guest;
    bool found;
};

static void
compare_guest(void *search_, const char *port, const char *iface_id,
              uint32_t ofport)
{
    struct search *search = search_;
    const struct guest *guest = search->guest;

    search->found |= (ofport == guest->ofport && !strcmp(port, guest->port)
                      && !strcmp(iface_id, guest->iface_id));
}

/* Returns true if the guest may still have come, by the interface that was
 * asked for: that may have been plugged again meanwhile. */
static bool
is_expected(const struct fabric_host *host, const struct guest *guest)
{
    struct search search = { .guest = guest };

    host->fabric->callbacks->guests_expected(host->fabric, host->name,
                                             compare_guest, &search);
    return search.found;
}

static void
done_cb(void *guests_, const char *error)
{
    struct guests *guests = guests_;
    const struct guest *guest = &guests->guests[guests->next - 1];
    struct fabric_switch *sw = guests->sw;
    struct fabric_host *host = sw->host;
    bool too_much = ofdump_is_too_much(guests->dump);

    ofdump_destroy(guests->dump);
    guests->dump = NULL;
    if (too_much) {
        switch_over_budget(sw, "where guests run could not be read: "
                           OFDUMP_TOO_MUCH);
        return;
    }
    if (error) {
        VLOG_WARN_RL(&rl, "%s: where the guest of port %s runs could not be "
                     "read: %s", host->name, guest->port, error);
    } else if (guests->seen && is_expected(host, guest)) {
        host->fabric->callbacks->guest_seen(host->fabric, host->name,
                                            guest->iface_id);
    }
    ask(guests);
}

static const struct ofdump_callbacks dump_callbacks = {
    .flow = flow_cb,
    .done = done_cb,
};

/* Asks for the next guest, if one is left. */
static void
ask(struct guests *guests)
{
    struct fabric_switch *sw = guests->sw;
    const struct model *model = sw->host->fabric->model;
    struct ofdump_budget budget = switch_budget_of_table(sw, FLOWS_MAX);
    bool again;

    while (guests->next < guests->n) {
        const struct vmn_port *port = model_get_durable(
            model, VMN_TABLE_PORT, guests->guests[guests->next++].port, NULL);
        const struct vmn_network *network
            = port ? model_get_durable(model, VMN_TABLE_NETWORK,
                                       port->network, NULL) : NULL;
        struct eth_addr mac;

        if (!network) {
            continue;           /* It has gone meanwhile. */
        }
        BUILD_ASSERT_DECL(sizeof mac == sizeof port->mac);
        memcpy(&mac, &port->mac, sizeof mac);
        match_init_catchall(&guests->match);
        match_set_reg(&guests->match, 0, network->vni);
        match_set_dl_dst(&guests->match, mac);
        guests->seen = false;
        switch_expect(sw);
        guests->dump = ofdump_create_table(sw->conn, &budget, MAC_TABLE,
                                           &guests->match, &dump_callbacks,
                                           guests);
        return;
    }
    again = guests->again;
    forget(guests);
    if (again) {
        begin(sw, guests);
    }
}

static void
add_guest(void *guests_, const char *port, const char *iface_id,
          uint32_t ofport)
{
    struct guests *guests = guests_;

    if (guests->n >= guests->allocated) {
        guests->guests = x2nrealloc(guests->guests, &guests->allocated,
                                    sizeof *guests->guests);
    }
    guests->guests[guests->n++] = (struct guest) {
        .port = xstrdup(port), .iface_id = xstrdup(iface_id),
        .ofport = ofport,
    };
}

/* As a part of the session.  --------------------------------------------- */

static void
init(struct fabric_switch *sw, void *guests_)
{
    struct guests *guests = guests_;

    guests->sw = sw;
}

/* What is under way is not cut: the switch answers it. */
static void
begin(struct fabric_switch *sw, void *guests_)
{
    struct fabric_host *host = sw->host;
    struct guests *guests = guests_;

    if (guests->dump) {
        guests->again = true;
        return;
    }
    forget(guests);
    host->fabric->callbacks->guests_expected(host->fabric, host->name,
                                             add_guest, guests);
    ask(guests);
}

void
guest_read_all(struct fabric *f)
{
    struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (host->sw->state == SWITCH_LIVE
            || host->sw->state == SWITCH_OBSERVED) {
            begin(host->sw, switch_part_state(host->sw, &guest_read_part));
        }
    }
}

static void
reset(struct fabric_switch *sw OVS_UNUSED, void *guests,
      const char *reason OVS_UNUSED)
{
    forget(guests);
}

static void
disconnected(struct fabric_switch *sw OVS_UNUSED, void *guests)
{
    forget(guests);
}

static enum switch_message
message(struct fabric_switch *sw OVS_UNUSED, void *guests_,
        enum ofptype type, const struct ofp_header *oh)
{
    const struct guests *guests = guests_;

    return (guests->dump && ofdump_message(guests->dump, type, oh)
            ? SWITCH_MESSAGE_ANSWER : SWITCH_MESSAGE_OTHER);
}

static bool
is_owed(const struct fabric_switch *sw OVS_UNUSED, const void *guests_)
{
    const struct guests *guests = guests_;

    return guests->dump != NULL;
}

static void
destroy(struct fabric_switch *sw OVS_UNUSED, void *guests_)
{
    struct guests *guests = guests_;

    forget(guests);
    free(guests->guests);
}

const struct switch_part_class guest_read_part = {
    .name = "guests",
    .state_size = sizeof(struct guests),
    .init = init,
    .live = begin,
    .reset = reset,
    .disconnected = disconnected,
    .message = message,
    .is_owed = is_owed,
    .destroy = destroy,
};
