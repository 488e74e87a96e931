/* SPDX-License-Identifier: Apache-2.0
 *
 * See wait-drained.h.  The server is asked again and again: a drain takes a
 * minute at least, and an answer costs little. */

#include <config.h>

#include "controller/ctl/wait-drained.h"

#include <string.h>
#include <time.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "controller/ctl/output-table.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* What vmnd begins the reason of a backend with that is drained. */
#define DRAINED "it is drained: "

/* How often the balancer is asked for. */
#define ASK_MS 500

/* How long a drain is waited for, unless --timeout is given. */
#define DRAIN_MS (600 * 1000)

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "?";
}

static long long int
now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Returns the element of 'list' whose "port" is 'port', or NULL. */
static const json_t *
find_backend(const json_t *list, const char *port)
{
    const json_t *backend;
    size_t i;

    json_array_foreach (list, i, backend) {
        if (!strcmp(text_of(backend, "port"), port)) {
            return backend;
        }
    }
    return NULL;
}

/* Returns why a drained backend is drained. */
static const char *
why_drained(const json_t *backend)
{
    const char *why = text_of(backend, "reason");

    return why + (strncmp(why, DRAINED, strlen(DRAINED)) ? 0
                  : strlen(DRAINED));
}

/* Returns true if drain_seconds ended the drain of any of 'ports', which are
 * drained. */
static bool
is_any_cut(const struct svec *ports, const json_t *backends)
{
    for (size_t i = 0; i < ports->n; i++) {
        const json_t *backend = find_backend(backends, ports->names[i]);

        if (!strcmp(text_of(backend, "drain_result"), "cut")) {
            return true;
        }
    }
    return false;
}

/* Fills in 'ports' with those that are waited for: of --backend, or all that
 * the balancer drains. */
static void
get_ports(const struct ctl *ctl, const json_t *listed, struct svec *ports)
{
    const json_t *backend;
    size_t i;

    for (i = 0; i < ctl->backends.n; i++) {
        svec_add(ports, ctl->backends.names[i]);
    }
    if (!ports->n) {
        json_array_foreach (listed, i, backend) {
            if (json_is_true(json_object_get(backend, "drain"))) {
                svec_add(ports, text_of(backend, "port"));
            }
        }
    }
}

/* Prints how it is with the backends: on ctl->out that they are drained, and
 * why, else on ctl->err. */
static void
print_backends(struct ctl *ctl, const struct svec *ports,
               const json_t *backends)
{
    for (size_t i = 0; i < ports->n; i++) {
        const json_t *backend = find_backend(backends, ports->names[i]);
        const char *state = backend ? text_of(backend, "state") : "unknown";
        struct ds ds = DS_EMPTY_INITIALIZER;

        ds_put_format(&ds, "%s %s", ports->names[i], state);
        if (!strcmp(state, "drained") && json_object_get(backend, "reason")) {
            ds_put_format(&ds, ": %s", why_drained(backend));
        } else if (json_object_get(backend, "drain")) {
            ds_put_cstr(&ds, ", no packet from clients since ");
            ctl_path_print(backend, "/drain/quiet_since", &ds);
            ds_put_cstr(&ds, "; drained at the latest at ");
            ctl_path_print(backend, "/drain/latest", &ds);
        }
        ds_put_char(&ds, '\n');
        ctl_print_safely(strcmp(state, "drained") ? ctl->err : ctl->out,
                         ds_cstr(&ds));
        ds_destroy(&ds);
    }
}

/* Checks that the balancer drains all of 'ports', and sets '*done' to whether
 * all are drained. */
