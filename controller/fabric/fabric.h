/* SPDX-License-Identifier: Apache-2.0
 *
 * The hosts: their OVSDB and OpenFlow sessions.  Turns durable differences
 * into one bundle per host, gathers acknowledgements, reconciles a host that
 * connects, configures its bridge, and reports its interfaces to the model.
 * Not for deciding what a host is to hold (engine/). */

#ifndef CONTROLLER_FABRIC_FABRIC_H
#define CONTROLLER_FABRIC_FABRIC_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/commit/commit.h"
#include "openvswitch/types.h"

struct fabric;
struct loop;

struct fabric_options {
    const char *openflow_listen;  /* "tcp:127.0.0.1:6653", "unix:PATH": what
                                   * bridges are told to connect to is
                                   * 'openflow_target'. */
    const char *openflow_target;
    const char *ovsdb_listen;     /* For hosts that dial in, or NULL. */
    const char *ssl_private_key;  /* For ssl: remotes; unless all three are */
    const char *ssl_certificate;  /* there, there is no TLS. */
    const char *ssl_ca_cert;    /* Of hosts. */
    const char *ipsec_key_file; /* Or NULL; unless that is there, or the next
                                 * is true, tunnels are not encrypted. */
    bool ipsec_certificates;

    /* Bounds of what a switch may owe; 0 is for the default. */
    size_t max_bundles;           /* Bundles that are not acknowledged: */
    size_t max_bytes;             /* from then on, or from so many bytes in
                                   * them on, revisions are merged. */
    int stall_ms;                 /* A switch that answers nothing for so long
                                   * is cut off. */
    size_t max_queue;             /* So is one for which so many bytes wait to
                                   * be read.  Default: ofconn.h's. */
    int64_t audit_s;              /* Each host is read and compared that often,
                                   * in seconds; 0: never. */
    int64_t count_s;              /* How often each host's counters are read,
                                   * in seconds; 0: never. */
    unsigned packet_port_rate;    /* Packets a second that are taken from a */
    unsigned packet_host_rate;    /* port, and from a host; 0: any number. */
    size_t host_memory;           /* Bytes that what a host sends may take, of
                                   * its database or in one reading, beyond
                                   * what is wanted of it; 0: the default. */
    unsigned report_rate;         /* Changes a second that a host's reports may
                                   * make; 0: any number. */
    unsigned mtu_hold_s;          /* For how long a host reports a larger MTU
                                   * of its underlay before that counts. */
    size_t audit_alarm;           /* Percent of a host's flows, and more than
                                   * a thousand, whose loss is an error. */
};
#define FABRIC_AUDIT_ALARM 50
#define FABRIC_REPORT_RATE_MAX 100000
#define FABRIC_MTU_HOLD_MAX_S 1800
#define FABRIC_HOST_MEMORY_MIB 32
#define FABRIC_HOST_MEMORY_MAX_MIB 65536
#define FABRIC_PACKET_RATE_MAX 1000000
#define FABRIC_AUDIT_MAX_S (366 * 86400)
#define FABRIC_COUNT_MAX_S 86400
#define FABRIC_MAX_BUNDLES 32
#define FABRIC_MAX_BYTES (8 * 1024 * 1024)
#define FABRIC_STALL_MS (60 * 1000)

/* Returns 0 or a positive errno with a sentence in '*text' (caller frees). */
int fabric_create(const struct fabric_options *, struct loop *,
                  struct model *, struct engine *, struct commit *,
                  struct fabric **, char **text);
void fabric_destroy(struct fabric *);

/* What a host looks like from here; all that a user sees as its status:
 * {"ovsdb": {"state", "since", "error"}, "openflow": {"state", "since",
 *  "peer", "error", "outstanding_bundles" and "outstanding_bytes" (sent and
 *  not answered), "queued_bytes" (that it has not read, beyond what the kernel
 *  holds), "merging" (differences that wait to be sent as one), "refused"
 *  (flows and groups that are left out), "stalls" (times that it was cut
 *  off)}, "bridge",
 *  "datapath_id", "ovs_version", "state" (one of "offline", "connecting",
 *  "reconciling", "synced", "diverged", "refused"), "reason", "flows",
 *  "groups", "revision" (acknowledged), "sent_revision", "ports": n,
 *  "lag": {"revisions", "ms"} (not acknowledged, and for how long), "audit"
 *  (the last one's result, see fabric_audit())}.
 * The caller owns it.  NULL for an unknown host. */
