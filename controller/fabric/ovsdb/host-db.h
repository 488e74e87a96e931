/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the fabric's OVSDB side share: host-db.c (sessions and
 * desired configuration), host-report.c (what a host has), host-provider.c
 * (what leads to physical networks), host-trunk.c (sub-ports),
 * host-telemetry.c (sFlow and IPFIX), host-status.c (for people).  Not for
 * other parts of the fabric, which have ovsdb-side.h. */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_DB_H
#define CONTROLLER_FABRIC_OVSDB_HOST_DB_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "controller/fabric/ovsdb/report-limit.h"
#include "openvswitch/shash.h"
#include "proto/ovsdb/ovsdb.h"

/* The mark on what is ours in a host's database. */
#define HOST_DB_OWNER "vmnd"
/* The tunnel port of each encapsulation, if a host uses it. */
struct host_db_tunnel {
    const char *name;
    const char *type;           /* As in its database. */
    uint16_t ofport;
};
extern const struct host_db_tunnel host_db_tunnels[OVSDB_TUNNELS_MAX];

struct fabric_db {
    struct fabric *fabric;
    struct ovsdb_listener *listener; /* Or NULL. */
    struct ovsdb_schemas *schemas;
    struct observed_state *observed;
    char *target;               /* Of bridges' controllers, or NULL. */
    char *private_key;          /* Files; all three or none. */
    char *certificate;
    char *ca_cert;
    struct ipsec *ipsec;        /* host-ipsec.c; NULL: no IPsec. */
    bool uses[OVSDB_TUNNELS_MAX]; /* Some host receives so: all send so. */
    struct event *barrier;      /* startup-barrier.c: its timer; NULL: it is
                                 * over. */
    int64_t barrier_until_ms;   /* At most. */
    int64_t barrier_checked_ms; /* When it was last looked at. */
    unsigned n_barrier_quiet;   /* How often nothing was heard in a row. */
};

/* A bridge that leads to a physical network. */
struct host_provider {
    char *physical;             /* As in the row. */
    char *bridge;               /* The same. */
    char *iface_id;             /* "@PHYSICAL". */
    char *name;                 /* Of the end in the integration bridge. */
    char *other_name;           /* Of the end in 'bridge'. */
    char *reason;               /* Why packets cannot go there, or NULL. */
};

/* A sub-port whose parent is on the host. */
struct host_trunk {
    char *iface_id;
    char *name;                 /* Of the interface that is its VIF. */
    char *tag_name;             /* Of the other end. */
};

/* What is told to collectors, and whose rows these are on the host. */
enum telemetry_kind { TELEMETRY_SFLOW, TELEMETRY_IPFIX, TELEMETRY_N_KINDS };
enum telemetry_presence { TELEMETRY_ABSENT, TELEMETRY_OURS, TELEMETRY_OTHERS };
struct host_telemetry {
    char *chosen[TELEMETRY_N_KINDS]; /* The row that says it, or NULL. */
    struct ovsdb_sflow sflow;   /* Owned, as the next. */
    struct ovsdb_ipfix ipfix;
    enum telemetry_presence there[TELEMETRY_N_KINDS]; /* As last heard. */
};

struct fabric_host_db {
    struct fabric_host *host;
    struct report_limit limit;
    bool reason_changed;        /* By the report that is being taken in. */
    struct ovsdb_session *session;
    char *remote;               /* As in the row. */
    char *bridge;               /* As in the row. */
    const char *datapath_type;  /* Constant. */
    char *tunnel_interface;     /* As in the row: or NULL. */
    bool has_ipv6;              /* Among its tunnel addresses. */
    size_t n_providers;
    struct host_provider *providers;
    size_t n_trunks;
    struct host_trunk *trunks;  /* By 'iface_id'. */
    bool trunks_due;            /* To be looked at by the timer. */
    struct host_telemetry telemetry;
    struct host_ipsec *ipsec;   /* host-ipsec.c; NULL: nobody has asked. */
    struct observed_host *observed;
    struct event *timer;        /* For 'trunks_due' and the next two. */
    int64_t silent_ms;          /* When it is silent, or 0: connected, or
                                 * silent already. */
    struct shash retained;      /* Names of interfaces that the switch can't
                                 * make, and until when they count as there
                                 * (struct retained_interface). */

    /* For people. */
    bool connected;
    int64_t since_ms;           /* Wall clock, of 'connected'. */
    bool refused;
    char *reason;               /* Why, or what else is wrong; or NULL. */
    char *ovs_version;          /* As last heard, or NULL. */
    size_t n_ports;             /* Interfaces of VMs. */
    bool has_underlay;          /* It has 'tunnel_interface'... */
    uint32_t underlay_mtu;      /* ...with this MTU; 0: not known. */
};

