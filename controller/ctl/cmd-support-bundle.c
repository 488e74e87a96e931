/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl support-bundle: collects what a bug report needs in one file.  What
 * could not be collected is listed in its manifest. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "controller/ctl/support-archive.h"
#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/server-types.h"
#include "controller/ctl/unixctl.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Hosts whose switches are compared, those that are not synced first; and
 * differences of each. */
#define DIFFS_MAX 20
#define DIFFERENCES_MAX 500
/* Objects to request at once. */
#define PAGE_SIZE 250

struct support {
    struct ctl *ctl;
    struct ctl_archive *bundle;
    bool gone;                  /* The server does not reply: no more
                                 * requests. */
    bool lacking;               /* Something was omitted. */
};

static void
leave_out(struct support *s, const char *what, const char *why)
{
    ctl_archive_omit(s->bundle, what, why);
    s->lacking = true;
}

/* GETs 'path'; on an error lists 'what' as omitted. */
static bool
fetch(struct support *s, const char *what, const char *path,
      struct ctl_reply *reply)
{
    struct vmn_error why = VMN_ERROR_INIT;
    enum ctl_exit status;

    if (s->gone) {
        leave_out(s, what, "vmnd does not answer");
        return false;
    }
    ctl_progress(s->ctl, "%s", what);
    status = ctl_fetch(s->ctl, path, CTL_ANSWER_TIMEOUT_MS, reply, &why);
    if (status) {
        why.text[strcspn(why.text, "\n")] = '\0';
        leave_out(s, what, why.text);
        vmn_error_uninit(&why);
        s->gone = status == CTL_UNREACHABLE || status == CTL_USAGE;
    }
    return !status;
}

/* Replies.  --------------------------------------------------------------- */

static const struct {
    const char *file, *path, *about;
    bool objects;               /* Contains names of objects: excluded by
                                 * --no-objects. */
} calls[] = {
    { "version.json", "/healthz", "vmnd's version", false },
    { "ready.json", "/readyz", "whether it is ready", false },
    { "calls.json", "/v1", "the types and calls that it has", false },
    { "status.json", "/v1/status", "counts and problems", false },
    { "summary.json", "/v1/summary", "how many ports are where", false },
    { "activity.json", "/v1/activity", "what the last changes took", false },
    { "revisions.json", "/v1/revisions?limit=1000",
      "the last changes: who and what", false },
    { "paths.json", "/v1/paths", "paths between hosts", false },
    { "drops.json", "/v1/drops?background=true", "what was dropped", false },
    { "logs.json", "/v1/logs", "what rules with a log decided", true },
    { "metrics.txt", "/metrics", "figures, as Prometheus has them", false },
};

static void
add_call(struct support *s, const char *file, const char *path,
         const char *about)
{
    struct ctl_reply reply;

    if (fetch(s, file, path, &reply)) {
        if (reply.body) {
            ctl_archive_add_json(s->bundle, file, about, reply.body);
        } else {
            ctl_archive_add(s->bundle, file, about, reply.text, reply.size);
        }
        ctl_reply_uninit(&reply);
    }
}

/* Returns all objects of a type, read page by page; NULL if that fails. */
static json_t *
get_objects(struct support *s, const char *type, const char *what)
{
    json_t *objects = json_array();
    char *after = NULL;

    do {
        struct ds path = DS_EMPTY_INITIALIZER;
        struct ctl_reply reply;
        const char *next;
        bool ok;

        ds_put_format(&path, "/v1/%s?limit=%d", type, PAGE_SIZE);
        if (after) {
            ctl_append_query(&path, "after", after);
        }
        ok = fetch(s, what, ds_cstr(&path), &reply);
        ds_destroy(&path);
        free(after);
        after = NULL;
        if (!ok) {
            json_decref(objects);
            return NULL;
        }
        json_array_extend(objects, json_object_get(reply.body, "items"));
        next = json_string_value(json_object_get(reply.body, "next"));
        after = next ? xstrdup(next) : NULL;
        ctl_reply_uninit(&reply);
    } while (after);
    return objects;
}

/* Adds the hosts in any case: their state matters most.  Returns them, or
 * NULL. */
static json_t *
add_objects(struct support *s)
{
    const struct schema_table *type;
    json_t *hosts = NULL;

    ctl_server_types_load();
    for (size_t i = 0; (type = ctl_type_at(i)); i++) {
        bool is_hosts = type->id == VMN_TABLE_HOST;
        char *file = xasprintf("objects/%s.json", type->plural);
        json_t *objects;

        if (s->ctl->no_objects && !is_hosts) {
            ctl_archive_omit(s->bundle, file, "--no-objects");
        } else if ((objects = get_objects(s, type->plural, file))) {
            ctl_archive_add_objects(s->bundle, file,
                                    "objects, with their status", type,
                                    objects);
            hosts = is_hosts ? json_incref(objects) : hosts;
            json_decref(objects);
        }
        free(file);
    }
    return hosts;
}

/* Differences on switches.  ----------------------------------------------- */

static void
add_diff(struct support *s, const char *host)
{
    char *file = xasprintf("flows/%s.json", host);
    struct ds path = DS_EMPTY_INITIALIZER;

    ctl_append_path(&path, "hosts", host);
    ds_put_format(&path, "/flows?diff=true&limit=%d", DIFFERENCES_MAX);
    add_call(s, file, ds_cstr(&path),
             "what differs on the host's switch from what it is to hold");
    ds_destroy(&path);
    free(file);
}

