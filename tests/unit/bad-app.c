/* SPDX-License-Identifier: Apache-2.0
 *
 * An app that does what an app must not, where a network's label "do" says so:
 * a module for tests of workers.  Without that label it is an app as any
 * other: a flow for each network, a query, and a handler.  The check of an
 * object of its type does what the object's "deed" says. */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <vmn/app.h>

enum { STAGE_BAD };

#ifndef BAD_OPTIONS
#define BAD_OPTIONS 0
#endif

/* For experiments (IEEE 802): so what other apps do is not concerned. */
#define NOBODYS_ETH_TYPE 0x88b5

static volatile int sink;
static int *volatile nowhere;

static void
end_by_null(void)
{
    sink = *nowhere;
}

static void
end_by_abort(void)
{
    abort();
}

static void
end_by_exit(void)
{
    exit(0);
}

/* As deep as 'depth' says, which is deeper than any stack. */
static int __attribute__((noinline))
recurse(long depth)
{
    volatile char here[4096];

    here[0] = (char) depth;
    return depth ? recurse(depth - 1) + here[0] : 0;
}

static void
end_by_stack(void)
{
    sink = recurse(1L << 40);
}

static void
loop(void)
{
    for (;;) {
        sink++;
    }
}

static void
take_memory(void)
{
    for (int i = 0; i < 3 * 1024; i++) {
        char *p = malloc(1024 * 1024);

        memset(p, 1, 1024 * 1024);
    }
}

static void
read_clock(void)
{
    sink = (int) time(NULL);
}

static void
read_clock_of_processor(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    sink = (int) now.tv_nsec;
}

static void
take_random(void)
{
    char bytes[8];

    sink = (int) getrandom(bytes, sizeof bytes, 0);
}

static void
open_file(void)
{
    sink = open("/etc/passwd", O_RDONLY);
}

static void
open_socket(void)
{
    sink = socket(AF_INET, SOCK_STREAM, 0);
}

static void *
thread_main(void *aux)
{
    return aux;
}

static void
start_thread(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, thread_main, NULL);
}

static void
fork_process(void)
{
    sink = fork();
}

static void
send_signal(void)
{
    kill(getpid(), SIGKILL);
}

static void
open_file_by_number(void)
{
    sink = (int) syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void
open_socket_by_number(void)
{
    sink = (int) syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static void
print_text(void)
{
    printf("text\n");
}

static void
ignored(int number)
{
    sink = number;
}

/* Tries to go on after a system call that is refused. */
static void
catch_refusals(void)
{
    signal(SIGSYS, ignored);
}

static void
wait_long(void)
{
    sleep(1000);
}

/* Waits, by what no filter of system calls can know: vmnd's socket. */
static void
wait_message(void)
{
    char byte;

    sink = (int) read(3, &byte, 1);
}

/* No misdeed: some tenths of a second of processor time. */
static void
compute_long(void)
{
    for (int i = 0; i < 700 * 1000 * 1000; i++) {
        sink = i;
    }
}

static int
compare_ints(const void *a, const void *b)
{
    return *(const int *) a - *(const int *) b;
}

/* No misdeed, but glibc may ask for the machine's memory. */
static void
sort_many(void)
{
    int many[4096] = { 1 };

    qsort(many, sizeof many / sizeof many[0], sizeof many[0], compare_ints);
    sink = many[0];
}

static const struct {
    const char *name;
    void (*function)(void);
} deeds[] = {
    { "sort", sort_many },
    { "null", end_by_null },
    { "abort", end_by_abort },
    { "exit", end_by_exit },
    { "stack", end_by_stack },
    { "loop", loop },
    { "memory", take_memory },
    { "clock", read_clock },
    { "processor-clock", read_clock_of_processor },
    { "random", take_random },
    { "file", open_file },
    { "socket", open_socket },
    { "thread", start_thread },
    { "fork", fork_process },
    { "kill", send_signal },
    { "raw-file", open_file_by_number },
    { "raw-socket", open_socket_by_number },
    { "print", print_text },
    { "catch", catch_refusals },
    { "sleep", wait_long },
    { "wait", wait_message },
    { "compute", compute_long },
};

static void
do_it(const char *what)
{
    for (size_t i = 0; what && i < sizeof deeds / sizeof deeds[0]; i++) {
        if (!strcmp(what, deeds[i].name)) {
            deeds[i].function();
        }
    }
}

static const char *
label(struct vmn_view *view, const struct vmn_network *network,
      const char *key)
{
    return vmn_labels_get(vmn_labels_of(view, &network->row), key);
}

static void
add_flows(struct vmn_emit *emit, const char *network, uint32_t vni, int n)
{
    for (int i = 0; i < n; i++) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_network(network),
                                             STAGE_BAD, 0, 10);

        vmn_match(flow, VMN_REG_NETWORK, vni);
        if (n > 1) {
            vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
            vmn_match(flow, VMN_F_IPV4_SRC, (uint64_t) i);
        } else {
            vmn_match(flow, VMN_F_ETH_TYPE, NOBODYS_ETH_TYPE);
        }
        vmn_act_drop(vmn_flow_actions(flow), "bad");
    }
}

