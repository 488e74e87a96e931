/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the parts of proto/ovsdb share: the relay between a host
 * and the OVSDB client, the identification of a connection, and reading and
 * configuring the database.  Not for anything outside of this folder. */

#ifndef PROTO_OVSDB_OVSDB_PRIVATE_H
#define PROTO_OVSDB_OVSDB_PRIVATE_H 1

#include "openvswitch/ofpbuf.h"
#include "proto/ovsdb/json-frame.h"
#include "proto/ovsdb/ovsdb.h"

struct json;
struct ovsdb_idl;
struct ovsdb_idl_column;
struct ovsdb_idl_txn;
struct ovsrec_bridge;
struct ovsrec_open_vswitch;
struct ovsrec_port;
struct smap;
struct stream;

/* ovsdb-relay.c.
 * -------------------------------------------------------------- */

/* Copies bytes between a host's stream and the OVSDB client, which opens
 * connections by name only: the client is given a unix socket, of which the
 * relay has the other end.  Limits messages, and probes the host when it is
 * silent, since the client does not probe unix sockets. */
struct ovsdb_relay;

/* Takes ownership of 'stream', which is connected, and copies the bytes that
 * were received 'early', if any.  Returns NULL after closing it if 'early' is
 * invalid. */
struct ovsdb_relay *ovsdb_relay_create(const char *name,
                                       struct ovsdb_schemas *,
                                       struct stream *,
                                       const struct ofpbuf *early,
                                       int64_t now_ms);
void ovsdb_relay_destroy(struct ovsdb_relay *);

/* Creates an OVSDB client that is connected to 'relay'.  Returns NULL with a
 * positive errno in '*error'.  The caller owns it.  Called once. */
struct ovsdb_idl *ovsdb_relay_open_idl(struct ovsdb_relay *, int *error);

/* Copies pending bytes in both directions.  Returns NULL, or why the
 * connection has ended. */
const char *ovsdb_relay_run(struct ovsdb_relay *, int64_t now_ms);
void ovsdb_relay_wait(struct ovsdb_relay *, int64_t now_ms);

/* Probes the host now. */
void ovsdb_relay_probe(struct ovsdb_relay *, int64_t now_ms);

/* Sets the maximum cost of the host's messages, in bytes each
 * (json-frame.h). */
void ovsdb_relay_set_budget(struct ovsdb_relay *, size_t bytes);
/* Returns true if the connection has ended because of that, or of the size of
 * a message. */
bool ovsdb_relay_is_over_budget(const struct ovsdb_relay *);
/* Returns the number of bytes received from the host. */
uint64_t ovsdb_relay_received(const struct ovsdb_relay *);

/* Returns true once the client was sent a schema with zone limits. */
bool ovsdb_relay_has_zone_limits(const struct ovsdb_relay *);

/* Returns when the host last sent anything, or when the relay was created. */
int64_t ovsdb_relay_heard_ms(const struct ovsdb_relay *);

/* How long a host may be silent before it is probed, and how long it may take
 * to reply, or to read what it is sent. */
#define OVSDB_PROBE_IDLE_MS 30000
#define OVSDB_PROBE_REPLY_MS 10000

/* ovsdb-handshake.c.
 * ------------------------------------------------------------ */

/* The messages between client and host until the client has the schema. */
struct ovsdb_handshake {
    enum {
        OVSDB_OPENING_ASK,      /* The client has not sent its request yet. */
        OVSDB_OPENING_WAIT,     /* The host has not replied yet. */
        OVSDB_OPENING_OVER,
    } state;
    struct ovsdb_schemas *schemas; /* Borrowed. */
    bool has_zone_limits;       /* The schema has the columns of these. */
    struct json *id;            /* Of the client's request, or NULL.  Owned. */
    struct json_frame client_frame;
    struct json_frame host_frame;
    struct ofpbuf from_client;  /* Incomplete messages. */
    struct ofpbuf from_host;
};
void ovsdb_handshake_init(struct ovsdb_handshake *, struct ovsdb_schemas *);
void ovsdb_handshake_uninit(struct ovsdb_handshake *);

