/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of reports of counters; see counter-report.h.  Integers are in
 * network byte order:
 *
 *     report: magic, version, flags, run, seq, number of hosts; hosts
 *     host:   length of name, flags, ago, rest, number of flows, stamp; name;
 *             flows
 *     flow:   hash, part, cookie, reason, flags, hit ago, age, counts */

#include <config.h>

#include "controller/fabric/counters/counter-report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

#define MAGIC 0x564d4e43        /* "VMNC" */
#define REPORT_VERSION 1

#define NAME_MAX_BYTES 255

struct report_header {
    ovs_be32 magic;
    ovs_be16 version;
    ovs_be16 flags;
    ovs_be64 run, seq;
    ovs_be32 n_hosts;
    uint8_t pad[4];
};
BUILD_ASSERT_DECL(sizeof(struct report_header) == 32);
#define REPORT_MORE 1

struct host_header {
    ovs_be16 name_len;
    ovs_be16 flags;
    ovs_be32 ago_ms, rest_ms, n_flows;
    ovs_be64 stamp_ms;
};
BUILD_ASSERT_DECL(sizeof(struct host_header) == 24);
#define HOST_WHOLE 1
#define HOST_UNSURE 2

struct flow_entry {
    ovs_be32 hash, part;
    ovs_be64 cookie;
    ovs_be32 reason, flags, hit_ago_ms, age_ms;
    ovs_be64 packets, bytes, total_packets, total_bytes;
};
BUILD_ASSERT_DECL(sizeof(struct flow_entry) == 64);
#define FLOW_DROPS 1
#define FLOW_LOG 2
#define FLOW_GROUP 4
BUILD_ASSERT_DECL(COUNTER_REPORT_ENOUGH + sizeof(struct host_header)
                  + NAME_MAX_BYTES
                  + COUNTER_REPORT_FLOWS_MAX * sizeof(struct flow_entry)
                  <= COUNTER_REPORT_MAX);

/* Writing.  --------------------------------------------------------------- */

void
counter_report_begin(struct ofpbuf *b)
{
    ofpbuf_put_zeros(b, sizeof(struct report_header));
}

void
counter_report_put_host(struct ofpbuf *b,
                        const struct counter_report_host *host)
{
    struct report_header *report = b->data;
    size_t len = strlen(host->name);
    const struct host_header header = {
        .name_len = htons(len),
        .flags = htons((host->whole ? HOST_WHOLE : 0)
                       | (host->unsure ? HOST_UNSURE : 0)),
        .ago_ms = htonl(host->ago_ms),
        .rest_ms = htonl(host->rest_ms),
        .n_flows = htonl(host->n_flows),
        .stamp_ms = htonll(host->stamp_ms),
    };

    ovs_assert(len && len <= NAME_MAX_BYTES);
    report->n_hosts = htonl(ntohl(report->n_hosts) + 1);
    ofpbuf_put(b, &header, sizeof header);
    ofpbuf_put(b, host->name, len);
}

void
counter_report_put_flow(struct ofpbuf *b,
                        const struct counter_report_flow *flow)
{
    const struct flow_entry entry = {
        .hash = htonl(flow->hash),
        .part = htonl(flow->part),
        .cookie = htonll(flow->cookie),
        .reason = htonl(flow->drops ? flow->reason : 0),
        .flags = htonl((flow->drops ? FLOW_DROPS : 0)
                       | (flow->log ? FLOW_LOG : 0)
                       | (flow->group ? FLOW_GROUP : 0)),
        .hit_ago_ms = htonl(flow->hit_ago_ms),
        .age_ms = htonl(flow->age_ms),
        .packets = htonll(flow->packets),
        .bytes = htonll(flow->bytes),
        .total_packets = htonll(flow->total_packets),
        .total_bytes = htonll(flow->total_bytes),
    };

    ofpbuf_put(b, &entry, sizeof entry);
}

void
counter_report_end(struct ofpbuf *b, const struct counter_report *report)
{
    struct report_header *header = b->data;

    header->magic = htonl(MAGIC);
    header->version = htons(REPORT_VERSION);
    header->flags = htons(report->more ? REPORT_MORE : 0);
    header->run = htonll(report->run);
    header->seq = htonll(report->seq);
}

/* Reading.  --------------------------------------------------------------- */

