/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnd: reads its options, creates the rooms from the bottom to the top, runs
 * the event loop, and destroys them in reverse order.  Everything else is in
 * the rooms.
 *
 * The order matters: neither an event base nor a thread nor an open database
 * survives the fork in daemonize_start(); the parent waits for
 * daemonize_complete(), so it exits with an error if anything fails before. */

#include <config.h>

#include "controller/vmnd.h"

#include <errno.h>
#include <event2/event.h>
#ifdef HAVE_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command-line.h"
#include "controller/apphost/apphost.h"
#include "controller/audit-log.h"
#include "controller/commit/commit.h"
#include "controller/engine/engine.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fqdn/fqdns.h"
#include "controller/load-monitor/load-monitor.h"
#include "controller/model/model.h"
#include "controller/northbound/northbound.h"
#include "controller/ovs-calls.h"
#include "controller/service-notify.h"
#include "controller/siphash.h"
#include "controller/store/store.h"
#include "daemon.h"
#include "dirs.h"
#include "dns-resolve.h"
#include "memory.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "proto/http/http.h"
#include "proto/openflow/ofconn.h"
#include "proto/resolver/resolver.h"
#include "proto/webhook/webhook.h"
#include "signals.h"
#include "simap.h"
#include "svec.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(vmnd);

void
vmnd_die_of(int error, const char *what, const char *text)
{
    if (error) {
        VLOG_FATAL("%s: %s", what, text ? text : ovs_strerror(error));
    }
}

/* Exit status if the database cannot be used: a restart does not help, an
 * operator must act. */
#define EXIT_DAMAGED 3

/* Exit status of a former writer of a cluster: started again, it is a
 * standby. */
#define EXIT_DEPOSED 4

/* The same for an error of the database. */
static void
die_of_state(int error, const char *path, const char *text)
{
    if (error == EUCLEAN) {
        char *all = xasprintf("cannot use the state: %s; it was left as it "
                              "is; put a backup in its place with `vmnctl "
                              "restore BACKUP --database %s`", text, path);

        /* As VLOG_FATAL() does, which has another exit status. */
        vlog_set_levels(&this_module, VLF_CONSOLE, VLL_OFF);
        VLOG_EMER("%s", all);
        ovs_error(0, "%s", all);
        exit(EXIT_DAMAGED);
    }
    vmnd_die_of(error, "cannot use the state", text);
}

/* Creates 'folder', if only its last component is missing.  Errors are
 * ignored: creating files in it will fail with a better message. */
static void
make_folder(const char *folder, mode_t mode)
{
    if (mkdir(folder, mode) && errno != EEXIST) {
        VLOG_DBG("%s: cannot be created (%s)", folder, ovs_strerror(errno));
    }
}

void
vmnd_make_folder_of(const char *path, mode_t mode)
{
    char *folder = dir_name(path);

    make_folder(folder, mode);
    free(folder);
}

/* Signals and unixctl.  --------------------------------------------------- */

/* Replies to the unixctl command "memory/show", for which libopenvswitch asks
 * the program for its memory usage. */
static void
report_memory(const struct vmnd *vmnd)
{
    struct simap usage = SIMAP_INITIALIZER(&usage);
    struct engine_stats engine;
    struct fabric_stats fabric;
    struct rusage process;

    engine_get_stats(vmnd->engine, &engine);
    fabric_get_stats(vmnd->fabric, &fabric);
    getrusage(RUSAGE_SELF, &process);
    simap_put(&usage, "peak-resident-kB", process.ru_maxrss);
    simap_put(&usage, "hosts", fabric.n_hosts);
    simap_put(&usage, "units", engine.n_units);
    simap_put(&usage, "queries", engine.n_queries);
    simap_put(&usage, "relation-values", engine.n_relation_values);
    simap_put(&usage, "scopes", engine.n_scopes);
    simap_put(&usage, "flows", engine.n_flows);
    simap_put(&usage, "groups", engine.n_groups);
    simap_put(&usage, "message-kB", engine.n_bytes / 1024);
    memory_report(&usage);
    simap_destroy(&usage);
}

static void
unixctl_task_run(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    unixctl_server_run(vmnd->unixctl);
    memory_run();
    if (memory_should_report() && vmnd->fabric) {
        report_memory(vmnd);
    }
}

static void
unixctl_task_wait(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    unixctl_server_wait(vmnd->unixctl);
}

