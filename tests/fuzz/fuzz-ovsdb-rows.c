/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what a hostile host's database says after it was accepted, as
 * far as a session goes with it: the OVSDB client's rows, the snapshot that is
 * made of them, and the transaction that sets the host up.  Framing, and who
 * the host is, are fuzz-ovsdb-frame's.
 *
 * The input is lines, one message of the host each.  Each request of the
 * session is answered by the next line, in which '$' stands for the request's
 * id; what is left is sent without a request. */

#include <config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl-provider.h"
#include "proto/loop/loop.h"
#include "proto/ovsdb/ovsdb-private.h"
#include "proto/ovsdb/vswitch-idl.h"
#include "stream-fd.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_TURNS 256

struct host {
    int fd;                     /* Its end of the connection. */
    const char *lines;          /* What it has still to say. */
    size_t size;
    struct ds request;          /* Of a request that is not complete. */
    struct json_frame frame;    /* Where it ends. */
};

static struct loop *loop;
static struct ovsdb_schemas *schemas;

/* Everything that a database of the library's version may hold. */
static char *
schema_text(void)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&s, "{\"id\":\"schema\",\"error\":null,\"result\":"
                "{\"name\":\"Open_vSwitch\",\"tables\":{");
    for (size_t i = 0; i < ovsrec_idl_class.n_tables; i++) {
        const struct ovsdb_idl_table_class *table
            = &ovsrec_idl_class.tables[i];

        ds_put_format(&s, "%s\"%s\":{\"columns\":{", i ? "," : "",
                      table->name);
        for (size_t j = 0; j < table->n_columns; j++) {
            ds_put_format(&s, "%s\"%s\":{}", j ? "," : "",
                          table->columns[j].name);
        }
        ds_put_cstr(&s, "}}");
    }
    ds_put_cstr(&s, "}}}");
    return ds_steal_cstr(&s);
}

static void
send_text(const struct host *host, const char *s, size_t n)
{
    /* What does not fit is lost: as good as any other input. */
    (void) !send(host->fd, s, n, MSG_NOSIGNAL);
}

/* Sends the next line as the answer to request 'id' (JSON).  Returns false if
 * there is none. */
static bool
send_line(struct host *host, const char *id)
{
    const char *end;
    struct ds s = DS_EMPTY_INITIALIZER;
    size_t n;

    if (!host->size) {
        return false;
    }
    end = memchr(host->lines, '\n', host->size);
    n = end ? (size_t) (end - host->lines) : host->size;
    for (size_t i = 0; i < n; i++) {
        if (host->lines[i] == '$') {
            ds_put_cstr(&s, id);
        } else {
            ds_put_char(&s, host->lines[i]);
        }
    }
    send_text(host, ds_cstr(&s), s.length);
    ds_destroy(&s);
    n = end ? n + 1 : n;
    host->lines += n;
    host->size -= n;
    return true;
}

/* Takes in a whole message of the session. */
static void
host_message(struct host *host, const char *text)
{
    struct json *msg = json_from_string(text);

    if (msg->type == JSON_OBJECT) {
        const struct json *method = shash_find_data(msg->object, "method");
        const struct json *id = shash_find_data(msg->object, "id");

        if (method && method->type == JSON_STRING
            && !strcmp(method->string, "get_schema")) {
            char *s = schema_text();

            send_text(host, s, strlen(s));
            free(s);
        } else if (method && id && id->type != JSON_NULL) {
            char *s = json_to_string(id, 0);

            send_line(host, s);
            free(s);
        }
    }
    json_destroy(msg);
}

/* Returns true if there was something. */
static bool
host_receive(struct host *host)
{
    bool received = false;
    char chunk[4096];
    ssize_t n;

    while ((n = recv(host->fd, chunk, sizeof chunk, MSG_DONTWAIT)) > 0) {
        received = true;
        for (size_t pos = 0; pos < (size_t) n;) {
            enum json_frame_result result;
            size_t used = json_frame_feed(&host->frame, chunk + pos, n - pos,
                                          &result);

            ds_put_buffer(&host->request, chunk + pos, used);
            pos += used;
            if (result == JSON_FRAME_BAD) {
                abort();        /* The session's own messages. */
            } else if (result == JSON_FRAME_END) {
                host_message(host, ds_cstr(&host->request));
                ds_clear(&host->request);
            }
        }
    }
    return received;
}

