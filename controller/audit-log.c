/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit log outside of vmnd; see audit-log.h.
 *
 * Writes to the sockets of syslog and the journal directly, without blocking:
 * syslog(3) would block the loop while nobody reads.  Entries that a socket
 * does not accept at once are lost, and counted. */

#include <config.h>

#include "controller/audit-log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "controller/commit/commit.h"
#include "controller/model/model.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(audit_log);

#define SYSLOG_SOCKET "/dev/log"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Bytes of an entry's changes that are written in full; of more it has the
 * first ones and their number.  A syslog datagram may have 8 KiB. */
#define CHANGES_MAX 6000

struct audit_log {
    enum { TO_SYSLOG, TO_JOURNAL, TO_FILE } kind;
    char *path;                 /* Of the socket or the file.  Owned. */
    int fd;                     /* -1: not open. */
    dev_t device;               /* Of the open file, */
    ino_t inode;                /* which may be rotated. */
    struct commit *commit;
    struct model *model;
    struct audit_log_stats stats;
};

/* Entries.  -------------------------------------------------------------- */

/* Appends the first of the changes in 'summary', a JSON array, as a JSON
 * array.  Returns how many there are. */
static size_t
put_changes(struct ds *ds, const char *summary)
{
    json_t *changes = json_loads(summary, 0, NULL), *change;
    size_t start = ds->length, n, i;

    ds_put_char(ds, '[');
    json_array_foreach (changes, i, change) {
        char *text = json_dumps(change, JSON_COMPACT);

        if (text && ds->length - start + strlen(text) < CHANGES_MAX) {
            ds_put_format(ds, "%s%s", i ? "," : "", text);
            free(text);
        } else {
            free(text);
            break;
        }
    }
    ds_put_char(ds, ']');
    n = json_array_size(changes);
    json_decref(changes);
    return n;
}

/* Appends one line of JSON. */
static void
put_line(struct ds *ds, const struct model_log *log)
{
    struct ds changes = DS_EMPTY_INITIALIZER;
    size_t n = put_changes(&changes, log->summary);

    ds_put_format(ds, "{\"revision\":%"PRIu64",", log->revision);
    ds_put_strftime_msec(ds, "\"time\":\"%Y-%m-%dT%H:%M:%S.###Z\",",
                         log->time_ms, true);
    ds_put_cstr(ds, "\"who\":");
    schema_print_string(ds, log->who);
    if (log->comment) {
        ds_put_cstr(ds, ",\"comment\":");
        schema_print_string(ds, log->comment);
    }
    if (log->undoes) {
        ds_put_format(ds, ",\"undoes\":%"PRIu64, log->undoes);
    }
    if (log->draft) {
        ds_put_cstr(ds, ",\"draft\":");
        schema_print_string(ds, log->draft);
    }
    if (log->draft_author) {
        ds_put_cstr(ds, ",\"draft_author\":");
        schema_print_string(ds, log->draft_author);
    }
    ds_put_format(ds, ",\"n_changes\":%"PRIuSIZE",\"changes\":%s}", n,
                  ds_cstr(&changes));
    ds_destroy(&changes);
}

/* Appends a datagram in the format of RFC 3164, as syslog(3) sends it to a
 * local socket. */
static void
put_syslog(struct ds *ds, const struct model_log *log)
{
    ds_put_format(ds, "<%d>", LOG_AUTHPRIV | LOG_NOTICE);
    ds_put_strftime_msec(ds, "%b %e %H:%M:%S ", log->time_ms, false);
    ds_put_format(ds, "vmnd[%ld]: ", (long) getpid());
    put_line(ds, log);
}

/* Appends a field of the journal's native protocol.  'value' is cut at the end
 * of its first line: another line would begin another field. */
static void
put_field(struct ds *ds, const char *name, const char *value)
{
    ds_put_format(ds, "%s=%.*s\n", name, (int) strcspn(value, "\n"), value);
}

