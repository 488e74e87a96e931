/* SPDX-License-Identifier: Apache-2.0
 *
 * The controller's tables, and rows that only the controller reads: accounts,
 * tokens with their hashes, quotas, telemetries, and the apps that are
 * enabled.  Rows that apps read are in vmn/rows.h, whose type numbers are part
 * of the plugin ABI; those here may change (schema_table_of()). */

#ifndef CONTROLLER_SCHEMA_TABLES_H
#define CONTROLLER_SCHEMA_TABLES_H 1

#include "vmn/app.h"
#include "vmn/own-types.h"
#include "vmn/rows.h"

/* All tables, a row each.  TABLE(HOST, host) is VMN_TABLE_HOST, which is
 * described by 'schema_host' of schema-host.c, and what its rows mean for
 * those of other tables is said by 'model_host' of model/model-host.c.  Those
 * that are DESCRIBED alone mean nothing to others. */
#define VMN_TABLES(TABLE, DESCRIBED)                                        \
    /* Desired. */                                                          \
    TABLE(HOST, host)                                                       \
    TABLE(NETWORK, network)                                                 \
    TABLE(PORT, port)                                                       \
    TABLE(GROUP, group)                                                     \
    TABLE(SERVICE, service)                                                 \
    TABLE(TIER, tier)                                                       \
    TABLE(POLICY, policy)                                                   \
    TABLE(QUARANTINE, quarantine)                                           \
    TABLE(LOADBALANCER, loadbalancer)                                       \
    TABLE(APP, app)                                                         \
    TABLE(ROUTER, router)                                                   \
    TABLE(FLOATING_IP, floating_ip)                                         \
    TABLE(DNS_ZONE, dns_zone)                                               \
    TABLE(OBSERVATION, observation)   /* Named as the network. */           \
    TABLE(ACCOUNT, account)                                                 \
    TABLE(TOKEN, token)                                                     \
    DESCRIBED(TELEMETRY, telemetry)                                         \
    TABLE(QUOTA, quota)                                                     \
    TABLE(DRAFT, draft)                                                     \
    TABLE(TYPE, type)                                                       \
    /* Observed. */                                                         \
    TABLE(BINDING, binding)           /* Named as the port.  Stored. */     \
    DESCRIBED(UNDERLAY, underlay)     /* Named as the host.  Stored. */     \
    TABLE(HEALTH, health)             /* Named BALANCER/PORT.  Stored. */   \
    TABLE(VIF, vif)                   /* Named HOST/IFACE-ID.  Volatile. */ \
    DESCRIBED(FQDN, fqdn)             /* Named as in DNS.  Stored. */       \
    DESCRIBED(WITHDRAWAL, withdrawal) /* Named TYPE/OBJECT.  Stored. */

#define TABLE(ID, NAME) VMN_TABLE_##ID,
enum vmn_table {
    VMN_TABLES(TABLE, TABLE)
    /* Places for the types that apps declare (schema-own.h). */
    VMN_TABLE_OWN_FIRST,
    VMN_TABLE_OWN_LAST = VMN_TABLE_OWN_FIRST + VMN_OWN_TYPES_MAX - 1,
    VMN_N_TABLES
};
#undef TABLE

/* sFlow collectors; none if there is no target.  A number that is 0 is Open
 * vSwitch's default. */
struct vmn_sflow {
    size_t n_targets;
    const char *const *targets; /* "ADDRESS:PORT". */
    const char *agent;          /* An interface of the host, or NULL. */
    uint32_t sampling;          /* One in this number of packets. */
    uint32_t polling;           /* Seconds between counters. */
    uint32_t header;            /* Bytes of a packet. */
};

/* The same by IPFIX. */
struct vmn_ipfix {
    size_t n_targets;
    const char *const *targets;
    uint32_t sampling;
    uint32_t obs_domain_id, obs_point_id;
    uint32_t cache_active_timeout; /* Seconds; 0: no cache. */
    uint32_t cache_max_flows;
};

/* Telemetry of the packets on hosts' integration bridges. */
struct vmn_telemetry {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    struct vmn_selector selector; /* Of hosts; none: all. */
    struct vmn_sflow sflow;
    struct vmn_ipfix ipfix;
};

enum vmn_role { VMN_ROLE_VIEWER, VMN_ROLE_OPERATOR, VMN_ROLE_ADMIN };

/* A user of the API. */
struct vmn_account {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    enum vmn_role role;
    bool enabled;
    bool certificate;           /* Authenticated by a client certificate. */
    struct vmn_selector scope;  /* Of the objects that it sees and changes;
                                 * text NULL: all. */
    struct vmn_selector reads;  /* Further objects that it sees; text NULL:
                                 * none. */
    /* Further limits of an account with a scope: the tiers of its policies
     * (none: "application"), and the prefix of its ports' iface_ids (NULL:
     * they equal the ports' names). */
    size_t n_tiers;
    const char *const *tiers;
    const char *iface_ids;
};

/* Limits without a quota that says otherwise. */
#define VMN_QUOTA_LABELS 100000
#define VMN_QUOTA_BYTES (64 * 1024 * 1024)
#define VMN_QUOTA_MEMBERSHIPS 2000000
#define VMN_QUOTA_FLOWS 1000000

/* The connection limit of a port that an account with a scope makes. */
#define VMN_PORT_CONNECTION_RATE 500
#define VMN_PORT_CONNECTION_BURST 1000

/* Limits of the objects with some labels, for accounts with a scope. -1:
 * unlimited. */