static void
exit_cb(struct unixctl_conn *conn, int argc OVS_UNUSED,
        const char *argv[] OVS_UNUSED, void *loop)
{
    loop_exit(loop);
    unixctl_command_reply(conn, NULL);
}

/* Ends the loop.  The rooms are then destroyed in order, so a leak checker can
 * report.  Otherwise fatal_signal_run() would end the process at once. */
static void
signal_cb(evutil_socket_t sig_nr, short what OVS_UNUSED, void *loop)
{
    char name[SIGNAL_NAME_BUFSIZE];

    VLOG_INFO("%s", signal_name(sig_nr, name, sizeof name));
    loop_exit(loop);
}

static void
start_signals(struct vmnd *vmnd)
{
    static const int signals[] = { SIGTERM, SIGINT };

    /* The limit of a file's size is then reported as an error, like a full
     * disk. */
    signal(SIGXFSZ, SIG_IGN);

    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        vmnd->signals[i] = evsignal_new(loop_base(vmnd->loop), signals[i],
                                        signal_cb, vmnd->loop);
        event_add(vmnd->signals[i], NULL);
    }
}

static void
start_unixctl(struct vmnd *vmnd)
{
    int error = unixctl_server_create(vmnd->options.unixctl, &vmnd->unixctl);

    vmnd_die_of(error, "unixctl", NULL);
    unixctl_command_register("exit", "", 0, 0, exit_cb, vmnd->loop);
    loop_unixctl_init(vmnd->loop);
    vmnd->unixctl_task = loop_task_create(vmnd->loop, "unixctl",
                                          unixctl_task_run, unixctl_task_wait,
                                          vmnd);
}

/* The rooms.  ------------------------------------------------------------- */

/* Checks what does not depend on the database before it is opened: a vmnd that
 * cannot start must not create one. */
static void
check_files(const struct options *options)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (options_check_files(options, &why)) {
        VLOG_FATAL("%s", why.text);
    }
}

static void
start_state(struct vmnd *vmnd)
{
    struct store_retention keep = STORE_RETENTION_DEFAULT;
    const char *path = vmnd->options.state;
    struct vmn_error why = VMN_ERROR_INIT;
    int error;

    keep.people_ms = vmnd->options.log_days_n * INT64_C(86400) * 1000;
    vmnd->model = model_create();
    model_show_types(vmnd->model);
    if (vmnd->options.cluster_member) {
        model_set_replicated(vmnd->model);
    }
    vmnd->store_class = &store_sqlite_class;
    vmnd_make_folder_of(path, 0700);
    error = vmnd->store_class->open(path, loop_base(vmnd->loop), &vmnd->store,
                                    &why);
    die_of_state(error, path, why.text);
    vmnd->store_class->set_retention(vmnd->store, &keep);
    error = vmnd->store_class->load(vmnd->store, vmnd->model, &why);
    die_of_state(error, path, why.text);
    store_unixctl_init(vmnd->store_class, vmnd->store);
}

/* Fails if the database is of a cluster's member, and this is none: what it
 * would change the other members would not have. */
static void
check_place(const struct vmnd *vmnd)
{
    struct store_place place;

    vmnd->store_class->get_place(vmnd->store, &place);
    if (place.cluster && !vmnd->options.cluster_member) {
        vmnd_die_of(EINVAL, vmnd->options.state,
               "it is the state of a cluster's member: give "
               "--cluster-member, or have it be a state of its own by "
               "`vmnctl restore` of a backup");
    }
}

static void
start_engine(struct vmnd *vmnd)
{
    struct siphash_key key;
    uint8_t bytes[STORE_KEY_SIZE];

    BUILD_ASSERT(STORE_KEY_SIZE == SIPHASH_KEY_SIZE);
    vmnd->engine = engine_create(vmnd->model, apphost_pipeline(vmnd->apphost));
    vmnd->store_class->get_key(vmnd->store, bytes);
    siphash_key_init(&key, bytes);
    engine_set_key(vmnd->engine, &key);
    engine_set_max_items(vmnd->engine, vmnd->options.max_flows_per_host);
    engine_set_worker_wait(vmnd->engine, ENGINE_WORKER_WAIT_MS);
    engine_unixctl_init(vmnd->engine);
    vmnd->commit = commit_create(loop_base(vmnd->loop), vmnd->model,
                                 vmnd->engine, vmnd->store_class, vmnd->store);
    commit_set_max_delay(vmnd->commit, vmnd->options.batch_delay_ms);
    commit_set_follow(vmnd->commit, vmnd_follow_apps, vmnd);
    commit_set_note(vmnd->commit, vmnd_note_apps, vmnd);
    model_set_check_object(vmnd->model, vmnd_check_object, vmnd);
    commit_unixctl_init(vmnd->commit);
}