json_t *fabric_host_status(const struct fabric *, const char *host);

/* Calls 'cb' for each host and each kind of its sessions, "ovsdb" and
 * "openflow", that was dropped since the host sent too much, with how often
 * that was. */
typedef void fabric_over_budget_cb(void *aux, const char *host,
                                   const char *session, uint64_t n);
void fabric_over_budget(const struct fabric *, fabric_over_budget_cb *,
                        void *aux);

/* Hosts that are not synced, or have revisions to acknowledge: [{"host",
 * "state", "reason", "lag"}], those that have been longest first, at most
 * 'max'.  '*n' is how many there are.  The caller owns it. */
json_t *fabric_behind(const struct fabric *, size_t max, size_t *n);

/* Of a port: {"host", "candidate", "state" (one of "unbound", "pending",
 * "up", "down"), "ofport"}.  It is "up" once its host has acknowledged the
 * flows of its being there. */
json_t *fabric_port_status(const struct fabric *, const char *port);

/* Appends the receipt of a revision, as JSON text: {"installed": bool, "hosts": [{"host", "state"
 * ("confirmed", "pending", "offline", "failed"), "time", "reason"}],
 * "flows": [{"app", "added", "changed", "removed"}]}.  "time" is that of the
 * host's last change of state, in RFC 3339 form.  Revisions that were grouped
 * share a receipt.
 *
 * "hosts" are those that the revision concerns.  They are known for the newest
 * FABRIC_RECEIPTS_MAX revisions since the start; of an older one "hosts" are
 * all hosts, each confirmed once it has acknowledged something as new.
 * Returns false, and appends nothing, for a revision that is not durable. */
#define FABRIC_RECEIPTS_MAX 4096
bool fabric_put_receipt(const struct fabric *, uint64_t revision,
                        struct ds *);

/* How far a revision has come, in short; false if it has no receipt of its
 * own. */
struct fabric_progress {
    size_t n_hosts;             /* Concerned. */
    size_t n_confirmed;
    int64_t confirmed_us;       /* time_usec() of the newest confirmation; 0:
                                 * there was none yet. */
};
bool fabric_progress(const struct fabric *, uint64_t revision,
                     struct fabric_progress *);

/* Calls 'cb' once: when every host concerned has acknowledged 'revision', or
 * at the time-out, from the loop.  'receipt' is text as above, borrowed, or NULL
 * if there is none. */
struct fabric_wait;
typedef void fabric_wait_cb(void *aux, bool installed, const char *receipt);
struct fabric_wait *fabric_wait(struct fabric *, uint64_t revision,
                                int timeout_ms, fabric_wait_cb *, void *aux);
/* Forgets about it; 'cb' is not called. */
void fabric_wait_cancel(struct fabric_wait *);

/* Which flows and groups of a host somebody wants to see.  Strings are
 * borrowed. */
struct fabric_filter {
    const char *app;            /* Whose owner is of this app, or NULL. */
    const char *object;         /* Whose owner's key, or a part of it between
                                 * "/" or "|", is this, or NULL. */
    bool by_table;              /* Flows in these tables; no groups. */
    int first_table, last_table;
};

/* What a host is to hold, for people: the members of a JSON object, "n_flows",
 * "n_groups" (all that pass 'filter'), "groups": [{"group_id", "group",
 * "owner", "scope"}], "flows": [{"table", "priority", "match", "actions",
 * "cookie", "owner", "scope", "reason" (of a drop)}]}: as packets meet them, at
 * most 'limit' of each.  What it is is decided at once, but to put it into
 * words takes long, and is done in bits, perhaps in several turns.
 *
 * fabric_flows_create() returns NULL for an unknown host.
 * fabric_flows_put() appends the next bit of the text to the 'ds', and returns
 * false once that was all. */
