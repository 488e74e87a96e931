/* SPDX-License-Identifier: Apache-2.0
 *
 * Real Open vSwitch daemons for tests; see ovs-sandbox.h. */

#include <config.h>

#include "tests/unit/ovs-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

#define SCHEMA "/usr/share/openvswitch/vswitch.ovsschema"

/* What a test may start takes at most so long, under valgrind too. */
#define SANDBOX_TIMEOUT_MS 120000

static void OVS_NO_RETURN
die(const char *what, const char *detail)
{
    fprintf(stderr, "ovs-sandbox: %s: %s\n", what, detail);
    abort();
}

/* In the child: becomes 'argv', which ends when the test does. */
static void OVS_NO_RETURN
child_exec(const struct ovs_sandbox *sb, char **argv, int output)
{
    char *rundir = xasprintf("OVS_RUNDIR=%s", sb->dir);
    char *dbdir = xasprintf("OVS_DBDIR=%s", sb->dir);
    char *logdir = xasprintf("OVS_LOGDIR=%s", sb->dir);
    int null = open("/dev/null", O_RDWR);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    putenv(rundir);
    putenv(dbdir);
    putenv(logdir);
    dup2(null, STDIN_FILENO);
    dup2(output >= 0 ? output : null, STDOUT_FILENO);
    if (!getenv("OVS_SANDBOX_VERBOSE")) {
        dup2(null, STDERR_FILENO);
    }
    for (int fd = STDERR_FILENO + 1; fd < 256; fd++) {
        close(fd);
    }
    execvp(argv[0], argv);
    _exit(127);
}

static pid_t
start(const struct ovs_sandbox *sb, char **argv, int output)
{
    pid_t pid = fork();

    if (pid < 0) {
        die("fork", strerror(errno));
    } else if (!pid) {
        child_exec(sb, argv, output);
    }
    return pid;
}

int
ovs_sandbox_exec(const struct ovs_sandbox *sb, char **argv, char **output)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    int fds[2];
    int status;
    pid_t pid;

    if (pipe(fds)) {
        die("pipe", strerror(errno));
    }
    pid = start(sb, argv, fds[1]);
    close(fds[1]);
    for (;;) {
        char chunk[512];
        ssize_t n = read(fds[0], chunk, sizeof chunk);

        if (n <= 0) {
            break;
        }
        ds_put_buffer(&ds, chunk, n);
    }
    close(fds[0]);
    waitpid(pid, &status, 0);
    ds_chomp(&ds, '\n');
    if (output) {
        *output = ds_steal_cstr(&ds);
    }
    ds_destroy(&ds);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

char *
ovs_sandbox_shell(const struct ovs_sandbox *sb, const char *format, ...)
{
    char shell[] = "sh", option[] = "-c";
    char *argv[] = { shell, option, NULL, NULL };
    char *output;
    va_list args;

    va_start(args, format);
    argv[2] = xvasprintf(format, args);
    va_end(args);
    if (ovs_sandbox_exec(sb, argv, &output)) {
        die(argv[2], output);
    }
    free(argv[2]);
    return output;
}

/* Returns a connection to unix socket 'name', or -1. */
static int
dial(const struct ovs_sandbox *sb, const char *name)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(un.sun_path, sizeof un.sun_path, "%s/%s", sb->dir, name);
    if (connect(fd, (struct sockaddr *) &un, sizeof un)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Waits until something accepts connections at unix socket 'name'. */
static void
wait_for_socket(const struct ovs_sandbox *sb, const char *name, pid_t pid)
{
    for (int i = 0; i < SANDBOX_TIMEOUT_MS / 5; i++) {
        int fd = dial(sb, name);

        if (fd >= 0) {
            close(fd);
            return;
        }
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            die("a daemon ended at once", name);
        }
        usleep(5000);
    }
    die("a daemon did not come up", name);
}

