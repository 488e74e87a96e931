/* SPDX-License-Identifier: Apache-2.0
 *
 * The program: options, and the hosts; see swarm.h. */

#include <config.h>

#include "tests/bench/swarm/swarm.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "random.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

#define FIRST_DATAPATH_ID UINT64_C(0x0200000000000001)
#define HOSTS_MAX 10000

struct options {
    size_t first, n_hosts;
    const char *directory;
    const char *schema;
    char *target;
    struct svec members;        /* NAME,TARGET. */
    bool guests;
    unsigned hits;
    uint32_t seed;
};

static void
usage(void)
{
    printf("usage: %s [OPTION...]\n"
           "Emulates hypervisors hv0, hv1, ...\n"
           "  --first=N         number of the first one (default: 0); unless\n"
           "                    that is 0 commands are at control-N\n"
           "  --hosts=N         how many (default: 10)\n"
           "  --dir=DIR         where the sockets are made: HOST.db of each\n"
           "                    database, and control, for commands\n"
           "  --schema=FILE     Open vSwitch's database schema\n"
           "  --member=NAME,TARGET\n"
           "                    one of several vmnds whose OpenFlow is at\n"
           "                    TARGET; its databases' sockets are in\n"
           "                    DIR/NAME\n"
           "  --target=REMOTE   connect there instead of the bridge's\n"
           "                    controller\n"
           "  --guests          guests answer what the controller asks them\n"
           "  --hits=PERCENT    so many flows are hit by packets (default: 0)\n"
           "  --seed=N          of what is random (default: 1)\n",
           program_name);
}

static void
parse(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        { "first", required_argument, NULL, 'f' },
        { "hosts", required_argument, NULL, 'n' },
        { "dir", required_argument, NULL, 'd' },
        { "schema", required_argument, NULL, 's' },
        { "target", required_argument, NULL, 't' },
        { "member", required_argument, NULL, 'm' },
        { "guests", no_argument, NULL, 'g' },
        { "hits", required_argument, NULL, 'p' },
        { "seed", required_argument, NULL, 'r' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "", names, NULL)) >= 0) {
        switch (c) {
        case 'f':
            o->first = strtoul(optarg, NULL, 10);
            break;
        case 'n':
            o->n_hosts = strtoul(optarg, NULL, 10);
            break;
        case 'd':
            o->directory = optarg;
            break;
        case 's':
            o->schema = optarg;
            break;
        case 't':
            o->target = optarg;
            break;
        case 'm':
            svec_add(&o->members, optarg);
            break;
        case 'g':
            o->guests = true;
            break;
        case 'p':
            o->hits = strtoul(optarg, NULL, 10);
            break;
        case 'r':
            o->seed = strtoul(optarg, NULL, 10);
            break;
        case 'h':
            usage();
            exit(0);
        default:
            exit(1);
        }
    }
    if (!o->directory || !o->n_hosts || o->n_hosts > HOSTS_MAX
        || o->first > HOSTS_MAX) {
        ovs_fatal(0, "--dir is needed, and 1 to %d hosts", HOSTS_MAX);
    }
}

/* Takes the option's values apart. */
static void
add_members(struct swarm *swarm, const struct svec *texts)
{
    swarm->n_members = texts->n;
    swarm->members = xcalloc(MAX(texts->n, 1), sizeof *swarm->members);
    for (size_t i = 0; i < texts->n; i++) {
        const char *text = texts->names[i];
        const char *comma = strchr(text, ',');

        if (!comma || comma == text || !comma[1]) {
            ovs_fatal(0, "--member: \"%s\" is not NAME,TARGET", text);
        }
        swarm->members[i].name = xmemdup0(text, comma - text);
        swarm->members[i].target = xstrdup(comma + 1);
    }
}

static void
members_destroy(struct swarm *swarm)
{
    for (size_t i = 0; i < swarm->n_members; i++) {
        free(swarm->members[i].name);
        free(swarm->members[i].target);
    }
    free(swarm->members);
}