static void
put_journal(struct ds *ds, const struct model_log *log)
{
    struct ds changes = DS_EMPTY_INITIALIZER;
    struct ds line = DS_EMPTY_INITIALIZER;
    size_t n = put_changes(&changes, log->summary);

    put_line(&line, log);
    ds_put_format(ds, "PRIORITY=%d\nSYSLOG_FACILITY=%d\n"
                  "SYSLOG_IDENTIFIER=vmnd\nVMN_REVISION=%"PRIu64"\n"
                  "VMN_N_CHANGES=%"PRIuSIZE"\n", LOG_NOTICE,
                  LOG_FAC(LOG_AUTHPRIV), log->revision, n);
    put_field(ds, "VMN_WHO", log->who);
    if (log->comment) {
        put_field(ds, "VMN_COMMENT", log->comment);
    }
    if (log->undoes) {
        ds_put_format(ds, "VMN_UNDOES=%"PRIu64"\n", log->undoes);
    }
    if (log->draft) {
        put_field(ds, "VMN_DRAFT", log->draft);
    }
    if (log->draft_author) {
        put_field(ds, "VMN_DRAFT_AUTHOR", log->draft_author);
    }
    put_field(ds, "VMN_CHANGES", ds_cstr(&changes));
    put_field(ds, "MESSAGE", ds_cstr(&line));
    ds_destroy(&changes);
    ds_destroy(&line);
}

/* Writing.  -------------------------------------------------------------- */

static int
open_socket(struct audit_log *al)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int error;

    al->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (al->fd < 0) {
        return errno;
    }
    ovs_strlcpy(un.sun_path, al->path, sizeof un.sun_path);
    if (!connect(al->fd, (const struct sockaddr *) &un, sizeof un)) {
        return 0;
    }
    error = errno;
    close(al->fd);
    al->fd = -1;
    return error;
}

static int
open_file(struct audit_log *al)
{
    struct stat st;

    al->fd = open(al->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC
                  | O_NOCTTY | O_NONBLOCK, 0600);
    if (al->fd < 0 || fstat(al->fd, &st)) {
        return errno;
    }
    al->device = st.st_dev;
    al->inode = st.st_ino;
    return 0;
}

static void
close_log(struct audit_log *al)
{
    if (al->fd >= 0) {
        close(al->fd);
        al->fd = -1;
    }
}

/* Opens the socket or file if it is not open, or was rotated.  Returns 0 or a
 * positive errno. */
static int
reopen(struct audit_log *al)
{
    struct stat st;

    if (al->kind == TO_FILE && al->fd >= 0
        && (stat(al->path, &st) || st.st_dev != al->device
            || st.st_ino != al->inode)) {
        close_log(al);
    }
    return (al->fd >= 0 ? 0
            : al->kind == TO_FILE ? open_file(al) : open_socket(al));
}

static int
try_write(struct audit_log *al, const struct ds *ds)
{
    int error = reopen(al);
    ssize_t n;

    if (error) {
        return error;
    }
    n = (al->kind == TO_FILE ? write(al->fd, ds->string, ds->length)
         : send(al->fd, ds->string, ds->length, MSG_NOSIGNAL));
    return n < 0 ? errno : (size_t) n < ds->length ? ENOSPC : 0;
}

static void
write_message(struct audit_log *al, const struct ds *ds, const char *what)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
    int error = try_write(al, ds);

    if (error && error != EAGAIN) {
        /* The receiver may have been restarted. */
        close_log(al);
        error = try_write(al, ds);
    }
    if (error) {
        al->stats.n_lost++;
        VLOG_ERR_RL(&rl, "%s is not in the audit log: %s: %s", what, al->path,
                    ovs_strerror(error));
    } else {
        al->stats.n_written++;
    }
}

static void
write_entry(struct audit_log *al, const struct model_log *log)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    char *what = xasprintf("revision %"PRIu64, log->revision);

    if (al->kind == TO_SYSLOG) {
        put_syslog(&ds, log);
    } else if (al->kind == TO_JOURNAL) {
        put_journal(&ds, log);
    } else {
        put_line(&ds, log);
        ds_put_char(&ds, '\n');
    }
    write_message(al, &ds, what);
    ds_destroy(&ds);
    free(what);
}

/* Appends the line of JSON of what is no revision. */
static void
put_note(struct ds *ds, int64_t now_ms, const char *who, const char *what)
{
    ds_put_strftime_msec(ds, "{\"time\":\"%Y-%m-%dT%H:%M:%S.###Z\",", now_ms,
                         true);
    ds_put_cstr(ds, "\"who\":");
    schema_print_string(ds, who);
    ds_put_cstr(ds, ",\"action\":");
    schema_print_string(ds, what);
    ds_put_char(ds, '}');
}

