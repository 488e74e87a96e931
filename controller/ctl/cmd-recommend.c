/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl policy recommend: policies that allow the observed connections, as a
 * file for apply.  With --for, it first observes the network for that long. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Minutes by which an observation outlives this process, should it be
 * killed. */
#define SPARE_MIN 5

/* Observing.  ------------------------------------------------------------ */

/* Begins to observe the network.  '*made' is false if it is observed
 * already. */
static enum ctl_exit
begin(struct ctl *ctl, bool *made)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;
    json_t *body;
    bool there;

    *made = false;
    status = ctl_get_object(ctl, "observations", ctl->network, &reply, &there);
    if (status) {
        return status;
    } else if (there) {
        ctl_reply_uninit(&reply);
        fprintf(ctl->err, "network %s is observed already, and stays so\n",
                ctl->network);
        return CTL_DONE;
    }
    body = json_pack("{s:{s:i}}", "spec", "minutes",
                     ctl->for_s / 60 + 1 + SPARE_MIN);
    ctl_append_path(&path, "observations", ctl->network);
    ctl_append_query(&path, "wait", "installed");
    status = ctl_call(ctl, "PUT", ds_cstr(&path), body, NULL, &reply);
    if (!status) {
        *made = true;
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    json_decref(body);
    return status;
}

static enum ctl_exit
end(struct ctl *ctl)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, "observations", ctl->network);
    status = ctl_call(ctl, "DELETE", ds_cstr(&path), NULL, NULL, &reply);
    if (!status) {
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    return status;
}

/* Signals such as Ctrl-C end the wait only. */
static void
wait_for(struct ctl *ctl, const sigset_t *ends)
{
    struct timespec until, now, left;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ctl->for_s;
    fprintf(ctl->err, "connections of network %s are observed for %d s "
            "(Ctrl-C ends it sooner)\n", ctl->network, ctl->for_s);
    fflush(ctl->err);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
        left.tv_sec = until.tv_sec - now.tv_sec;
        left.tv_nsec = 0;
    } while (left.tv_sec > 0 && sigtimedwait(ends, NULL, &left) < 0
             && errno == EINTR);
}

/* The reply.  ------------------------------------------------------------- */

static void
put_path(const struct ctl *ctl, struct ds *path)
{
    ds_put_cstr(path, "/v1/recommendations");
    ctl_append_query(path, "network", ctl->network);
    if (ctl->labels) {
        ctl_append_query(path, "labels", ctl->labels);
    }
    if (ctl->exact) {
        ctl_append_query(path, "exact", "true");
    }
    ctl_append_query(path, "mode", ctl->enforce ? "enforce" : "shadow");
}

static enum ctl_exit
ask(struct ctl *ctl, struct ctl_reply *reply)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    put_path(ctl, &path);
    status = ctl_get(ctl, ds_cstr(&path), reply);
    ds_destroy(&path);
    return status;
}

/* Asks what will be asked after the observation, so that nobody waits for what
 * is refused then.  That the network is not observed yet is no error. */
static enum ctl_exit
check_allowed(struct ctl *ctl)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;
    bool observed;

    put_path(ctl, &path);
    status = ctl_get_except(ctl, ds_cstr(&path), 409, &reply, &observed);
    if (!status && observed) {
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    return status;
}

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "?";
}

