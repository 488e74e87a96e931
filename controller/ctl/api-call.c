/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of the API with error messages; see api-call.h. */

#include <config.h>

#include "controller/ctl/api-call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/ctl/api-send.h"
#include "controller/ctl/error-argument.h"
#include "controller/ctl/error-hint.h"
#include "controller/ctl/object-files.h"
#include "controller/ctl/output.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/other-tools.h"
#include "openvswitch/dynamic-string.h"
#include "proto/text/byte-order-mark.h"
#include "util.h"

/* Idle timeout of a download, in milliseconds: the server prepares the file
 * before it sends the first byte. */
#define DOWNLOAD_TIMEOUT_MS (600 * 1000)

/* Objects to request at once: the server takes up to 5 ms for a page of hosts,
 * and does nothing else meanwhile. */
#define PAGE_SIZE 250

/* Paths.  ---------------------------------------------------------------- */

/* Appends 'text', with all but the unreserved characters of RFC 3986
 * percent-encoded. */
static void
put_escaped(struct ds *ds, const char *text)
{
    for (; *text; text++) {
        unsigned char c = *text;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9') || strchr("-._~", c)) {
            ds_put_char(ds, c);
        } else {
            ds_put_format(ds, "%%%02X", c);
        }
    }
}

void
ctl_append_path(struct ds *ds, const char *type, const char *name)
{
    ds_put_cstr(ds, "/v1/");
    put_escaped(ds, type);
    if (name) {
        ds_put_char(ds, '/');
        put_escaped(ds, name);
    }
}

void
ctl_append_segment(struct ds *path, const char *text)
{
    ds_put_char(path, '/');
    put_escaped(path, text);
}

void
ctl_append_query(struct ds *path, const char *key, const char *value)
{
    ds_put_char(path, strchr(ds_cstr(path), '?') ? '&' : '?');
    ds_put_cstr(path, key);
    ds_put_char(path, '=');
    put_escaped(path, value);
}

void
ctl_append_wait(const struct ctl *ctl, struct ds *path)
{
    if (ctl->dry_run) {
        ctl_append_query(path, "dry_run", "plan");
    } else if (ctl->wait) {
        char *timeout = xasprintf("%dms", ctl->timeout_ms);

        ctl_append_query(path, "wait", "installed");
        ctl_append_query(path, "timeout", timeout);
        free(timeout);
    }
    if (ctl->refuse_loosening) {
        ctl_append_query(path, "refuse_loosening", "true");
    }
    if (ctl->comment) {
        ctl_append_query(path, "comment", ctl->comment);
    }
}

/* Errors.  --------------------------------------------------------------- */

/* If 'pointer' begins with "/objects/INDEX" or "/INDEX", and 'input' has that
 * object, appends the object's file and name, sets '*sent' to it, and returns
 * the rest of 'pointer'. */
static const char *
put_origin(const struct ctl_input *input, const char *pointer, struct ds *ds,
           const json_t **sent)
{
    const char *p = pointer;
    unsigned long int i;
    const json_t *object;
    char *end;

    if (!strncmp(p, "/objects/", 9)) {
        p += 8;
    }
    if (p[0] != '/' || p[1] < '0' || p[1] > '9') {
        return pointer;
    }
    errno = 0;
    i = strtoul(p + 1, &end, 10);
    if (errno || i >= input->origins.n || (*end && *end != '/')) {
        return pointer;
    }
    object = *sent = json_array_get(input->objects, i);
    if (*input->origins.names[i]) {
        ds_put_format(ds, "%s: ", input->origins.names[i]);
    }
    ctl_path_print(object, "/type", ds);
    ds_put_char(ds, '/');
    ctl_path_print(object, "/name", ds);
    ds_put_cstr(ds, *end ? " " : "");
    return end;
}

