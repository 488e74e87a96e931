/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl drops: which packets were dropped, where, and why.  Not for packets
 * that matched rules with a log (cmd-logs.c). */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/describe.h"
#include "controller/ctl/output.h"
#include "controller/ctl/output-samples.h"
#include "controller/ctl/simulator-request.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* "denied by rule", "isolated in ingress, by db-in, web-in", or "quarantined
 * by quarantines/incident-7". */
static void
print_reason(const json_t *drop, struct ds *ds)
{
    ctl_path_print(drop, "/reason", ds);
    ctl_append_isolation(drop, " in ", ", by ", "", ds);
    ctl_append_quarantine(drop, " by ", "", ds);
}

/* The same of a counter.  It is of all of a domain's ports, and what it says
 * isolates them does so now: packets may be from before. */
static void
print_counter_reason(const json_t *drop, struct ds *ds)
{
    ctl_path_print(drop, "/reason", ds);
    ctl_append_isolation(drop, " in ", ", now by ", "", ds);
    ctl_append_quarantine(drop, ", now by ", "", ds);
}

static const struct ctl_column counter_columns[] = {
    { "HOST", "/host", NULL },
    { "REASON", NULL, print_counter_reason },
    { "PACKETS", "/packets", NULL },
    { "BYTES", "/bytes", NULL },
    { "LAST", "/last", NULL },
    { "OBJECT", NULL, ctl_sample_object },
    { "RULE", "/rule", NULL },
    { "OWNER", "/owner", NULL },
    { NULL, NULL, NULL },
};

static const struct ctl_column sample_columns[] = {
    { "TIME", "/time", NULL },
    { "HOST", "/host", NULL },
    { "FROM", NULL, ctl_sample_src },
    { "TO", NULL, ctl_sample_dst },
    { "PROTOCOL", "/protocol", NULL },
    { "REASON", NULL, print_reason },
    { "OBJECT", NULL, ctl_sample_object },
    { "RULE", "/rule", NULL },
    { "COUNT", NULL, ctl_sample_count },
    { NULL, NULL, NULL },
};

/* Default number of counters, and of samples, the newest: a screenful. */
#define DROPS_SHOWN 20

/* Prints that only 'n_shown' of 'n' are shown, unless these are all.  'what'
 * is their plural. */
static void
print_omitted(struct ctl *ctl, const char *what, size_t n_shown,
              json_int_t n)
{
    if (n > (json_int_t) n_shown) {
        fprintf(ctl->err, "%"PRIuSIZE" of %"JSON_INTEGER_FORMAT" %s, the "
                "newest; --limit N shows more\n", n_shown, n, what);
    }
}

/* Returns how many hosts' counters have not been read yet. */
static json_int_t
unread_hosts(const json_t *body)
{
    return json_integer_value(json_object_get(body, "unread_hosts"));
}

/* Prints how much was omitted as background. */
static void
print_hidden(struct ctl *ctl, const json_t *body)
{
    const json_t *hidden = json_object_get(body, "hidden");
    json_int_t counters = json_integer_value(json_object_get(hidden,
                                                             "counters"));
    json_int_t packets = json_integer_value(json_object_get(hidden,
                                                            "packets"));
    json_int_t samples = json_integer_value(json_object_get(hidden,
                                                            "samples"));

    if (counters || samples) {
        fprintf(ctl->err, "hidden as background: %"JSON_INTEGER_FORMAT
                " packets of %"JSON_INTEGER_FORMAT" counters, %"
                JSON_INTEGER_FORMAT" samples; --all shows them\n", packets,
                counters, samples);
    }
}

/* Prints likely causes of what is shown, each once: counters with the same
 * reason have the same. */
static void
print_hints(struct ctl *ctl, const json_t *counters)
{
    const char *last = NULL;
    const json_t *counter;
    size_t i;

    json_array_foreach (counters, i, counter) {
        const char *hint = json_string_value(json_object_get(counter,
                                                             "hint"));

        if (hint && (!last || strcmp(hint, last))) {
            char *line = xasprintf(
                "%s on %s: %s\n",
                json_string_value(json_object_get(counter, "reason")),
                json_string_value(json_object_get(counter, "host")), hint);

            ctl_print_safely(ctl->err, line);
            free(line);
            last = hint;
        }
    }
}

/* Prints the reply.  Counters are filtered by the flows' objects, samples by
 * the packets' ends: so there may be one without the other. */
static void
show(struct ctl *ctl, const json_t *body)
{
    const json_t *counters = json_object_get(body, "counters");
    const json_t *samples = json_object_get(body, "samples");
    size_t n_counters = json_array_size(counters);
    size_t n_samples = json_array_size(samples);

    if (n_counters) {
        ctl_show_table(ctl->out, counter_columns, counters);
    } else if (n_samples && ctl->port) {
        fprintf(ctl->err, "packets from or to port %s that were dropped (no "
                "counter is of that port alone):\n", ctl->port);
    } else if (n_samples) {
        fputs("no counters; packets that were dropped:\n", ctl->err);
    } else {
        fputs(unread_hosts(body) ? "no drops are known yet\n" : "no drops\n",
              ctl->err);
    }
    fflush(ctl->err);
    if (n_counters) {
        ctl_show_nonempty_table(ctl->out, sample_columns, samples);
    } else if (n_samples) {
        ctl_show_table(ctl->out, sample_columns, samples);
    }
    fflush(ctl->out);
    print_omitted(ctl, "counters", n_counters, json_integer_value(
                      json_object_get(body, "matching")));
    print_omitted(ctl, "packets", n_samples, json_integer_value(
                      json_object_get(body, "samples_matching")));
    print_hints(ctl, counters);
    print_hidden(ctl, body);
    ctl_show_unread(ctl, body);
}

void
ctl_describe_drops(struct ctl *ctl, const json_t *body)
{
    ctl_describe_table(ctl, "Drops", counter_columns,
                       json_object_get(body, "counters"));
    ctl_describe_table(ctl, "Packets that were dropped lately", sample_columns,
                       json_object_get(body, "samples"));
}

enum ctl_exit
ctl_cmd_drops(struct ctl *ctl, int n_args OVS_UNUSED,
              char *const args[] OVS_UNUSED)
{
    struct ctl_reply reply;
    enum ctl_exit status;

    if (ctl->follow) {
        return ctl_samples_follow(ctl, "drops", "samples", sample_columns);
    }
    status = ctl_samples_get(ctl, "drops", 0,
                             (ctl->limit || ctl->output != CTL_TABLE
                              ? ctl->limit : DROPS_SHOWN), &reply);
    if (!status) {
        if (!ctl_show_raw(ctl, reply.body)) {
            show(ctl, reply.body);
        }
        ctl_reply_uninit(&reply);
    }
    return status;
}
