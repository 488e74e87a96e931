/* SPDX-License-Identifier: Apache-2.0
 *
 * Listens for switches and matches them to hosts by datapath id.  A switch
 * that no host is known to have is kept a short while: its host's database
 * may not have said yet which datapath id its bridge has. */

#include <config.h>

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/handler.h"
#include "controller/fabric/fabric-private.h"
#include "controller/fabric/switch.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "proto/openflow/ofconn.h"
#include "proto/tls/tls.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(switches);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 60);

/* How long a switch without a host is kept. */
#define STRAY_S 30

struct fabric_switches {
    struct ofserver *server;
    struct tls *tls;            /* Or NULL. */
    struct ovs_list strays;     /* struct stray. */
};

/* A switch without a host. */
struct stray {
    struct ovs_list node;
    struct ofconn *conn;
    uint64_t datapath_id;
    struct event *timer;
};

static void
stray_free(struct stray *stray)
{
    ovs_list_remove(&stray->node);
    event_free(stray->timer);
    free(stray);
}

static void
stray_timeout_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
                 void *stray_)
{
    struct stray *stray = stray_;

    VLOG_WARN_RL(&rl, "%s: closed: no host reports datapath id %016"PRIx64,
                 ofconn_peer(stray->conn), stray->datapath_id);
    ofconn_close(stray->conn);
    stray_free(stray);
}

static void
stray_add(struct fabric *f, struct ofconn *conn, uint64_t datapath_id)
{
    const struct timeval tv = { .tv_sec = STRAY_S };
    struct stray *stray = xzalloc(sizeof *stray);

    stray->conn = conn;
    stray->datapath_id = datapath_id;
    stray->timer = event_new(f->base, -1, 0, stray_timeout_cb, stray);
    event_add(stray->timer, &tv);
    ovs_list_push_back(&f->switches->strays, &stray->node);
}

/* A connection's aux is the switch that it was given to, or NULL. */
static struct stray *
stray_of(const struct fabric *f, const struct ofconn *conn)
{
    struct stray *stray;

    LIST_FOR_EACH (stray, node, &f->switches->strays) {
        if (stray->conn == conn) {
            return stray;
        }
    }
    return NULL;
}

struct ofconn *
switches_take_stray(struct fabric *f, uint64_t datapath_id)
{
    struct stray *stray, *newest = NULL;

    LIST_FOR_EACH (stray, node, &f->switches->strays) {
        if (stray->datapath_id == datapath_id) {
            newest = stray;
        }
    }
    if (newest) {
        struct ofconn *conn = newest->conn;

        stray_free(newest);
        return conn;
    }
    return NULL;
}

/* A host's certificate speaks for that host alone: its name must be the host's.
 */
static bool
may_speak_for(const struct fabric_host *host, const struct ofconn *conn)
{
    char *name = ofconn_certificate(conn);
    bool may = !name || !strcmp(name, host->name);

    if (!may) {
        VLOG_WARN_RL(&rl, "%s: closed: it has host %s's datapath id, but its "
                     "certificate is for \"%s\"", ofconn_peer(conn),
                     host->name, name);
    }
    free(name);
    return may;
}

void
switches_attach(struct fabric_host *host, struct ofconn *conn)
{
    if (may_speak_for(host, conn)) {
        switch_attach(host->sw, conn);
    } else {
        ofconn_close(conn);
    }
}

static void
connected_cb(void *f_, struct ofconn *conn,
             const struct ofconn_features *features)
{
    struct fabric *f = f_;
    struct fabric_host *host = fabric_find_datapath(f, features->datapath_id);

    if (host) {
        switches_attach(host, conn);
    } else {
        stray_add(f, conn, features->datapath_id);
    }
}

static void
message_cb(void *f_ OVS_UNUSED, struct ofconn *conn, enum ofptype type,
           const struct ofp_header *oh)
{
    struct fabric_switch *sw = ofconn_aux(conn);

    if (sw) {
        switch_message(sw, type, oh);
    }
}

static void
closed_cb(void *f_, struct ofconn *conn, const char *reason)
{
    struct fabric_switch *sw = ofconn_aux(conn);

    if (sw && ofconn_is_stalled(conn)) {
        switch_stalled(sw, reason);
    } else if (sw) {
        switch_detach(sw, reason);
    } else {
        struct stray *stray = stray_of(f_, conn);

        if (stray) {
            stray_free(stray);
        }
    }
}

static const struct ofconn_callbacks callbacks = {
    .connected = connected_cb,
    .message = message_cb,
    .closed = closed_cb,
};

/* The OVSDB side's TLS is libopenvswitch's, which reads files again if it is told
 * them again. */
static void
certificates_changed_cb(void *f_)
{
    const struct fabric *f = f_;

    fabric_db_set_certificates(f->db);
}

/* The credentials for "ssl:": peers must show a certificate of our CA. */
static int
make_tls(struct fabric *f, const struct fabric_options *options, char **text)
{
    const struct tls_options tls_options = {
        .private_key = options->ssl_private_key,
        .certificate = options->ssl_certificate,
        .ca_cert = options->ssl_ca_cert,
        .changed = certificates_changed_cb,
        .changed_aux = f,
    };

    return tls_create(&tls_options, f->base, &f->switches->tls, text);
}

static bool
turn_is_over(void *loop)
{
    return loop_turn_is_over(loop);
}

int
switches_create(struct fabric *f, const struct fabric_options *options,
                char **text)
{
    const char *target = options->openflow_listen;
    struct fabric_switches *s = xzalloc(sizeof *s);
    struct ofconn_options conn_options = ofconn_options_default;
    int error = 0;

    ovs_list_init(&s->strays);
    f->switches = s;
    if (options->ssl_private_key && options->ssl_certificate
        && options->ssl_ca_cert) {
        error = make_tls(f, options, text);
    }
    conn_options.packet_ins = true;
    conn_options.put_off = turn_is_over;
    conn_options.put_off_aux = f->loop;
    if (options->max_queue) {
        conn_options.max_queue = options->max_queue;
    }
    if (!error) {
        bool is_tls = target && !strncmp(target, "ssl:", 4) && s->tls;

        error = ofserver_create(f->base, target,
                                is_tls ? tls_context(s->tls) : NULL,
                                &conn_options, &callbacks, f, &s->server,
                                text);
    }
    return error;
}

void
switches_destroy(struct fabric *f)
{
    struct fabric_switches *s = f->switches;

    if (!s) {
        return;
    }
    while (!ovs_list_is_empty(&s->strays)) {
        stray_free(CONTAINER_OF(ovs_list_front(&s->strays), struct stray,
                                node));
    }
    ofserver_destroy(s->server);
    tls_destroy(s->tls);
    free(s);
    f->switches = NULL;
}

struct ofserver *
switches_server(const struct fabric *f)
{
    return f->switches->server;
}

const struct tls *
fabric_tls(const struct fabric *f)
{
    return f->switches->tls;
}