struct ds;
struct fabric_flows;
struct fabric_flows *fabric_flows_create(const struct fabric *,
                                         const char *host,
                                         const struct fabric_filter *,
                                         size_t limit);
bool fabric_flows_put(struct fabric_flows *, struct ds *);
void fabric_flows_destroy(struct fabric_flows *);

/* Reads the host's switch now, and calls 'cb' once, from the loop: with what
 * differs from what is wanted, or with NULL and the reason.  {"time", "flows",
 * "groups", "missing", "altered", "strangers", "refused" (by the switch, which
 * is known), "skipped" (changed since the reading began), "owners" (all of
 * these but "skipped" by owner, as of fabric_audit_owners()), "differences"}.
 * Returns NULL, or why that is not possible now; 'cb' is not called then.
 *
 * Without 'look' this is an audit like those that come by themselves: what
 * differs is logged, counted and mended, the result is also in the host's
 * status as "audit", and "differences" are the first 100, in words.
 *
 * With 'look', "differences" are at most 'look->limit' of those that pass its
 * filter, as difference_to_json() has them, and "matching" counts all of them;
 * and only if 'look->mend' it is an audit beside that. */
struct fabric_look {
    bool mend;
    size_t limit;
    struct fabric_filter filter;
};
typedef void fabric_audit_cb(void *aux, const json_t *result,
                             const char *reason);
const char *fabric_audit(struct fabric *, const char *host,
                         const struct fabric_look *look, fabric_audit_cb *,
                         void *aux);
/* What all audits have found, by owner: {OWNER: {"missing", "altered",
 * "stranger", "refused"}}, where OWNER is an app, "stranger", or "vmnd" for
 * the marker.  The caller owns it. */
json_t *fabric_audit_owners(const struct fabric *);
/* 'cb' is not called for 'aux' any more.  The reading goes on. */
void fabric_audit_forget(struct fabric *, fabric_audit_cb *cb, void *aux);

/* How far what a telemetry says has come: {"n_hosts", "n_active"}, and unless
 * 'max' is 0 "hosts", at most 'max' of those that it names: {"host", "sflow",
 * "ipfix" (each "active", "pending" or "blocked"), "reason"}.  'row' is durable.
 * The caller owns it. */
json_t *fabric_telemetry_status(const struct fabric *,
                                const struct vmn_telemetry *row, size_t max);

/* What flows were hit by.  It is some seconds old (fabric_options.count_s). */
struct fabric_count {
    uint64_t packets, bytes;
    int64_t last_ms;            /* Wall clock, to the second; 0: never. */
};

/* Fills in 'rest' for what flows of an object (a policy, a quarantine, a tier)
 * were hit by that are no rule's, and 'counts' for its rules, of which there are
 * 'n_rules', on all hosts together.  False if none of these was ever hit. */
bool fabric_rule_counts(const struct fabric *, enum vmn_table,
                        const char *name, size_t n_rules,
                        struct fabric_count *counts,
                        struct fabric_count *rest);

/* What goes through flows of late, on all hosts together: rates are those between
 * the last two readings of each host. */
struct fabric_load {
    uint64_t packets, bytes;
    double packets_s, bytes_s;
    int64_t last_ms;            /* Wall clock, to the second; 0: never. */
};

/* Calls 'cb' for what flows of an object were hit by that are counted, apart by
 * part (vmn_flow_count_part(), or 0) and reason (of those that drop; else NULL),
 * in any order; several times for one part, perhaps. */
typedef void fabric_part_cb(void *aux, uint32_t part, const char *reason,
                            const struct fabric_load *);
void fabric_parts(const struct fabric *, enum vmn_table, const char *name,
                  fabric_part_cb *, void *aux);

