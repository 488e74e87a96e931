/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl cluster init and join-command: how machines become members of a
 * cluster.  vmn-cluster (deploy/cluster) does it; this runs it, or prints the
 * command that does.  Not for members that there are (cmd-cluster.c). */

#include <config.h>

#include "controller/ctl/cluster-join.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/unixctl.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "svec.h"
#include "util.h"

#define PROGRAM "vmn-cluster"

/* Where the server of the database is beside a vmnd of this machine. */
#define DATABASE_CTL "/run/vmn-ovsdb/ovsdb-server.ctl"

/* How long the token is good, in seconds. */
#define TOKEN_S 3600

/* init.  ------------------------------------------------------------------ */

/* Runs the program, whose own words say what went wrong. */
static enum ctl_exit
run_program(struct ctl *ctl, struct svec *words)
{
    int status = -1;
    pid_t pid;

    svec_terminate(words);
    fflush(NULL);
    pid = fork();
    if (!pid) {
        execvp(PROGRAM, words->names);
        execv(VMN_SBINDIR "/" PROGRAM, words->names);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        continue;
    }
    if (pid < 0) {
        fprintf(ctl->err, "vmnctl: " PROGRAM ": %s\n", ovs_strerror(errno));
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        fputs("vmnctl: " PROGRAM " is not on this machine: the package vmn "
              "has it, and cluster init is for a machine with vmnd\n",
              ctl->err);
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
        return CTL_USAGE;
    }
    return pid > 0 && !status ? CTL_DONE : CTL_REFUSED;
}

static void
add_option(struct svec *words, const char *option, const char *value)
{
    if (value) {
        svec_add(words, option);
        svec_add(words, value);
    }
}

enum ctl_exit
ctl_cluster_init(struct ctl *ctl)
{
    struct svec words = SVEC_EMPTY_INITIALIZER;
    enum ctl_exit status;

    svec_add(&words, PROGRAM);
    svec_add(&words, "init");
    add_option(&words, "--name", ctl->name);
    add_option(&words, "--address", ctl->address);
    add_option(&words, "--pki", ctl->pki);
    if (ctl->plain) {
        svec_add(&words, "--plain");
    }
    status = run_program(ctl, &words);
    svec_destroy(&words);
    return status;
}

/* join-command.  ---------------------------------------------------------- */

/* What the command is made of. */
struct join {
    struct ctl *ctl;
    char *server;               /* The API, for another machine.  Owned. */
    struct sset databases;      /* Addresses of the members' servers. */
    char *account;              /* Owned. */
    char *token;                /* The secret.  Owned. */
};

static const char *
text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

bool
ctl_is_address(const char *text)
{
    return *text && text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789"
                                ".:-_[]")] == '\0';
}

/* Returns the HOST of "ssl:HOST:PORT", "tcp:HOST:PORT" or "HOST:PORT", which
 * the caller frees; NULL if no other machine can reach it, unless 'local'
 * says that this one is enough. */
static char *
host_of(const char *address, bool local)
{
    static const char *const nowhere[] = { "0.0.0.0", "[::]", "*" };
    static const char *const here[] = { "127.0.0.1", "[::1]", "localhost" };
    const char *start = (!strncmp(address, "ssl:", 4)
                         || !strncmp(address, "tcp:", 4) ? address + 4
                         : address);
    const char *end = strrchr(start, ':');
    char *host = end && end > start ? xmemdup0(start, end - start) : NULL;
    bool usable = host && ctl_is_address(address);

    for (size_t i = 0; usable && i < ARRAY_SIZE(nowhere); i++) {
        usable = strcmp(host, nowhere[i]) != 0;
    }
    for (size_t i = 0; usable && !local && i < ARRAY_SIZE(here); i++) {
        usable = strcmp(host, here[i]) != 0;
    }
    if (!usable) {
        free(host);
        host = NULL;
    }
    return host;
}

static const json_t *
find_writer(const json_t *cluster)
{
    const json_t *member;
    size_t i;

    json_array_foreach (json_object_get(cluster, "members"), i, member) {
        if (!strcmp(text_of(member, "role"), "writer")) {
            return member;
        }
    }
    return NULL;
}

/* Finds the API's address for another machine: the one that this call came
 * by, or the writer's. */
