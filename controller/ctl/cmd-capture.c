/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl capture: has ports' packets copied by a mirror of its own, and writes
 * what comes of it. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/pcapng-count.h"
#include "openvswitch/dynamic-string.h"
#include "random.h"
#include "socket-util.h"
#include "util.h"

#define FOR_DEFAULT_S 60
#define FOR_MAX_S 3600
/* Of GET /v1/packets. */
#define COUNT_MAX 1000000
/* By how much the mirror outlives the capture, should this be killed. */
#define SPARE_S 60
/* Beyond the time that it takes. */
#define IDLE_SPARE_MS (30 * 1000)

/* The mirror.  ----------------------------------------------------------- */

/* Adds a word of a filter: a protocol with ports, or addresses.  Returns false
 * if it has two of a kind. */
static bool
add_word(json_t *filter, const char *word)
{
    size_t head = strcspn(word, "/");
    bool is_address = (memchr(word, '.', head) || memchr(word, ':', head));
    const char *key = is_address ? "prefix" : "protocol";

    if (json_object_get(filter, key)) {
        return false;
    } else if (is_address) {
        json_object_set_new(filter, key, json_sprintf(
            "%s%s", word, word[head] ? "" : memchr(word, ':', head) ? "/128"
            : "/32"));
    } else {
        json_object_set_new(filter, key, json_stringn(word, head));
        if (word[head]) {
            json_object_set_new(filter, "ports",
                                json_string(word + head + 1));
        }
    }
    return true;
}

/* Returns the filter that 'text' says, or NULL after an error. */
static json_t *
filter_json(struct ctl *ctl, const char *text)
{
    char *copy = xstrdup(text), *save = NULL;
    json_t *filter = json_object();

    for (char *word = strtok_r(copy, " ,", &save); word;
         word = strtok_r(NULL, " ,", &save)) {
        if (!add_word(filter, word)) {
            json_decref(filter);
            filter = NULL;
            break;
        }
    }
    free(copy);
    if (!filter || !json_object_size(filter)) {
        ctl_usage(ctl, "capture: --filter is PROTOCOL, PROTOCOL/PORTS, an "
                  "address, a prefix, or one of each, not \"%s\"", text);
        json_decref(filter);
        return NULL;
    }
    return filter;
}

static json_t *
names_json(size_t n, char *const names[])
{
    json_t *json = json_array();

    for (size_t i = 0; i < n; i++) {
        json_array_append_new(json, json_string(names[i]));
    }
    return json;
}