static void
start_audit_log(struct vmnd *vmnd)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (vmnd->options.audit_log) {
        int error = audit_log_create(vmnd->options.audit_log, vmnd->commit,
                                     vmnd->model, &vmnd->audit_log, &why);

        vmnd_die_of(error, "cannot write the audit log", why.text);
    }
}

/* Returns the fabric's options. */
static struct fabric_options
get_fabric_options(const struct vmnd *vmnd)
{
    return (struct fabric_options) {
        .pipeline = apphost_pipeline(vmnd->apphost),
        .openflow_listen = vmnd->options.openflow_listen,
        .openflow_target = vmnd->options.openflow_target,
        .ovsdb_listen = vmnd->options.ovsdb_listen,
        .ovsdb_target = vmnd->options.ovsdb_target,
        .ssl_private_key = vmnd->options.private_key,
        .ssl_certificate = vmnd->options.certificate,
        .ssl_ca_cert = vmnd->options.host_ca_cert,
        .ipsec_key_file = vmnd->options.ipsec_key_file,
        .ipsec_certificates = vmnd->options.ipsec_certificates,
        .audit_s = vmnd->options.audit_interval_s,
        .host_memory = (size_t) vmnd->options.host_memory_mib << 20,
        .report_rate = vmnd->options.report_rate_hz,
        .mtu_hold_s = vmnd->options.mtu_hold_s,
        .migration_grace_s = vmnd->options.migration_grace_s,
        .audit_alarm = vmnd->options.audit_alarm_percent,
        .count_s = vmnd->options.count_interval_s,
        .packet_port_rate = vmnd->options.packet_port_pps,
        .packet_host_rate = vmnd->options.packet_host_pps,
    };
}

static void
make_folder_of_openflow(const struct vmnd *vmnd)
{
    const char *listen = vmnd->options.openflow_listen;

    if (!strncmp(listen, "unix:", 5)) {
        vmnd_make_folder_of(listen + 5, 0755);
    }
}

void
vmnd_start_fabric(struct vmnd *vmnd, bool stands_by)
{
    static const char no_listener[]
        = "vmnd does not listen for hosts that connect to it: set "
          "\"ovsdb-listen\" of vmnd, such as ssl:0.0.0.0:6640";
    struct fabric_options options = get_fabric_options(vmnd);
    struct vmn_error why = VMN_ERROR_INIT;

    make_folder_of_openflow(vmnd);
    model_set_no_listener(vmnd->model, options.ovsdb_listen ? NULL
                          : no_listener);
    options.stands_by = stands_by;

    int error = fabric_create(&options, vmnd->loop, vmnd->model, vmnd->engine,
                              vmnd->commit, &vmnd->fabric, &why);

    vmnd_die_of(error, "cannot serve hosts", why.text);
    fabric_unixctl_init(vmnd->fabric);
}

static void
start_webhook(struct vmnd *vmnd)
{
    struct webhook_options options = WEBHOOK_OPTIONS_DEFAULT;
    char *text = NULL;
    int error;

    options.allow = vmnd->options.webhook_allow;
    options.key_file = vmnd->options.webhook_key_file;
    options.proxy = vmnd->options.webhook_proxy;
    error = webhook_create(&options, loop_base(vmnd->loop), &vmnd->webhook,
                           &text);
    vmnd_die_of(error, "cannot call webhooks", text);
}

/* Interval in which loads are computed, in seconds: that in which they are
 * counted, at the shortest. */
#define LOAD_INTERVAL_S 5

static void
start_load(struct vmnd *vmnd)
{
    unsigned count_s = MAX(vmnd->options.count_interval_s, 1);

    vmnd->load_sources = (struct load_sources) {
        .model = vmnd->model, .engine = vmnd->engine,
        .fabric = vmnd->fabric,
        .count_s = vmnd->options.count_interval_s,
    };
    const struct load_source source
        = load_sources_as_source(&vmnd->load_sources);
    vmnd->load = load_monitor_create(loop_base(vmnd->loop), vmnd->model,
                                     vmnd->commit, vmnd->webhook, &source,
                                     MIN(count_s, LOAD_INTERVAL_S) * 1000);
}