static enum ctl_exit
find_server(struct join *join, const struct ctl_reply *reply)
{
    struct ctl *ctl = join->ctl;
    const char *address = text_of(find_writer(reply->body), "address");
    bool tls = !strncmp(address, "ssl:", 4);
    char *host;

    if (strncmp(reply->server, "unix:", 5)) {
        if (!ctl_is_address(reply->server)) {
            return ctl_usage(ctl, "cluster: --server has a character that no "
                             "address has");
        }
        join->server = xstrdup(reply->server);
        return CTL_DONE;
    }
    host = *address ? host_of(address, ctl->plain) : NULL;
    if (host && (tls || ctl->plain)) {
        join->server = xasprintf("%s:%s%s", tls ? "ssl" : "tcp", host,
                                 strrchr(address, ':'));
    }
    free(host);
    if (!join->server) {
        return ctl_usage(ctl, "cluster: no other machine can reach the API of "
                         "the writer (%s): set \"api-listen\" of vmnd to "
                         "ssl:ADDRESS:PORT, or name the API by --server",
                         *address ? address : "its unix socket alone");
    }
    return CTL_DONE;
}

/* Adds the addresses that the server of the database on this machine knows:
 * "    1a2b (1a2b at ssl:192.0.2.1:6643) (self)". */
static void
ask_database(struct join *join)
{
    char *text = ctl_unixctl_run(DATABASE_CTL, "cluster/status VMN", NULL);
    char *save = NULL;

    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        char *at = strstr(line, " at ");
        char *end = at ? strchr(at, ')') : NULL;

        if (end && (!strncmp(at + 4, "ssl:", 4)
                    || !strncmp(at + 4, "tcp:", 4))) {
            *end = '\0';
            if (ctl_is_address(at + 8)) {
                sset_add(&join->databases, at + 8);
            }
        }
    }
    free(text);
}

/* Finds the addresses of the members' servers of the database: as told, as the
 * one on this machine knows them, or where the members' APIs are. */
static enum ctl_exit
find_databases(struct join *join, const json_t *cluster)
{
    struct ctl *ctl = join->ctl;
    const json_t *member;
    size_t i;

    if (ctl->address) {
        if (!ctl_is_address(ctl->address)) {
            return ctl_usage(ctl, "--address: \"%s\" is not an address",
                             ctl->address);
        }
        sset_add(&join->databases, ctl->address);
        return CTL_DONE;
    }
    if (!strncmp(ctl->server, "unix:", 5)) {
        ask_database(join);
    }
    if (sset_is_empty(&join->databases)) {
        json_array_foreach (json_object_get(cluster, "members"), i, member) {
            char *host = host_of(text_of(member, "address"), ctl->plain);

            if (host) {
                sset_add(&join->databases, host);
            }
            free(host);
        }
    }
    if (sset_is_empty(&join->databases)) {
        return ctl_usage(ctl, "cluster: give --address, that of a member's "
                         "server of the cluster's database: the API does not "
                         "tell it");
    }
    return CTL_DONE;
}

/* Finds an account that may make backups. */
static enum ctl_exit
find_account(struct join *join)
{
    struct ctl *ctl = join->ctl;
    json_t *accounts = json_array();
    enum ctl_exit status = CTL_DONE;
    const json_t *account;
    size_t i;

    if (ctl->account) {
        join->account = xstrdup(ctl->account);
    } else {
        status = ctl_get_list(ctl, "accounts", accounts);
    }
    json_array_foreach (accounts, i, account) {
        const json_t *spec = json_object_get(account, "spec");

        if (!join->account && !strcmp(text_of(spec, "role"), "admin")
            && !*text_of(spec, "scope")) {
            join->account = xstrdup(text_of(account, "name"));
        }
    }
    json_decref(accounts);
    if (!status && !join->account) {
        return ctl_usage(ctl, "cluster: a copy of the state is for "
                         "administrators, and there is no account of role "
                         "admin: create one (vmnctl explain accounts has an "
                         "example)");
    }
    return status;
}

/* Creates the token. */
static enum ctl_exit
make_token(struct join *join)
{
    struct ctl *ctl = join->ctl;
    time_t now = time(NULL), when = now + TOKEN_S;
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;
    char expires[32];
    struct tm tm;
    json_t *body;
    char *name;

    gmtime_r(&when, &tm);
    strftime(expires, sizeof expires, "%Y-%m-%dT%H:%M:%SZ", &tm);
    name = xasprintf("join-%"PRId64"-%ld", (int64_t) now, (long) getpid());
    body = json_pack("{s:{s:s, s:s}}", "spec", "account", join->account,
                     "expires", expires);
    ctl_append_path(&path, "tokens", name);
    status = ctl_call(ctl, "PUT", ds_cstr(&path), body, NULL, &reply);
    if (!status) {
        const char *secret = text_of(reply.body, "secret");

        if (*secret && ctl_is_address(secret)) {
            join->token = xstrdup(secret);
        } else {
            fputs("vmnctl: the server sent no secret\n", ctl->err);
            status = CTL_REFUSED;
        }
        ctl_reply_uninit(&reply);
    }
    json_decref(body);
    ds_destroy(&path);
    free(name);
    return status;
}