static json_t *
until_json(int seconds)
{
    time_t when = time(NULL) + seconds;
    char text[sizeof "2027-01-31T12:00:00Z"];
    struct tm tm;

    gmtime_r(&when, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_string(text);
}

/* Returns what the mirror has of rules: NULL, with '*ok' false after an error,
 * if there is nothing. */
static json_t *
policies_json(struct ctl *ctl, bool *ok)
{
    json_t *rules = ctl->rules.n ? json_array() : NULL;

    *ok = true;
    for (size_t i = 0; i < ctl->rules.n; i++) {
        int number;

        if (!str_to_int(ctl->rules.names[i], 10, &number) || number < 0) {
            ctl_usage(ctl, "--rule: must be the number of a rule, from 0, "
                      "not \"%s\"", ctl->rules.names[i]);
            json_decref(rules);
            *ok = false;
            return NULL;
        }
        json_array_append_new(rules, json_integer(number));
    }
    return (ctl->policy ? json_pack("[{s:s, s:o*}]", "policy", ctl->policy,
                                    "rules", rules) : NULL);
}

/* Returns the mirror's spec, or NULL after an error. */
static json_t *
mirror_spec(struct ctl *ctl, int n_args, char *const args[], int for_s)
{
    bool narrows = ctl->groups.n || ctl->selector, ok;
    json_t *policies = policies_json(ctl, &ok);
    json_t *spec = json_pack("{s:o, s:o*, s:o*, s:o*, s:s*, s:s*, s:s*}",
                             "until", until_json(for_s + SPARE_S),
                             "ports", n_args ? names_json(n_args, args) : NULL,
                             "groups", (ctl->groups.n
                                        ? names_json(ctl->groups.n,
                                                     ctl->groups.names)
                                        : NULL),
                             "policies", policies,
                             "selector", ctl->selector, "network",
                             narrows ? ctl->network : NULL, "direction",
                             ctl->direction);

    if (!ok) {
        json_decref(spec);
        return NULL;
    }
    if (ctl->network && !narrows) {
        json_object_set_new(spec, "networks",
                            json_pack("[s]", ctl->network));
    }
    if (ctl->rate) {
        json_object_set_new(spec, "max_pps", json_integer(ctl->rate));
    }
    if (ctl->size) {
        json_object_set_new(spec, "max_size", json_integer(ctl->size));
    }
    for (size_t i = 0; i < ctl->filters.n; i++) {
        json_t *filter = filter_json(ctl, ctl->filters.names[i]);

        if (!filter) {
            json_decref(spec);
            return NULL;
        }
        if (!i) {
            json_object_set_new(spec, "filters", json_array());
        }
        json_array_append_new(json_object_get(spec, "filters"), filter);
    }
    return spec;
}

/* Gives the mirror the labels that an account's objects must have: those that
 * its scope, such as "project=shop,env in (a, b)", names with one value. */
static enum ctl_exit
set_labels(struct ctl *ctl, json_t *spec)
{
    struct ctl_reply reply;
    enum ctl_exit status = ctl_get(ctl, "/v1/status", &reply);
    char *scope, *save = NULL;
    json_t *labels;

    if (status) {
        return status;
    }
    scope = nullable_xstrdup(json_string_value(json_object_get(reply.body,
                                                               "scope")));
    ctl_reply_uninit(&reply);
    labels = json_object();
    for (char *term = scope ? strtok_r(scope, ", ", &save) : NULL; term;
         term = strtok_r(NULL, ", ", &save)) {
        char *value = strchr(term, '=');

        if (value && value > term && value[-1] != '!') {
            *value++ = '\0';
            value += *value == '=';
            json_object_set_new(labels, term, json_string(value));
        }
    }
    if (json_object_size(labels)) {
        json_object_set(spec, "labels", labels);
    }
    json_decref(labels);
    free(scope);
    return CTL_DONE;
}

/* Without the app there is no such type. */
static enum ctl_exit
check_app(struct ctl *ctl)
{
    struct ctl_reply reply;
    bool there;
    enum ctl_exit status = ctl_get_except(ctl, "/v1/mirrors?limit=1", 404,
                                          &reply, &there);

    if (!status && there) {
        ctl_reply_uninit(&reply);
    } else if (!status) {
        fprintf(ctl->err, "vmnctl: the app mirrors is not loaded, which "
                "copies packets: vmnctl app load .../mirrors.so\n");
        status = CTL_REFUSED;
    }
    return status;
}

/* Checks that the policy has rules with these numbers.  The mirror's error
 * reports a policy that does not exist. */
static enum ctl_exit
check_rules(struct ctl *ctl)
{
    struct ctl_reply reply;
    enum ctl_exit status = CTL_DONE;
    bool there = false;
    size_t n;

    if (ctl->rules.n) {
        status = ctl_get_object(ctl, "policies", ctl->policy, &reply, &there);
    }
    if (status || !there) {
        return status;
    }
    n = json_array_size(json_object_get(json_object_get(reply.body, "spec"),
                                        "rules"));
    for (size_t i = 0; i < ctl->rules.n && !status; i++) {
        if (strtoull(ctl->rules.names[i], NULL, 10) >= n) {
            ctl_printf_safely(ctl->err, "vmnctl: --rule: policy \"%s\" has "
                              "%"PRIuSIZE" rule%s, counted from 0, and no "
                              "rule %s\n", ctl->policy, n, n == 1 ? "" : "s",
                              ctl->rules.names[i]);
            status = CTL_REFUSED;
        }
    }
    ctl_reply_uninit(&reply);
    return status;
}

/* Makes the mirror, and waits until hosts have it. */
static enum ctl_exit
begin(struct ctl *ctl, const char *name, json_t *spec)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    json_t *body = json_pack("{s:O}", "spec", spec);
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, "mirrors", name);
    ctl_append_query(&path, "wait", "installed");
    status = ctl_call(ctl, "PUT", ds_cstr(&path), body, NULL, &reply);
    if (!status) {
        if (reply.status == 202) {
            fprintf(ctl->err, "vmnctl: not all hosts have confirmed yet: "
                    "their packets may be missing\n");
        }
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    json_decref(body);
    return status;
}

/* Says why nothing will come, if that is known by now: nothing that is
 * selected, or a clock that is not the server's. */
static void
warn(struct ctl *ctl, const char *name)
{
    struct ctl_reply reply;
    const json_t *object;
    bool there;

    if (ctl_get_object(ctl, "mirrors", name, &reply, &there) || !there) {
        return;
    }
    object = json_object_get(reply.body, "status");
    if (json_is_false(json_object_get(object, "active"))) {
        const char *why = json_string_value(json_object_get(object,
                                                            "problem"));

        ctl_printf_safely(ctl->err, "vmnctl: nothing is copied: %s\n",
                          why ? why : "the mirror is not active");
    } else if (!json_array_size(json_object_get(object, "ports"))) {
        fprintf(ctl->err, "vmnctl: no port is captured so far: none is "
                "selected, or they have as many mirrors as they may\n");
    }
    ctl_reply_uninit(&reply);
}

