/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl token: creates a bearer token for an account. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

/* Returns true unless 'text' is neither a time nor how long it takes until
 * one. */
static bool
is_time(const char *text)
{
    char *expiry = get_expiry(text);
    bool result = strchr(expiry, 'T') != NULL;

    free(expiry);
    return result;
}

/* Creates the file of --out, before there is a token that could get lost.
 * Returns NULL after it has printed an error. */
static FILE *
make_file(struct ctl *ctl)
{
    int fd = open(ctl->out_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                  S_IRUSR | S_IWUSR);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (!file) {
        ctl_usage(ctl, "%s: %s", ctl->out_file, ovs_strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
    }
    return file;
}

/* Writes the secret to 'file', or prints it if that is NULL. */
static enum ctl_exit
write_secret(struct ctl *ctl, const char *secret, FILE *file)
{
    FILE *out = file ? file : ctl->out;

    ctl_print_safely(out, secret);
    putc('\n', out);
    if (file && fflush(file)) {
        fprintf(ctl->err, "vmnctl: %s: %s; delete the token, whose secret is "
                "lost\n", ctl->out_file, ovs_strerror(errno));
        return CTL_REFUSED;
    }
    return CTL_DONE;
}

/* Creates the token and writes it to 'file', or prints it. */
static enum ctl_exit
make_token(struct ctl *ctl, const char *name, FILE *file)
{
    char *expires = ctl->expires ? get_expiry(ctl->expires) : NULL;
    json_t *body = json_pack("{s:{s:s, s:s*}}", "spec", "account",
                             ctl->account, "expires", expires);
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    const char *secret;
    enum ctl_exit status;

    ctl_append_path(&path, "tokens", name);
    ctl_append_wait(ctl, &path);
    status = ctl_call(ctl, "PUT", ds_cstr(&path), body, NULL, &reply);
    if (!status) {
        secret = json_string_value(json_object_get(reply.body, "secret"));
        if (secret) {
            status = write_secret(ctl, secret, file);
        } else {
            /* One that was asked twice, say. */
            fprintf(ctl->err, "vmnctl: the server sent no secret: if the "
                    "connection broke, the token was made, and its secret "
                    "is lost; delete it, and make it again\n");
            status = CTL_REFUSED;
        }
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    json_decref(body);
    free(expires);
    return status;
}

/* Creates the token.  A file that it does not get into is removed. */
static enum ctl_exit
make_or_remove(struct ctl *ctl, const char *name)
{
    FILE *file = ctl->out_file ? make_file(ctl) : NULL;
    enum ctl_exit status;

    if (ctl->out_file && !file) {
        return CTL_USAGE;
    }
    status = make_token(ctl, name, file);
    if (file) {
        fclose(file);
        if (status) {
            unlink(ctl->out_file);
        } else {
            ctl_print_outcome(ctl, "tokens", name, "created");
        }
    }
    return status;
}

enum ctl_exit
ctl_cmd_token(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    struct ctl_reply reply;
    enum ctl_exit status;
    bool there;

    if (!ctl->account) {
        return ctl_usage(ctl, "token: --account says whose it is: vmnctl "
                         "token NAME --account ACCOUNT (vmnctl get tokens "
                         "lists those that there are)");
    }
    if (ctl->expires && !is_time(ctl->expires)) {
        return ctl_usage(ctl, "--expires: must be a time from now such as 12h "
                         "or 90d, or a time such as 2027-01-31T12:00:00Z, "
                         "not \"%s\"", ctl->expires);
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
    return make_or_remove(ctl, args[0]);
}