static void
start_health(struct vmnd *vmnd)
{
    vmnd->health = health_create(loop_base(vmnd->loop), vmnd->model,
                                 vmnd->engine, vmnd->commit, vmnd->fabric);
    health_unixctl_init(vmnd->health);
}

static void
start_paths(struct vmnd *vmnd)
{
    vmnd->paths = paths_create(loop_base(vmnd->loop), vmnd->model,
                               vmnd->engine, vmnd->commit, vmnd->fabric);
    paths_unixctl_init(vmnd->paths);
}

static void
name_asked_cb(void *fqdns, const char *port, const char *name)
{
    fqdns_asked(fqdns, port, name);
}

static void
start_fqdns(struct vmnd *vmnd)
{
    const struct fqdn_times times = {
        .min_ttl_ms = vmnd->options.fqdn_min_ttl_s * INT64_C(1000),
        .grace_ms = vmnd->options.fqdn_grace_s * INT64_C(1000),
        .learned_ms = FQDN_LEARNED_MS,
    };

    vmnd->resolver = resolver_create(loop_base(vmnd->loop),
                                     vmnd->options.resolvers,
                                     vmnd->options.fqdn_min_ttl_s);
    vmnd->fqdns = fqdns_create(loop_base(vmnd->loop), vmnd->model,
                               vmnd->commit, vmnd->resolver, &times);
    fabric_set_name_asked(vmnd->fabric, name_asked_cb, vmnd->fqdns);
}

static struct northbound_options
get_northbound_options(const struct vmnd *vmnd)
{
    return (struct northbound_options) {
        .unix_path = vmnd->options.socket,
        .unix_group = vmnd->options.socket_group,
        .tcp_listen = vmnd->options.api_listen,
        .token_file = vmnd->options.api_token_file,
        .private_key = vmnd->options.private_key,
        .certificate = vmnd->options.certificate,
        .ca_cert = vmnd->options.api_ca_cert,
        .origins = vmnd->options.api_origin,
        .account_rate = vmnd->options.api_rate_calls,
        .metrics_series = vmnd->options.metrics_series_n,
        .loop = vmnd->loop,
        .webhook = vmnd->webhook,
        .health = vmnd->health,
        .paths = vmnd->paths,
        .fqdns = vmnd->fqdns,
        .cluster = vmnd->cluster,
        .load = vmnd->load,
        .audit_log = vmnd->audit_log,
    };
}

void
vmnd_start_northbound(struct vmnd *vmnd, bool following)
{
    struct northbound_options options = get_northbound_options(vmnd);
    struct vmn_error why = VMN_ERROR_INIT;
    int error;

    options.following = following;
    vmnd_make_folder_of(options.unix_path, 0755);
    error = northbound_create(&options, loop_base(vmnd->loop), vmnd->model,
                              vmnd->engine, vmnd->commit, vmnd->fabric,
                              vmnd->store_class, vmnd->store, vmnd->apphost,
                              &vmnd->northbound, &why);
    vmnd_die_of(error, "cannot serve the API", why.text);
    northbound_unixctl_init(vmnd->northbound);
}

/* Has the one that followed answer all itself, or starts it. */
static void
lead_northbound(struct vmnd *vmnd)
{
    struct northbound_options options = get_northbound_options(vmnd);

    if (vmnd->northbound) {
        northbound_lead(vmnd->northbound, &options);
    } else {
        vmnd_start_northbound(vmnd, false);
    }
}

void
vmnd_set_ready(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    northbound_set_ready(vmnd->northbound, true);
    VLOG_INFO("ready");
    service_notify("READY=1");
}

void
vmnd_start_active(struct vmnd *vmnd)
{
    vmnd->active = true;
    start_audit_log(vmnd);
    start_webhook(vmnd);
    start_health(vmnd);
    start_paths(vmnd);
    start_fqdns(vmnd);
    start_load(vmnd);
    lead_northbound(vmnd);
    vmnd_start_apps(vmnd);
}

/* Has a thread of the allocator's give memory back to the system some seconds
 * after it was freed: the loop has no time for that, and a daemon that rests
 * calls nothing by which the allocator would do so itself. */
