/* SPDX-License-Identifier: Apache-2.0
 *
 * The hosts: their OVSDB and OpenFlow sessions.  Turns durable differences
 * into one bundle per host, gathers acknowledgements, reconciles a host that
 * connects, configures its bridge, and reports its interfaces to the model.
 * Not for deciding what a host is to hold (engine/).
 *
 * This is its life.  What others ask it has a header each: fabric-status.h,
 * fabric-receipts.h and so on.  Headers in its folders are its own. */

#ifndef CONTROLLER_FABRIC_FABRIC_H
#define CONTROLLER_FABRIC_FABRIC_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct commit;
struct engine;
struct fabric;
struct loop;
struct model;
struct tls;
struct vmn_error;

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
                                   * what is desired of it; 0: the default. */
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

/* Returns 0 or a positive errno, and sets the error. */
int fabric_create(const struct fabric_options *, struct loop *,
                  struct model *, struct engine *, struct commit *,
                  struct fabric **, struct vmn_error *);
void fabric_destroy(struct fabric *);

/* The certificates of "ssl:" remotes, or NULL if there are none. */
const struct tls *fabric_tls(const struct fabric *);

/* Registers "ovs-appctl -t vmnd fabric/...". */
void fabric_unixctl_init(struct fabric *);

#endif /* controller/fabric/fabric.h */