static void
put_error(const struct ctl *ctl, const json_t *error,
          const struct ctl_input *input, struct ds *ds)
{
    const char *pointer = json_string_value(json_object_get(error,
                                                            "pointer"));
    const char *parameter = json_string_value(json_object_get(error,
                                                              "parameter"));
    const char *detail = json_string_value(json_object_get(error, "detail"));
    const char *where = parameter ? parameter : pointer;
    char *argument = where && !input ? ctl_error_argument(ctl, where) : NULL;
    const json_t *sent = NULL;
    size_t start;

    start = ds->length;
    if (pointer && input) {
        pointer = put_origin(input, pointer, ds, &sent);
    }
    if (argument) {
        ds_put_cstr(ds, argument);
    } else if (parameter) {
        ds_put_format(ds, "?%s", parameter);
    } else if (pointer) {
        ds_put_cstr(ds, pointer);
    }
    free(argument);
    ds_put_format(ds, "%s%s", ds->length > start ? ": " : "",
                  detail ? detail : "refused");
    ctl_put_hint(sent, pointer, detail, ds);
}

/* Appends what to do about objects that are not deleted, as others refer to
 * them. */
static void
put_cascade(const struct ctl *ctl, const json_t *errors, struct ds *ds)
{
    const json_t *error;
    bool by_balancer = false;
    size_t n = 0, i;

    json_array_foreach (errors, i, error) {
        const char *detail = json_string_value(json_object_get(error,
                                                               "detail"));
        const char *by = (detail ? strstr(detail, "\" is referenced by ")
                          : NULL);

        n += by != NULL;
        by_balancer |= by && strstr(by, " by loadbalancer ");
    }
    if (n && ctl->command->options & CTL_OPT_CASCADE && !ctl->cascade) {
        ds_put_cstr(ds, "  take it out of there first, or give --cascade, "
                    "which does that as well, and deletes\n"
                    "  what cannot be without it (with --dry-run, only shows "
                    "it)\n");
    }
    if (n && by_balancer && !ctl->cascade) {
        ds_put_cstr(ds, "  a backend that drains is listed by its balancer: "
                    "with --cascade it is not any more\n");
    }
}

void
ctl_append_problem(const struct ctl *ctl, struct ds *ds,
                   const struct ctl_reply *reply,
                   const struct ctl_input *input)
{
    const json_t *errors = json_object_get(reply->body, "errors");
    const char *title = json_string_value(json_object_get(reply->body,
                                                          "title"));
    const char *detail = json_string_value(json_object_get(reply->body,
                                                           "detail"));
    const json_t *error;
    size_t i;

    if (json_array_size(errors) == 1) {
        put_error(ctl, json_array_get(errors, 0), input, ds);
    } else {
        ds_put_cstr(ds, detail ? detail : title ? title
                    : "the server refused");
    }
    ds_put_format(ds, " (HTTP %d", reply->status);
    if (reply->status == 401 && strchr(ctl->server, ',')) {
        ds_put_format(ds, " from %s", reply->server);
    }
    ds_put_cstr(ds, ")\n");
    if (reply->status == 401 && !ctl->token_file && !getenv("VMNCTL_TOKEN")
        && !ctl->certificate && !getenv("VMNCTL_CERTIFICATE")) {
        ds_put_cstr(ds, "  give a token: --token-file FILE, or VMNCTL_TOKEN "
                    "in the environment (vmnctl token makes one)\n");
    }
    json_array_foreach (errors, i, error) {
        if (json_array_size(errors) > 1) {
            ds_put_cstr(ds, "  ");
            put_error(ctl, error, input, ds);
            ds_put_char(ds, '\n');
        }
    }
    if (reply->status == 409 && ctl->command) {
        put_cascade(ctl, errors, ds);
    }
}

static void
print_problem(struct ctl *ctl, const struct ctl_reply *reply,
              const struct ctl_input *input)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "vmnctl: ");
    ctl_append_problem(ctl, &ds, reply, input);
    ctl_print_safely(ctl->err, ds_cstr(&ds));
    ds_destroy(&ds);
}

/* Calls.  ---------------------------------------------------------------- */

/* Checks that nobody but its owner may read the token file, if it is an
 * ordinary file: of a file of the user's own also not its group, as ssh has it
 * of keys.  Returns false after it has printed an error. */
static bool
is_private(struct ctl *ctl, FILE *file)
{
    struct stat s;
    mode_t others;

    if (fstat(fileno(file), &s) || !S_ISREG(s.st_mode)) {
        return true;
    }
    others = s.st_mode & (s.st_uid == geteuid() ? S_IRWXG | S_IRWXO
                          : S_IRWXO);
    if (others) {
        ctl_usage(ctl, "%s: others may read or change this token (mode "
                  "%04o): chmod 600 %s", ctl->token_file,
                  (unsigned int) s.st_mode & 07777, ctl->token_file);
    }
    return !others;
}

