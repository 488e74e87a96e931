/* SPDX-License-Identifier: Apache-2.0
 *
 * Listens for switches and assigns them to hosts: with TLS by the common name
 * of their certificate, which is the host's, and their datapath ID must then
 * be the one that the host's database reports; without TLS by the datapath ID
 * alone.  A switch without a known host is kept for a short time: its host's
 * database may not have reported the datapath ID of its bridge yet. */

#include <config.h>

#include "controller/fabric/session/switch-listener.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/packet-handler.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/hosts/host-addresses.h"
#include "controller/fabric/hosts/host-tls.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/hosts/rejected-hosts.h"
#include "controller/fabric/session/switch.h"
#include "controller/schema/error.h"
#include "openvswitch/vlog.h"
#include "proto/admission/admission.h"
#include "proto/loop/loop.h"
#include "proto/openflow/ofconn.h"
#include "proto/tls/tls.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(switch_listener);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 60);

/* How long a switch without a known host is kept. */
#define STRAY_S 30

struct switch_listener {
    struct ofserver *server;
    struct tls *tls;            /* Or NULL. */
    struct ovs_list strays;     /* struct stray. */
};

/* A switch without a known host. */
struct stray {
    struct ovs_list node;
    struct fabric *fabric;
    struct ofconn *conn;
    uint64_t datapath_id;
    char *certificate;          /* The common name; NULL without TLS. */
    struct event *timer;
};

/* Records and logs that a switch is rejected, before it is closed. */
static void
reject(struct fabric *f, const char *peer, const char *reason)
{
    VLOG_WARN_RL(&rl, "%s: closed: %s", peer, reason);
    rejected_hosts_add(f, "openflow", peer, reason);
}

static void
stray_free(struct stray *stray)
{
    ovs_list_remove(&stray->node);
    event_free(stray->timer);
    free(stray->certificate);
    free(stray);
}

static void
stray_close(struct stray *stray)
{
    ofconn_close(stray->conn);
    stray_free(stray);
}

static void
stray_timeout_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
                 void *stray_)
{
    struct stray *stray = stray_;
    char *reason = (stray->certificate
                    ? xasprintf("the database of host \"%s\" does not report "
                                "its datapath id, %016"PRIx64,
                                stray->certificate, stray->datapath_id)
                    : xasprintf("no host's database reports its datapath id, "
                                "%016"PRIx64, stray->datapath_id));

    reject(stray->fabric, ofconn_peer(stray->conn), reason);
    free(reason);
    stray_close(stray);
}

/* Takes ownership of 'certificate'.  A host has one connection: the newest. */
static void
stray_add(struct fabric *f, struct ofconn *conn, uint64_t datapath_id,
          char *certificate)
{
    const struct timeval tv = { .tv_sec = STRAY_S };
    struct stray *stray, *next;

    LIST_FOR_EACH_SAFE (stray, next, node, &f->switches->strays) {
        if (certificate && !strcmp(certificate, stray->certificate)) {
            stray_close(stray);
        }
    }
    stray = xzalloc(sizeof *stray);
    stray->fabric = f;
    stray->conn = conn;
    stray->datapath_id = datapath_id;
    stray->certificate = certificate;
    stray->timer = event_new(f->base, -1, 0, stray_timeout_cb, stray);
    event_add(stray->timer, &tv);
    ovs_list_push_back(&f->switches->strays, &stray->node);
}

/* A connection's aux is the switch that it was assigned to, or NULL. */
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

/* Returns true if the connection comes from an address that the host's row
 * has. */
static bool
is_from(const struct fabric_host *host, const struct ofconn *conn)
{
    return fabric_host_has_address_of(host, ofconn_peer(conn));
}

/* Returns the connection of a switch that waits for the host to report its
 * datapath ID, or NULL: the newest, but one from the host's address before
 * others.  The caller owns it from then on. */