/* What is left to read: nothing in it is aligned. */
struct rest {
    const uint8_t *data;
    size_t size;
};

/* Takes 'size' bytes, copied to 'to'.  Returns false if there are fewer. */
static bool
take(struct rest *rest, void *to, size_t size)
{
    if (rest->size < size) {
        return false;
    }
    memcpy(to, rest->data, size);
    rest->data += size;
    rest->size -= size;
    return true;
}

static const char *
read_header(struct rest *rest, struct counter_report *report,
            uint32_t *n_hosts)
{
    struct report_header header;

    if (!take(rest, &header, sizeof header)
        || ntohl(header.magic) != MAGIC) {
        return "it is no report of counters";
    }
    if (ntohs(header.version) != REPORT_VERSION) {
        return "it is a report of another version";
    }
    *report = (struct counter_report) {
        .run = ntohll(header.run), .seq = ntohll(header.seq),
        .more = ntohs(header.flags) & REPORT_MORE,
    };
    *n_hosts = ntohl(header.n_hosts);
    /* JSON, by which they are said back, has no larger integers. */
    return (!report->run || report->run > INT64_MAX
            || report->seq > INT64_MAX ? "'run' or 'seq' is out of range"
            : NULL);
}

/* Reads a host without its flows; 'name' has room for the name. */
static const char *
read_host(struct rest *rest, char name[NAME_MAX_BYTES + 1],
          struct counter_report_host *host)
{
    struct host_header header;
    size_t len;

    if (!take(rest, &header, sizeof header)) {
        return "a host is cut off";
    }
    len = ntohs(header.name_len);
    if (!len || len > NAME_MAX_BYTES) {
        return "the name of a host is too short or too long";
    }
    if (!take(rest, name, len)) {
        return "the name of a host is cut off";
    }
    name[len] = '\0';
    *host = (struct counter_report_host) {
        .name = name,
        .ago_ms = ntohl(header.ago_ms),
        .rest_ms = ntohl(header.rest_ms),
        .whole = ntohs(header.flags) & HOST_WHOLE,
        .unsure = ntohs(header.flags) & HOST_UNSURE,
        .n_flows = ntohl(header.n_flows),
        .stamp_ms = ntohll(header.stamp_ms),
    };
    if (strlen(name) != len) {
        return "the name of a host has a null";
    }
    if (host->ago_ms > COUNTER_REPORT_AGO_MAX_MS
        || host->rest_ms > COUNTER_REPORT_AGO_MAX_MS
        || host->stamp_ms > INT64_MAX) {
        return "the time of a host's reading is out of range";
    }
    if (host->n_flows > COUNTER_REPORT_FLOWS_MAX
        || host->n_flows > rest->size / sizeof(struct flow_entry)) {
        return "a host has more flows than there are";
    }
    return NULL;
}

static void
read_flow(struct rest *rest, struct counter_report_flow *flow)
{
    struct flow_entry entry;

    if (!take(rest, &entry, sizeof entry)) {
        OVS_NOT_REACHED();      /* read_host() has seen to it. */
    }
    *flow = (struct counter_report_flow) {
        .hash = ntohl(entry.hash),
        .part = ntohl(entry.part),
        .cookie = ntohll(entry.cookie),
        .reason = ntohl(entry.reason),
        .drops = ntohl(entry.flags) & FLOW_DROPS,
        .log = ntohl(entry.flags) & FLOW_LOG,
        .group = ntohl(entry.flags) & FLOW_GROUP,
        .hit_ago_ms = ntohl(entry.hit_ago_ms),
        .age_ms = ntohl(entry.age_ms),
        .packets = ntohll(entry.packets),
        .bytes = ntohll(entry.bytes),
        .total_packets = ntohll(entry.total_packets),
        .total_bytes = ntohll(entry.total_bytes),
    };
}

/* Checks a host's flows, which are all there. */
static const char *
check_flows(struct rest *rest, uint32_t n_flows)
{
    const char *fault = NULL;

    for (uint32_t i = 0; i < n_flows; i++) {
        struct counter_report_flow flow;

        read_flow(rest, &flow);
        if (flow.packets > COUNTER_REPORT_COUNT_MAX
            || flow.bytes > COUNTER_REPORT_COUNT_MAX
            || flow.total_packets > COUNTER_REPORT_COUNT_MAX
            || flow.total_bytes > COUNTER_REPORT_COUNT_MAX) {
            fault = "what a flow has counted is out of range";
        }
    }
    return fault;
}

