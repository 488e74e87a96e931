/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions with hosts whose master is another member of the cluster; see
 * fabric-standby.h.  Nothing is written to a host, and nothing that it says is
 * believed but who it is. */

#include <config.h>

#include "controller/fabric/fabric-standby.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-handover.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/hosts/host-tls.h"
#include "controller/fabric/ovsdb/database-budget.h"
#include "controller/model/model.h"
#include "controller/schema/error.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "proto/openflow/ofconn.h"
#include "proto/ovsdb/ovsdb.h"
#include "stream-ssl.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(fabric_standby);

struct standby_host {
    struct fabric_standby *standby;
    const char *name;           /* As in the shash. */
    struct handover_session *session; /* Owned; NULL: being created. */
    uint64_t datapath_id;       /* As its row says; 0: not known. */
    struct ofconn *conn;        /* Of its switch, or NULL. */
};

struct fabric_standby {
    struct loop *loop;
    const struct model *model;
    size_t host_memory;
    bool ipsec;                 /* Hosts have interfaces for that. */
    struct fabric_handover *h;  /* All but the sessions.  Owned. */
    char *files[3];             /* Private key, certificate and CA of hosts'
                                 * databases; all or none. */
    struct shash hosts;         /* Of struct standby_host, by name. */
};

/* Switches.  -------------------------------------------------------------- */

static bool
secured_cb(void *standby, struct ofconn *conn OVS_UNUSED,
           const char *certificate)
{
    const struct fabric_standby *s = standby;

    return shash_find(&s->hosts, certificate) != NULL;
}

/* Returns the host of a switch, or NULL. */
static struct standby_host *
find_host(const struct fabric_standby *s, const char *certificate,
          uint64_t datapath_id)
{
    const struct shash_node *node;

    if (certificate) {
        return shash_find_data(&s->hosts, certificate);
    }
    SHASH_FOR_EACH (node, &s->hosts) {
        struct standby_host *host = node->data;

        if (host->datapath_id && host->datapath_id == datapath_id) {
            return host;
        }
    }
    return NULL;
}

/* Returns why the switch must not be that of its host now, or NULL. */
static const char *
find_obstacle(const struct standby_host *host, const struct ofconn *conn,
              const char *certificate, uint64_t datapath_id)
{
    if (!host) {
        return "it is of no host";
    }
    if (host->datapath_id && host->datapath_id != datapath_id) {
        return "its host has another datapath id";
    }
    /* Who has shown no certificate does not displace a switch from elsewhere
     * that answers. */
    return (host->conn && !certificate
            && !ofconn_has_address_of(host->conn, conn)
            ? "another switch of its host is connected" : NULL);
}

/* A switch that is closed tries again: its host may be known by then. */
static void
connected_cb(void *standby, struct ofconn *conn,
             const struct ofconn_features *features)
{
    struct fabric_standby *s = standby;
    char *certificate = ofconn_certificate(conn);
    struct standby_host *host = find_host(s, certificate,
                                          features->datapath_id);
    const char *obstacle = find_obstacle(host, conn, certificate,
                                         features->datapath_id);

    free(certificate);
    if (obstacle) {
        VLOG_DBG("%s: closed: %s", ofconn_peer(conn), obstacle);
        if (host && host->conn) {
            ofconn_probe(host->conn);
        }
        ofconn_close(conn);
        return;
    }
    if (host->conn) {
        ofconn_set_aux(host->conn, NULL);
        ofconn_close(host->conn);
    }
    host->conn = conn;
    ofconn_set_aux(conn, host);
    ofconn_set_identified(conn);
}

/* What a switch sends to a slave is not asked for. */
static void
message_cb(void *standby OVS_UNUSED, struct ofconn *conn OVS_UNUSED,
           enum ofptype type OVS_UNUSED,
           const struct ofp_header *oh OVS_UNUSED)
{
}

static void
closed_cb(void *standby OVS_UNUSED, struct ofconn *conn,
          const char *reason OVS_UNUSED)
{
    struct standby_host *host = ofconn_aux(conn);

    if (host) {
        host->conn = NULL;
    }
}

static const struct ofconn_callbacks callbacks = {
    .secured = secured_cb,
    .connected = connected_cb,
    .message = message_cb,
    .closed = closed_cb,
};

