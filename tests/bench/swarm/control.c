/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands on a unix socket: one a line, words apart by blanks; each is
 * answered by one line, JSON or "error: ...".  HOST may be "all" but for what
 * reads one host. */

#include <config.h>

#include "tests/bench/swarm/swarm.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Longest line, in bytes. */
#define LINE_MAX_SIZE (1 << 20)

/* Words after the host's name.  Writes an answer of its own to 'out' or
 * leaves it empty, for "true".  Returns NULL or a sentence. */
typedef const char *command(struct host *, char **words, size_t n,
                            struct ds *out);

static bool
number(const char *word, size_t *n)
{
    unsigned long long int value;

    if (!str_to_ullong(word, 10, &value)) {
        return false;
    }
    *n = value;
    return true;
}

static const char *
cmd_plug(struct host *host, char **words, size_t n, struct ds *out OVS_UNUSED)
{
    return vswitchd_plug(host, words, n);
}

static const char *
cmd_unplug(struct host *host, char **words, size_t n,
           struct ds *out OVS_UNUSED)
{
    return vswitchd_unplug(host, words, n);
}

static const char *
cmd_drop(struct host *host, char **words, size_t n, struct ds *out OVS_UNUSED)
{
    if (n && strcmp(words[0], "openflow") && strcmp(words[0], "ovsdb")) {
        return "what is dropped is \"openflow\" or \"ovsdb\"";
    }
    if (!n || !strcmp(words[0], "openflow")) {
        switch_drop(host);
    }
    if (!n || !strcmp(words[0], "ovsdb")) {
        server_drop(host);
    }
    return NULL;
}

static const char *
cmd_cut(struct host *host, char **words OVS_UNUSED, size_t n OVS_UNUSED,
        struct ds *out OVS_UNUSED)
{
    host->cut = true;
    switch_drop(host);
    return NULL;
}

static const char *
cmd_stall(struct host *host, char **words OVS_UNUSED, size_t n OVS_UNUSED,
          struct ds *out OVS_UNUSED)
{
    struct of_conn *conn;

    LIST_FOR_EACH (conn, node, &host->of_conns) {
        switch_stall_one(conn, true);
    }
    return NULL;
}

static const char *
cmd_mute(struct host *host, char **words, size_t n, struct ds *out OVS_UNUSED)
{
    struct of_conn *conn;

    if (n && strcmp(words[0], "commits")) {
        return "what is not answered is all, or \"commits\"";
    }
    LIST_FOR_EACH (conn, node, &host->of_conns) {
        *(n ? &conn->silent : &conn->muted) = true;
    }
    return NULL;
}

/* The host and a member lose sight of each other, or one of them of the
 * other. */
static const char *
cmd_part(struct host *host, char **words, size_t n, struct ds *out OVS_UNUSED)
{
    struct link *link = link_of_member(host, words[0]);

    if (!link) {
        return "there is no such member";
    }
    if (n > 1 && strcmp(words[1], "in") && strcmp(words[1], "out")) {
        return ("what is cut is both ways, or \"in\" (what the member "
                "sends), or \"out\"");
    }
    link_set(host, link, n == 1 || !strcmp(words[1], "in"),
             n == 1 || !strcmp(words[1], "out"));
    return NULL;
}

static const char *
cmd_join(struct host *host, char **words, size_t n OVS_UNUSED,
         struct ds *out OVS_UNUSED)
{
    struct link *link = link_of_member(host, words[0]);

    if (!link) {
        return "there is no such member";
    }
    link_set(host, link, false, false);
    return NULL;
}

static const char *
cmd_slow(struct host *host, char **words, size_t n OVS_UNUSED,
         struct ds *out OVS_UNUSED)
{
    size_t ms;

    if (!number(words[0], &ms) || ms > 3600 * 1000) {
        return "not a number of milliseconds";
    }
    host->slow_ms = ms;
    return NULL;
}

/* Ends all that lasts.  Whoever was mute begins anew, as the answers are
 * lost. */
static const char *
cmd_resume(struct host *host, char **words OVS_UNUSED, size_t n OVS_UNUSED,
           struct ds *out OVS_UNUSED)
{
    struct of_conn *conn;

    LIST_FOR_EACH (conn, node, &host->of_conns) {
        if (host->cut || conn->muted || conn->silent) {
            switch_drop_one(conn);
        }
        if (conn->stalled) {
            switch_stall_one(conn, false);
        }
    }
    host->cut = false;
    host->refuse_adds = host->refuse_ports = host->refuse_commits = 0;
    host->full_in = host->slow_ms = 0;
    free(host->max_in_table);
    host->max_in_table = NULL;
    return NULL;
}

