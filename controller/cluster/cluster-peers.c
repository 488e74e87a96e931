/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that a certain member is to answer, since it manages the host that
 * they are about: each member that was asked has a relay of its own; and
 * questions to members that are not about such.  Not for
 * what the writer is to answer (cluster-standby.c), which may become another
 * member while a request waits. */

#include <config.h>

#include <stdlib.h>

#include "controller/cluster/cluster-private.h"
#include "proto/http/http.h"
#include "proto/loop/loop.h"
#include "proto/relay/relay-call.h"
#include "proto/relay/relay.h"

/* For how long a request waits for the member, which may be about to lose its
 * hosts. */
#define WAIT_MS 3000
/* For how long it may take to answer: to read and compare a switch. */
#define REPLY_MS 60000

/* Forgets members that are gone, or that others need the room of. */
static void
forget_idle(struct cluster *c)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &c->peers) {
        struct relay_stats stats;

        relay_get_stats(node->data, &stats);
        if (!stats.n_now && (!cluster_has_member(c, node->name)
                             || shash_count(&c->peers) >= SHARES_MAX)) {
            relay_destroy(node->data);
            shash_delete(&c->peers, node);
        }
    }
}

static struct relay *
get_relay(struct cluster *c, const char *name)
{
    struct relay *relay = shash_find_data(&c->peers, name);

    if (!relay && shash_count(&c->peers) < SHARES_MAX) {
        const struct relay_options options = {
            .private_key = c->options->private_key,
            .certificate = c->options->certificate,
            .ca_cert = c->options->ca_cert,
            .wait_ms = WAIT_MS, .connect_ms = WAIT_MS,
            .reply_ms = REPLY_MS, .here = true,
            .shown = cluster_note_shown, .revision = cluster_own_revision,
            .aux = c,
        };

        relay = relay_create(loop_base(c->loop), &options);
        shash_add(&c->peers, name, relay);
    }
    return relay;
}

static void
refuse(struct http_request *req, const char *name, const char *why)
{
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 503, "unavailable", NULL, "Member \"%s\" of the "
                       "cluster is to answer this, and %s", name, why);
}

void
cluster_pass_to(struct cluster *c, const char *name, struct http_request *req,
                const struct http_peer *peer)
{
    const struct cluster_member *member
        = shash_find_data(&cluster_db_view(c->db)->members, name);
    struct relay *relay;

    if (!c->relay) {
        refuse(req, name, "this one has no cluster-listen to reach it by");
    } else if (!member || !cluster_can_reach(member)) {
        refuse(req, name, "where it listens is not known");
    } else {
        forget_idle(c);
        relay = get_relay(c, name);
        if (relay) {
            relay_set_server(relay, name, member->listen);
            relay_pass(relay, req, peer);
        } else {
            refuse(req, name, "this one asks too many others already");
        }
    }
}

bool
cluster_ask(struct cluster *c, const char *name, const char *path,
            const char *json, int reply_ms, cluster_asked_cb *cb, void *aux)
{
    const struct cluster_member *member
        = shash_find_data(&cluster_db_view(c->db)->members, name);

    if (!c->caller || !member || !cluster_can_reach(member)) {
        return false;
    }
    relay_call_post(c->caller, name, member->listen, path, json, reply_ms, cb,
                    aux);
    return true;
}

void
cluster_forget_asked(struct cluster *c, cluster_asked_cb *cb, void *aux)
{
    if (c->caller) {
        relay_call_cancel(c->caller, cb, aux);
    }
}

void
cluster_close_peers(struct cluster *c)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &c->peers) {
        relay_destroy(node->data);
    }
    shash_clear(&c->peers);
}