/* Databases.  ------------------------------------------------------------- */

static void
changed_cb(void *host OVS_UNUSED)
{
}

static size_t
budget_cb(void *host_)
{
    const struct standby_host *host = host_;
    const struct fabric_standby *s = host->standby;
    size_t n_ipsec = (s->ipsec ? shash_count(&s->hosts)
                      * 2 * OVSDB_TUNNELS_MAX : 0);

    return s->host_memory + budget_of_ports(s->model, host->name, n_ipsec);
}

/* As ovsdb_find_cb. */
static struct ovsdb_session *
find_inbound(void *standby, const char *system_id)
{
    const struct fabric_standby *s = standby;
    const struct standby_host *host = shash_find_data(&s->hosts, system_id);

    return (host && !strcmp(host->session->remote, "inbound")
            ? host->session->session : NULL);
}

static void
open_session(struct standby_host *host, const char *remote)
{
    const struct fabric_standby *s = host->standby;

    handover_session_destroy(host->session);
    host->session = xmalloc(sizeof *host->session);
    host->session->remote = xstrdup(remote);
    host->session->session = ovsdb_session_create(
        s->loop, s->h->schemas, host->name,
        strcmp(remote, "inbound") ? remote : NULL, changed_cb, host);
    ovsdb_session_set_budget(host->session->session, budget_cb);
}

/* Hosts.  ----------------------------------------------------------------- */

static void
host_destroy(struct fabric_standby *s, struct shash_node *node)
{
    struct standby_host *host = node->data;

    if (host->conn) {
        ofconn_set_aux(host->conn, NULL);
        ofconn_close(host->conn);
    }
    handover_session_destroy(host->session);
    free(host);
    shash_delete(&s->hosts, node);
}

/* Returns the datapath ID of the row's text, 0 if it has none. */
static uint64_t
parse_datapath(const struct vmn_underlay *row)
{
    unsigned long long int id;

    return (row && row->datapath_id && str_to_ullong(row->datapath_id, 16, &id)
            ? id : 0);
}

static void
update_host(struct fabric_standby *s, const struct vmn_host *row)
{
    struct standby_host *host = shash_find_data(&s->hosts, row->row.name);

    if (!host) {
        host = xzalloc(sizeof *host);
        host->standby = s;
        host->name = shash_add(&s->hosts, row->row.name, host)->name;
    }
    if (!host->session || strcmp(host->session->remote, row->ovsdb)) {
        open_session(host, row->ovsdb);
    }
    host->datapath_id = parse_datapath(
        model_get(s->model, VMN_TABLE_UNDERLAY, row->row.name));
}

void
fabric_standby_update(struct fabric_standby *s)
{
    struct vmn_names names = model_names(s->model, VMN_TABLE_HOST);
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &s->hosts) {
        if (!model_get(s->model, VMN_TABLE_HOST, node->name)) {
            host_destroy(s, node);
        }
    }
    for (size_t i = 0; i < names.n; i++) {
        update_host(s, model_get(s->model, VMN_TABLE_HOST, names.names[i]));
    }
}

void
fabric_standby_set_epoch(struct fabric_standby *s, int64_t epoch)
{
    if (epoch) {
        ofserver_set_epoch(s->h->server, epoch);
    }
}

size_t
fabric_standby_n_switches(const struct fabric_standby *s)
{
    const struct shash_node *node;
    size_t n = 0;

    SHASH_FOR_EACH (node, &s->hosts) {
        const struct standby_host *host = node->data;

        n += host->conn != NULL;
    }
    return n;
}

/* The command.  ----------------------------------------------------------- */

static void
show_cb(struct unixctl_conn *conn, int argc OVS_UNUSED,
        const char *argv[] OVS_UNUSED, void *standby)
{
    const struct fabric_standby *s = *(struct fabric_standby **) standby;
    size_t n_databases = 0;
    const struct shash_node *node;
    char *text;

    if (!s) {
        unixctl_command_reply_error(conn, "this vmnd does not stand by");
        return;
    }
    SHASH_FOR_EACH (node, &s->hosts) {
        const struct standby_host *host = node->data;

        n_databases += ovsdb_session_snapshot(host->session->session) != NULL;
    }
    text = xasprintf("%"PRIuSIZE" hosts: %"PRIuSIZE" databases, %"PRIuSIZE
                     " switches\n", shash_count(&s->hosts), n_databases,
                     fabric_standby_n_switches(s));
    unixctl_command_reply(conn, text);
    free(text);
}