static enum ctl_exit
check_ports(struct ctl *ctl, const char *balancer, const struct svec *ports,
            const json_t *listed, const json_t *backends, bool *done)
{
    *done = true;
    if (!ports->n) {
        fprintf(ctl->err, "vmnctl: no backend of balancer %s drains: vmnctl "
                "drain %s BACKEND...\n", balancer, balancer);
        return CTL_REFUSED;
    }
    for (size_t i = 0; i < ports->n; i++) {
        const char *port = ports->names[i];
        const json_t *asked = find_backend(listed, port);
        const json_t *backend = find_backend(backends, port);

        if (!json_is_true(json_object_get(asked, "drain"))) {
            fprintf(ctl->err, backend || asked
                    ? "vmnctl: %s does not drain from balancer %s: vmnctl "
                    "drain %s %s\n"
                    : "vmnctl: %s is no backend of balancer %s (vmnctl "
                    "describe loadbalancer %s lists them)\n", port, balancer,
                    balancer, port);
            return CTL_REFUSED;
        }
        *done = *done && !strcmp(text_of(backend, "state"), "drained");
    }
    return CTL_DONE;
}

/* Asks once.  If the time is over, says how far it is. */
static enum ctl_exit
ask(struct ctl *ctl, const char *balancer, bool last, bool *done)
{
    struct svec ports = SVEC_EMPTY_INITIALIZER;
    const json_t *listed, *backends;
    struct ctl_reply reply;
    enum ctl_exit status;
    bool there;

    status = ctl_get_object(ctl, "loadbalancers", balancer, &reply, &there);
    if (!status && !there) {
        fprintf(ctl->err, "vmnctl: loadbalancer \"%s\" not found\n", balancer);
        status = CTL_REFUSED;
    }
    if (status) {
        return status;
    }
    listed = json_object_get(json_object_get(reply.body, "spec"), "backends");
    backends = json_object_get(json_object_get(reply.body, "status"),
                               "backends");
    get_ports(ctl, listed, &ports);
    status = check_ports(ctl, balancer, &ports, listed, backends, done);
    if (!status && !*done && last) {
        ctl_progress(ctl, NULL);
        fprintf(ctl->err, "vmnctl: not drained within %.1f s:\n",
                ctl->timeout_ms / 1000.0);
        status = CTL_NOT_INSTALLED;
    }
    if (status == CTL_NOT_INSTALLED || (!status && *done)) {
        ctl_progress(ctl, NULL);
        print_backends(ctl, &ports, backends);
    }
    if (!status && *done && is_any_cut(&ports, backends)) {
        status = CTL_CUT;
    }
    svec_destroy(&ports);
    ctl_reply_uninit(&reply);
    return status;
}

/* Calls 'ask_once', which says if something is wrong, or that the time is over
 * ('last'), until it sets '*done'. */
static enum ctl_exit
wait_for(struct ctl *ctl, const char *name,
         enum ctl_exit (*ask_once)(struct ctl *, const char *name, bool last,
                                   bool *done))
{
    const struct timespec pause = { 0, ASK_MS * 1000000L };
    enum ctl_exit status;
    long long int end_ms;
    bool done = false;

    if (!ctl->timeout_given) {
        ctl->timeout_ms = DRAIN_MS;
    }
    end_ms = now_ms() + ctl->timeout_ms;
    ctl->wait = false;          /* It is no wait of vmnd's. */
    for (;;) {
        status = ask_once(ctl, name, now_ms() >= end_ms, &done);
        if (status || done) {
            break;
        }
        ctl_progress(ctl, "waiting until it is drained");
        nanosleep(&pause, NULL);
    }
    ctl_progress(ctl, NULL);
    return status;
}

enum ctl_exit
ctl_wait_drained(struct ctl *ctl, const char *balancer)
{
    return wait_for(ctl, balancer, ask);
}

/* Hosts.  ----------------------------------------------------------------- */

/* At most so many ports are named. */
#define PORTS_NAMED_MAX 5