/* Deletes the mirror.  '*n_matched' is how many packets switches are known to
 * have matched by then; -1: it is not known. */
static enum ctl_exit
end(struct ctl *ctl, const char *name, json_int_t *n_matched)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;
    bool there;

    *n_matched = -1;
    status = ctl_get_object(ctl, "mirrors", name, &reply, &there);
    if (status || !there) {
        return status;
    }
    *n_matched = json_integer_value(json_object_get(
        json_object_get(reply.body, "status"), "packets"));
    ctl_reply_uninit(&reply);
    ctl_append_path(&path, "mirrors", name);
    status = ctl_call(ctl, "DELETE", ds_cstr(&path), NULL, NULL, &reply);
    if (!status) {
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    return status;
}

/* The packets.  ---------------------------------------------------------- */

struct capture {
    struct ctl *ctl;
    const char *name;           /* Of the mirror. */
    bool ended;                 /* That is deleted... */
    enum ctl_exit status;       /* ...or could not be. */
    json_int_t n_matched;       /* As of end(). */
    int fd;
    bool begun;                 /* Something has come: it is emptied. */
    struct pcapng_count count;
    int error;                  /* Of writing. */
};

/* Returns true if a signal that ends it has come. */
static bool
is_interrupted(void)
{
    sigset_t pending;

    sigpending(&pending);
    return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM);
}

static void
end_once(struct capture *capture)
{
    if (!capture->ended) {
        capture->ended = true;
        capture->status = end(capture->ctl, capture->name,
                              &capture->n_matched);
    }
}

/* Empties the file, unless it is standard output, or a pipe that has a name:
 * what was in it is lost once there is something else to write.  Returns 0, or
 * an errno. */
static int
empty_file(const struct capture *capture)
{
    return (capture->fd == STDOUT_FILENO || !ftruncate(capture->fd, 0)
            || errno == EINVAL ? 0 : errno);
}

/* One that is interrupted is ended by that its mirror goes: so vmnd says what
 * was left out. */
static bool
take(void *capture_, const char *data, size_t size)
{
    struct capture *capture = capture_;
    size_t written;

    if (size && !capture->begun) {
        capture->begun = true;
        capture->error = empty_file(capture);
    }
    if (size && !capture->error) {
        capture->error = write_fully(capture->fd, data, size, &written);
        pcapng_count(&capture->count, data, size);
    }
    if (is_interrupted()) {
        end_once(capture);
    }
    return !capture->error && !capture->status;
}

static enum ctl_exit
stream(struct capture *capture, int for_s)
{
    struct ctl *ctl = capture->ctl;
    struct ds path = DS_EMPTY_INITIALIZER;
    char *of = xasprintf("mirrors/%s", capture->name);
    char *seconds = xasprintf("%d", for_s);
    enum ctl_exit status;

    ctl_append_path(&path, "packets", NULL);
    ctl_append_query(&path, "of", of);
    ctl_append_query(&path, "seconds", seconds);
    if (ctl->count) {
        char *limit = xasprintf("%ld", ctl->count);

        ctl_append_query(&path, "limit", limit);
        free(limit);
    }
    status = ctl_stream(ctl, ds_cstr(&path), for_s * 1000 + IDLE_SPARE_MS,
                        take, capture, false);
    free(seconds);
    free(of);
    ds_destroy(&path);
    if (!status && !capture->error && !capture->count.has_statistics) {
        fprintf(ctl->err, "vmnctl: the connection was lost before the end: "
                "packets may be missing\n");
        status = CTL_UNREACHABLE;
    }
    if (capture->error && capture->error != EPIPE) {
        fprintf(ctl->err, "vmnctl: cannot write packets to %s: %s\n",
                capture->fd == STDOUT_FILENO ? "standard output"
                : ctl->write_file, ovs_strerror(capture->error));
        status = CTL_REFUSED;
    }
    return status;
}

