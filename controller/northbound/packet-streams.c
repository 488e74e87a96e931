/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/packets; see packet-streams.h.  A stream ends by itself, after so
 * many packets, bytes or seconds, when its object is gone, or when its client
 * would not be let in any more.  What a client does not read in time is
 * counted and left out: it is the network that must not wait.
 *
 * Whose a packet is, is looked up here, by the host that has sent it and the
 * port that it names, and not believed of what the object said when its flows
 * were made: a client with a scope gets packets of ports in that alone. */

#include <config.h>

#include "controller/northbound/packet-streams.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "controller/fabric/fabric-captures.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/northbound/auth.h"
#include "controller/northbound/pcapng.h"
#include "controller/schema/schema-own.h"
#include "openvswitch/list.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(packet_streams);

/* Bytes queued for a client beyond which packets are left out. */
#define QUEUED_MAX (1024 * 1024)
/* Ports, on hosts, that a stream may have packets of. */
#define INTERFACES_MAX 4096
/* Interval of checks whether streams are over, in milliseconds. */
#define CHECK_INTERVAL_MS 250

struct packet_streams {
    struct northbound *nb;
    struct ovs_list readers;    /* Of struct reader. */
    size_t n_readers;
    struct event *check;        /* Timer; pending while there are streams. */
    struct ofpbuf block;        /* What is being written. */
};

/* A port on a host; where that is no port, or none that the client is told
 * of, 'name' is NULL: that is remembered, since looking for it takes time. */
struct interface {
    const char *host;           /* Borrowed from the key; not ended there... */
    int host_len;               /* ...but so long. */
    uint64_t revision;          /* Up to which 'name' is known. */
    char *name;                 /* Owned. */
    uint32_t number;            /* In the stream, of one with a name... */
    bool written;               /* ...once this is set. */
    uint64_t n_received, n_dropped;
};

struct reader {
    struct ovs_list node;
    struct packet_streams *all;
    struct http_stream *stream;
    struct nb_principal *principal; /* NULL: unrestricted. */
    char *object;               /* "TYPE/NAME", owned. */
    enum vmn_table table;
    char *name;                 /* Owned. */
    int64_t created_ms;         /* Of the object: another one of the same name
                                 * is another one. */
    struct shash interfaces;    /* Of struct interface, by "HOST/OFPORT". */
    uint32_t n_written;         /* Interfaces. */
    uint64_t n_packets, n_bytes, n_dropped, max_packets;
    int64_t start_us, end_ms;   /* The latter of time_msec(). */
};

static int64_t
now_us(void)
{
    struct timeval tv;

    xgettimeofday(&tv);
    return (int64_t) tv.tv_sec * 1000000 + tv.tv_usec;
}

/* Writing.  --------------------------------------------------------------- */

static void
flush_block(struct reader *reader)
{
    struct ofpbuf *b = &reader->all->block;

    reader->n_bytes += b->size;
    http_stream_write(reader->stream, b->data, b->size);
    ofpbuf_clear(b);
}

static void
write_interface(struct reader *reader, struct interface *interface)
{
    char host[VMN_NAME_LEN + 1];

    snprintf(host, sizeof host, "%.*s", interface->host_len, interface->host);
    interface->written = true;
    interface->number = reader->n_written++;
    pcapng_put_interface(&reader->all->block, interface->name, host);
}

/* Writes what came of the interface, and what was left out: perhaps all. */
static void
write_statistics_of(struct reader *reader, struct interface *interface)
{
    if (!interface->n_received) {
        return;
    } else if (!interface->written) {
        write_interface(reader, interface);
    }
    pcapng_put_statistics(&reader->all->block, &(struct pcapng_statistics) {
        .interface = interface->number,
        .start_us = reader->start_us,
        .end_us = now_us(),
        .n_received = interface->n_received,
        .n_dropped = interface->n_dropped,
    });
    flush_block(reader);
}

