/* SPDX-License-Identifier: Apache-2.0
 *
 * Roles of a switch's controllers (OpenFlow 1.5, section 6.3.7), as Open
 * vSwitch has them, and whose changes the switch has accepted. */

#include <config.h>

#include "tests/bench/swarm/swarm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-util.h"
#include "util.h"

void
role_reset(struct of_conn *conn)
{
    conn->role = OFPCR12_ROLE_EQUAL;
    conn->epoch = 0;
    conn->monitors = false;
    conn->async = ofputil_async_cfg_default(OFP15_VERSION);
}

const char *
role_name(const struct of_conn *conn)
{
    return (conn->role == OFPCR12_ROLE_PRIMARY ? "master"
            : conn->role == OFPCR12_ROLE_SECONDARY ? "slave" : "other");
}

bool
role_receives(const struct of_conn *conn, enum ofputil_async_msg_type type,
         unsigned reason)
{
    const uint32_t *masks = (conn->role == OFPCR12_ROLE_SECONDARY
                             ? conn->async.secondary : conn->async.primary);

    return masks[type] & (1u << reason);
}

static void
demote(struct of_conn *conn)
{
    const struct ofputil_role_status status = {
        .role = OFPCR12_ROLE_SECONDARY,
        .reason = OFPCRR_PRIMARY_REQUEST,
        .generation_id = conn->host->generation_id,
    };

    conn->role = OFPCR12_ROLE_SECONDARY;
    if (role_receives(conn, OAM_ROLE_STATUS, status.reason)) {
        switch_send(conn, ofputil_encode_role_status(&status,
                                                     OFPUTIL_P_OF15_OXM));
    }
}

static void
set_role(struct of_conn *conn, const struct ofputil_role_request *request)
{
    struct host *host = conn->host;
    struct of_conn *other;

    LIST_FOR_EACH (other, node, &host->of_conns) {
        if (request->role == OFPCR12_ROLE_PRIMARY && other != conn
            && other->role == OFPCR12_ROLE_PRIMARY) {
            demote(other);
        }
    }
    conn->role = request->role;
    conn->epoch = (request->role == OFPCR12_ROLE_PRIMARY
                   ? request->generation_id : 0);
    vswitchd_note_controllers(host);
}

/* Whether the request is of a generation before one that the switch knows.
 * Generations are compared as a circle. */
static bool
is_stale(const struct host *host, const struct ofputil_role_request *request)
{
    return (host->has_generation
            && (int64_t) (request->generation_id - host->generation_id) < 0);
}

void
role_request(struct of_conn *conn, const struct ofp_header *oh)
{
    struct ofputil_role_request request, reply;
    struct host *host = conn->host;
    enum ofperr error = ofputil_decode_role_message(oh, &request);

    if (error) {
        switch_send_error(conn, error, oh);
        return;
    }
    if (request.role == OFPCR12_ROLE_PRIMARY
        || request.role == OFPCR12_ROLE_SECONDARY) {
        if (is_stale(host, &request)) {
            switch_send_error(conn, OFPERR_OFPRRFC_STALE, oh);
            return;
        }
        host->has_generation = true;
        host->generation_id = request.generation_id;
    }
    if (request.role != OFPCR12_ROLE_NOCHANGE) {
        set_role(conn, &request);
    }
    reply = (struct ofputil_role_request) {
        .role = conn->role,
        .have_generation_id = host->has_generation,
        .generation_id = (host->has_generation ? host->generation_id
                          : UINT64_MAX),
    };
    switch_send(conn, ofputil_encode_role_reply(oh, &reply));
}

void
role_set_async(struct of_conn *conn, const struct ofp_header *oh)
{
    struct ofputil_async_cfg config;
    enum ofperr error = ofputil_decode_set_async_config(oh, false,
                                                        &conn->async,
                                                        &config);

    if (error) {
        switch_send_error(conn, error, oh);
    } else {
        conn->async = config;
    }
}

/* Who has written.  ------------------------------------------------------ */

void
writers_note(struct writers *log, const char *who, uint64_t epoch)
{
    struct writer *last = log->n ? &log->all[log->n - 1] : NULL;

    if (!last || last->epoch != epoch || strcmp(last->who, who)) {
        if (log->n >= log->allocated) {
            log->all = x2nrealloc(log->all, &log->allocated,
                                  sizeof *log->all);
        }
        last = &log->all[log->n++];
        *last = (struct writer) { .who = xstrdup(who), .epoch = epoch };
    }
    last->n++;
}

void
writers_put(const struct writers *log, struct ds *out)
{
    ds_put_char(out, '[');
    for (size_t i = 0; i < log->n; i++) {
        const struct writer *w = &log->all[i];

        ds_put_format(out, "%s[\"%s\",%"PRIu64",%"PRIu64"]", i ? "," : "",
                      w->who, w->epoch, w->n);
    }
    ds_put_char(out, ']');
}

void
writers_uninit(struct writers *log)
{
    for (size_t i = 0; i < log->n; i++) {
        free(log->all[i].who);
    }
    free(log->all);
}