static const char *
cmd_lose(struct host *host, char **words, size_t n, struct ds *out)
{
    size_t count;

    if (!number(words[0], &count)) {
        return "not a number";
    }
    if (n > 1 && strcmp(words[1], "groups")) {
        return "what is lost is flows, or \"groups\"";
    }
    count = (n > 1 ? bundle_lose_groups : bundle_lose)(host, count);
    ds_put_format(out, "%"PRIuSIZE, count);
    return NULL;
}

static const char *
cmd_wrong(struct host *host, char **words, size_t n OVS_UNUSED,
          struct ds *out)
{
    size_t count;

    if (!number(words[0], &count)) {
        return "not a number";
    }
    ds_put_format(out, "%"PRIuSIZE, bundle_spoil(host, count));
    return NULL;
}

static const char *
cmd_refuse(struct host *host, char **words, size_t n,
           struct ds *out OVS_UNUSED)
{
    size_t count = 1;

    if (n > 1 && !number(words[1], &count)) {
        return "not a number";
    }
    if (!strcmp(words[0], "add")) {
        host->refuse_adds = count;
    } else if (!strcmp(words[0], "port")) {
        host->refuse_ports = count;
    } else if (!strcmp(words[0], "commit")) {
        host->refuse_commits = count;
    } else if (!strcmp(words[0], "full")) {
        host->full_in = count;
    } else {
        return ("what is refused is \"add\", \"port\", \"commit\" or "
                "\"full\"");
    }
    return NULL;
}

/* A table takes so many flows, and keeps what it has. */
static const char *
cmd_limit(struct host *host, char **words, size_t n OVS_UNUSED,
          struct ds *out OVS_UNUSED)
{
    size_t table, max;

    if (!number(words[0], &table) || !number(words[1], &max)
        || table > UINT8_MAX || max > UINT32_MAX) {
        return "not a table and a number";
    }
    if (!host->max_in_table) {
        host->max_in_table = xmalloc((UINT8_MAX + 1)
                                     * sizeof *host->max_in_table);
        for (size_t i = 0; i <= UINT8_MAX; i++) {
            host->max_in_table[i] = UINT32_MAX;
        }
    }
    host->max_in_table[table] = max;
    return NULL;
}

static const char *
cmd_hostile(struct host *host, char **words, size_t n,
            struct ds *out OVS_UNUSED)
{
    return hostile_set(host, words[0], n > 1 ? words[1] : NULL);
}

/* Guests send to one of the host's: VNI OFPORT IP... */
static const char *
cmd_talk(struct host *host, char **words, size_t n, struct ds *out OVS_UNUSED)
{
    size_t vni, ofport;

    if (!number(words[0], &vni) || !number(words[1], &ofport)
        || vni > UINT32_MAX || ofport > UINT16_MAX) {
        return "not a VNI and the number of a port";
    }
    return guests_talk(host, vni, ofport, words + 2, n - 2);
}

/* How many flows each table holds. */
static const char *
cmd_tables(struct host *host, char **words OVS_UNUSED, size_t n OVS_UNUSED,
           struct ds *out)
{
    ds_put_char(out, '{');
    for (size_t i = 0; i <= UINT8_MAX; i++) {
        if (host->n_in_table[i]) {
            ds_put_format(out, "%s\"%"PRIuSIZE"\":%"PRIu32,
                          out->string[out->length - 1] == '{' ? "" : ",", i,
                          host->n_in_table[i]);
        }
    }
    ds_put_char(out, '}');
    return NULL;
}

static void
put_counters(struct ds *out, const struct counters *c)
{
    ds_put_format(
        out, "\"flow_adds\":%"PRIu64",\"flow_deletes\":%"PRIu64","
        "\"group_mods\":%"PRIu64",\"commits\":%"PRIu64","
        "\"discards\":%"PRIu64",\"dumps\":%"PRIu64",\"refused\":%"PRIu64","
        "\"connects\":%"PRIu64",\"bytes_in\":%"PRIu64","
        "\"bytes_out\":%"PRIu64",\"transactions\":%"PRIu64","
        "\"flaps\":%"PRIu64",\"packet_outs\":%"PRIu64","
        "\"answers\":%"PRIu64,
        c->flow_adds, c->flow_deletes, c->group_mods, c->commits, c->discards,
        c->dumps, c->refused, c->connects, c->bytes_in, c->bytes_out,
        c->transactions, c->flaps, c->packet_outs, c->answers);
}