static void
write_statistics(struct reader *reader)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &reader->interfaces) {
        write_statistics_of(reader, node->data);
    }
    /* Without any interface tcpdump takes it for broken. */
    if (!reader->n_written) {
        struct pcapng_statistics none = { .start_us = reader->start_us,
                                          .end_us = now_us() };

        pcapng_put_interface(&reader->all->block, reader->object, NULL);
        pcapng_put_statistics(&reader->all->block, &none);
        flush_block(reader);
    }
}

/* Ends.  ------------------------------------------------------------------ */

static void
reader_destroy(struct reader *reader)
{
    struct shash_node *node;

    ovs_list_remove(&reader->node);
    reader->all->n_readers--;
    SHASH_FOR_EACH (node, &reader->interfaces) {
        struct interface *interface = node->data;

        free(interface->name);
    }
    shash_destroy_free_data(&reader->interfaces);
    nb_principal_destroy(reader->principal);
    free(reader->object);
    free(reader->name);
    free(reader);
}

/* Ends the stream, with what was left out. */
static void
end(struct reader *reader)
{
    VLOG_INFO("%s: has read %"PRIu64" packets of %s; %"PRIu64" were left out",
              http_stream_who(reader->stream), reader->n_packets,
              reader->object, reader->n_dropped);
    write_statistics(reader);
    http_stream_end(reader->stream);
    reader_destroy(reader);
}

static const struct model_rights *
rights_of(const struct reader *reader)
{
    return reader->principal ? nb_principal_rights(reader->principal) : NULL;
}

/* Returns true if the object is there that the stream is of, and the client
 * may still read its packets. */
static bool
is_valid(const struct reader *reader)
{
    const struct northbound *nb = reader->all->nb;
    struct model_meta meta;
    const struct vmn_row *row = model_get_durable(
        nb->model, reader->table, reader->name, &meta);

    return (row && meta.created_ms == reader->created_ms
            && model_in_scope(rights_of(reader), row)
            && (!reader->principal
                || nb_principal_is_valid(nb, reader->principal)));
}

static void
check_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *all_)
{
    struct packet_streams *all = all_;
    int64_t now_ms = time_msec();
    struct reader *reader, *next;

    /* Whatever is being committed: under load something always is. */
    LIST_FOR_EACH_SAFE (reader, next, node, &all->readers) {
        if (now_ms >= reader->end_ms || !is_valid(reader)) {
            end(reader);
        }
    }
    if (!all->n_readers) {
        event_del(all->check);
    }
}

static void
drained_cb(void *reader OVS_UNUSED)
{
}

static void
closed_cb(void *reader, bool stuck OVS_UNUSED)
{
    reader_destroy(reader);
}

static const struct http_stream_ops stream_ops = { drained_cb, closed_cb };

/* Packets.  --------------------------------------------------------------- */

/* Returns the port's name, if the client is told of its packets.  'was', which
 * may be NULL, is most likely its name. */
static const char *
find_port(const struct reader *reader, const struct fabric_captured *packet,
          const char *was)
{
    const struct northbound *nb = reader->all->nb;
    const char *name
        = (was && fabric_port_is_at(nb->fabric, was, packet->host,
                                    packet->ofport) ? was
           : fabric_port_at(nb->fabric, packet->host, packet->ofport));
    const struct vmn_row *row
        = name ? model_get_durable(nb->model, VMN_TABLE_PORT, name, NULL)
          : NULL;

    return (row && model_in_scope(rights_of(reader), row)
            ? name : NULL);
}

/* Forgets interfaces that the client is not told of, so that they take nobody
 * else's place, however many a host says it has. */
static void
forget_others(struct reader *reader)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, &reader->interfaces) {
        struct interface *interface = node->data;

        if (!interface->name) {
            free(interface);
            shash_delete(&reader->interfaces, node);
        }
    }
}

static struct interface *
add_interface(struct reader *reader, const char *key)
{
    struct interface *interface;
    struct shash_node *node;

    if (shash_count(&reader->interfaces) >= INTERFACES_MAX) {
        forget_others(reader);
        if (shash_count(&reader->interfaces) >= INTERFACES_MAX) {
            reader->n_dropped++;
            return NULL;
        }
    }
    interface = xzalloc(sizeof *interface);
    node = shash_add(&reader->interfaces, key, interface);
    interface->host = node->name;
    interface->host_len = strcspn(node->name, "/");
    return interface;
}