/* The load of a balancer, on all hosts together. */
struct fabric_balancer_load {
    uint64_t connections;       /* New ones, and so many a second. */
    double connections_s;
    uint64_t packets, bytes;    /* That clients sent it. */
    double packets_s, bytes_s;
    uint64_t dropped;           /* Packets... */
    uint64_t limited;           /* ...and those that would have opened one
                                 * connection more than their clients may. */
    int64_t last_ms;            /* Of a connection; 0: never. */
};
/* Fills in 'load', and 'loads' for each of its 'n' backends (VMN_QUERY_BACKENDS)
 * what they were given by it; but packets and bytes of a backend are what all
 * balancers sent it. */
void fabric_balancer_load(const struct fabric *, const char *balancer,
                          const struct vmn_lb_member *members, size_t n,
                          struct fabric_balancer_load *load,
                          struct fabric_balancer_load *loads);

/* How often the counters of each host are read at least, in seconds; 0: never. */
int64_t fabric_count_interval(const struct fabric *);

/* From now on the counters of these hosts, and of no others, are read every
 * FABRIC_COUNT_OFTEN_S, if that is more often than others are. */
struct sset;
#define FABRIC_COUNT_OFTEN_S 5
void fabric_count_often(struct fabric *, const struct sset *hosts);

/* Fills in what rules of a policy with a log have decided since the start, as
 * far as counters have been read, and how many of these events were told. */
struct fabric_log {
    uint64_t n_events, n_told;  /* The latter is no more than the former. */
};
void fabric_rule_logs(const struct fabric *, const char *policy,
                      size_t n_rules, struct fabric_log *logs);

/* What goes through a port; some seconds old, as counters are. */
struct fabric_traffic {
    uint64_t sent_packets, sent_bytes;
    uint64_t received_packets, received_bytes;
    double sent_bytes_s, received_bytes_s;
};
/* As the VM behind port 'ofport' of 'host' sees it.  False, and all zero, if
 * nothing is known. */
bool fabric_port_traffic(const struct fabric *, const char *host,
                         uint32_t ofport, struct fabric_traffic *);
/* As 'host' sees it: by its tunnels. */
bool fabric_tunnel_traffic(const struct fabric *, const char *host,
                           struct fabric_traffic *);

/* What flows of a host dropped that have one owner and one reason; or what the
 * meters of its senders did. */
struct fabric_drop {
    const char *host;
    const char *app;            /* This and the next are constants. */
    const char *reason;
    uint64_t cookie;            /* For engine_get_about(), as the next. */
    uint32_t part;
    struct fabric_count count;
    bool metered;               /* No flow's: what a sender had sent up beyond
                                 * its rate, and its switch dropped. */
    const char *port;           /* Of these: the sender, or NULL (tunnels). */
};

/* Calls 'cb' for each (of 'host' alone, if not NULL). */
typedef void fabric_drop_cb(void *aux, const struct fabric_drop *);
void fabric_drops(const struct fabric *, const char *host, fabric_drop_cb *,
                  void *aux);

/* Packets that meters of senders have dropped since the start, on all hosts:
 * from ports, and from tunnels. */
void fabric_metered(const struct fabric *, uint64_t *ports,
                    uint64_t *tunnels);

/* What flows dropped since the start by app and reason, of which there are not
 * many.  What was dropped for something that is no more is in here, too. */
typedef void fabric_drop_sum_cb(void *aux, const char *app,
                                const char *reason, uint64_t packets,
                                uint64_t bytes);
void fabric_drop_sums(const struct fabric *, fabric_drop_sum_cb *, void *aux);

/* A packet of which a copy came up, with its names of that moment; names that
 * are not known are empty.  The others are constants, or NULL. */