/* Sets '*token' to the first line of the token file, or to the environment's
 * token, or to NULL if there is none.  Returns false after it has printed an
 * error. */
static bool
get_token(struct ctl *ctl, char **token)
{
    const char *variable = getenv("VMNCTL_TOKEN");
    char line[1024];
    FILE *file;

    *token = NULL;
    if (!ctl->token_file) {
        if (variable && *variable) {
            *token = xstrdup(variable);
        }
        return true;
    }
    file = fopen(ctl->token_file, "r");
    if (!file) {
        ctl_usage(ctl, "%s: %s", ctl->token_file, ovs_strerror(errno));
        return false;
    }
    if (!is_private(ctl, file)) {
        fclose(file);
        return false;
    }
    if (!fgets(line, sizeof line, file)) {
        line[0] = '\0';
    }
    fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    *token = xstrdup(line + text_skip_bom(line, strlen(line)));
    return true;
}

/* Returns the option's value, or that of the environment variable, or NULL. */
static const char *
file_option(const char *option, const char *variable)
{
    const char *value = option ? option : getenv(variable);

    return value && *value ? value : NULL;
}

/* Creates a client for the server and credentials of the command line and the
 * environment.  Returns NULL after it has printed an error. */
static struct ctl_client *
make_client(struct ctl *ctl)
{
    struct ctl_credentials cred = {
        .ca_cert = file_option(ctl->ca_cert, "VMNCTL_CA_CERT"),
        .certificate = file_option(ctl->certificate, "VMNCTL_CERTIFICATE"),
        .private_key = file_option(ctl->private_key, "VMNCTL_PRIVATE_KEY"),
    };
    struct vmn_error why = VMN_ERROR_INIT;
    struct ctl_client *client;

    if (!get_token(ctl, &cred.token)) {
        return NULL;
    }
    client = ctl_client_create(ctl->server, &cred, &why);
    free(cred.token);
    if (!client) {
        ctl_usage(ctl, "%s", why.text);
        vmn_error_uninit(&why);
    }
    return client;
}

static enum ctl_exit
open_client(struct ctl *ctl)
{
    if (!ctl->client) {
        ctl->client = make_client(ctl);
    }
    return ctl->client ? CTL_DONE : CTL_USAGE;
}

/* Says once that what is shown may be old: what is printed does not. */
static void
warn_of_age(struct ctl *ctl, const struct ctl_reply *reply)
{
    if (reply->may_be_old && !ctl->warned_of_age) {
        ctl->warned_of_age = true;
        fprintf(ctl->err, "vmnctl: this is the state of revision %s, and may "
                "be old: vmnd has lost its cluster (vmnctl status)\n",
                reply->revision);
    }
}

/* Sends a request.  Prints an error if there is no reply. */
static enum ctl_exit
send_request(struct ctl *ctl, const char *method, const char *path,
             const json_t *body, struct ctl_reply *reply)
{
    const char *type = (!strcmp(method, "PATCH")
                        ? "application/merge-patch+json"
                        : "application/json");
    int timeout_ms = (CTL_ANSWER_TIMEOUT_MS
                      + (ctl->wait ? ctl->timeout_ms : 0));
    enum ctl_exit status = open_client(ctl);
    struct vmn_error why = VMN_ERROR_INIT;
    int error;

    if (status) {
        return status;
    }
    if (ctl->wait && strcmp(method, "GET")) {
        ctl_progress(ctl, "waiting until it is installed");
    }
    error = ctl_send(ctl, method, path, body, type, timeout_ms, reply, &why);
    ctl_progress(ctl, NULL);
    if (error) {
        status = CTL_UNREACHABLE;
        ctl_printf_safely(ctl->err, "vmnctl: %s\n", why.text);
        vmn_error_uninit(&why);
    } else {
        warn_of_age(ctl, reply);
    }
    return status;
}

/* If the reply is an error, prints it and frees the reply. */
static enum ctl_exit
check_reply(struct ctl *ctl, const struct ctl_input *input,
            struct ctl_reply *reply)
{
    if (reply->status >= 200 && reply->status < 300) {
        return CTL_DONE;
    }
    if (reply->status == 403 && ctl->passes_over) {
        ctl->n_passed_over++;
    } else {
        print_problem(ctl, reply, input);
        ctl->n_refused++;
    }
    ctl_reply_uninit(reply);
    return CTL_REFUSED;
}

