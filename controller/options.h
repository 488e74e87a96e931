/* SPDX-License-Identifier: Apache-2.0
 *
 * What vmnd is told at start: by its command line, and by a configuration file
 * in JSON that uses the same names.  The command line wins.  Read once, before
 * anything else; not for what changes while vmnd runs (model/). */

#ifndef CONTROLLER_OPTIONS_H
#define CONTROLLER_OPTIONS_H 1

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/schema/error.h"

/* All strings are owned; paths are absolute, except for "none". */
struct options {
    char *config;               /* The file that was read, or NULL. */
    char *state;                /* The database. */
    char *socket;               /* The API's unix socket. */
    char *socket_group;         /* That may open it too, or NULL. */
    char *api_listen;           /* ADDRESS:PORT on loopback, or NULL. */
    char *api_token_file;       /* Or NULL. */
    char *api_origin;           /* Origins with commas between, or NULL. */
    char *api_rate;             /* As given, and calls a second. */
    unsigned api_rate_calls;
    char *webhook_allow;        /* Prefixes of URLs, or NULL: none. */
    char *webhook_key_file;     /* Or NULL. */
    char *webhook_proxy;        /* http://HOST[:PORT], or NULL: none. */
    char *openflow_listen;
    char *openflow_target;      /* Where bridges are told to connect to. */
    char *ovsdb_listen;         /* For hosts that dial in, or NULL. */
    char *private_key;          /* This and the next, and at least one CA, */
    char *certificate;          /* or none of them. */
    char *ca_cert;              /* What the next two are if nobody says. */
    char *host_ca_cert;
    char *ipsec;                /* As given, or NULL: as the next says. */
    char *ipsec_key_file;       /* Or NULL. */
    bool ipsec_certificates;    /* Hosts have some, and no keys. */
    char *api_ca_cert;
    char *app_dir;
    char *unixctl;              /* Path, or NULL for the usual one. */
    char *max_flows_text;       /* As given; for the next. */
    uint64_t max_flows_per_host; /* Flows and groups; 0: any number. */
    char *audit_interval;       /* As given, and the number of seconds. */
    unsigned audit_interval_s;
    char *count_interval;       /* As given, and the number of seconds. */
    unsigned count_interval_s;
    char *batch_delay;          /* As given, and in milliseconds. */
    unsigned batch_delay_ms;
    char *host_memory;          /* As given, and in MiB. */
    unsigned host_memory_mib;
    char *report_rate;          /* As given, and changes a second. */
    unsigned report_rate_hz;
    char *mtu_hold;             /* As given, and in seconds. */
    unsigned mtu_hold_s;
    char *log_days;             /* As given, and in days. */
    unsigned log_days_n;
    char *audit_log;            /* "syslog", "journal", a path, or NULL. */
    char *audit_alarm;          /* As given, and the percentage. */
    unsigned audit_alarm_percent;
    char *packet_port_rate;     /* As given, and packets a second. */
    unsigned packet_port_pps;
    char *packet_host_rate;     /* The same. */
    unsigned packet_host_pps;
    size_t n_apps;
    char **apps;                /* Names or paths, in the order given. */
};

/* Reads the command line and the file that it names, and fills in what
 * neither says.  Handles --help and --version and the options of
 * libopenvswitch (logging, daemonizing) by itself.  On an error prints a
 * sentence and exits with status 2. */
void options_init(struct options *, int argc, char *argv[]);
void options_uninit(struct options *);

/* The parts of options_init(), for tests.  They return 0, or a positive errno
 * with an error in '*why', which may be NULL. */

/* Takes what 'options' does not say yet from the JSON text of a file 'name'.
 * 'size' is in bytes. */
int options_read_config(struct options *, const char *name, const char *text,
                        size_t size, struct vmn_error *why);
/* Fills in what nobody said and checks the rest. */
int options_finish(struct options *, struct vmn_error *why);

/* The last part of that: checks them, once defaults are filled in, and makes
 * numbers of those that are numbers. */
int options_check(struct options *, struct vmn_error *why);

#endif /* controller/options.h */