/* Has the interface be of port 'name', or NULL.  Another port that has the
 * number now is another interface. */
static void
set_name(struct reader *reader, struct interface *interface, const char *name)
{
    if (!nullable_string_is_equal(name, interface->name)) {
        write_statistics_of(reader, interface);
        free(interface->name);
        interface->name = nullable_xstrdup(name);
        interface->written = false;
        interface->n_received = interface->n_dropped = 0;
    }
}

/* Returns the interface that the packet is of; NULL: none that the client is
 * told of. */
static struct interface *
get_interface(struct reader *reader, const struct fabric_captured *packet)
{
    uint64_t revision = model_durable_revision(reader->all->nb->model);
    char key[VMN_NAME_LEN + 16];
    struct interface *interface;

    snprintf(key, sizeof key, "%s/%"PRIu32, packet->host, packet->ofport);
    interface = shash_find_data(&reader->interfaces, key);
    if (!interface) {
        interface = add_interface(reader, key);
    } else if (interface->revision == revision) {
        return interface->name ? interface : NULL;
    }
    if (interface) {
        set_name(reader, interface, find_port(reader, packet,
                                              interface->name));
        interface->revision = revision;
    }
    return interface && interface->name ? interface : NULL;
}

static void
give(struct reader *reader, const struct fabric_captured *packet)
{
    struct interface *interface = get_interface(reader, packet);

    if (!interface) {
        return;
    }
    interface->n_received++;
    if (http_stream_queued(reader->stream) > QUEUED_MAX) {
        interface->n_dropped++;
        reader->n_dropped++;
        return;
    }
    if (!interface->written) {
        write_interface(reader, interface);
    }
    pcapng_put_packet(&reader->all->block, &(struct pcapng_packet) {
        .interface = interface->number,
        .time_us = now_us(),
        .outbound = packet->is_sent,
        .bytes = packet->bytes,
        .size = packet->size,
        .full_size = packet->full_size,
    });
    flush_block(reader);
    reader->n_packets++;
    if (reader->n_packets >= reader->max_packets
        || reader->n_bytes >= PACKET_STREAM_BYTES_MAX) {
        end(reader);
    }
}

static void
captured_cb(void *all_, const struct fabric_captured *packet)
{
    struct packet_streams *all = all_;
    struct reader *reader, *next;

    LIST_FOR_EACH_SAFE (reader, next, node, &all->readers) {
        if (strlen(reader->object) == packet->object_len
            && !memcmp(reader->object, packet->object, packet->object_len)) {
            give(reader, packet);
        }
    }
}

/* Requests.  -------------------------------------------------------------- */

/* Returns the object that the query names, with its table, or NULL after it
 * has replied. */
static const struct vmn_row *
query_of(struct http_request *req, const struct northbound *nb,
         const char **name, struct model_meta *meta)
{
    const char *of = http_request_query(req, "of");
    const char *slash = of ? strchr(of, '/') : NULL;
    char *type = slash ? xmemdup0(of, slash - of) : NULL;
    const struct schema_table *table = type ? schema_find_table(type) : NULL;
    const struct vmn_row *row = NULL;

    free(type);
    if (!table || !schema_is_own(table->id)
        || strncmp(table->plural, of, slash - of)
        || strlen(table->plural) != (size_t) (slash - of)) {
        nb_query_reject(req, "of", "must be an object, TYPE/NAME, of a "
                        "type that a loaded app declares%s%s%s",
                        of ? ", not \"" : "", of ? of : "", of ? "\"" : "");
        return NULL;
    }
    *name = slash + 1;
    row = model_get_durable(nb->model, table->id, *name, meta);
    if (!row || !model_in_scope(nb_rights(req), row)) {
        nb_reply_no_object(nb, req, table, *name);
        return NULL;
    }
    return row;
}