static struct ofconn *
release_stray(const struct fabric_host *host)
{
    struct fabric *f = host->fabric;
    struct stray *stray, *newest = NULL;

    LIST_FOR_EACH (stray, node, &f->switches->strays) {
        if (stray->datapath_id == host->datapath_id
            && (!stray->certificate
                || !strcmp(stray->certificate, host->name))
            && (!newest || is_from(host, stray->conn)
                || !is_from(host, newest->conn))) {
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

/* Returns true if 'before', the connection of the host's switch, stays, and
 * not 'conn' in its place: nothing proves that these are the host's.  It stays
 * unless it is dead, or comes from somewhere else than the host and 'conn'
 * from there: what has taken the host's datapath ID may have come first. */
static bool
comes_first(const struct fabric_host *host, const struct ofconn *before,
            const struct ofconn *conn)
{
    return (!ofconn_has_address_of(before, conn)
            && (is_from(host, before) || !is_from(host, conn)));
}

/* Says that a switch that has the host's datapath ID is refused. */
static void
reject_other(const struct fabric_host *host, const struct ofconn *other)
{
    char *reason = xasprintf("the switch of host \"%s\" is connected from "
                             "another address", host->name);

    reject(host->fabric, ofconn_peer(other), reason);
    free(reason);
}

/* Assigns 'conn', which is from the host as far as can be known, to its
 * switch; or closes it. */
static void
attach(struct fabric_host *host, struct ofconn *conn)
{
    char *certificate = ofconn_certificate(conn);
    struct ofconn *before = host->sw->conn;

    if (!certificate && before && comes_first(host, before, conn)) {
        reject_other(host, conn);
        ofconn_probe(before);
        ofconn_close(conn);
    } else if (ofconn_role(conn) != switch_desired_role(host->sw)
               && ofconn_generation(conn) <= (uint64_t) host->fabric->epoch
               && !host->sw->demoted) {
        /* It comes again with that. */
        ofconn_set_role(conn, switch_desired_role(host->sw),
                        host->fabric->epoch);
    } else {
        rejected_hosts_forget(host->fabric, ofconn_peer(conn));
        if (!certificate && before && !ofconn_has_address_of(before, conn)) {
            reject_other(host, before);
        }
        switch_attach(host->sw, conn);
    }
    free(certificate);
}

void
switch_listener_rematch(struct fabric_host *host)
{
    struct ofconn *conn;

    switch_disconnect(host->sw, "its host reports another datapath id");
    if (host->datapath_id) {
        conn = release_stray(host);
        if (conn) {
            attach(host, conn);
        }
    }
}

/* With TLS: a certificate is for one host. */
static bool
secured_cb(void *f, struct ofconn *conn OVS_UNUSED, const char *certificate)
{
    return (fabric_find_host(f, certificate)
            || fabric_find_deleted(f, certificate));
}

/* Returns the host of 'conn', or NULL; a deleted one if there is no other. */
static struct fabric_host *
find_host(const struct fabric *f, const char *certificate, uint64_t id)
{
    struct fabric_host *host = (certificate ? fabric_find_host(f, certificate)
                                : fabric_find_datapath(f, id));

    return (host ? host : certificate ? fabric_find_deleted(f, certificate)
            : fabric_find_deleted_datapath(f, id));
}

static void
connected_cb(void *f_, struct ofconn *conn,
             const struct ofconn_features *features)
{
    struct fabric *f = f_;
    uint64_t id = features->datapath_id;
    char *certificate = ofconn_certificate(conn);
    struct fabric_host *host = find_host(f, certificate, id);
    struct fabric_host *owner = fabric_find_datapath(f, id);

    if (certificate && (!host || (owner && owner != host))) {
        char *reason = (host
                        ? xasprintf("host \"%s\" has its datapath id, "
                                    "%016"PRIx64, owner->name, id)
                        : xasprintf("its certificate is for \"%.64s\", which "
                                    "is no host", certificate));

        reject(f, ofconn_peer(conn), reason);
        free(reason);
        if (host) {
            fabric_host_clash(host, owner, id, ofconn_peer(conn));
            switch_set_error(host->sw, "its switch has the datapath id of "
                             "host \"%s\"", owner->name);
        }
        ofconn_close(conn);
    } else if (host && id && host->datapath_id == id) {
        attach(host, conn);
    } else {
        stray_add(f, conn, id, certificate);
        certificate = NULL;
    }
    free(certificate);
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

static void
demoted_cb(void *f_, struct ofconn *conn, uint64_t epoch)
{
    struct fabric_switch *sw = ofconn_aux(conn);
    struct stray *stray;

    if (sw) {
        switch_demoted(sw, epoch);
        return;
    }
    stray = stray_of(f_, conn);
    if (stray) {
        stray_free(stray);
    }
    ofconn_close(conn);
}

static void
rejected_cb(void *f, const char *peer, const char *reason)
{
    rejected_hosts_add(f, "openflow", peer, reason);
}

static const struct ofconn_callbacks callbacks = {
    .demoted = demoted_cb,
    .rejected = rejected_cb,
    .secured = secured_cb,
    .connected = connected_cb,
    .message = message_cb,
    .closed = closed_cb,
};

/* The OVSDB side uses libopenvswitch's TLS, which reloads files if it is given
 * their names again. */
static void
certificates_changed_cb(void *f_)
{
    const struct fabric *f = f_;

    f->callbacks->certificates_changed(f);
}

int
switch_listener_create(struct fabric *f, const struct fabric_options *options,
                       struct vmn_error *why)
{
    struct switch_listener *s = xzalloc(sizeof *s);
    struct ofconn_options conn_options = ofconn_options_default;
    char *text = NULL;
    int error;

    ovs_list_init(&s->strays);
    f->switches = s;
    conn_options.shared = f->role != FABRIC_ALONE;
    conn_options.packet_ins = true;
    conn_options.loop = f->loop;
    conn_options.is_known = fabric_knows_address;
    conn_options.is_known_aux = f;
    if (options->max_queue) {
        conn_options.max_queue = options->max_queue;
    }
    error = host_tls_create(options, f->base, certificates_changed_cb, f,
                            &s->tls, why);
    if (!error) {
        error = ofserver_create(f->base, options->openflow_listen,
                                host_tls_context(options, s->tls),
                                &conn_options, &callbacks, f, &s->server,
                                &text);
        vmn_error_take(why, error, text);
    }
    return error;
}

void
switch_listener_epoch_changed(struct fabric *f)
{
    ofserver_set_generation(f->switches->server, f->epoch);
}

void
switch_listener_destroy(struct fabric *f)
{
    struct switch_listener *s = f->switches;

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
switch_listener_server(const struct fabric *f)
{
    return f->switches->server;
}

const struct tls *
fabric_tls(const struct fabric *f)
{
    return f->switches->tls;
}
