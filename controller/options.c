/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnd's options; see options.h.  A row of the table is all that an option
 * needs: from it come the parsing of the command line and of the file, and
 * --help. */

#include <config.h>

#include "controller/options.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/text/byte-order-mark.h"
#include "proto/tls/tls.h"
#include "stream-ssl.h"
#include "util.h"

/* Limits: bytes of a configuration file, characters of an option, and apps. */
#define CONFIG_MAX_SIZE (1024 * 1024)
#define OPTION_MAX_LEN 4096
#define APPS_MAX 256

/* Columns of --help, and of these what is for options' names. */
#define HELP_COLUMNS 79
#define HELP_NAME_COLUMNS 32

/* Exit status of wrong usage. */
#define EXIT_USAGE 2

/* getopt's values.  Those from OPT_ROWS on are rows of 'option_rows'. */
enum {
    OPT_APP = UCHAR_MAX + 1,
    OPT_CONFIG,
    VLOG_OPTION_ENUMS,
    DAEMON_OPTION_ENUMS,
    SSL_OPTION_ENUMS,
    OPT_ROWS,
};

/* Options with one value. */
static const struct option_row {
    const char *name;
    size_t offset;              /* Of its member in struct options. */
    bool is_path;               /* Made absolute, since vmnd changes its
                                 * working directory. */
    const char *arg;
    const char *fallback;       /* Default, or NULL. */
    const char *help;
} option_rows[] = {
#define MEMBER(M) offsetof(struct options, M)
    { "state", MEMBER(state), true, "FILE", "/var/lib/vmn/vmn.db",
      "the database with all of the state" },
    { "socket", MEMBER(socket), true, "FILE", "/run/vmn/vmnd.sock",
      "the API's unix socket, for the local operator" },
    { "socket-group", MEMBER(socket_group), false, "GROUP", NULL,
      "a group that may open the socket as well" },
    { "api-listen", MEMBER(api_listen), false, "ADDRESS:PORT", NULL,
      "serve the API on TCP too: ssl:ADDRESS:PORT, or on loopback" },
    { "api-token-file", MEMBER(api_token_file), true, "FILE", NULL,
      "its first line is a token with all rights" },
    { "api-origin", MEMBER(api_origin), false, "ORIGIN[,...]", NULL,
      "origins of the page, if a proxy changes the Host" },
    { "api-rate", MEMBER(api_rate), false, "NUMBER", "200",
      "calls per second that an account may make; 0: unlimited" },
    { "webhook-allow", MEMBER(webhook_allow), false, "URLPREFIX[,...]", NULL,
      "URLs that webhooks of objects may call; no others" },
    { "webhook-key-file", MEMBER(webhook_key_file), true, "FILE", NULL,
      "calls are signed with its first line" },
    { "webhook-proxy", MEMBER(webhook_proxy), false, "URL", NULL,
      "http://HOST[:PORT] of a proxy that makes these calls" },
    { "resolvers", MEMBER(resolvers), false, "ADDRESS[@PORT][,...]", NULL,
      "who is asked for \"fqdn\" of rules (as /etc/resolv.conf says)" },
    { "fqdn-min-ttl", MEMBER(fqdn_min_ttl), false, "SECONDS", "60",
      "a shorter time to live of their addresses is taken as this" },
    { "fqdn-grace", MEMBER(fqdn_grace), false, "SECONDS", "300",
      "how long an address is allowed on when it has expired" },
    { "openflow-listen", MEMBER(openflow_listen), false, "REMOTE",
      "unix:/run/vmn/openflow.sock", "where switches connect to" },
    { "openflow-target", MEMBER(openflow_target), false, "REMOTE", NULL,
      "the controller that bridges get (as openflow-listen)" },
    { "ovsdb-listen", MEMBER(ovsdb_listen), false, "REMOTE", NULL,
      "where hosts that are set to \"inbound\" connect to" },
    { "ovsdb-target", MEMBER(ovsdb_target), false, "REMOTE", NULL,
      "how they name it, or \"none\" (as ovsdb-listen, or "
      "openflow-target's address)" },
    { "private-key", MEMBER(private_key), true, "FILE", NULL,
      "PEM file with the private key, for ssl: remotes" },
    { "certificate", MEMBER(certificate), true, "FILE", NULL,
      "PEM file with the certificate" },
    { "ca-cert", MEMBER(ca_cert), true, "FILE", NULL,
      "PEM file with the CAs of hosts and of API clients" },
    { "host-ca-cert", MEMBER(host_ca_cert), true, "FILE", NULL,
      "PEM file with the CAs of hosts (as ca-cert)" },
    { "api-ca-cert", MEMBER(api_ca_cert), true, "FILE", NULL,
      "PEM file with the CAs of API clients (as ca-cert)" },
    { "ipsec", MEMBER(ipsec), false, "MODE", NULL,
      "hosts encrypt tunnels by \"psk\" or \"certificates\"" },
    { "ipsec-key-file", MEMBER(ipsec_key_file), true, "FILE", NULL,
      "hosts encrypt tunnels by keys derived from its first line" },
    { "cluster-member", MEMBER(cluster_member), false, "NAME", NULL,
      "this is the member NAME of a cluster" },
    { "cluster-db", MEMBER(cluster_db), false, "REMOTE",
      "unix:/run/vmn-ovsdb/cluster.sock",
      "the server beside this member of the cluster's database" },
    { "cluster-db-dir", MEMBER(cluster_db_dir), true, "DIR",
      "/var/lib/vmn-ovsdb", "where that server's file is: its disk is "
      "watched" },
    { "cluster-lease", MEMBER(cluster_lease), false, "MS", "1000",
      "how long the writer may be silent before another takes over" },
    { "cluster-listen", MEMBER(cluster_listen), false, "ssl:ADDRESS:PORT",
      NULL, "where other members pass requests of their clients on to this" },
    { "cluster-private-key", MEMBER(cluster_private_key), true, "FILE", NULL,
      "PEM file with the private key for that (as private-key)" },
    { "cluster-certificate", MEMBER(cluster_certificate), true, "FILE", NULL,
      "PEM file with the certificate of this member (as certificate)" },
    { "cluster-ca-cert", MEMBER(cluster_ca_cert), true, "FILE", NULL,
      "PEM file with the CA of members, which signs nobody else" },
    { "app-dir", MEMBER(app_dir), true, "DIR", VMN_APPDIR,
      "the folder with apps" },
    { "max-flows-per-host", MEMBER(max_flows_text), false, "NUMBER",
      "1000000", "a change that needs more is refused; 0: unlimited" },
    { "audit-interval", MEMBER(audit_interval), false, "SECONDS", "3600",
      "interval of audits of each host, or 0" },
    { "count-interval", MEMBER(count_interval), false, "SECONDS", "10",
      "interval of reading each host's counters, or 0" },
    { "host-memory", MEMBER(host_memory), false, "MIB", "32",
      "memory that a host may use in vmnd, beyond what it needs" },
    { "report-rate", MEMBER(report_rate), false, "NUMBER", "10",
      "changes per second that a host's reports may make, or 0" },
    { "mtu-hold", MEMBER(mtu_hold), false, "SECONDS", "30",
      "how long a host has to report a larger MTU before that counts" },
    { "migration-grace", MEMBER(migration_grace), false, "SECONDS", "60",
      "how long the host that a guest left is asked about its connections" },
    { "log-days", MEMBER(log_days), false, "DAYS", "365",
      "for how long the log keeps who changed what" },
    { "audit-log", MEMBER(audit_log), false, "WHERE", NULL,
      "\"syslog\", \"journal\" or a file that gets each change by a person" },
    { "metrics-series", MEMBER(metrics_series), false, "NUMBER", "0",
      "hosts, and ports, with series of their own in /metrics" },
    { "batch-delay", MEMBER(batch_delay), false, "MS", "20",
      "how long changes may wait for others, to share what they cost" },
    { "audit-alarm", MEMBER(audit_alarm), false, "PERCENT", "50",
      "share of a host's flows whose loss is logged as an error" },
    { "packet-port-rate", MEMBER(packet_port_rate), false, "NUMBER", "100",
      "packets per second that apps answer for a port; 0: unlimited" },
    { "packet-host-rate", MEMBER(packet_host_rate), false, "NUMBER", "5000",
      "the same for a host" },
    { "unixctl", MEMBER(unixctl), true, "FILE", NULL,
      "socket for ovs-appctl, or \"none\"" },
#undef MEMBER
};