/* Appends the first of 'names', of 'n_all'. */
static void
put_names(const json_t *names, size_t n_all, struct ds *ds)
{
    size_t n = MIN(json_array_size(names), PORTS_NAMED_MAX);

    for (size_t i = 0; i < n; i++) {
        ds_put_format(ds, "%s%s", i ? ", " : "",
                      json_string_value(json_array_get(names, i)));
    }
    if (n_all > n) {
        ds_put_format(ds, " and %"PRIuSIZE" more", n_all - n);
    }
}

/* Appends a line about the ports that member 'what' of 'left' counts, and
 * member 'names' names, if there are any; 'verb' is what they are. */
static void
put_ports(const char *name, const json_t *left, const char *what,
          const char *names, const char *verb, struct ds *ds)
{
    long long int n = json_integer_value(json_object_get(left, what));

    if (n) {
        ds_put_format(ds, "%s: %lld port%s %s: ", name, n,
                      n == 1 ? " is" : "s are", verb);
        put_names(json_object_get(left, names), n, ds);
        ds_put_char(ds, '\n');
    }
}

/* Appends what is left on the host, a line for each kind. */
static void
put_left(const char *name, const json_t *left, struct ds *ds)
{
    const json_t *routers = json_object_get(left, "routers");
    long long int n = json_integer_value(json_object_get(left, "draining"));

    if (json_array_size(routers)) {
        ds_put_format(ds, "%s: still the gateway of ", name);
        put_names(routers, json_array_size(routers), ds);
        ds_put_char(ds, '\n');
    }
    if (n) {
        ds_put_format(ds, "%s: %lld backend%s\n", name, n,
                      n == 1 ? " drains" : "s drain");
    }
    put_ports(name, left, "ports", "port_names", "bound", ds);
    put_ports(name, left, "migrating", "migrating_names",
              "migrating to or from it", ds);
}

/* Gets what is left on the host, which the reply owns. */
static enum ctl_exit
get_left(struct ctl *ctl, const char *name, struct ctl_reply *reply,
         const json_t **left)
{
    enum ctl_exit status;
    bool there;

    status = ctl_get_object(ctl, "hosts", name, reply, &there);
    if (status) {
        return status;
    }
    if (!there) {
        fprintf(ctl->err, "vmnctl: host \"%s\" not found\n", name);
        return CTL_REFUSED;
    }
    *left = json_object_get(json_object_get(reply->body, "status"),
                            "maintenance");
    return CTL_DONE;
}

static enum ctl_exit
ask_host(struct ctl *ctl, const char *name, bool last, bool *done)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    const json_t *left;
    enum ctl_exit status;

    status = get_left(ctl, name, &reply, &left);
    if (status) {
        return status;
    }
    if (!left) {
        ctl_progress(ctl, NULL);
        fprintf(ctl->err, "vmnctl: host %s does not drain: vmnctl host drain "
                "%s\n", name, name);
        status = CTL_REFUSED;
    } else if (!strcmp(text_of(left, "state"), "drained")) {
        *done = true;
        ctl_progress(ctl, NULL);
        fprintf(ctl->out, "%s drained\n", name);
    } else if (last) {
        ctl_progress(ctl, NULL);
        fprintf(ctl->err, "vmnctl: not drained within %.1f s:\n",
                ctl->timeout_ms / 1000.0);
        put_left(name, left, &ds);
        ctl_print_safely(ctl->err, ds_cstr(&ds));
        status = CTL_NOT_INSTALLED;
    }
    ds_destroy(&ds);
    ctl_reply_uninit(&reply);
    return status;
}

enum ctl_exit
ctl_wait_host_drained(struct ctl *ctl, const char *host)
{
    return wait_for(ctl, host, ask_host);
}

enum ctl_exit
ctl_print_left_on_host(struct ctl *ctl, const char *host)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    const json_t *left;
    enum ctl_exit status;

    status = get_left(ctl, host, &reply, &left);
    if (!status) {
        put_left(host, left, &ds);
        ctl_print_safely(ctl->out, ds_cstr(&ds));
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&ds);
    return status;
}