void
audit_log_note(struct audit_log *al, const char *who, const char *what)
{
    struct ds line = DS_EMPTY_INITIALIZER, ds = DS_EMPTY_INITIALIZER;
    int64_t now_ms = time_wall_msec();

    if (!al) {
        return;
    }
    put_note(&line, now_ms, who, what);
    if (al->kind == TO_SYSLOG) {
        ds_put_format(&ds, "<%d>", LOG_AUTHPRIV | LOG_NOTICE);
        ds_put_strftime_msec(&ds, "%b %e %H:%M:%S ", now_ms, false);
        ds_put_format(&ds, "vmnd[%ld]: %s", (long) getpid(), ds_cstr(&line));
    } else if (al->kind == TO_JOURNAL) {
        ds_put_format(&ds, "PRIORITY=%d\nSYSLOG_FACILITY=%d\n"
                      "SYSLOG_IDENTIFIER=vmnd\n", LOG_NOTICE,
                      LOG_FAC(LOG_AUTHPRIV));
        put_field(&ds, "VMN_WHO", who);
        put_field(&ds, "VMN_ACTION", what);
        put_field(&ds, "MESSAGE", ds_cstr(&line));
    } else {
        ds_put_format(&ds, "%s\n", ds_cstr(&line));
    }
    write_message(al, &ds, "a live trace");
    ds_destroy(&line);
    ds_destroy(&ds);
}

/* Writes the revisions of a group that is durable. */
static void
group_cb(void *al_, const struct commit_group *group OVS_UNUSED)
{
    struct audit_log *al = al_;
    struct model_pending pending;

    model_get_pending(al->model, &pending);
    for (size_t i = 0; i < pending.n_logs; i++) {
        if (pending.logs[i].stored
            && model_is_of_people(pending.logs[i].who)) {
            write_entry(al, &pending.logs[i]);
        }
        commit_yield(al->commit);
    }
}

/* Creation and destruction.  ---------------------------------------------- */

/* Returns 'usual' if 'where' is 'kind', the path if it is "KIND:/PATH", else
 * NULL. */
static const char *
socket_of(const char *where, const char *kind, const char *usual)
{
    size_t n = strlen(kind);

    if (strncmp(where, kind, n)) {
        return NULL;
    }
    return (!where[n] ? usual
            : where[n] == ':' && where[n + 1] == '/' ? where + n + 1 : NULL);
}

int
audit_log_check(const char *where, struct vmn_error *why)
{
    return (!where || socket_of(where, "syslog", SYSLOG_SOCKET)
            || socket_of(where, "journal", JOURNAL_SOCKET)
            || where[0] == '/' ? 0
            : vmn_error_invalid(why, "audit-log must be \"syslog\", "
                                "\"journal\" or an absolute path, not "
                                "\"%s\"", where));
}

int
audit_log_create(const char *where, struct commit *commit,
                 struct model *model, struct audit_log **alp,
                 struct vmn_error *why)
{
    const char *syslog_path = socket_of(where, "syslog", SYSLOG_SOCKET);
    const char *journal_path = socket_of(where, "journal", JOURNAL_SOCKET);
    struct audit_log *al = xzalloc(sizeof *al);
    int error;

    al->kind = (syslog_path ? TO_SYSLOG
                : journal_path ? TO_JOURNAL : TO_FILE);
    al->path = xstrdup(syslog_path ? syslog_path
                       : journal_path ? journal_path : where);
    al->fd = -1;
    al->commit = commit;
    al->model = model;
    error = reopen(al);
    if (error) {
        vmn_error_errno(why, error, "%s: %s", al->path, ovs_strerror(error));
        free(al->path);
        free(al);
        *alp = NULL;
        return error;
    }
    commit_add_watch(commit, group_cb, al);
    *alp = al;
    return 0;
}

void
audit_log_destroy(struct audit_log *al)
{
    if (al) {
        commit_remove_watch(al->commit, group_cb, al);
        close_log(al);
        free(al->path);
        free(al);
    }
}

void
audit_log_get_stats(const struct audit_log *al, struct audit_log_stats *stats)
{
    *stats = al ? al->stats : (struct audit_log_stats) { 0, 0 };
}