enum ctl_exit
ctl_call(struct ctl *ctl, const char *method, const char *path,
         const json_t *body, const struct ctl_input *input,
         struct ctl_reply *reply)
{
    enum ctl_exit status = send_request(ctl, method, path, body, reply);

    return status ? status : check_reply(ctl, input, reply);
}

enum ctl_exit
ctl_check_reply(struct ctl *ctl, struct ctl_reply *reply)
{
    return check_reply(ctl, NULL, reply);
}

enum ctl_exit
ctl_put_if(struct ctl *ctl, const char *path, const json_t *body,
           const char *tag, struct ctl_reply *reply)
{
    enum ctl_exit status = open_client(ctl);

    if (!status) {
        if (tag) {
            ctl_client_if_match(ctl->client, tag);
        } else {
            ctl_client_creates(ctl->client);
        }
        status = send_request(ctl, "PUT", path, body, reply);
        ctl_client_if_match(ctl->client, NULL);
    }
    return status;
}

enum ctl_exit
ctl_call_if(struct ctl *ctl, const char *method, const char *path,
            const char *tag, struct ctl_reply *reply)
{
    enum ctl_exit status = open_client(ctl);

    if (!status) {
        ctl_client_if_match(ctl->client, tag);
        status = ctl_call(ctl, method, path, NULL, NULL, reply);
        ctl_client_if_match(ctl->client, NULL);
    }
    return status;
}

enum ctl_exit
ctl_comparison_exit(enum ctl_exit status)
{
    return status == CTL_REFUSED ? CTL_NO_COMPARISON : status;
}

enum ctl_exit
ctl_get_except(struct ctl *ctl, const char *path, int except,
               struct ctl_reply *reply, bool *there)
{
    enum ctl_exit status = send_request(ctl, "GET", path, NULL, reply);

    *there = !status && reply->status != except;
    if (!status && !*there) {
        ctl_reply_uninit(reply);
        return CTL_DONE;
    }
    return status ? status : check_reply(ctl, NULL, reply);
}

enum ctl_exit
ctl_get_object(struct ctl *ctl, const char *type, const char *name,
               struct ctl_reply *reply, bool *there)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    ctl_append_path(&path, type, name);
    status = ctl_get_except(ctl, ds_cstr(&path), 404, reply, there);
    ds_destroy(&path);
    return status;
}

enum ctl_exit
ctl_fetch(struct ctl *ctl, const char *path, int timeout_ms,
          struct ctl_reply *reply, struct vmn_error *why)
{
    enum ctl_exit status = open_client(ctl);
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (status) {
        vmn_error_invalid(why, "there is no such server");
        return status;
    }
    if (ctl_client_call(ctl->client, "GET", path, NULL, NULL, timeout_ms,
                        reply, why)) {
        return CTL_UNREACHABLE;
    }
    if (reply->status >= 200 && reply->status < 300) {
        return CTL_DONE;
    }
    ctl_append_problem(ctl, &ds, reply, NULL);
    vmn_error_take(why, EPROTO, ds_steal_cstr(&ds));
    ctl_reply_uninit(reply);
    return CTL_REFUSED;
}

enum ctl_exit
ctl_download(struct ctl *ctl, const char *path, int fd)
{
    enum ctl_exit status = open_client(ctl);
    struct vmn_error why = VMN_ERROR_INIT;
    struct ctl_reply reply;

    if (status) {
        return status;
    }
    ctl_progress(ctl, "fetching");
    if (ctl_client_download(ctl->client, path, DOWNLOAD_TIMEOUT_MS, fd,
                            &reply, &why)) {
        ctl_progress(ctl, NULL);
        ctl_printf_safely(ctl->err, "vmnctl: %s\n", why.text);
        vmn_error_uninit(&why);
        return CTL_UNREACHABLE;
    }
    ctl_progress(ctl, NULL);
    if (reply.status != 200) {
        print_problem(ctl, &reply, NULL);
        status = CTL_REFUSED;
    } else {
        warn_of_age(ctl, &reply);
    }
    ctl_reply_uninit(&reply);
    return status;
}