/* Processes 'n' bytes, and appends the output to either side. */
void ovsdb_handshake_from_client(struct ovsdb_handshake *, const void *,
                                 size_t n, struct ofpbuf *to_host,
                                 struct ofpbuf *to_client);
void ovsdb_handshake_from_host(struct ovsdb_handshake *, const void *,
                               size_t n, struct ofpbuf *to_client);

/* ovsdb-schema-cache.c.
 * ------------------------------------------------------------ */

/* Returns the schema that a client is sent for the 'size' bytes of a host's
 * reply at 'text', as JSON, and whether that has zone limits; NULL if it is
 * not cached. */
const char *ovsdb_schemas_find(const struct ovsdb_schemas *,
                               const void *text, size_t size,
                               bool *has_zone_limits);
/* Caches it; takes ownership of 'cut'.  An older one may be evicted. */
void ovsdb_schemas_add(struct ovsdb_schemas *, const void *text, size_t size,
                       char *cut, bool has_zone_limits);

/* ovsdb-identify.c.
 * ----------------------------------------------------------- */

/* Maximum size of a message before a host is identified, in bytes. */
#define OVSDB_ID_MAX_MESSAGE (64 * 1024)
/* Maximum number of messages before the reply: probes of the other side. */
#define OVSDB_ID_MAX_MESSAGES 16

/* Kinds of messages from a host that is not identified. */
enum ovsdb_id_kind {
    OVSDB_ID_ANSWER,            /* '*text' is its system-id. */
    OVSDB_ID_ECHO,              /* '*text' is the reply to send. */
    OVSDB_ID_OTHER,             /* To be ignored. */
    OVSDB_ID_BAD,               /* '*text' is an error message. */
};
enum ovsdb_id_kind ovsdb_identify_parse(const char *message, char **text);
char *ovsdb_identify_question(void);

/* ovsdb-desired.c.
 * ------------------------------------------------------------ */

/* Returns a deep copy, which the caller destroys. */
struct ovsdb_desired *ovsdb_desired_clone(const struct ovsdb_desired *);
void ovsdb_desired_destroy(struct ovsdb_desired *);
/* Returns true if the row with these external_ids was made by the owner of the
 * desired configuration. */
bool ovsdb_is_ours(const struct ovsdb_desired *,
                   const struct smap *external_ids);

/* ovsdb-session.c.
 * ------------------------------------------------------------ */

/* Passes the connected 'stream', on which 'early' was already received, to
 * inbound 'session'.  Takes ownership of 'stream'.  Returns false after
 * closing it if the session has a live connection; that one is then probed. */
bool ovsdb_session_accept(struct ovsdb_session *, struct stream *,
                          const struct ofpbuf *early);

/* ovsdb-memory.c.
 * ------------------------------------------------------------- */

/* Returns the approximate memory of the client's rows in bytes; stops counting
 * above 'max'. */
size_t ovsdb_budget_used(const struct ovsdb_idl *, size_t max);

/* ovsdb-snapshot.c.
 * ----------------------------------------------------------- */

/* Registers the columns that this folder reads. */
void ovsdb_snapshot_register(struct ovsdb_idl *);
const struct ovsdb_idl_column *const *ovsdb_snapshot_columns(size_t *n);
/* The same for further columns of a database with zone limits. */
void ovsdb_zone_limit_register(struct ovsdb_idl *);
const struct ovsdb_idl_column *const *ovsdb_zone_limit_columns(size_t *n);
/* Returns false while the database does not have its one Open_vSwitch row. */
bool ovsdb_snapshot_possible(struct ovsdb_idl *);
/* Returns NULL if a limit is exceeded, with a sentence in '*error'. */
struct ovsdb_snapshot *ovsdb_snapshot_take(struct ovsdb_idl *,
                                           const char **error);
void ovsdb_snapshot_destroy(struct ovsdb_snapshot *);

/* ovsdb-config.c.
 * ------------------------------------------------------------- */