static void
print_command(const struct join *join)
{
    const struct ctl *ctl = join->ctl;
    const char *name = ctl->name ? ctl->name : "NAME";
    const char *server, **servers = sset_sort(&join->databases);
    FILE *out = ctl->out;

    if (!ctl->plain) {
        fprintf(out,
                "# Where the members' CA is: the member's certificate, the "
                "CA that it believes\n"
                "# (not the hosts'), and the API's.  %s is its name\n"
                "vmn-pki member %s && scp %s-member.key %s-member.pem "
                "members-ca.pem \\\n"
                "    controller-ca.pem root@%s:/etc/vmn/\n"
                "# There, as root: its key is for vmnd alone\n"
                "chgrp vmn /etc/vmn/%s-member.key && "
                "chmod 640 /etc/vmn/%s-member.key\n", ctl->name
                ? ctl->name : "the machine's host name", name, name, name,
                name, name, name);
    }
    fprintf(out, "# On the new machine, as root, within an hour.  The token "
            "is of account %s\n", join->account);
    fprintf(out, "VMNCTL_SERVER='%s' ", join->server);
    if (!strncmp(join->server, "ssl:", 4)) {
        fputs("VMNCTL_CA_CERT=/etc/vmn/controller-ca.pem ", out);
    }
    fprintf(out, "\\\n    VMNCTL_TOKEN='%s' \\\n    " PROGRAM " join%s",
            join->token, ctl->plain ? " --plain" : "");
    if (ctl->name) {
        fprintf(out, " --name %s", ctl->name);
    }
    for (size_t i = 0; i < sset_count(&join->databases); i++) {
        server = servers[i];
        fprintf(out, " '%s'", server);
    }
    putc('\n', out);
    free(servers);
}

/* Returns CTL_DONE if 'cluster' can take another member. */
static enum ctl_exit
check_cluster(struct ctl *ctl, const json_t *cluster)
{
    const json_t *member;
    size_t i;

    if (!strcmp(text_of(cluster, "role"), "alone")) {
        fputs("vmnctl: vmnd is of no cluster: vmnctl cluster init, on its "
              "machine, begins one\n", ctl->err);
        return CTL_REFUSED;
    }
    if (!json_is_true(json_object_get(cluster, "connected"))) {
        fputs("vmnctl: most servers of the cluster's database are gone: "
              "nobody can join\n", ctl->err);
        return CTL_REFUSED;
    }
    json_array_foreach (json_object_get(cluster, "members"), i, member) {
        if (ctl->name && !strcmp(text_of(member, "name"), ctl->name)) {
            fprintf(ctl->err, "vmnctl: there is a member \"%s\" already: "
                    "vmnctl cluster remove %s takes it out, if it is gone\n",
                    ctl->name, ctl->name);
            return CTL_REFUSED;
        }
    }
    return CTL_DONE;
}

enum ctl_exit
ctl_cluster_join_command(struct ctl *ctl)
{
    struct join join = { .ctl = ctl,
                         .databases = SSET_INITIALIZER(&join.databases) };
    struct vmn_error why = VMN_ERROR_INIT;
    enum ctl_exit status;
    struct ctl_reply reply;

    if (ctl->name && value_check_name(ctl->name, &why)) {
        status = ctl_usage(ctl, "--name: %s", why.text);
        vmn_error_uninit(&why);
        return status;
    }
    status = ctl_get(ctl, "/v1/cluster", &reply);
    if (status) {
        return status;
    }
    status = check_cluster(ctl, reply.body);
    if (!status) {
        status = find_server(&join, &reply);
    }
    if (!status) {
        status = find_databases(&join, reply.body);
    }
    if (!status) {
        status = find_account(&join);
    }
    if (!status) {
        status = make_token(&join);
    }
    if (!status) {
        print_command(&join);
    }
    ctl_reply_uninit(&reply);
    sset_destroy(&join.databases);
    free(join.server);
    free(join.account);
    free(join.token);
    return status;
}