static const char *const default_apps[] = {
    "overlay", "firewall", "loadbalancer", "router", "gateway", "dhcp", "dns",
};

static char **
option_member(struct options *options, const struct option_row *row)
{
    return ALIGNED_CAST(char **, (char *) options + row->offset);
}

/* Checks and sets an option.  Returns 0, or EINVAL with an error. */
static int
option_set(struct options *options, const struct option_row *row,
           const char *value, struct vmn_error *why)
{
    char **member = option_member(options, row);

    if (!*value) {
        return vmn_error_invalid(why, "%s is empty", row->name);
    }
    if (strlen(value) > OPTION_MAX_LEN) {
        return vmn_error_invalid(why, "%s is longer than %d characters",
                                 row->name, OPTION_MAX_LEN);
    }
    free(*member);
    *member = (row->is_path && strcmp(value, "none")
               ? abs_file_name(NULL, value) : xstrdup(value));
    return 0;
}

static int
option_add_app(struct options *options, const char *app,
               struct vmn_error *why)
{
    if (!*app || strlen(app) > OPTION_MAX_LEN) {
        return vmn_error_invalid(why, "app is empty or longer than %d "
                                 "characters", OPTION_MAX_LEN);
    }
    if (options->n_apps >= APPS_MAX) {
        return vmn_error_invalid(why, "there are more than %d apps", APPS_MAX);
    }
    options->apps = xrealloc(options->apps, (options->n_apps + 1)
                                            * sizeof *options->apps);
    options->apps[options->n_apps++] = (strchr(app, '/')
                                        ? abs_file_name(NULL, app)
                                        : xstrdup(app));
    return 0;
}

