/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnd's options: from its command line, and from a configuration file in JSON
 * that uses the same names.  The command line takes precedence.  They are read
 * once, at the start; not for settings that change while vmnd runs
 * (model/). */

#ifndef CONTROLLER_OPTIONS_H
#define CONTROLLER_OPTIONS_H 1

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/schema/error.h"

/* All strings are owned; paths are absolute, except for "none". */
struct options {
    char *config;               /* The file that was read, or NULL. */
    char *state;                /* Path of the database. */
    char *socket;               /* Path of the API's unix socket. */
    char *socket_group;         /* Group that may open it, too; or NULL. */
    char *api_listen;           /* ADDRESS:PORT on loopback, or NULL. */
    char *api_token_file;       /* Or NULL. */
    char *api_origin;           /* Origins, separated by commas; or NULL. */
    char *api_rate;             /* As given; requests per second. */
    unsigned api_rate_calls;
    char *webhook_allow;        /* Prefixes of URLs, or NULL: none. */
    char *webhook_key_file;     /* Or NULL. */
    char *webhook_proxy;        /* http://HOST[:PORT], or NULL: none. */
    char *resolvers;            /* As resolver_create() takes it, or NULL. */
    char *fqdn_min_ttl;         /* As given; seconds. */
    unsigned fqdn_min_ttl_s;
    char *fqdn_grace;           /* As given; seconds. */
    unsigned fqdn_grace_s;
    char *openflow_listen;
    char *openflow_target;      /* Remote that bridges connect to. */
    char *ovsdb_listen;         /* For hosts that connect to vmnd, or NULL. */
    char *ovsdb_target;         /* Remote that they connect to, in its one
                                 * form, or NULL: not known, or "none". */
    char *private_key;          /* This, the next, and at least one CA are
                                 * given, */
    char *certificate;          /* or none of them. */
    char *ca_cert;              /* Default of the next two. */
    char *host_ca_cert;
    char *ipsec;                /* As given; NULL: it follows from the next. */
    char *ipsec_key_file;       /* Or NULL. */
    bool ipsec_certificates;    /* Hosts use certificates, not keys. */
    char *api_ca_cert;
    char *cluster_member;       /* The name of this one; NULL: of none. */
    char *cluster_lease;        /* As given; milliseconds. */
    unsigned cluster_lease_ms;
    char *cluster_db;           /* Remote of the cluster's database. */
    char *cluster_db_dir;       /* Folder of its server's file. */
    char *cluster_listen;       /* ssl:ADDRESS:PORT, for other members; or
                                 * NULL. */
    char *cluster_private_key;  /* With that, all three. */
    char *cluster_certificate;
    char *cluster_ca_cert;
    char *app_dir;
    char *unixctl;              /* Path, or NULL for the default. */
    char *max_flows_text;       /* As given; the next is the number. */
    uint64_t max_flows_per_host; /* Flows and groups; 0: unlimited. */
    char *audit_interval;       /* As given; seconds. */
    unsigned audit_interval_s;
    char *count_interval;       /* As given; seconds. */
    unsigned count_interval_s;
    char *batch_delay;          /* As given; milliseconds. */
    unsigned batch_delay_ms;
    char *host_memory;          /* As given; MiB. */
    unsigned host_memory_mib;
    char *report_rate;          /* As given; changes per second. */
    unsigned report_rate_hz;
    char *mtu_hold;             /* As given; seconds. */
    unsigned mtu_hold_s;
    char *migration_grace;      /* As given; seconds. */
    unsigned migration_grace_s;
    char *log_days;             /* As given; days. */
    unsigned log_days_n;
    char *metrics_series;       /* As given; hosts, and ports. */
    unsigned metrics_series_n;
    char *audit_log;            /* "syslog", "journal", a path, or NULL. */
    char *audit_alarm;          /* As given; percent. */
    unsigned audit_alarm_percent;
    char *packet_port_rate;     /* As given; packets per second. */
    unsigned packet_port_pps;
    char *packet_host_rate;     /* The same. */
    unsigned packet_host_pps;
    size_t n_apps;
    char **apps;                /* Names or paths, in the order given. */
};

/* Reads the command line and the file that it names, and fills in defaults.
 * Handles --help and --version and the options of libopenvswitch (logging,
 * daemonizing).  On an error prints a sentence and exits with status 2. */
void options_init(struct options *, int argc, char *argv[]);
void options_uninit(struct options *);

/* The steps of options_init(), for tests and rehearsals.  They return 0, or a
 * positive errno with an error in '*why', which may be NULL. */

/* Reads the options that are not set yet from the JSON text of the file
 * 'name', which has 'size' bytes. */
int options_read_config(struct options *, const char *name, const char *text,
                        size_t size, struct vmn_error *why);
/* The same with the file 'name', which it reads. */
int options_read_file(struct options *, const char *name,
                      struct vmn_error *why);
/* Fills in defaults, and checks the rest. */
int options_finish(struct options *, struct vmn_error *why);

/* The second part of that: checks the options, with defaults filled in, and
 * converts numbers. */
int options_check(struct options *, struct vmn_error *why);
/* Checks that the files with secrets can be read, and that switches' listener
 * can be had.  Returns 0, or a positive errno with an error. */
int options_check_files(const struct options *, struct vmn_error *why);

#endif /* controller/options.h */