/* Uses what is another app's. */
static void
use_foreign(struct vmn_view *view, struct vmn_emit *emit, const char *network,
            const char *what)
{
    struct vmn_group_msg *group;
    struct vmn_flow *flow;

    if (!what) {
        return;
    }
    flow = vmn_flow_add(emit, vmn_scope_network(network), STAGE_BAD, 0, 20);
    if (!strcmp(what, "relation")) {
        vmn_publish(emit, "firewall.members", "k", "v");
    } else if (!strcmp(what, "pool")) {
        vmn_id_of(view, "firewall.identity", "k");
    } else if (!strcmp(what, "register")) {
        vmn_act_set(vmn_flow_actions(flow), VMN_F_REG12, 1);
    } else if (!strcmp(what, "zone")) {
        vmn_act_set(vmn_flow_actions(flow), VMN_REG_ZONE, 1);
    } else if (!strcmp(what, "group")) {
        /* By the key of the overlay's group for the network's floods. */
        group = vmn_group_add(emit, vmn_scope_network(network), VMN_GROUP_ALL,
                              vmn_printf(view, "flood/%s", network));
        vmn_act_output(vmn_bucket_add(group, 1, 0), 1);
    }
}

/* Returns the number that a label has; 0: there is none. */
static int
number(struct vmn_view *view, const struct vmn_network *network,
       const char *key)
{
    const char *text = label(view, network, key);

    return text ? atoi(text) : 0;
}

/* Takes much, as labels of the network say. */
static void
take_much(struct vmn_view *view, const struct vmn_network *network,
          struct vmn_emit *emit)
{
    const char *name = network->row.name;
    size_t size = 0;

    for (int i = number(view, network, "reads"); i > 0; i--) {
        vmn_read_port(view, vmn_printf(view, "n%d", i));
    }
    for (int i = number(view, network, "facts"); i > 0; i--) {
        vmn_publish(emit, "bad.facts", name, vmn_printf(view, "f%0100d", i));
    }
    for (int i = number(view, network, "keys"); i > 0; i--) {
        vmn_publish(emit, "bad.facts", vmn_printf(view, "%s/%d", name, i), "");
    }
    for (int i = number(view, network, "queries"); i > 0; i--) {
        vmn_query(view, "bad.large", vmn_printf(view, "%s/%d", name, i),
                  &size);
    }
    if (label(view, network, "large")) {
        vmn_query(view, "bad.large", name, &size);
        vmn_publish(emit, "bad.sizes", name,
                    vmn_printf(view, "%zu", size));
    }
    for (int i = number(view, network, "lines"); i > 0; i--) {
        vmn_log(view, "line %d of %s: \033[31m", i, name);
    }
}

static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    const char *what, *flows, *asked;

    if (!network || !network->vni) {
        return;
    }
    what = label(view, network, "do");
    do_it(what);
    if (what && !strcmp(what, "fail")) {
        vmn_fail(emit, "network %s says so", key);
    }
    use_foreign(view, emit, key, label(view, network, "use"));
    take_much(view, network, emit);
    flows = label(view, network, "flows");
    add_flows(emit, key, network->vni, flows ? atoi(flows) : 1);
    asked = label(view, network, "ask");
    if (asked) {
        size_t size;
        const char *value = vmn_query(view, "bad.does", asked, &size);

        vmn_publish(emit, "bad.answers", key, value ? value : "nothing");
    }
}

/* "VNI", of the network with the name. */
static void
eval_does(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    char text[32];

    if (network) {
        do_it(label(view, network, "query"));
        snprintf(text, sizeof text, "%u", (unsigned) network->vni);
        vmn_value_set(value, text, strlen(text) + 1);
    }
}

/* As many KiB as label "large" of the network says that the key begins
 * with. */
static void
eval_large(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const char *slash = strchr(key, '/');
    const struct vmn_network *network = vmn_read_network(
        view, slash ? vmn_printf(view, "%.*s", (int) (slash - key), key)
        : key);
    const char *large = network ? label(view, network, "large") : NULL;

    if (large) {
        size_t size = (size_t) atoi(large) * 1024;

        vmn_value_set(value, vmn_alloc(view, size), size);
    }
}

static void
handle_packet(struct vmn_view *view, const struct vmn_packet_in *in,
              struct vmn_packets_out *out)
{
    const struct vmn_network *network
        = in->port ? vmn_read_network(view, in->port->network) : NULL;

    if (network) {
        vmn_log(view, "%zu bytes at %s", in->size,
                in->now_s > 1600000000 ? "some time" : "no time");
        do_it(label(view, network, "handle"));
    }
    vmn_send_back(out, in->bytes, in->size - (in->number >> 31));
}

struct deed {
    struct vmn_object object;
    const char *deed;
};

static const struct vmn_struct_class deed = {
    .name = "deed", .size = sizeof(struct deed),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(deed, deed), .type = VMN_FIELD_TEXT,
          .doc = "What the check does." },
        { .name = NULL },
    },
};

static void
check_deed(const void *row, struct vmn_check *check)
{
    const struct deed *object = row;

    do_it(object->deed);
    if (object->deed && !strcmp(object->deed, "fail")) {
        vmn_check_fail(check, "/deed", "is a failure");
    }
}

static const struct vmn_type_class types[] = {
    { .name = "bad-deeds", .singular = "bad-deed", .doc = "Deeds.",
      .row = &deed, .check = check_deed },
    { .name = NULL },
};

static const struct vmn_stage_class stages[] = {
    [STAGE_BAD] = { .name = "bad", .hook = VMN_HOOK_SERVICE, .order = 10,
                    .n_tables = 1, .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_query_class queries[] = {
    { .name = "does", .eval = eval_does },
    { .name = "large", .eval = eval_large },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "network", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
      .compile = compile_network },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    { .name = "packet", .handle = handle_packet },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "bad",
    .description = "Does what it must not",
    .stages = stages,
    .queries = queries,
    .units = units,
    .handlers = handlers,
    VMN_APP_TYPES(types),
    .options = BAD_OPTIONS,
};