/* Sends the database server a request at 'fd' and waits for its reply. */
static void
ask_server(int fd)
{
    static const char request[] = "{\"id\":0,\"method\":\"echo\","
                                  "\"params\":[]}";
    struct ds reply = DS_EMPTY_INITIALIZER;

    if (write(fd, request, sizeof request - 1) != sizeof request - 1) {
        die("cannot ask", "db.sock");
    }
    while (!strstr(ds_cstr(&reply), "\"result\"")) {
        char chunk[512];
        ssize_t n = read(fd, chunk, sizeof chunk);

        if (n <= 0) {
            die("no reply", "db.sock");
        }
        ds_put_buffer(&reply, chunk, n);
    }
    ds_destroy(&reply);
}

/* The server replies to who writes before it tells the others, one after the
 * other in rounds.  Between two replies to one of them all have been told. */
void
ovs_sandbox_settle(const struct ovs_sandbox *sb)
{
    int fd = dial(sb, "db.sock");

    if (fd < 0) {
        die("connect", "db.sock");
    }
    ask_server(fd);
    ask_server(fd);
    close(fd);
}

static void
stop(pid_t *pid)
{
    if (*pid) {
        kill(*pid, SIGTERM);
        waitpid(*pid, NULL, 0);
        *pid = 0;
    }
}

/* Writes a schema's text to a file.  Returns its name; the caller frees it. */
static char *
write_schema(const struct ovs_sandbox *sb, const char *text)
{
    char *path = xasprintf("%s/test.ovsschema", sb->dir);
    FILE *stream = fopen(path, "w");

    if (!stream || fputs(text, stream) < 0 || fclose(stream)) {
        die(path, strerror(errno));
    }
    return path;
}

/* Makes a schema by sed script 'script', or the installed one if it is NULL.
 * Returns the name of its file; the caller frees it. */
static char *
make_schema(const struct ovs_sandbox *sb, const char *script)
{
    char sed[] = "sed", option[] = "-f", from[] = SCHEMA;
    char *argv[] = { sed, option, CONST_CAST(char *, script), from, NULL };
    char *path, *text;

    if (!script) {
        return xstrdup(SCHEMA);
    }
    if (ovs_sandbox_exec(sb, argv, &text)) {
        die("sed", script);
    }
    path = write_schema(sb, text);
    free(text);
    return path;
}

/* Makes the folder. */
static void
create_dir(struct ovs_sandbox *sb)
{
    *sb = (struct ovs_sandbox) { .dir = xstrdup("/tmp/vmn-test.XXXXXX") };
    if (!mkdtemp(sb->dir)) {
        die("mkdtemp", strerror(errno));
    }
    sb->remote = xasprintf("unix:%s/db.sock", sb->dir);
}

/* Makes the database, of the schema in a file, and starts its server. */
static void
create_database(struct ovs_sandbox *sb, char *schema)
{
    char *db = xasprintf("%s/conf.db", sb->dir);
    char *raft = xasprintf("unix:%s/raft.sock", sb->dir);
    char tool[] = "ovsdb-tool", create[] = "create";
    char create_cluster[] = "create-cluster";
    char *argv[] = {
        tool, sb->clustered ? create_cluster : create, db, schema,
        sb->clustered ? raft : NULL, NULL,
    };

    if (ovs_sandbox_exec(sb, argv, NULL)) {
        die("ovsdb-tool create", db);
    }
    free(raft);
    free(db);
    ovs_sandbox_start_server(sb);
}

void
ovs_sandbox_create(struct ovs_sandbox *sb, const char *system_id)
{
    ovs_sandbox_create_with_schema(sb, system_id, NULL);
}

void
ovs_sandbox_create_with_schema(struct ovs_sandbox *sb, const char *system_id,
                               const char *script)
{
    char *schema;

    create_dir(sb);
    schema = make_schema(sb, script);
    create_database(sb, schema);
    free(schema);
    free(ovs_sandbox_vsctl(sb, "set Open_vSwitch . external_ids:system-id=%s",
                           system_id));
}

void
ovs_sandbox_create_clustered(struct ovs_sandbox *sb, const char *text)
{
    char *schema;

    create_dir(sb);
    sb->clustered = true;
    schema = write_schema(sb, text);
    create_database(sb, schema);
    free(schema);
}

void
ovs_sandbox_convert(const struct ovs_sandbox *sb, const char *text)
{
    char *schema = write_schema(sb, text);
    char client[] = "ovsdb-client", convert[] = "convert";
    char *argv[] = { client, convert, sb->remote, schema, NULL };

    if (ovs_sandbox_exec(sb, argv, NULL)) {
        die("ovsdb-client convert", schema);
    }
    free(schema);
}