static const char *
cmd_show(struct host *host, char **words OVS_UNUSED, size_t n OVS_UNUSED,
         struct ds *out)
{
    ds_put_format(out, "{\"flows\":%"PRIuSIZE",\"groups\":%"PRIuSIZE","
                  "\"connected\":%s,", host->flows.n, host->groups.n,
                  switch_is_connected(host) ? "true" : "false");
    put_counters(out, &host->counters);
    ds_put_char(out, '}');
    return NULL;
}

/* As "ovs-appctl fabric/digest" of vmnd. */
static const char *
cmd_digest(struct host *host, char **words OVS_UNUSED, size_t n OVS_UNUSED,
           struct ds *out)
{
    uint64_t sum = table_digest(&host->flows) + table_digest(&host->groups);
    size_t n_flows = host->flows.n;
    struct body *body;
    size_t i;

    TABLE_FOR_EACH (body, i, &host->flows) {
        if (swarm_is_own_table(body_table(body))) {
            sum -= body->digest;
            n_flows--;
        }
    }
    ds_put_format(out, "\"%"PRIuSIZE" %"PRIuSIZE" %016"PRIx64"\"", n_flows,
                  host->groups.n, sum);
    return NULL;
}

/* All records of a dump, in hex: flows, then groups. */
static const char *
cmd_dump(struct host *host, char **words OVS_UNUSED, size_t n OVS_UNUSED,
         struct ds *out)
{
    const struct table *tables[] = { &host->flows, &host->groups };

    ds_put_char(out, '[');
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
        struct body *body;
        size_t i;

        TABLE_FOR_EACH (body, i, tables[t]) {
            size_t size = body_record_size(body);
            uint8_t *record = xmalloc(size);

            body_put_record(body, record);
            ds_put_cstr(out, ds_last(out) == '[' ? "\"" : ",\"");
            ds_put_hex(out, record, size);
            ds_put_char(out, '"');
            free(record);
        }
    }
    ds_put_char(out, ']');
    return NULL;
}

/* Whose changes it has accepted, in that order: bundles, with the controller's
 * target and its generation_id, and transactions, with the member and the
 * bridge's epoch after them. */
static const char *
cmd_writers(struct host *host, char **words OVS_UNUSED, size_t n OVS_UNUSED,
            struct ds *out)
{
    ds_put_cstr(out, "{\"openflow\":");
    writers_put(&host->writers, out);
    ds_put_cstr(out, ",\"ovsdb\":");
    writers_put(&host->db_writers, out);
    ds_put_char(out, '}');
    return NULL;
}

/* The roles of its controllers, by their targets; null if one is not
 * connected. */
static const char *
cmd_roles(struct host *host, char **words OVS_UNUSED, size_t n OVS_UNUSED,
          struct ds *out)
{
    struct of_conn *conn;

    ds_put_char(out, '{');
    LIST_FOR_EACH (conn, node, &host->of_conns) {
        ds_put_format(out, "%s\"%s\":", ds_last(out) == '{' ? "" : ",",
                      conn->target);
        if (conn->bev) {
            ds_put_format(out, "\"%s\"", role_name(conn));
        } else {
            ds_put_cstr(out, "null");
        }
    }
    ds_put_char(out, '}');
    return NULL;
}

static const struct {
    const char *name;
    command *run;
    size_t min, max;            /* Words after the host's. */
    bool reads;                 /* One answer for each host. */
} commands[] = {
    { "plug", cmd_plug, 1, SIZE_MAX, false },
    { "unplug", cmd_unplug, 1, SIZE_MAX, false },
    { "drop", cmd_drop, 0, 1, false },
    { "cut", cmd_cut, 0, 0, false },
    { "stall", cmd_stall, 0, 0, false },
    { "mute", cmd_mute, 0, 1, false },
    { "slow", cmd_slow, 1, 1, false },
    { "resume", cmd_resume, 0, 0, false },
    { "lose", cmd_lose, 1, 2, true },
    { "wrong", cmd_wrong, 1, 1, true },
    { "refuse", cmd_refuse, 1, 2, false },
    { "limit", cmd_limit, 2, 2, false },
    { "hostile", cmd_hostile, 1, 2, false },
    { "talk", cmd_talk, 3, SIZE_MAX, false },
    { "tables", cmd_tables, 0, 0, true },
    { "show", cmd_show, 0, 0, true },
    { "digest", cmd_digest, 0, 0, true },
    { "dump", cmd_dump, 0, 0, true },
    { "part", cmd_part, 1, 2, false },
    { "join", cmd_join, 1, 1, false },
    { "writers", cmd_writers, 0, 0, true },
    { "roles", cmd_roles, 0, 0, true },
};