struct vmn_quota {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    struct vmn_selector scope;  /* Of the objects that count. */
    int networks, ports, groups, services, policies, quarantines;
    int loadbalancers, routers, floating_ips, dns_zones, observations, drafts;
    int addresses;              /* Of ports and balancers, and floating. */
    int members;                /* Of groups, quarantines and balancers;
                                 * records of zones, entries of services,
                                 * forwards of routers. */
    int rules;                  /* With their peers and services; routes. */
    int object_labels, bytes;   /* Of all objects. */
    int memberships;            /* Of ports in groups, at most. */
    int requests;               /* Per second, of all accounts within
                                 * 'scope'. */
    int flows_per_host;         /* Including groups, caused by the objects. */
    int flows;                  /* The same on any host or none, with facts. */
};

enum vmn_draft_op { VMN_DRAFT_PUT, VMN_DRAFT_PATCH, VMN_DRAFT_DELETE };

/* A change of one object that a draft has, as POST /v1/apply takes it, and
 * what the object was when that was written.  Specs are JSON text, objects
 * whose members are sorted. */
struct vmn_draft_change {
    enum vmn_draft_op op;
    const char *type, *name;    /* The type's plural. */
    const char *spec;           /* NULL with VMN_DRAFT_DELETE. */
    bool cascade;               /* Of VMN_DRAFT_DELETE. */
    const char *set;            /* That it is to belong to; NULL: its own. */
    const char *base;           /* The ETag of what it is to change, or
                                 * VMN_DRAFT_NONE. */
    const char *base_spec;      /* NULL with VMN_DRAFT_NONE. */
    uint64_t base_created;      /* When that object was created, milliseconds
                                 * since the epoch; 0: not known. */
    uint64_t base_revision;     /* Of a cascade: the one that wrote it; 0: not
                                 * known. */
    bool unchanged;             /* Its spec is that of the base. */
};
#define VMN_DRAFT_NONE "none"
#define VMN_DRAFT_WRITERS_MAX 16

/* Changes that are not made yet. */
struct vmn_draft {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    const char *author;         /* Who created it: as the log has it. */
    size_t n_writers;           /* Who have written its changes, the last one
                                 * last: accounts without their tokens. */
    const char *const *writers;
    uint64_t undoes;            /* The revision that it takes back; 0: none. */
    size_t n_changes;
    const struct vmn_draft_change *changes;
};

/* A credential of an account. */
struct vmn_token {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    const char *account;
    const char *expires;        /* As RFC 3339 writes it, or NULL: never. */
    const char *sha256;         /* Of the whole token, in hexadecimal. */
};

/* A stage of an app (struct vmn_stage_class). */
struct vmn_module_stage {
    const char *name;
    enum vmn_hook hook;
    int order;
    uint32_t tables;
    enum vmn_miss miss;
    uint32_t scratch, keeps;
    uint32_t first_table;       /* That it had, */
    int next_table;             /* and that of the stage that followed; -1:
                                 * none. */
};

/* What an app's module declared when it was last loaded, and where its stages
 * were: so its place can be kept when it cannot be loaded. */
struct vmn_module {
    const char *file;           /* As vmnd's options name it, or whoever has
                                 * loaded it; NULL: of an app of VMN's own. */
    const char *digest;         /* Of the row's 'code': its SHA-256, in
                                 * hexadecimal; NULL: there is none. */
    bool withdraw;              /* VMN_APP_WITHDRAW. */
    bool denies;                /* VMN_APP_DENIES. */
    size_t n_stages;
    const struct vmn_module_stage *stages;
};

/* MiB that vmnd keeps for an app at most, unless its row says otherwise. */
#define VMN_APP_MEMORY_MIB 256

/* An app that vmnd is to load.  Every app has such a row. */
struct vmn_app_row {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    bool enabled;
    uint32_t max_memory_mib;    /* Of flows, values and so on; not of one of
                                 * VMN's own. */
    struct vmn_module module;
    const char *code;           /* What the module's file has in it, in base64,
                                 * if it is loaded from here; or NULL. */
};

/* A field of a resource type that an app declares; the members are those of
 * struct vmn_field_class. */
struct vmn_type_field {
    const char *name;
    enum vmn_field_type type;
    bool required, list, set, key, mentions, secret, lines, administrators;
    bool or_all;
    int min, max, def;
    uint32_t max_items;
    const char *def_text;       /* Or NULL. */
    size_t n_values;
    const char *const *values;
    const char *ref;            /* Or NULL, as */
    const char *of;             /* the name of its struct. */
    const char *doc;
};

/* A struct that such fields have. */
struct vmn_type_struct {
    const char *name;
    size_t n_fields;
    const struct vmn_type_field *fields;
};

/* A member of the status of objects: values of a relation at their names. */
struct vmn_type_status {
    const char *name;
    int type;                   /* VMN_FIELD_BOOL, INT or TEXT. */
    bool list;                  /* All of them; otherwise the first. */
    const char *relation;
    const char *doc;
};

/* A resource type that an app declares; named as /v1/NAME. */
struct vmn_type_row {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    const char *app;            /* Whose it is; it need not be there. */
    const char *singular;
    const char *doc;
    bool single;                /* VMN_TYPE_SINGLE. */
    bool checks;                /* The app has a check. */
    uint32_t max_objects;
    size_t n_fields;
    const struct vmn_type_field *fields;
    size_t n_structs;           /* Each before those whose fields are of it. */
    const struct vmn_type_struct *structs;
    size_t n_status;
    const struct vmn_type_status *status;
};

#endif /* controller/schema/tables.h */
