/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands for those who let others in: tokens for accounts, and what makes a
 * hypervisor a host. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output-table.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Tokens.  --------------------------------------------------------------- */

/* Days that a token may be good for, if it ends at all. */
#define DAYS_MAX 3660

/* "12h" and "90d" from now on, as RFC 3339 writes it; anything else as it is: the
 * server says what it takes.  The caller frees it. */
static char *
get_expiry(const char *text)
{
    size_t n = strspn(text, "0123456789");
    long int value = n && n < 6 ? strtol(text, NULL, 10) : -1;
    long int factor = (!strcmp(text + n, "h") ? 3600
                       : !strcmp(text + n, "d") ? 86400 : 0);
    time_t when = time(NULL);
    char buf[32];
    struct tm tm;

    if (value < 0 || !factor || value * factor > DAYS_MAX * 86400L) {
        return xstrdup(text);
    }
    when += value * factor;
    gmtime_r(&when, &tm);
    strftime(buf, sizeof buf, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return xstrdup(buf);
}

/* Makes the token and writes it. */
static enum ctl_exit
make_token(struct ctl *ctl, const char *name)
{
    char *expires = ctl->expires ? get_expiry(ctl->expires) : NULL;
    json_t *body = json_pack("{s:{s:s, s:s*}}", "spec", "account",
                             ctl->account, "expires", expires);
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    const char *secret;
    enum ctl_exit status;

    ctl_append_path(&path, "tokens", name);
    status = ctl_call(ctl, "PUT", ds_cstr(&path), body, NULL, &reply);
    if (!status) {
        secret = json_string_value(json_object_get(reply.body, "secret"));
        if (secret) {
            ctl_print_safely(ctl->out, secret);
            putc('\n', ctl->out);
        } else {
            fprintf(ctl->err, "vmnctl: the server has told no secret\n");
            status = CTL_REFUSED;
        }
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    json_decref(body);
    free(expires);
    return status;
}

enum ctl_exit
ctl_cmd_token(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    struct ctl_reply reply;
    enum ctl_exit status;
    bool there;

    if (!ctl->account) {
        return ctl_usage(ctl, "token: --account says whose it is");
    }
    status = ctl_get_object(ctl, "tokens", args[0], &reply, &there);
    if (status) {
        return status;
    }
    if (there) {
        fprintf(ctl->err, "vmnctl: there is a token \"%s\" already, whose "
                "secret nobody keeps: delete it first, or take another name\n",
                args[0]);
        ctl_reply_uninit(&reply);
        return CTL_REFUSED;
    }
    return make_token(ctl, args[0]);
}

/* Hosts.  ---------------------------------------------------------------- */

/* Where the host's database is to connect to ("ssl:ADDRESS:6640"), or to listen
 * ("pssl:6640"); NULL after having said what is missing.  The caller frees
 * it. */
static char *
get_manager(struct ctl *ctl, const char *name, const char *ovsdb)
{
    const char *proto = ctl->plain ? "tcp" : "ssl";
    const char *port = strrchr(ovsdb, ':');

    if (!strcmp(ovsdb, "inbound")) {
        const char *address = ctl->address;

        if (!address) {
            ctl_usage(ctl, "host: %s dials in: --address says where vmnd is",
                      name);
            return NULL;
        }
        return xasprintf("%s:%s%s", proto, address,
                         strchr(address, ':') && address[strlen(address) - 1]
                         != ']' ? "" : ":6640");
    } else if (!strncmp(ovsdb, "ssl:", 4) || !strncmp(ovsdb, "tcp:", 4)) {
        return xasprintf("p%.3s%s", ovsdb, port);
    }
    fprintf(ctl->err, "vmnctl: %s is reached by %s: it needs no command\n",
            name, ovsdb);
    return NULL;
}

static void
print_commands(struct ctl *ctl, const char *name, const char *manager)
{
    bool tls = strstr(manager, "ssl:") != NULL;
    const char *dir = "/etc/openvswitch";

    if (tls) {
        fprintf(ctl->out,
                "# Where the CAs are: its certificate, which speaks for %s "
                "alone, and vmnd's CA\n"
                "vmn-pki host %s && scp %s.key %s.pem controller-ca.pem "
                "root@%s:%s/\n", name, name, name, name, name, dir);
    }
    if (manager[0] == 'p') {
        fprintf(ctl->out, "# Its database is to listen, and does not look at "
                "names: every certificate of\n# the CA that it believes opens "
                "it. With \"inbound\" it opens no port.\n");
    }
    fprintf(ctl->out, "# On %s, as root\novs-vsctl ", name);
    if (tls) {
        fprintf(ctl->out, "set-ssl %s/%s.key %s/%s.pem %s/controller-ca.pem "
                "-- ", dir,
                name, dir, name, dir);
    }
    fprintf(ctl->out, "set Open_vSwitch . external_ids:system-id=%s "
            "-- --id=@vmn create Manager 'target=\"%s\"' "
            "-- add Open_vSwitch . manager_options @vmn\n"
            "# Its name, where Open vSwitch's own scripts keep it over "
            "restarts:\n# echo %s >%s/system-id.conf\n", name, manager,
            name, dir);
}

enum ctl_exit
ctl_cmd_host(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;
    struct ctl_reply reply;
    const char *ovsdb;
    char *manager;

    if (strcmp(args[0], "join-command")) {
        return ctl_usage(ctl, "host: want join-command, not \"%s\"", args[0]);
    }
    ctl_append_path(&path, "hosts", args[1]);
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    ds_destroy(&path);
    if (status) {
        return status;
    }
    ovsdb = json_string_value(json_object_get(
        json_object_get(reply.body, "spec"), "ovsdb"));
    manager = get_manager(ctl, args[1], ovsdb ? ovsdb : "");
    if (manager) {
        print_commands(ctl, args[1], manager);
    }
    status = manager ? CTL_DONE : CTL_USAGE;
    free(manager);
    ctl_reply_uninit(&reply);
    return status;
}