enum fabric_sample_kind { FABRIC_SAMPLE_DROP, FABRIC_SAMPLE_LOG };
struct fabric_sample {
    uint64_t id;                /* From 1 on, of its kind. */
    int64_t time_ms;            /* Wall clock. */
    uint64_t n;                 /* Times that it came, in a row. */
    uint64_t n_suppressed;      /* Of the same rule or reason, that came since
                                 * the one before and were not kept. */
    uint64_t cookie;            /* Of the flow's owner. */
    uint32_t part;
    char host[VMN_NAME_LEN + 1];
    char network[VMN_NAME_LEN + 1];
    char src_port[VMN_NAME_LEN + 1], dst_port[VMN_NAME_LEN + 1];
    const char *reason;         /* Why it was dropped, or NULL: it was not. */
    char owner[200];            /* "APP.UNIT/KEY", cut off if need be. */
    const char *type;           /* engine_get_about()'s, as the next two. */
    char name[VMN_NAME_LEN + 1];
    int rule;
    uint32_t size;              /* Of the packet, in bytes. */
    uint16_t eth_type;
    struct eth_addr eth_src, eth_dst;
    int family;                 /* 4, 6 or 0; of ARP, 4. */
    uint8_t src[16], dst[16];   /* Network order. */
    uint8_t protocol;           /* Of IP; 0 of others. */
    uint16_t tp_src, tp_dst;    /* Host order; type and code of ICMP. */
};

/* Calls 'cb' for those that are kept of a kind, the oldest first, from the one
 * behind id 'after' on.  Returns the newest one's id. */
#define FABRIC_SAMPLES_MAX 1024
typedef void fabric_sample_cb(void *aux, const struct fabric_sample *);
uint64_t fabric_samples(const struct fabric *, enum fabric_sample_kind,
                        uint64_t after, fabric_sample_cb *, void *aux);

/* What hosts have noted of a network (vmn_act_note()). */
struct engine_note;
struct fabric_noted {
    size_t n_hosts;             /* Those that were asked for, in order. */
    struct fabric_noted_host {
        const char *name;
        const char *missing;    /* Why it has not answered, or NULL. */
        size_t n;               /* Notes. */
        bool full;              /* There may have been more to note. */
    } *hosts;
    size_t n_notes;
    const struct engine_note *notes;
    const uint32_t *where;      /* Of each note, the host's index. */
};

/* Reads the notes that 'hosts' have of the network with this number, but for
 * those that are older than 'since_ms' (wall clock), and calls 'cb' once, from
 * the loop: when all have answered, or cannot, or at the time-out.  What it is
 * shown is good until it returns. */
#define FABRIC_NOTES_TIMEOUT_MS (10 * 1000)
#define FABRIC_NOTES_MAX 200000         /* Of all hosts together. */
struct fabric_reading;
typedef void fabric_noted_cb(void *aux, const struct fabric_noted *);
struct fabric_reading *fabric_read_notes(struct fabric *, uint32_t vni,
                                         const struct vmn_names *hosts,
                                         int64_t since_ms, fabric_noted_cb *,
                                         void *aux);
/* Forgets about it; 'cb' is not called. */
void fabric_reading_cancel(struct fabric_reading *);

/* Connections that hosts are to forget.  What is zero matches all. */
struct fabric_flush {
    uint16_t zone;              /* Of conntrack.  Not 0. */
    enum vmn_protocol protocol; /* TCP, UDP or SCTP. */
    struct vmn_ip vip;          /* Where they were addressed to, before any */
    uint16_t port;              /* translation. */
    struct vmn_ip backend;      /* Who answers.  Not zero. */
    uint16_t backend_port;
};

/* Has 'hosts' forget connections: each of them once it has acknowledged
 * 'after_revision' (0: at once), which is to be the one that withdrew the flows
 * that would make such a connection anew.  A host is told twice, the second time
 * FABRIC_FLUSH_AGAIN_MS after the first: its datapath may have gone by what it
 * had cached of these flows for a moment.
 *
 * It does not fail.  One that is not connected is told when it has come back, if
 * that is within FABRIC_FLUSH_KEEP_MS; one whose switch cannot (Open vSwitch
 * before 3.1) is passed over.  Each member of 'flushes' costs a switch a look at
 * all of its connections, so one with a port of 0 is cheaper than many.  Of more
 * than FABRIC_FLUSHES_MAX that have yet to be told to some host, the oldest are
 * given up.  All is copied. */