static json_int_t
number_of(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

/* Prints a line as a comment. */
static void
print_comment(struct ctl *ctl, struct ds *ds)
{
    fputs("# ", ctl->out);
    ctl_print_safely(ctl->out, ds_cstr(ds));
    putc('\n', ctl->out);
    ds_clear(ds);
}

/* Appends "A -> B tcp/80". */
static void
put_connection(struct ds *ds, const json_t *connection)
{
    ctl_path_print(connection, "/from", ds);
    ds_put_cstr(ds, " -> ");
    ctl_path_print(connection, "/to", ds);
    ds_put_char(ds, ' ');
    ctl_path_print(connection, "/service", ds);
}

static void
append_hosts(struct ctl *ctl, const json_t *answer, struct ds *ds)
{
    const json_t *host;
    size_t i;

    json_array_foreach (json_object_get(answer, "hosts"), i, host) {
        const char *missing = json_string_value(json_object_get(host,
                                                                "reason"));

        if (missing) {
            ds_put_format(ds, "Host %s is missing: %s.",
                          text_of(host, "host"), missing);
        } else if (json_is_true(json_object_get(host, "truncated"))) {
            ds_put_format(ds, "Host %s has no room for more connections: "
                          "some may be missing.",
                          text_of(host, "host"));
        } else {
            continue;
        }
        fprintf(ctl->err, "vmnctl: ");
        ctl_print_safely(ctl->err, ds_cstr(ds));
        putc('\n', ctl->err);
        print_comment(ctl, ds);
    }
}

/* Prints what the user should know before applying the file. */
static void
print_head(struct ctl *ctl, const json_t *answer)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_int_t n = number_of(answer, "n_unselected");
    json_int_t n_seen = number_of(answer, "connections");
    size_t n_rules = json_array_size(json_object_get(answer, "rules"));
    const json_t *left;
    size_t i;

    ds_put_format(&ds, "Network %s since %s: %"JSON_INTEGER_FORMAT
                  " connection%s, %"PRIuSIZE" rule%s%s.",
                  text_of(answer, "network"), text_of(answer, "since"),
                  n_seen, n_seen == 1 ? "" : "s", n_rules,
                  n_rules == 1 ? "" : "s",
                  json_is_true(json_object_get(answer, "optimal"))
                  ? "" : " (perhaps fewer would do)");
    print_comment(ctl, &ds);
    append_hosts(ctl, answer, &ds);
    json_array_foreach (json_object_get(answer, "uncovered"), i, left) {
        ds_put_cstr(&ds, "Not allowed by what follows: ");
        put_connection(&ds, left);
        ds_put_format(&ds, " (%s).", text_of(left, "reason"));
        print_comment(ctl, &ds);
    }
    if (number_of(answer, "n_uncovered") > (json_int_t) i) {
        ds_put_format(&ds, "Nor are %"JSON_INTEGER_FORMAT" others.",
                      number_of(answer, "n_uncovered") - (json_int_t) i);
        print_comment(ctl, &ds);
    }
    if (n) {
        ds_put_format(&ds, "No connections to %"JSON_INTEGER_FORMAT
                      " ports were seen, so no policy is about them: ", n);
        ctl_path_print(answer, "/unselected/*", &ds);
        print_comment(ctl, &ds);
    }
    if (json_array_size(json_object_get(answer, "kept"))) {
        ds_put_cstr(&ds, "Policies that exist and are not changed: ");
        ctl_path_print(answer, "/kept/*", &ds);
        print_comment(ctl, &ds);
    }
    ds_destroy(&ds);
}

/* Prints the rules of a policy, as comments. */
static void
print_rules(struct ctl *ctl, const json_t *answer, const char *policy)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *rule, *extra;
    size_t i, j;

    json_array_foreach (json_object_get(answer, "rules"), i, rule) {
        json_int_t n = number_of(rule, "extra");

        if (strcmp(text_of(rule, "policy"), policy)) {
            continue;
        }
        ctl_path_print(rule, "/from", &ds);
        ds_put_cstr(&ds, " -> ");
        ctl_path_print(rule, "/to", &ds);
        ds_put_char(&ds, ' ');
        ctl_path_print(rule, "/services", &ds);
        ds_put_format(&ds, ": %"JSON_INTEGER_FORMAT" seen",
                      number_of(rule, "observed"));
        if (n) {
            ds_put_format(&ds, ", %"JSON_INTEGER_FORMAT" more allowed:", n);
        }
        print_comment(ctl, &ds);
        json_array_foreach (json_object_get(rule, "extras"), j, extra) {
            ds_put_cstr(&ds, "  ");
            put_connection(&ds, extra);
            print_comment(ctl, &ds);
        }
        if (n > (json_int_t) j) {
            ds_put_format(&ds, "  and %"JSON_INTEGER_FORMAT" others",
                          n - (json_int_t) j);
            print_comment(ctl, &ds);
        }
    }
    ds_destroy(&ds);
}

/* Prints a file for apply, with comments. */
static void
show_file(struct ctl *ctl, const json_t *answer)
{
    const json_t *object;
    size_t i;

    print_head(ctl, answer);
    json_array_foreach (json_object_get(answer, "objects"), i, object) {
        fputs("---\n", ctl->out);
        print_rules(ctl, answer, text_of(object, "name"));
        ctl_show_yaml(ctl->out, object, "");
    }
}

/* The command.  ---------------------------------------------------------- */

static enum ctl_exit
recommend(struct ctl *ctl)
{
    struct ctl_reply reply;
    enum ctl_exit status = ask(ctl, &reply);

    if (!status) {
        if (!ctl_show_raw(ctl, reply.body)) {
            show_file(ctl, reply.body);
        }
        ctl_reply_uninit(&reply);
    }
    return status;
}

/* Ends the observation that it began in any case: signals are blocked until
 * then. */
static enum ctl_exit
observe_and_recommend(struct ctl *ctl)
{
    enum ctl_exit status, ended;
    sigset_t ends, old;
    bool made;

    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, &old);
    status = begin(ctl, &made);
    if (!status) {
        wait_for(ctl, &ends);
        status = recommend(ctl);
    }
    ended = made ? end(ctl) : CTL_DONE;
    sigprocmask(SIG_SETMASK, &old, NULL);
    return status ? status : ended;
}

enum ctl_exit
ctl_cmd_policy(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    if (strcmp(args[0], "recommend")) {
        return ctl_usage(ctl, "policy: must be recommend, not \"%s\"",
                         args[0]);
    }
    if (!ctl->network) {
        return ctl_usage(ctl, "policy recommend: give --network NETWORK");
    }
    if (ctl->for_s) {
        enum ctl_exit status = check_allowed(ctl);

        return status ? status : observe_and_recommend(ctl);
    }
    return recommend(ctl);
}