void
fabric_standby_unixctl_init(struct fabric_standby *const *standby)
{
    unixctl_command_register("fabric/standby", "", 0, 0, show_cb,
                             CONST_CAST(struct fabric_standby **, standby));
}

/* Life.  ------------------------------------------------------------------ */

/* The files of libopenvswitch's TLS are those of the whole process. */
static void
certificates_changed_cb(void *standby)
{
    const struct fabric_standby *s = standby;

    stream_ssl_set_private_key_file(s->files[0]);
    stream_ssl_set_certificate_file(s->files[1]);
    stream_ssl_set_ca_cert_file(s->files[2], false);
}

static void
set_files(struct fabric_standby *s, const struct fabric_options *options)
{
    s->files[0] = xstrdup(options->ssl_private_key);
    s->files[1] = xstrdup(options->ssl_certificate);
    s->files[2] = xstrdup(options->ssl_ca_cert);
    certificates_changed_cb(s);
}

static int
listen_for_switches(struct fabric_standby *s,
                    const struct fabric_options *options,
                    struct vmn_error *why)
{
    struct ofconn_options conn_options = ofconn_options_default;
    char *text = NULL;
    int error;

    conn_options.standby = true;
    conn_options.epoch = options->epoch;
    conn_options.loop = s->loop;
    error = ofserver_create(loop_base(s->loop), options->openflow_listen,
                            host_tls_context(options, s->h->tls),
                            &conn_options, &callbacks, s, &s->h->server,
                            &text);
    return vmn_error_take(why, error, text);
}

static int
listen_for_databases(struct fabric_standby *s,
                     const struct fabric_options *options,
                     struct vmn_error *why)
{
    char *text = NULL;
    int error;

    if (!options->ovsdb_listen) {
        return 0;
    }
    error = ovsdb_listener_open(s->loop, options->ovsdb_listen, find_inbound,
                                s, &s->h->listener, &text);
    return vmn_error_take(why, error, text);
}

int
fabric_standby_create(const struct fabric_options *options, struct loop *loop,
                      const struct model *model,
                      struct fabric_standby **standby, struct vmn_error *why)
{
    struct fabric_standby *s = xzalloc(sizeof *s);
    int error;

    s->loop = loop;
    s->model = model;
    s->host_memory = (options->host_memory
                      ? : (size_t) FABRIC_HOST_MEMORY_MIB << 20);
    s->ipsec = options->ipsec_key_file || options->ipsec_certificates;
    shash_init(&s->hosts);
    s->h = handover_create();
    s->h->schemas = ovsdb_schemas_create();
    error = host_tls_create(options, loop_base(loop), certificates_changed_cb,
                            s, &s->h->tls, why);
    if (s->h->tls) {
        set_files(s, options);
    }
    if (!error) {
        error = listen_for_switches(s, options, why);
    }
    if (!error) {
        error = listen_for_databases(s, options, why);
    }
    if (error) {
        fabric_standby_destroy(s);
        s = NULL;
    } else {
        fabric_standby_update(s);
    }
    *standby = s;
    return error;
}

void
fabric_standby_destroy(struct fabric_standby *s)
{
    struct shash_node *node;

    if (!s) {
        return;
    }
    SHASH_FOR_EACH_SAFE (node, &s->hosts) {
        host_destroy(s, node);
    }
    shash_destroy(&s->hosts);
    handover_destroy(s->h);
    for (size_t i = 0; i < ARRAY_SIZE(s->files); i++) {
        free(s->files[i]);
    }
    free(s);
}

struct fabric_handover *
fabric_standby_hand_over(struct fabric_standby *s)
{
    struct fabric_handover *h = s->h;
    struct shash_node *node;

    s->h = NULL;
    SHASH_FOR_EACH_SAFE (node, &s->hosts) {
        struct standby_host *host = node->data;

        shash_add(&h->sessions, host->name, host->session);
        host->session = NULL;
        host->conn = NULL;
        host_destroy(s, node);
    }
    fabric_standby_destroy(s);
    return h;
}