/* All hosts together. */
static void
stats(const struct swarm *swarm, struct ds *out)
{
    size_t flows = 0, groups = 0, connected = 0, databases = 0, ports = 0;
    struct counters c;

    for (size_t i = 0; i < swarm->n_hosts; i++) {
        const struct host *host = &swarm->hosts[i];

        flows += host->flows.n;
        groups += host->groups.n;
        connected += switch_is_connected(host);
        databases += !ovs_list_is_empty(&host->db_conns);
        ports += host->n_ports;
    }
    swarm_count(swarm, &c);
    ds_put_format(out, "{\"hosts\":%"PRIuSIZE",\"connected\":%"PRIuSIZE","
                  "\"databases\":%"PRIuSIZE",\"flows\":%"PRIuSIZE","
                  "\"groups\":%"PRIuSIZE",\"bodies\":%"PRIuSIZE","
                  "\"ports\":%"PRIuSIZE","
                  "\"last_commit_us\":%"PRId64",",
                  swarm->n_hosts, connected, databases, flows, groups,
                  hmap_count(&swarm->store.bodies), ports,
                  swarm->last_commit_us);
    put_counters(out, &c);
    ds_put_char(out, '}');
}

/* Runs a command on one host or on all. */
static const char *
run_on(struct swarm *swarm, size_t c, char **words, size_t n, struct ds *out)
{
    bool all = !strcmp(words[1], "all"), found = false;
    const char *error = NULL;

    for (size_t i = 0; i < swarm->n_hosts && !error; i++) {
        struct host *host = &swarm->hosts[i];

        if (!all && strcmp(host->name, words[1])) {
            continue;
        }
        if (all && commands[c].reads) {
            ds_put_format(out, "%s\"%s\":", found ? "," : "{", host->name);
        }
        found = true;
        error = commands[c].run(host, words + 2, n - 2, out);
    }
    if (all && commands[c].reads) {
        ds_put_char(out, '}');
    }
    return found ? error : "there is no such host";
}

static const char *
run(struct swarm *swarm, char **words, size_t n, struct ds *out)
{
    if (n == 1 && !strcmp(words[0], "stats")) {
        stats(swarm, out);
        return NULL;
    }
    if (n == 1 && !strcmp(words[0], "quit")) {
        event_base_loopbreak(swarm->base);
        return NULL;
    }
    for (size_t c = 0; n && c < ARRAY_SIZE(commands); c++) {
        if (!strcmp(words[0], commands[c].name)) {
            return (n < 2 + commands[c].min || n - 2 > commands[c].max
                    ? "wrong number of words"
                    : run_on(swarm, c, words, n, out));
        }
    }
    return "there is no such command";
}

static void
read_cb(struct bufferevent *bev, void *swarm)
{
    struct evbuffer *in = bufferevent_get_input(bev);
    char *line;

    while ((line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF))) {
        struct ds out = DS_EMPTY_INITIALIZER;
        char *save = NULL, *word, **words = NULL;
        size_t n = 0, allocated = 0;
        const char *error;

        for (word = strtok_r(line, " \r", &save); word;
             word = strtok_r(NULL, " \r", &save)) {
            if (n >= allocated) {
                words = x2nrealloc(words, &allocated, sizeof *words);
            }
            words[n++] = word;
        }
        error = run(swarm, words, n, &out);
        if (error) {
            evbuffer_add_printf(bufferevent_get_output(bev), "error: %s\n",
                                error);
        } else {
            evbuffer_add_printf(bufferevent_get_output(bev), "%s\n",
                                out.length ? ds_cstr(&out) : "true");
        }
        ds_destroy(&out);
        free(words);
        free(line);
    }
    if (evbuffer_get_length(in) > LINE_MAX_SIZE) {
        bufferevent_free(bev);
    }
}

static void
event_cb(struct bufferevent *bev, short what OVS_UNUSED,
         void *swarm OVS_UNUSED)
{
    bufferevent_free(bev);
}

static void
accept_cb(struct evconnlistener *listener OVS_UNUSED, evutil_socket_t fd,
          struct sockaddr *sa OVS_UNUSED, int size OVS_UNUSED, void *swarm_)
{
    struct swarm *swarm = swarm_;
    struct bufferevent *bev = bufferevent_socket_new(swarm->base, fd,
                                                     BEV_OPT_CLOSE_ON_FREE);

    bufferevent_setcb(bev, read_cb, NULL, event_cb, swarm);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
}

int
control_open(struct swarm *swarm, const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    ovs_strlcpy(un.sun_path, path, sizeof un.sun_path);
    unlink(path);
    swarm->control = evconnlistener_new_bind(
        swarm->base, accept_cb, swarm, LEV_OPT_CLOSE_ON_FREE, 4,
        (struct sockaddr *) &un, sizeof un);
    return swarm->control ? 0 : errno;
}