#define FABRIC_FLUSHES_MAX 65536
#define FABRIC_FLUSH_AGAIN_MS 2000
#define FABRIC_FLUSH_KEEP_MS (600 * 1000)
void fabric_flush(struct fabric *, const struct vmn_names *hosts,
                  const struct fabric_flush *flushes, size_t n,
                  uint64_t after_revision);
/* The same on all hosts of a domain (VMN_QUERY_DOMAIN; for a network that no
 * router joins, its name), as of now. */
void fabric_flush_domain(struct fabric *, const char *domain,
                         const struct fabric_flush *flushes, size_t n,
                         uint64_t after_revision);
/* No host is told such a thing any more (all members being equal): who answers is
 * wanted again. */
void fabric_flush_cancel(struct fabric *, const struct fabric_flush *);

/* What somebody is told of as it happens.  All are called from wherever it does:
 * they may take note of it, look, and ask for a turn of the loop; they must not
 * change anything here.  Those that are NULL are not called. */
struct fabric_watch {
    /* What fabric_host_status() says of its "state" or "reason" may be
     * different now. */
    void (*host)(void *aux, const char *host);
    /* The same of fabric_port_status().  What it says as well depends on what
     * the port's host acknowledges: see 'acked'. */
    void (*port)(void *aux, const char *port);
    /* Some host's fabric_host_acked() has grown.  Once in a turn. */
    void (*acked)(void *aux);
    /* All hosts that the revisions concern, so many, have acknowledged them. */
    void (*installed)(void *aux, uint64_t first, uint64_t last,
                      size_t n_hosts);
    /* A packet was kept; not of one that has come before. */
    void (*sample)(void *aux, enum fabric_sample_kind,
                   const struct fabric_sample *);
    /* 'host' has the interface of 'port', which may not be bound there, for
     * 'reason'; 'expected' is where it may, or is, or NULL.  Not more often than
     * the host's rate. */
    void (*claim_refused)(void *aux, const char *port, const char *host,
                          const char *expected, const char *reason);
    /* An audit of the host has found so many differences. */
    void (*audited)(void *aux, const char *host, size_t n_missing,
                    size_t n_altered, size_t n_strangers);
};
/* 'watch' is borrowed, until it is removed with the same 'aux'.  There are at
 * most FABRIC_WATCHERS_MAX. */
#define FABRIC_WATCHERS_MAX 4
void fabric_add_watch(struct fabric *, const struct fabric_watch *watch,
                      void *aux);
void fabric_remove_watch(struct fabric *, const struct fabric_watch *watch,
                         void *aux);
/* Whether the host's switch is connected. */
bool fabric_host_is_connected(const struct fabric *, const char *host);
/* The newest revision that the host has acknowledged, or 0. */
uint64_t fabric_host_acked(const struct fabric *, const char *host);

/* Sends an Ethernet frame, of VMN_FRAME_MIN to VMN_FRAME_MAX bytes, out of OpenFlow
 * port 'ofport' of 'host', past all flows.  False if it is not connected, or does
 * not read what it is sent. */
bool fabric_send_frame(struct fabric *, const char *host, uint32_t ofport,
                       const void *frame, size_t size);

/* Where packets go that come up for a handler which is the controller's
 * ('told' of struct vmn_handler_class), within the limits of all packets.  The
 * frame is borrowed, and perhaps cut off.  NULL: nowhere. */
typedef void fabric_sink_cb(void *aux, const char *host, uint32_t in_port,
                            const uint8_t *frame, size_t size);
void fabric_set_sink(struct fabric *, fabric_sink_cb *, void *aux);

/* The port whose interface is OpenFlow port 'ofport' of 'host' now, or
 * NULL. */
const char *fabric_port_at(const struct fabric *, const char *host,
                           uint32_t ofport);

/* What "state" of a host's status may be. */
#define FABRIC_N_STATES 6
extern const char *const fabric_states[FABRIC_N_STATES];