static size_t
count_readers(const struct packet_streams *all,
              const struct nb_principal *principal)
{
    const struct reader *reader;
    size_t n = 0;

    LIST_FOR_EACH (reader, node, &all->readers) {
        n += (reader->principal
              && !strcmp(nb_principal_account(reader->principal),
                         nb_principal_account(principal)));
    }
    return n;
}

static bool
has_room(const struct packet_streams *all, struct http_request *req)
{
    const struct nb_principal *principal = http_request_identity(req);

    if (all->n_readers >= PACKET_STREAMS_MAX) {
        http_reply_header(req, "Retry-After", "5");
        http_reply_problem(req, 503, "busy", NULL, "%d clients read packets "
                           "already", PACKET_STREAMS_MAX);
        return false;
    } else if (principal && (count_readers(all, principal)
                             >= PACKET_STREAMS_ACCOUNT_MAX)) {
        http_reply_header(req, "Retry-After", "5");
        http_reply_problem(req, 429, "throttled", NULL, "%d clients of "
                           "account \"%s\" read packets already",
                           PACKET_STREAMS_ACCOUNT_MAX,
                           nb_principal_account(principal));
        return false;
    }
    return true;
}

void
nb_get_packets(struct http_request *req, void *nb_)
{
    static const struct timeval check = { 0, CHECK_INTERVAL_MS * 1000 };
    struct northbound *nb = nb_;
    struct packet_streams *all = nb->packet_streams;
    uint64_t max_packets, seconds;
    const struct vmn_row *row;
    struct model_meta meta;
    const char *name;

    if (!nb_query_limit(req, PACKET_STREAM_PACKETS_MAX,
                        PACKET_STREAM_PACKETS_DEFAULT, &max_packets)
        || !nb_query_number(req, "seconds", 1, PACKET_STREAM_SECONDS_MAX,
                            PACKET_STREAM_SECONDS_DEFAULT, &seconds)
        || !(row = query_of(req, nb, &name, &meta)) || !has_room(all, req)) {
        return;
    }

    struct reader *reader = xzalloc(sizeof *reader);
    reader->all = all;
    reader->principal = nb_principal_create(req);
    reader->object = xasprintf("%s/%s", schema_tables[row->table]->plural,
                               name);
    reader->table = row->table;
    reader->name = xstrdup(name);
    reader->created_ms = meta.created_ms;
    shash_init(&reader->interfaces);
    reader->max_packets = max_packets;
    reader->start_us = now_us();
    reader->end_ms = time_msec() + seconds * 1000;
    ovs_list_push_back(&all->readers, &reader->node);
    if (!all->n_readers++) {
        event_add(all->check, &check);
    }
    VLOG_INFO("%s: reads packets of %s", http_request_who(req),
              reader->object);
    reader->stream = http_reply_stream(req, 200, "application/x-pcapng",
                                       &stream_ops, reader);
    if (!reader->stream) {
        reader_destroy(reader);
        return;
    }
    pcapng_put_section(&all->block, "vmnd");
    flush_block(reader);
}

/* Creation and destruction.  ---------------------------------------------- */

struct packet_streams *
packet_streams_create(struct northbound *nb)
{
    struct packet_streams *all = xzalloc(sizeof *all);

    all->nb = nb;
    ovs_list_init(&all->readers);
    all->check = event_new(nb->base, -1, EV_PERSIST, check_cb, all);
    ofpbuf_init(&all->block, 2048);
    fabric_set_capture(nb->fabric, captured_cb, all);
    return all;
}

void
packet_streams_destroy(struct packet_streams *all)
{
    if (all) {
        struct reader *reader;

        fabric_set_capture(all->nb->fabric, NULL, NULL);
        while (!ovs_list_is_empty(&all->readers)) {
            reader = CONTAINER_OF(ovs_list_front(&all->readers),
                                  struct reader, node);
            http_stream_close(reader->stream);
            reader_destroy(reader);
        }
        event_free(all->check);
        ofpbuf_uninit(&all->block);
        free(all);
    }
}
