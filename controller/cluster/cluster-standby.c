/* SPDX-License-Identifier: Apache-2.0
 *
 * The relay of a standby: requests are sent to the present writer.  And the
 * age of the standby's copy of the state.  Not for which requests are relayed,
 * nor for what they may do (controller/northbound). */

#include <config.h>

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster-private.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "proto/http/http.h"
#include "proto/loop/loop.h"
#include "proto/relay/relay.h"
#include "proto/tls/tls.h"
#include "util.h"

/* Longest ADDRESS:PORT. */
#define LISTEN_MAX 100

/* Requests.  -------------------------------------------------------------- */

/* Returns the writer, if that is another member; or NULL. */
static const struct cluster_member *
find_writer(const struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const char *holder = view->lease.holder;

    return (view->current && view->has_row && strcmp(holder, c->options->name)
            ? shash_find_data(&view->members, holder) : NULL);
}

/* Appends the writer's name and address. */
static void
put_writer(const struct cluster *c, struct ds *ds)
{
    const struct cluster_member *writer = find_writer(c);

    if (!writer) {
        ds_put_cstr(ds, "which member is the writer is not known");
        return;
    }
    ds_put_format(ds, "the writer is \"%s\"", writer->name);
    if (*writer->address) {
        ds_put_format(ds, ", whose API is at %s", writer->address);
    }
}

static void
reply_standby(struct http_request *req, const struct cluster *c)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "This member of the cluster, \"%s\", is a standby; ",
                  c->options->name);
    put_writer(c, &ds);
    if (c->problem) {
        ds_put_format(&ds, ". It could not become it: %s", c->problem);
    }
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 503, "standby", NULL, "%s", ds_cstr(&ds));
    ds_destroy(&ds);
}

/* Returns false if the writer has no address where others reach it. */
static bool
may_pass(const struct cluster *c)
{
    const struct cluster_member *writer = find_writer(c);

    return c->relay && (!writer || *writer->listen);
}

bool
cluster_can_relay(const struct cluster *c)
{
    return (c->relay && find_writer(c) && *find_writer(c)->listen
            && lease_is_alive(&c->lease, loop_now_ms(c->loop)));
}

void
cluster_pass_on(struct cluster *c, struct http_request *req,
                const struct http_peer *peer)
{
    if (may_pass(c)) {
        relay_pass(c->relay, req, peer);
    } else {
        reply_standby(req, c);
    }
}

/* The copy.  -------------------------------------------------------------- */

int
cluster_age_s(const struct cluster *c)
{
    return MIN((loop_now_ms(c->loop) - c->lease.changed_ms) / 1000,
               INT32_MAX);
}

bool
cluster_is_connected(const struct cluster *c)
{
    return cluster_db_view(c->db)->current;
}

/* Returns true if the member's row, which comes from outside, has a valid name
 * and ADDRESS:PORT. */
static bool
can_reach(const struct cluster_member *member)
{
    const char *colon = strrchr(member->listen, ':');

    return (colon && strlen(member->listen) <= LISTEN_MAX
            && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")]
            && !member->listen[strspn(member->listen, "0123456789abcdefABCDEF"
                                      ".:[]")]
            && !value_check_name(member->name, NULL));
}

void
cluster_standby_run(struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct cluster_member *writer = find_writer(c);
    bool known = writer && can_reach(writer);

    /* Without the database the last known writer is still the best. */
    if (c->relay && !cluster_is_writer(c) && view->current && view->has_row) {
        relay_set_server(c->relay, known ? writer->name : NULL,
                         known ? writer->listen : NULL);
    }
}

/* Other members.  --------------------------------------------------------- */

/* Fails if a CA that signs 'whom' signs members, too: one of them could pass
 * for a member, which has all rights. */
static int
check_ca(struct cluster *c, const char *ca_cert, const char *whom,
         struct vmn_error *why)
{
    const struct tls_options options = {
        .private_key = c->options->private_key,
        .certificate = c->options->certificate,
        .ca_cert = ca_cert,
    };
    char *text = NULL, *shared;
    struct tls *tls;
    int error;

    if (!ca_cert) {
        return 0;
    }
    error = tls_create(&options, loop_base(c->loop), &tls, &text);
    if (error) {
        return vmn_error_take(why, error, text);
    }
    shared = tls_shared_ca(c->tls, tls);
    if (shared) {
        error = vmn_error_errno(why, EINVAL, "cluster-ca-cert: the CA \"%s\" "
                                "signs %s as well: members need one of "
                                "their own", shared, whom);
        free(shared);
    }
    tls_destroy(tls);
    return error;
}

int
cluster_open_relay(struct cluster *c, const char *host_ca_cert,
                   const char *api_ca_cert, struct vmn_error *why)
{
    const struct tls_options tls_options = {
        .private_key = c->options->private_key,
        .certificate = c->options->certificate,
        .ca_cert = c->options->ca_cert,
        .peers_are_equal = true,
    };
    const struct relay_options relay_options = {
        .private_key = c->options->private_key,
        .certificate = c->options->certificate,
        .ca_cert = c->options->ca_cert,
        .wait_ms = RELAY_WAIT_MS,
    };
    char *text = NULL;
    int error;

    if (!c->options->listen) {
        return 0;
    }
    error = tls_create(&tls_options, loop_base(c->loop), &c->tls, &text);
    if (error) {
        return vmn_error_take(why, error, text);
    }
    error = check_ca(c, host_ca_cert, "hosts", why);
    if (!error) {
        error = check_ca(c, api_ca_cert, "API clients", why);
    }
    if (!error) {
        c->relay = relay_create(loop_base(c->loop), &relay_options);
    }
    return error;
}

void
cluster_relay_to_self(struct cluster *c)
{
    if (c->relay) {
        relay_set_server(c->relay, c->options->name, c->options->listen);
    }
}

void
cluster_close_relay(struct cluster *c)
{
    relay_destroy(c->relay);
    c->relay = NULL;
}

/* The writer's side.  ----------------------------------------------------- */

const char *
cluster_listen(const struct cluster *c)
{
    return c->options->listen;
}

const struct tls *
cluster_tls(const struct cluster *c)
{
    return c->tls;
}

bool
cluster_knows_members(const struct cluster *c)
{
    return cluster_db_view(c->db)->has_row;
}

bool
cluster_has_member(const struct cluster *c, const char *name)
{
    return shash_find(&cluster_db_view(c->db)->members, name) != NULL;
}