/* The configuration file.  ------------------------------------------------ */

static const struct option_row *
option_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        if (!strcmp(option_rows[i].name, name)) {
            return &option_rows[i];
        }
    }
    return NULL;
}

static int
config_read_apps(struct options *options, const json_t *apps, bool given,
                 struct vmn_error *why)
{
    const json_t *app;
    size_t i;

    if (!json_is_array(apps)) {
        return vmn_error_invalid(why, "app is not a list");
    }
    json_array_foreach (apps, i, app) {
        if (!json_is_string(app)) {
            return vmn_error_invalid(why, "app/%"PRIuSIZE" is not a string",
                                     i);
        }
        if (!given && option_add_app(options, json_string_value(app), why)) {
            return EINVAL;
        }
    }
    return 0;
}

static int
config_read_member(struct options *options, const char *name,
                   const json_t *value, bool apps_given,
                   struct vmn_error *why)
{
    const struct option_row *row = option_find(name);

    if (!strcmp(name, "app")) {
        return config_read_apps(options, value, apps_given, why);
    }
    if (!row) {
        return vmn_error_invalid(why, "unknown option \"%s\"", name);
    }
    if (json_is_null(value)) {
        return 0;               /* As if the option were absent. */
    }
    if (!json_is_string(value)) {
        return vmn_error_invalid(why, "%s is not a string", name);
    }
    return (*option_member(options, row) ? 0
            : option_set(options, row, json_string_value(value), why));
}