static int
remove_entry(const char *path, const struct stat *s OVS_UNUSED,
             int type OVS_UNUSED, struct FTW *ftw OVS_UNUSED)
{
    return remove(path);
}

bool
ovs_sandbox_schema_has(const char *column)
{
    char *quoted = xasprintf("\"%s\"", column);
    char line[512];
    bool found = false;
    FILE *schema = fopen(SCHEMA, "r");

    if (!schema) {
        ovs_abort(errno, "cannot read %s", SCHEMA);
    }
    while (!found && fgets(line, sizeof line, schema)) {
        found = strstr(line, quoted) != NULL;
    }
    fclose(schema);
    free(quoted);
    return found;
}

void
ovs_sandbox_destroy(struct ovs_sandbox *sb)
{
    ovs_sandbox_stop_vswitchd(sb);
    ovs_sandbox_stop_server(sb);
    nftw(sb->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(sb->remote);
    free(sb->dir);
}

void
ovs_sandbox_start_server(struct ovs_sandbox *sb)
{
    char server[] = "ovsdb-server", no_log[] = "-vconsole:off";
    char *remote = xasprintf("--remote=p%s", sb->remote);
    char *control = xasprintf("--unixctl=%s/db.ctl", sb->dir);
    char *db = xasprintf("%s/conf.db", sb->dir);
    char manager[] = "--remote=db:Open_vSwitch,Open_vSwitch,manager_options";
    char key[] = "--private-key=db:Open_vSwitch,SSL,private_key";
    char cert[] = "--certificate=db:Open_vSwitch,SSL,certificate";
    char ca[] = "--ca-cert=db:Open_vSwitch,SSL,ca_cert";
    /* What is in the database of the server itself comes last. */
    char *argv[] = {
        server, no_log, remote, control, db, manager, key, cert, ca, NULL,
    };

    if (sb->clustered) {
        argv[5] = NULL;
    }
    sb->server = start(sb, argv, -1);
    wait_for_socket(sb, "db.sock", sb->server);
    free(remote);
    free(control);
    free(db);
}

void
ovs_sandbox_stop_server(struct ovs_sandbox *sb)
{
    stop(&sb->server);
}

void
ovs_sandbox_start_vswitchd(struct ovs_sandbox *sb)
{
    char vswitchd[] = "ovs-vswitchd", no_log[] = "-vconsole:off";
    char dummy[] = "--enable-dummy=override", no_sys[] = "--disable-system";
    char no_route[] = "--disable-system-route";
    char *control = xasprintf("--unixctl=%s/vs.ctl", sb->dir);
    char *argv[] = {
        vswitchd, no_log, dummy, no_sys, no_route, control, sb->remote, NULL,
    };

    sb->vswitchd = start(sb, argv, -1);
    wait_for_socket(sb, "vs.ctl", sb->vswitchd);
    free(control);
}

void
ovs_sandbox_stop_vswitchd(struct ovs_sandbox *sb)
{
    stop(&sb->vswitchd);
}

char *
ovs_sandbox_vsctl(const struct ovs_sandbox *sb, const char *format, ...)
{
    char *argv[64] = { NULL };
    char vsctl[] = "ovs-vsctl", no_wait[] = "--no-wait", empty[] = "";
    char *db = xasprintf("--db=%s", sb->remote);
    char *save = NULL;
    char *output;
    va_list args;
    char *words;
    int n = 0;

    va_start(args, format);
    words = xvasprintf(format, args);
    va_end(args);
    argv[n++] = vsctl;
    argv[n++] = no_wait;
    argv[n++] = db;
    for (char *word = strtok_r(words, " ", &save); word && n < 63;
         word = strtok_r(NULL, " ", &save)) {
        argv[n++] = strcmp(word, "_") ? word : empty;
    }
    if (ovs_sandbox_exec(sb, argv, &output)) {
        die("ovs-vsctl failed", format);
    }
    ovs_sandbox_settle(sb);
    free(words);
    free(db);
    return output;
}