enum ctl_exit
ctl_stream(struct ctl *ctl, const char *path, int idle_timeout_ms,
           ctl_client_data_cb *take, void *aux, bool quiet)
{
    struct ctl_client *client = make_client(ctl);
    enum ctl_exit status = CTL_DONE;
    struct vmn_error why = VMN_ERROR_INIT;
    struct ctl_reply reply;

    if (!client) {
        return CTL_USAGE;
    }
    if (ctl_client_stream(client, path, idle_timeout_ms, take, aux, &reply,
                          &why)) {
        if (!quiet) {
            ctl_printf_safely(ctl->err, "vmnctl: %s\n", why.text);
        }
        vmn_error_uninit(&why);
        status = CTL_UNREACHABLE;
    } else {
        if (reply.status != 200) {
            print_problem(ctl, &reply, NULL);
            status = CTL_REFUSED;
        }
        ctl_reply_uninit(&reply);
    }
    ctl_client_destroy(client);
    return status;
}

enum ctl_exit
ctl_get(struct ctl *ctl, const char *path, struct ctl_reply *reply)
{
    enum ctl_exit status = ctl_call(ctl, "GET", path, NULL, NULL, reply);

    if (!status && !json_is_object(reply->body)) {
        fprintf(ctl->err, "vmnctl: the server at %s did not answer with a "
                "JSON object: is it vmnd?\n", reply->server);
        ctl_reply_uninit(reply);
        status = CTL_REFUSED;
    }
    return status;
}

/* Lists.  ---------------------------------------------------------------- */

/* Fetches a page of 'n' objects into 'objects'.  '*after' is the cursor, owned
 * by the caller: NULL for the first page, and after the last. */
static enum ctl_exit
get_page(struct ctl *ctl, const char *type, size_t n, json_t *objects,
         char **after)
{
    char *limit = xasprintf("%"PRIuSIZE, n);
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, type, NULL);
    if (ctl->selector) {
        ctl_append_query(&path, "selector", ctl->selector);
    }
    if (ctl->host) {
        ctl_append_query(&path, "host", ctl->host);
    }
    if (ctl->network) {
        ctl_append_query(&path, "network", ctl->network);
    }
    ctl_append_query(&path, "limit", limit);
    if (*after) {
        ctl_append_query(&path, "after", *after);
    }
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    ds_destroy(&path);
    free(limit);
    if (status) {
        return status;
    }

    const char *next = json_string_value(json_object_get(reply.body, "next"));
    json_t *items = json_object_get(reply.body, "items");

    free(*after);
    *after = next && json_array_size(items) ? xstrdup(next) : NULL;
    json_array_extend(objects, items);
    ctl_reply_uninit(&reply);
    return CTL_DONE;
}

enum ctl_exit
ctl_get_list(struct ctl *ctl, const char *type, json_t *objects)
{
    enum ctl_exit status;
    char *after = NULL;

    do {
        size_t n = PAGE_SIZE;

        if (ctl->limit) {
            n = MIN(n, ctl->limit - json_array_size(objects));
        }
        status = get_page(ctl, type, n, objects, &after);
        if (after) {
            ctl_progress(ctl, "%"PRIuSIZE" %s", json_array_size(objects),
                         type);
        }
    } while (!status && after
             && (!ctl->limit
                 || json_array_size(objects) < (size_t) ctl->limit));
    free(after);
    ctl_progress(ctl, NULL);
    return status;
}

const struct schema_table *
ctl_get_type(struct ctl *ctl, const char *name)
{
    const struct schema_table *type = ctl_type_find(name);
    const char *other = type ? NULL : ctl_other_type(name);
    const char *guess = type || other ? other : ctl_type_guess(name);

    if (guess) {
        ctl_usage(ctl, "no type \"%s\"; did you mean \"%s\"?", name, guess);
    } else if (!type && ctl_other_list(name)) {
        ctl_usage(ctl, "no type \"%s\"; did you mean \"vmnctl %s\"?", name,
                  name);
    } else if (!type) {
        const char *such = strcspn(name, " /=,") == strlen(name) && *name
                           ? name : "web-1";

        ctl_usage(ctl, "no type \"%s\" (vmnctl --help lists them); an object "
                  "is named with its type: ports %s, or ports/%s", name, such,
                  such);
    }
    return type;
}