static void
add_diffs(struct support *s, const json_t *hosts)
{
    const json_t *host;
    size_t i, n = 0;

    for (int troubled = 1; troubled >= 0; troubled--) {
        json_array_foreach (hosts, i, host) {
            const char *name = json_string_value(json_object_get(host,
                                                                 "name"));
            const char *state = json_string_value(json_object_get(
                json_object_get(host, "status"), "state"));
            bool synced = state && !strcmp(state, "synced");

            if (name && synced == !troubled && n++ < DIFFS_MAX) {
                add_diff(s, name);
            }
        }
    }
    if (n > DIFFS_MAX) {
        char *why = xasprintf("the flows of %"PRIuSIZE" of %"PRIuSIZE" hosts "
                              "were not compared", n - DIFFS_MAX, n);

        ctl_archive_omit(s->bundle, "flows", why);
        free(why);
    }
}

/* Output of unixctl commands.  -------------------------------------------- */

static void
add_unixctl(struct support *s)
{
    static const char *const commands[] = {
        "version", "fabric/hosts", "fabric/stats", "fabric/receipts",
        "fabric/packets", "engine/show", "engine/problems", "engine/stats",
        "commit/show", "northbound/show", "store/show", "loop/show",
        "memory/show", "coverage/show", "vlog/list",
    };
    struct vmn_error why = VMN_ERROR_INIT;
    char *path = (s->ctl->unixctl ? xstrdup(s->ctl->unixctl)
                  : ctl_unixctl_find(&why));

    for (size_t i = 0; path && !why.text && i < ARRAY_SIZE(commands); i++) {
        char *text = ctl_unixctl_run(path, commands[i], &why);
        char *file = xasprintf("unixctl/%s.txt", commands[i]);

        for (char *p = file + strlen("unixctl/"); *p; p++) {
            *p = *p == '/' ? '-' : *p;
        }
        ctl_progress(s->ctl, "%s", file);
        if (text) {
            ctl_archive_add(s->bundle, file, "as ovs-appctl shows it", text,
                            strlen(text));
        } else if (!strstr(why.text, path)) {
            /* It runs, but did not reply, or does not know this command. */
            leave_out(s, file, why.text);
            vmn_error_uninit(&why);
        }
        free(file);
        free(text);
    }
    if (why.text) {
        leave_out(s, "unixctl", why.text);
    }
    vmn_error_uninit(&why);
    free(path);
}

/* The command.  ---------------------------------------------------------- */

/* Adds the system that vmnctl runs on. */
static void
add_system(struct support *s)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    FILE *file = fopen("/etc/os-release", "re");
    struct utsname name;
    char line[256];

    if (!uname(&name)) {
        ds_put_format(&ds, "%s %s %s %s\n", name.sysname, name.release,
                      name.version, name.machine);
    }
    while (file && fgets(line, sizeof line, file) && ds.length < 65536) {
        ds_put_cstr(&ds, line);
    }
    if (file) {
        fclose(file);
    }
    ctl_archive_add(s->bundle, "system.txt", "where vmnctl ran", ds_cstr(&ds),
                    ds.length);
    ds_destroy(&ds);
}

static void
add_all(struct support *s)
{
    json_t *hosts;

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        if (calls[i].objects && s->ctl->no_objects) {
            ctl_archive_omit(s->bundle, calls[i].file, "--no-objects");
        } else {
            add_call(s, calls[i].file, calls[i].path, calls[i].about);
        }
    }
    hosts = add_objects(s);
    add_diffs(s, hosts);
    json_decref(hosts);
    add_unixctl(s);
    add_system(s);
    ctl_archive_omit(s->bundle, "vmnd's log",
                     "it is the system's "
                     "(journalctl -u vmnd)");
}

enum ctl_exit
ctl_cmd_support(struct ctl *ctl, int n_args, char *const args[])
{
    struct support s = { .ctl = ctl };
    time_t now = time(NULL);
    char stamp[32], time_text[32];
    enum ctl_exit status;
    struct vmn_error why = VMN_ERROR_INIT;
    char *folder, *file;
    json_t *about;
    struct tm tm;

    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    folder = xasprintf("vmn-support-%s", stamp);
    file = n_args ? xstrdup(args[0]) : xasprintf("%s.tar.gz", folder);
    s.bundle = ctl_archive_create(file, folder, &why);
    if (s.bundle) {
        add_all(&s);
        about = json_pack("{s:s, s:s, s:s}", "time", time_text, "vmnctl",
                          VMN_VERSION, "server", ctl->server);
        ctl_archive_close(s.bundle, about, &why);
        json_decref(about);
    }
    ctl_progress(ctl, NULL);
    if (why.text) {
        fprintf(ctl->err, "vmnctl: %s\n", why.text);
        vmn_error_uninit(&why);
        status = CTL_REFUSED;
    } else {
        fprintf(ctl->out, "%s\n", file);
        if (s.lacking) {
            fprintf(ctl->err, "vmnctl: some of it could not be had: see "
                    "omitted in its manifest.json\n");
        }
        status = s.gone ? CTL_UNREACHABLE : CTL_DONE;
    }
    free(folder);
    free(file);
    return status;
}