int
options_read_config(struct options *options, const char *name,
                    const char *text, size_t size, struct vmn_error *why)
{
    bool apps_given = options->n_apps > 0;
    json_error_t where;
    const char *key;
    json_t *value;
    int error = 0;

    if (size > CONFIG_MAX_SIZE) {
        return vmn_error_invalid(why, "%s: more than %d bytes", name,
                                 CONFIG_MAX_SIZE);
    }

    size_t mark = text_skip_bom(text, size);
    json_t *config = json_loadb(text + mark, size - mark,
                                JSON_REJECT_DUPLICATES, &where);
    if (!config) {
        return vmn_error_invalid(why, "%s:%d:%d: %s", name, where.line,
                                 where.column, where.text);
    }
    if (!json_is_object(config)) {
        error = vmn_error_invalid(why, "not a JSON object");
    }
    json_object_foreach (config, key, value) {
        error = config_read_member(options, key, value, apps_given, why);
        if (error) {
            break;
        }
    }
    if (error) {
        vmn_error_prefix(why, name);
    }
    json_decref(config);
    return error;
}

int
options_read_file(struct options *options, const char *name,
                  struct vmn_error *why)
{
    FILE *file = fopen(name, "r");
    int error;

    if (!file) {
        return vmn_error_errno(why, errno, "%s: %s", name,
                               ovs_strerror(errno));
    }

    char *text = xmalloc(CONFIG_MAX_SIZE + 1);
    size_t size = fread(text, 1, CONFIG_MAX_SIZE + 1, file);
    if (ferror(file)) {
        error = vmn_error_errno(why, errno, "%s: %s", name,
                                ovs_strerror(errno));
    } else {
        error = options_read_config(options, name, text, size, why);
    }
    free(text);
    fclose(file);
    return error;
}

/* Defaults.  -------------------------------------------------------------- */

int
options_finish(struct options *options, struct vmn_error *why)
{
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        char **member = option_member(options, row);

        if (!*member && row->fallback) {
            *member = xstrdup(row->fallback);
        }
    }
    if (!options->n_apps) {
        for (size_t i = 0; i < ARRAY_SIZE(default_apps); i++) {
            option_add_app(options, default_apps[i], NULL);
        }
    }
    return options_check(options, why);
}

/* The command line.  ------------------------------------------------------ */

/* Prints what an option does beside its name, in lines of 79 columns. */
static void
print_option(const char *name, const char *help)
{
    int column = printf("  %-30s", name);

    if (column > HELP_NAME_COLUMNS) {
        column = printf("\n%*s", HELP_NAME_COLUMNS, "") - 1;
    }
    for (size_t n; *help; help += n + (help[n] != '\0')) {
        n = strcspn(help, " ");
        if (column + 1 + (int) n > HELP_COLUMNS) {
            column = printf("\n%*s", HELP_NAME_COLUMNS, "") - 1;
        }
        column += printf(" %.*s", (int) n, help);
    }
    putchar('\n');
}

static void
print_app_option(void)
{
    struct ds help = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&help, "an app to load: a name, or a path with a slash; "
                "repeatable (default:");
    for (size_t i = 0; i < ARRAY_SIZE(default_apps); i++) {
        ds_put_format(&help, "%s %s", i ? "," : "", default_apps[i]);
    }
    ds_put_char(&help, ')');
    print_option("--app=NAME", ds_cstr(&help));
    ds_destroy(&help);
}