/* The certificates of "ssl:" remotes, or NULL if there are none. */
struct tls;
const struct tls *fabric_tls(const struct fabric *);

/* For /metrics and unixctl. */
struct fabric_stats {
    uint64_t n_hosts, n_connected, n_synced, n_diverged;
    uint64_t n_in_state[FABRIC_N_STATES];
    uint64_t n_ovsdb_sessions;  /* Hosts whose database is connected. */
    uint64_t n_ovsdb_opened, n_openflow_opened; /* Sessions, since the start. */
    uint64_t installed_revision; /* The newest that all hosts have. */
    uint64_t lag_ms;            /* How long the oldest revision that some
                                 * connected host lacks has been there. */
    struct histogram installed; /* Groups of revisions, from the beginning of
                                 * their making until all hosts that they
                                 * concern had them. */
    uint64_t n_flow_adds, n_flow_deletes, n_group_mods, n_bundles, n_errors;
    uint64_t n_reconciles, n_reconciles_unchanged;
    uint64_t n_put_off;         /* Differences for a host not sent at once. */
    uint64_t n_merged;          /* Of these, that needed no bundle. */
    uint64_t n_stalls;          /* Switches cut off for not reading or not
                                 * answering. */
    uint64_t n_audits;          /* That were completed, and what they found: */
    uint64_t n_audit_missing, n_audit_altered, n_audit_strangers;
    uint64_t n_fingerprints_equal;  /* Of the latter, by one question. */
    uint64_t n_flushes;         /* Of connections, for each host that did. */
    uint64_t n_flushes_refused; /* By switches that cannot. */
    uint64_t n_flushes_lost;    /* Given up: too many, or too old. */
    uint64_t n_packet_ins, n_packet_outs; /* Sent up, and sent for them. */
    uint64_t n_packets_answered; /* Of the former, with one or more. */
    uint64_t n_packets_limited; /* Of these, over a port's or host's rate. */
    uint64_t n_reports_delayed; /* Of hosts, over their rate. */
    uint64_t n_counter_polls, n_counter_failures; /* Of hosts' counters. */
    uint64_t n_counted_flows;   /* Flows that were hit. */
    uint64_t n_samples_in;      /* Copies of packets that came up, */
    uint64_t n_samples;         /* those that were kept, and those that were */
    uint64_t n_samples_suppressed; /* not, for the budget's sake. */
    uint64_t n_counters_full;   /* Hits not kept, for want of room. */
    uint64_t n_candidates;      /* Ports that a second host claims. */
    /* Of switches' connections; see struct ofserver_stats. */
    uint64_t n_conns_refused, n_conns_failed, n_conns_bad, n_conns_silent;
    uint64_t n_datapath_clashes; /* Hosts that came with another's id. */
};
void fabric_get_stats(const struct fabric *, struct fabric_stats *);

/* Calls 'cb' for each pair of hosts of which the first had the interface of a
 * port that the second was to have ("" where no host was named), with how many
 * of its claims were refused. */
typedef void fabric_refused_claims_cb(void *aux, const char *host,
                                      const char *expected, uint64_t n);
void fabric_refused_claims(const struct fabric *, fabric_refused_claims_cb *,
                           void *aux);

/* Of the listener for switches, or that for databases; false if there is no
 * such listener. */
enum fabric_listener { FABRIC_OPENFLOW, FABRIC_OVSDB, FABRIC_N_LISTENERS };
struct admission_stats;
bool fabric_get_admission(const struct fabric *, enum fabric_listener,
                          struct admission_stats *);

/* Calls 'cb' for each reason to drop a packet that was sent up, or an answer:
 * 'who' is "vmn", or "APP.HANDLER" for what a handler gave no answer to. */
typedef void fabric_packet_drop_cb(void *aux, const char *who,
                                   const char *reason, uint64_t n);
void fabric_packet_drops(const struct fabric *, fabric_packet_drop_cb *,
                         void *aux);
void fabric_unixctl_init(struct fabric *);

#endif /* controller/fabric/fabric.h */