struct retained_interface {
    int64_t until_ms;           /* Of loop_now_ms(). */
};

/* startup-barrier.c.  --------------------------------------------------- */

void startup_barrier_begin(struct fabric_db *);
/* A host may have reported. */
void startup_barrier_check(struct fabric_db *);
void startup_barrier_uninit(struct fabric_db *);

/* host-report.c.  -------------------------------------------------------- */

/* Takes in what the host's database holds. */
void host_report(struct fabric_host_db *, const struct ovsdb_snapshot *);
/* The earliest time at which a report may come out differently by itself, or
 * INT64_MAX. */
int64_t host_report_deadline(const struct fabric_host_db *);
/* Says what keeps the host from serving at all ('refused'), or at best: takes
 * ownership of 'reason', which may be NULL. */
void host_report_set_reason(struct fabric_host_db *, bool refused,
                            char *reason);

/* host-provider.c.  ------------------------------------------------------ */

/* Takes in the row's; 'row' NULL: none. */
void host_provider_set(struct fabric_host_db *, const struct vmn_host *row);
/* Writes what is to be made for them into 'patches'.  Strings are borrowed. */
void host_provider_desired(const struct fabric_host_db *,
                           struct ovsdb_patch *patches);
/* Finds out what is wrong with each of them. */
void host_provider_check(struct fabric_host_db *,
                         const struct ovsdb_snapshot *);
/* The first of these, or NULL. */
const char *host_provider_reason(const struct fabric_host_db *);
/* Is 'iface' the end in the integration bridge of one of them? */
bool host_provider_has(const struct fabric_host_db *,
                       const struct ovsdb_interface *iface);
/* Fills in those of the host's status, in 'arena'. */
void host_provider_status(const struct fabric_host_db *, struct arena *arena,
                          struct status_host *);

/* host-trunk.c.  --------------------------------------------------------- */

/* Takes in the sub-ports that belong on the host by now.  Returns true if they
 * have changed. */
bool host_trunk_update(struct fabric_host_db *);
void host_trunk_uninit(struct fabric_host_db *);
/* As host_provider_desired(). */
void host_trunk_desired(const struct fabric_host_db *,
                        struct ovsdb_patch *patches);
/* Was 'iface' made as a sub-port's VIF? */
bool host_trunk_is_end(const struct ovsdb_interface *iface);
/* The number of the other end of 'iface', which is a sub-port's VIF; 0 if it
 * is not there yet, or not wanted any more. */
uint32_t host_trunk_tag(const struct fabric_host_db *,
                        const struct ovsdb_snapshot *,
                        const struct ovsdb_interface *iface);

/* host-ipsec.c.  --------------------------------------------------------- */

/* Bytes by which IPsec makes a packet of a tunnel longer at most: ESP in
 * transport mode with AES-GCM, in UDP where there is a NAT between. */
#define HOST_IPSEC_OVERHEAD 46

/* Loads the secret, if there is a file of one.  Returns 0, or a positive errno
 * with a sentence in '*text' (caller frees). */
int host_ipsec_create(struct fabric_db *, const struct fabric_options *,
                      char **text);
void host_ipsec_destroy(struct fabric_db *);
/* Returns what is to be written on the host of 'db' (a struct fabric_host_db),
 * as struct ovsdb_desired's 'ipsec' does. */
const struct ovsdb_ipsec *host_ipsec_desired(void *db);
void host_ipsec_uninit(struct fabric_host_db *);
/* Returns true if 'host' can be whom a certificate is for.  IKE daemons take
 * what reads as an address for one, and 0.0.0.0 for anybody; names of hosts
 * are of a-z, 0-9, '-' and '.', and with a letter they read as no address. */
bool host_ipsec_can_name(const char *host);
/* Returns why the host's tunnels are not encrypted though they are to be, as a
 * sentence that the caller frees; or NULL. */
char *host_ipsec_reason(const struct fabric_host_db *,
                        const struct ovsdb_snapshot *);
/* Returns what is left of an underlay's 'mtu' (0: not known). */
uint32_t host_ipsec_mtu(const struct fabric_host_db *, uint32_t mtu);

/* host-telemetry.c.  ----------------------------------------------------- */

/* Takes in what the rows say of the host, whose row is 'host'.  Returns true
 * if they say, or have said, anything. */
bool host_telemetry_update(struct fabric_host_db *,
                           const struct vmn_host *host);
void host_telemetry_uninit(struct fabric_host_db *);
/* Finds out what is there of it. */
void host_telemetry_check(struct fabric_host_db *,
                          const struct ovsdb_snapshot *);

/* database-budget.c.  ---------------------------------------------------- */

/* Returns what the rows of a host's database may take in memory, in bytes. */
size_t budget_of_database(const struct fabric_host *);

#endif /* controller/fabric/ovsdb/host-db.h */