static void OVS_NO_RETURN
usage(void)
{
    printf("%s: controller of virtual-machine networks on Open vSwitch\n"
           "usage: %s [OPTION]...\n"
           "\nOptions (each is also a member of the file of --config):\n",
           program_name, program_name);
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        char *names = xasprintf("--%s=%s", row->name, row->arg);

        print_option(names, row->help);
        if (row->fallback) {
            char *fallback = xasprintf("(default: %s)", row->fallback);

            print_option("", fallback);
            free(fallback);
        }
        free(names);
    }
    print_app_option();
    printf("\nOptions of the command line alone:\n");
    print_option("--config=FILE", "read options from a JSON object");
    daemon_usage();
    vlog_usage();
    printf("\nOther options:\n");
    print_option("--ssl-protocols=PROTOCOLS",
                 "TLS protocols, such as TLSv1.2");
    print_option("--ssl-ciphers=CIPHERS",
                 "TLS 1.2 ciphers to hosts' databases (default: AEAD)");
    print_option("-h, --help", "this text");
    print_option("-V, --version", "the version");
    exit(EXIT_SUCCESS);
}

/* Exits with an error, if 'error' is nonzero. */
static void
die_of(int error, const struct vmn_error *why)
{
    if (error) {
        fprintf(stderr, "%s: %s\n", program_name, why->text);
        exit(EXIT_USAGE);
    }
}

/* Returns all of vmnd's options for getopt_long(). */
static const struct option *
make_long_options(void)
{
    static const struct option others[] = {
        {"app", required_argument, NULL, OPT_APP},
        {"config", required_argument, NULL, OPT_CONFIG},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        DAEMON_LONG_OPTIONS,
        VLOG_LONG_OPTIONS,
        {"ssl-protocols", required_argument, NULL, OPT_SSL_PROTOCOLS},
        {"ssl-ciphers", required_argument, NULL, OPT_SSL_CIPHERS},
        {NULL, 0, NULL, 0},
    };
    static struct option all[ARRAY_SIZE(option_rows) + ARRAY_SIZE(others)];
    size_t n_rows = ARRAY_SIZE(option_rows);

    for (size_t i = 0; i < n_rows; i++) {
        all[i] = (struct option) {
            option_rows[i].name, required_argument, NULL, OPT_ROWS + i,
        };
    }
    memcpy(all + n_rows, others, sizeof others);
    return all;
}

static void
handle_option(struct options *options, int c)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (c >= OPT_ROWS) {
        die_of(option_set(options, &option_rows[c - OPT_ROWS], optarg, &why),
               &why);
        return;
    }
    switch (c) {
    case OPT_APP:
        die_of(option_add_app(options, optarg, &why), &why);
        break;
    case OPT_CONFIG:
        free(options->config);
        options->config = abs_file_name(NULL, optarg);
        break;
    case 'h':
        usage();
    case 'V':
        ovs_print_version(0, 0);
        exit(EXIT_SUCCESS);
    DAEMON_OPTION_HANDLERS
    VLOG_OPTION_HANDLERS
    case OPT_SSL_PROTOCOLS:
        stream_ssl_set_protocols(optarg);
        break;
    case OPT_SSL_CIPHERS:
        stream_ssl_set_ciphers(optarg);
        break;
    case '?':                   /* getopt_long() has printed the error. */
        exit(EXIT_USAGE);
    default:
        abort();
    }
}

void
options_init(struct options *options, int argc, char *argv[])
{
    const struct option *long_options = make_long_options();
    struct vmn_error why = VMN_ERROR_INIT;
    int c;

    memset(options, 0, sizeof *options);
    stream_ssl_set_ciphers(TLS_CIPHERS);
    while ((c = getopt_long(argc, argv, "hVv::", long_options, NULL)) != -1) {
        handle_option(options, c);
    }

    if (optind < argc) {
        die_of(vmn_error_invalid(&why, "unknown argument \"%s\"; see --help",
                                 argv[optind]), &why);
    }
    if (options->config) {
        die_of(options_read_file(options, options->config, &why), &why);
    }
    die_of(options_finish(options, &why), &why);
}

void
options_uninit(struct options *options)
{
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        free(*option_member(options, &option_rows[i]));
    }
    for (size_t i = 0; i < options->n_apps; i++) {
        free(options->apps[i]);
    }
    free(options->apps);
    free(options->config);
}
