/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl token: creates a bearer token for an account. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output-table.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Maximum of a token's lifetime, in days. */
#define DAYS_MAX 3660

/* Converts "12h" or "90d" to a time from now in the format of RFC 3339;
 * returns any other text unchanged, for the server to check.  The caller frees
 * the result. */
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

/* Creates the token and prints it. */
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