static void
start_memory(void)
{
#ifdef HAVE_JEMALLOC
    bool on = true;
    int error = mallctl("background_thread", NULL, NULL, &on, sizeof on);

    if (error) {
        VLOG_WARN("free memory is kept: jemalloc has no background thread "
                  "(%s)", ovs_strerror(error));
    }
#endif
}

static void
vmnd_start(struct vmnd *vmnd)
{
    dns_resolve_init(true);     /* Host names are resolved by libunbound, which
                                 * does not block. */
    vmnd->loop = loop_create();
    start_memory();
    start_signals(vmnd);
    start_unixctl(vmnd);
    check_files(&vmnd->options);
    vmnd_load_apps(vmnd);
    start_state(vmnd);
    check_place(vmnd);
    vmnd_place_apps(vmnd);
    start_engine(vmnd);
    vmnd_start_workers(vmnd);
    if (vmnd->options.cluster_member) {
        commit_follow(vmnd->commit);
        vmnd_start_standby(vmnd);
    } else {
        vmnd_start_fabric(vmnd, false);
        vmnd_start_active(vmnd);
    }
}

/* Time for answers to requests that a deposed writer has not committed. */
#define ANSWER_MS 200

static void
answer_last(struct vmnd *vmnd)
{
    int64_t end_ms = loop_now_ms(vmnd->loop) + ANSWER_MS;

    while (loop_now_ms(vmnd->loop) < end_ms) {
        loop_turn(vmnd->loop, 10);
    }
}

static void
stop_northbound(struct vmnd *vmnd)
{
    if (vmnd->cluster) {
        cluster_close_relay(vmnd->cluster);
    }
    northbound_destroy(vmnd->northbound);
}

/* Destroys the rooms, the top first.  All that was acknowledged is durable. */
static void
stop_active(struct vmnd *vmnd)
{
    commit_cancel_when_quiescent(vmnd->commit, vmnd_set_ready, vmnd);
    commit_stop(vmnd->commit);
    stop_northbound(vmnd);
    load_monitor_destroy(vmnd->load);
    webhook_destroy(vmnd->webhook);
    fabric_set_name_asked(vmnd->fabric, NULL, NULL);
    fqdns_destroy(vmnd->fqdns);
    resolver_destroy(vmnd->resolver);
    audit_log_destroy(vmnd->audit_log);
}

static void
vmnd_stop(struct vmnd *vmnd)
{
    if (vmnd->cluster) {
        vmnd_cancel_activation(vmnd);
        cluster_resign(vmnd->cluster);
    }
    if (vmnd->active) {
        stop_active(vmnd);
    } else {
        stop_northbound(vmnd);
    }
    vmnd_stop_workers(vmnd);
    commit_stop(vmnd->commit);
    paths_destroy(vmnd->paths);
    health_destroy(vmnd->health);
    fabric_destroy(vmnd->fabric);
    commit_destroy(vmnd->commit);
    engine_destroy(vmnd->engine);
    cluster_destroy(vmnd->cluster);
    vmnd_forget_apps(vmnd);
    vmnd->store_class->close(vmnd->store);
    model_destroy(vmnd->model);
    loop_task_destroy(vmnd->unixctl_task);
    unixctl_server_destroy(vmnd->unixctl);
    for (size_t i = 0; i < ARRAY_SIZE(vmnd->signals); i++) {
        event_free(vmnd->signals[i]);
    }
    loop_destroy(vmnd->loop);
    dns_resolve_destroy();
    options_uninit(&vmnd->options);
}

int
main(int argc, char *argv[])
{
    struct vmnd vmnd = { .loop = NULL };

    ovs_cmdl_proctitle_init(argc, argv);
    ovs_set_program_name(argv[0], VMN_VERSION);
    options_init(&vmnd.options, argc, argv);

    make_folder(ovs_rundir(), 0755);    /* For the pidfile and unixctl. */
    daemonize_start(OVS_DAEMONIZE_PLAIN);
    vmnd_start(&vmnd);
    daemonize_complete();
    VLOG_INFO("vmnd %s, state in %s", VMN_VERSION, vmnd.options.state);

    loop_run(vmnd.loop);

    VLOG_INFO("exiting");
    service_notify("STOPPING=1");
    if (vmnd.deposed) {
        answer_last(&vmnd);
    }
    vmnd.ended = !vmnd.deposed;
    vmnd_stop(&vmnd);
    ovsrcu_exit();
    return vmnd.deposed && !vmnd.ended ? EXIT_DEPOSED : EXIT_SUCCESS;
}