/* A database as it is before anybody has set anything up. */
static void
host_init(struct swarm *swarm, size_t first, size_t i)
{
    struct host *host = &swarm->hosts[i];
    struct uuid uuid;
    struct row *ovs;
    int error;

    host->swarm = swarm;
    host->name = xasprintf("hv%"PRIuSIZE, first + i);
    host->datapath_id = FIRST_DATAPATH_ID + first + i;
    rows_init(&host->rows, swarm->schema);
    ovs_list_init(&host->db_conns);
    uuid_generate(&uuid);
    ovs = rows_insert(&host->rows,
                      schema_find_table(swarm->schema, "Open_vSwitch"),
                      &uuid);
    rows_set_pair(&host->rows, ovs, "external_ids", "system-id", host->name);
    rows_set_string(&host->rows, ovs, "ovs_version", "3.1.0");
    rows_set_string(&host->rows, ovs, "datapath_types", "system");
    rows_commit(&host->rows);
    rows_settle(&host->rows);
    host->links = xcalloc(MAX(swarm->n_members, 1), sizeof *host->links);
    vswitchd_init(host);
    switch_init(host);
    hostile_init(host);
    error = server_open(host);
    if (error) {
        ovs_fatal(error, "%s: can't listen in %s", host->name,
                  swarm->directory);
    }
}

static void
host_uninit(struct host *host)
{
    server_close(host);
    switch_uninit(host);
    hostile_uninit(host);
    vswitchd_uninit(host);
    writers_uninit(&host->writers);
    writers_uninit(&host->db_writers);
    free(host->links);
    rows_uninit(&host->rows);
    free(host->name);
}

void
swarm_count(const struct swarm *swarm, struct counters *sum)
{
    uint64_t *to = (uint64_t *) sum;

    memset(sum, 0, sizeof *sum);
    for (size_t i = 0; i < swarm->n_hosts; i++) {
        const uint64_t *from = (const uint64_t *) &swarm->hosts[i].counters;

        for (size_t k = 0; k < sizeof *sum / sizeof *to; k++) {
            to[k] += from[k];
        }
    }
}

static void
signal_cb(evutil_socket_t signal_number OVS_UNUSED, short what OVS_UNUSED,
          void *base)
{
    event_base_loopbreak(base);
}

static void
run(struct swarm *swarm, size_t first)
{
    struct event *term = evsignal_new(swarm->base, SIGTERM, signal_cb,
                                      swarm->base);
    char *path = (first ? xasprintf("%s/control-%"PRIuSIZE,
                                    swarm->directory, first)
                  : xasprintf("%s/control", swarm->directory));
    int error = control_open(swarm, path);

    if (error) {
        ovs_fatal(error, "%s", path);
    }
    free(path);
    event_add(term, NULL);
    event_base_dispatch(swarm->base);
    event_free(term);
    evconnlistener_free(swarm->control);
}

int
main(int argc, char *argv[])
{
    struct options options = {
        .n_hosts = 10,
        .schema = "/usr/share/openvswitch/vswitch.ovsschema",
        .members = SVEC_EMPTY_INITIALIZER,
        .seed = 1,
    };
    struct swarm swarm = { .base = NULL };
    char *error;

    set_program_name(argv[0]);
    parse(argc, argv, &options);
    signal(SIGPIPE, SIG_IGN);
    random_set_seed(options.seed);
    vlog_set_levels(NULL, VLF_SYSLOG, VLL_OFF);

    swarm.schema = schema_load(options.schema, &error);
    if (!swarm.schema) {
        ovs_fatal(0, "%s", error);
    }
    swarm.base = event_base_new();
    swarm.directory = xstrdup(options.directory);
    swarm.target_override = options.target;
    hmap_init(&swarm.store.bodies);
    add_members(&swarm, &options.members);
    swarm.guests_answer = options.guests;
    swarm.hit_percent = options.hits;
    swarm.start_ms = time_msec();
    swarm.n_hosts = options.n_hosts;
    swarm.hosts = xcalloc(swarm.n_hosts, sizeof *swarm.hosts);
    for (size_t i = 0; i < swarm.n_hosts; i++) {
        host_init(&swarm, options.first, i);
    }
    run(&swarm, options.first);
    for (size_t i = 0; i < swarm.n_hosts; i++) {
        host_uninit(&swarm.hosts[i]);
    }
    free(swarm.hosts);
    members_destroy(&swarm);
    svec_destroy(&options.members);
    hmap_destroy(&swarm.store.bodies);
    schema_destroy(swarm.schema);
    free(swarm.directory);
    event_base_free(swarm.base);
    return 0;
}