/* Checks all hosts. */
static const char *
check(struct rest rest, uint32_t n_hosts)
{
    char name[NAME_MAX_BYTES + 1];

    for (uint32_t i = 0; i < n_hosts; i++) {
        struct counter_report_host host;
        const char *fault = read_host(&rest, name, &host);

        fault = fault ? fault : check_flows(&rest, host.n_flows);
        if (fault) {
            return fault;
        }
    }
    return rest.size ? "there is something behind the last host" : NULL;
}

static void
give_host(struct rest *rest, const struct counter_report *report,
          const struct counter_report_ops *ops, void *aux)
{
    char name[NAME_MAX_BYTES + 1];
    struct counter_report_host host;
    bool wanted;

    read_host(rest, name, &host);
    wanted = ops->host(aux, report, &host);
    for (uint32_t i = 0; i < host.n_flows; i++) {
        struct counter_report_flow flow;

        read_flow(rest, &flow);
        if (wanted) {
            ops->flow(aux, &flow);
        }
    }
    if (wanted) {
        ops->host_end(aux, &host);
    }
}

const char *
counter_report_read(const void *data, size_t size,
                    struct counter_report *report,
                    const struct counter_report_ops *ops, void *aux)
{
    struct rest rest = { data, size };
    const char *fault;
    uint32_t n_hosts;

    if (size > COUNTER_REPORT_MAX) {
        return "it is too large";
    }
    fault = read_header(&rest, report, &n_hosts);
    fault = fault ? fault : check(rest, n_hosts);
    for (uint32_t i = 0; !fault && i < n_hosts; i++) {
        give_host(&rest, report, ops, aux);
    }
    return fault;
}

/* Asking.  ---------------------------------------------------------------- */

void
counter_ask_init(struct counter_ask *ask)
{
    ask->run = ask->after = 0;
    sset_init(&ask->often);
    sset_init(&ask->whole);
}

void
counter_ask_uninit(struct counter_ask *ask)
{
    sset_destroy(&ask->often);
    sset_destroy(&ask->whole);
}

static json_t *
print_hosts(const struct sset *hosts)
{
    json_t *array = json_array();
    const char *host;

    SSET_FOR_EACH (host, hosts) {
        if (json_array_size(array) < COUNTER_ASK_HOSTS_MAX) {
            json_array_append_new(array, json_string(host));
        }
    }
    return array;
}

char *
counter_ask_print(const struct counter_ask *ask)
{
    json_t *json = json_pack("{s:I, s:I, s:o, s:o}",
                             "run", (json_int_t) ask->run,
                             "after", (json_int_t) ask->after,
                             "often", print_hosts(&ask->often),
                             "whole", print_hosts(&ask->whole));
    char *text = json_dumps(json, JSON_COMPACT);

    json_decref(json);
    return text;
}

static const char *
read_number(const json_t *json, const char *name, uint64_t *number)
{
    const json_t *value = json_object_get(json, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return "'run' or 'after' is no number";
    }
    *number = json_integer_value(value);
    return NULL;
}

/* Names are not checked: those that no host has are for nobody. */
static const char *
read_hosts(const json_t *json, const char *name, struct sset *hosts)
{
    const json_t *array = json_object_get(json, name);
    const json_t *host;
    size_t i;

    if (!json_is_array(array)
        || json_array_size(array) > COUNTER_ASK_HOSTS_MAX) {
        return "'often' or 'whole' is no list of hosts";
    }
    json_array_foreach (array, i, host) {
        if (!json_is_string(host)
            || json_string_length(host) > NAME_MAX_BYTES) {
            return "'often' or 'whole' has what is no name of a host";
        }
        sset_add(hosts, json_string_value(host));
    }
    return NULL;
}

const char *
counter_ask_read(const char *text, size_t size, struct counter_ask *ask)
{
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const char *fault = json_is_object(json) ? NULL : "it is no JSON object";

    fault = fault ? fault : read_number(json, "run", &ask->run);
    fault = fault ? fault : read_number(json, "after", &ask->after);
    fault = fault ? fault : read_hosts(json, "often", &ask->often);
    fault = fault ? fault : read_hosts(json, "whole", &ask->whole);
    json_decref(json);
    return fault;
}