static const struct ovsdb_patch patches[] = {
    { .bridge = "br-ex", .name = "vmn-p", .iface_id = "wire",
      .other_name = "vmn-q" },
};
/* Certificates, which are looked for in rows, and a peer of each kind. */
static struct ovsdb_peers peers = {
    .certificates = true,
    .peers = SHASH_INITIALIZER(&peers.peers),
};
static const struct ovsdb_peer key_peer = {
    .type = "vxlan", .remote_ip = "192.0.2.7", .remote_name = "hv2",
    .psk = "secret",
};
static const struct ovsdb_peer named_peer = {
    .type = "vxlan", .remote_ip = "192.0.2.6", .remote_name = "hv3",
};
static const struct ovsdb_peer watched_peer = {
    .type = "vxlan", .remote_ip = "192.0.2.5", .local_ip = "192.0.2.1",
    .bfd = true, .ofport = 50000,
};

static const struct ovsdb_peers *
get_peers(void *aux OVS_UNUSED)
{
    return &peers;
}

static const char *const targets[] = { "192.0.2.8:6343" };

static const char *const controllers[] = {
    "tcp:192.0.2.9:6653", "tcp:192.0.2.10:6653",
};

static const struct ovsdb_uplink uplinks[] = {
    { "eth1", 1000000 }, { "eth2", 10000000 },
};
static const struct ovsdb_queue queues[] = { { 7, 50000 } };

static const struct ovsdb_desired desired = {
    .owner = "vmnd",
    .bridge = "br-int",
    .datapath_type = "netdev",
    .protocol = "OpenFlow15",
    .tunnels = { { "vmn-vxlan", "vxlan", 40000, true } },
    .n_patches = ARRAY_SIZE(patches),
    .patches = patches,
    .peers = get_peers,
    .n_controllers = ARRAY_SIZE(controllers),
    .controllers = controllers,
    .controller_max_backoff_ms = 1000,
    .controller_probe_ms = 30000,
    .sflow = { .n_targets = 1, .targets = targets, .sampling = 64 },
    .ipfix = { .n_targets = 1, .targets = targets, .sampling = 64 },
    .n_uplinks = ARRAY_SIZE(uplinks),
    .uplinks = uplinks,
    .n_queues = ARRAY_SIZE(queues),
    .queues = queues,
    .zone_limit = 5000,
    .tunnel_dscp_inherit = true,
};

static void
changed(void *session OVS_UNUSED)
{
}

/* Turns of the loop in which nothing is asked until the next line comes by
 * itself: the client's requests take some, by way of the relay. */
#define QUIET_TURNS 5

static void
run(struct host *host, struct ovsdb_session *session)
{
    int quiet = 0;

    for (int i = 0; i < MAX_TURNS; i++) {
        size_t left = host->size;

        loop_turn(loop, 0);
        quiet = host_receive(host) || host->size < left ? 0 : quiet + 1;
        if (quiet == QUIET_TURNS) {
            if (!send_line(host, "null")) {
                break;
            }
            quiet = 0;
        }
    }
    ovsdb_session_set_desired(session, NULL);
    loop_turn(loop, 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ovsdb_session *session;
    struct host host = { .lines = (const char *) data, .size = size };
    struct stream *stream;
    int fds[2];

    if (!loop) {
        if (!getenv("FUZZ_LOG")) {
            vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
        }
        loop = loop_create();
        schemas = ovsdb_schemas_create();
        shash_add(&peers.peers, "vmn-ipsec-1", &key_peer);
        shash_add(&peers.peers, "vmn-ipsec-2", &named_peer);
        shash_add(&peers.peers, "vmn-ipsec-3", &watched_peer);
    }
    if (size > 65536
        || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds)) {
        return 0;
    }
    host.fd = fds[0];
    ds_init(&host.request);
    json_frame_init(&host.frame, SIZE_MAX);
    new_fd_stream(xstrdup("fuzz"), fds[1], 0, AF_UNIX, &stream);
    session = ovsdb_session_create(loop, schemas, "fuzz", NULL, changed, NULL);
    ovsdb_session_set_desired(session, &desired);
    ovsdb_session_accept(session, stream, NULL);
    run(&host, session);
    ovsdb_session_destroy(session);
    close(host.fd);
    ds_destroy(&host.request);
    return 0;
}