/* Says what was captured, and what was left out. */
static void
report(const struct capture *capture)
{
    const struct pcapng_count *count = &capture->count;
    FILE *err = capture->ctl->err;

    fprintf(err, "%"PRIu64" packet%s captured", count->n_packets,
            count->n_packets == 1 ? "" : "s");
    if (count->n_dropped) {
        fprintf(err, ", %"PRIu64" left out since they were not read in time",
                count->n_dropped);
    }
    fputc('\n', err);
    if (capture->n_matched > (json_int_t) (count->n_packets
                                           + count->n_dropped)) {
        fprintf(err, "switches have counted %"JSON_INTEGER_FORMAT" that "
                "match so far: the rest was beyond --max-pps, or came before "
                "or after\n", capture->n_matched);
    }
}

/* The command.  ---------------------------------------------------------- */

/* Deletes the mirror that it made in any case: signals are blocked until
 * then, and a reader that goes away (SIGPIPE) is an error of writing. */
static enum ctl_exit
capture_by(struct ctl *ctl, const char *name, json_t *spec, int fd, int for_s)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct capture capture = { .ctl = ctl, .name = name, .fd = fd };
    struct sigaction old_pipe;
    enum ctl_exit status;
    sigset_t ends, old;

    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, &old);
    sigaction(SIGPIPE, &ignore, &old_pipe);
    status = check_app(ctl);
    status = status ? status : check_rules(ctl);
    status = status ? status : set_labels(ctl, spec);
    status = status ? status : begin(ctl, name, spec);
    if (!status) {
        warn(ctl, name);
        fprintf(ctl->err, "capturing (Ctrl-C ends it)\n");
        status = stream(&capture, for_s);
        end_once(&capture);
        report(&capture);
        status = status ? status : capture.status;
    }
    /* What has ended it has done so: it does not end this as well. */
    while (is_interrupted()
           && sigtimedwait(&ends, NULL,
                           &(const struct timespec) { 0, 0 }) > 0) {
        continue;
    }
    sigaction(SIGPIPE, &old_pipe, NULL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return status;
}

static enum ctl_exit
check(struct ctl *ctl, int n_args)
{
    if (!ctl->write_file) {
        return ctl_usage(ctl, "capture: give -w FILE, or -w - for standard "
                         "output");
    } else if (!n_args && !ctl->selector && !ctl->groups.n
               && !ctl->network && !ctl->policy) {
        return ctl_usage(ctl, "capture: name ports, or give --selector, "
                         "--group, --network or --policy");
    } else if (ctl->rules.n && !ctl->policy) {
        return ctl_usage(ctl, "capture: --rule is of --policy");
    } else if ((n_args || ctl->policy) && ctl->network && !ctl->selector
               && !ctl->groups.n) {
        return ctl_usage(ctl, "capture: --network is of --selector and "
                         "--group, or alone all of that network: neither "
                         "of ports, which are in one already, nor of "
                         "--policy");
    } else if (!strcmp(ctl->write_file, "-") && isatty(STDOUT_FILENO)) {
        return ctl_usage(ctl, "capture: packets are nothing for a terminal: "
                         "-w - | tcpdump -r -");
    } else if (ctl->for_s > FOR_MAX_S) {
        return ctl_usage(ctl, "--for: must be at most 1h");
    } else if (ctl->count > COUNT_MAX) {
        return ctl_usage(ctl, "--count: must be at most %d", COUNT_MAX);
    }
    return CTL_DONE;
}

enum ctl_exit
ctl_cmd_capture(struct ctl *ctl, int n_args, char *const args[])
{
    int for_s = ctl->for_s ? ctl->for_s : FOR_DEFAULT_S;
    enum ctl_exit status = check(ctl, n_args);
    bool is_stdout, is_new;
    json_t *spec;
    char *name;
    int fd;

    spec = status ? NULL : mirror_spec(ctl, n_args, args, for_s);
    if (!spec) {
        return CTL_USAGE;
    }
    is_stdout = !strcmp(ctl->write_file, "-");
    is_new = !is_stdout && access(ctl->write_file, F_OK);
    fd = (is_stdout ? STDOUT_FILENO
          : open(ctl->write_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (fd < 0) {
        fprintf(ctl->err, "vmnctl: %s: %s\n", ctl->write_file,
                ovs_strerror(errno));
        json_decref(spec);
        return CTL_USAGE;
    }
    random_init();
    name = xasprintf("capture-%08"PRIx32, random_uint32());
    status = capture_by(ctl, name, spec, fd, for_s);
    if (status && is_new && !lseek(fd, 0, SEEK_CUR)) {
        unlink(ctl->write_file);        /* Nothing was written to it. */
    }
    if (!is_stdout && close(fd) && !status) {
        fprintf(ctl->err, "vmnctl: %s: %s\n", ctl->write_file,
                ovs_strerror(errno));
        status = CTL_REFUSED;
    }
    free(name);
    json_decref(spec);
    return status;
}