/* Writes what differs from 'desired' into 'txn'.  Returns true if it wrote
 * anything.  If the configuration is not possible, returns false with a
 * sentence in '*refusal' (caller frees), and 'txn' must not be committed. */
bool ovsdb_config_apply(struct ovsdb_idl *, struct ovsdb_idl_txn *,
                        const struct ovsdb_desired *, char **refusal);
bool ovsdb_has_port(const struct ovsrec_bridge *, const struct ovsrec_port *);

/* ovsdb-config-copies.c.
 * ------------------------------------------------------ */

/* Configures the tunnel ports by which copies leave.  Otherwise as
 * ovsdb_config_patches(). */
bool ovsdb_config_copies(struct ovsdb_idl *, struct ovsdb_idl_txn *,
                         const struct ovsdb_desired *,
                         const struct ovsrec_bridge *bridge);

/* ovsdb-config-managers.c.
 * ---------------------------------------------------- */

/* Configures where the database connects to.  Returns true if it wrote
 * anything. */
bool ovsdb_config_managers(struct ovsdb_idl *, struct ovsdb_idl_txn *,
                           const struct ovsdb_desired *);

/* ovsdb-config-patch.c.
 * ------------------------------------------------------- */

/* Configures the patch ports of 'bridge', which is that of the desired
 * configuration and not new; NULL: none are desired. */
bool ovsdb_config_patches(struct ovsdb_idl *, struct ovsdb_idl_txn *,
                          const struct ovsdb_desired *,
                          const struct ovsrec_bridge *bridge);

/* ovsdb-config-peers.c.
 * ------------------------------------------------------- */

/* Returns true if the database has a port or an interface of this name.  One
 * without the owner's external_ids is another program's. */
bool ovsdb_name_is_taken(struct ovsdb_idl *, const char *name);
/* Returns what prevents that they are encrypted, as a sentence that the caller
 * frees, or NULL. */
char *ovsdb_peers_refusal(struct ovsdb_idl *, const struct ovsdb_desired *,
                          const struct ovsdb_peers *);
/* Writes what differs from 'peers', NULL for none; at most OVSDB_PEERS_SLICE
 * of them.  Otherwise as ovsdb_config_patches(). */
bool ovsdb_config_peers(struct ovsdb_idl *, struct ovsdb_idl_txn *,
                        const struct ovsdb_desired *,
                        const struct ovsdb_peers *,
                        const struct ovsrec_bridge *bridge);
/* Returns how many of the files for ovs-monitor-ipsec 'ovs' names. */
unsigned ovsdb_ipsec_n_files(const struct ovsrec_open_vswitch *ovs);

/* ovsdb-config-prefixes.c.
 * ---------------------------------------------------- */

/* Configures the flow tables of 'bridge', which is that of the desired
 * configuration and not new. */
bool ovsdb_config_prefixes(struct ovsdb_idl_txn *,
                           const struct ovsdb_desired *,
                           const struct ovsrec_bridge *bridge);

/* ovsdb-config-queues.c.
 * ------------------------------------------------------ */

/* Configures the queues of uplinks, on all bridges. */
bool ovsdb_config_queues(struct ovsdb_idl *, struct ovsdb_idl_txn *,
                         const struct ovsdb_desired *);

/* ovsdb-config-telemetry.c.
 * --------------------------------------------------- */

/* Configures sFlow and IPFIX, on all bridges. */
bool ovsdb_config_telemetry(struct ovsdb_idl *, struct ovsdb_idl_txn *,
                            const struct ovsdb_desired *);

/* ovsdb-config-zone-limit.c.
 * -------------------------------------------------- */

/* Configures the default limit of zones.  Returns true if it wrote
 * anything. */
bool ovsdb_config_zone_limit(struct ovsdb_idl *, struct ovsdb_idl_txn *,
                             const struct ovsdb_desired *);
/* Returns why the host cannot have the desired limit, as a sentence that the
 * caller frees; or NULL. */
char *ovsdb_zone_limit_reason(struct ovsdb_idl *,
                              const struct ovsdb_desired *);

#endif /* proto/ovsdb/ovsdb-private.h */
