/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is meant by --who: the authors that the log may have for a name as
 * people say it, and whether there is anybody of that name; see api-call.h.
 * Not for how authors are shown (author-name.c). */

#include <config.h>

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/ctl.h"
#include "controller/ctl/output-table.h"
#include "controller/schema/schema-origin.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "util.h"

/* Entries of the log whose authors may be meant by a slip. */
#define AUTHORS_MAX "1000"

/* Gets an object that need not exist.  Returns true if it does.  An account
 * that may not know is told nothing: 'passes_over' counts that. */
static bool
is_there(struct ctl *ctl, const char *type, const char *name,
         struct ctl_reply *reply)
{
    bool there = false;

    return !ctl_get_object(ctl, type, name, reply, &there) && there;
}

static bool
exists(struct ctl *ctl, const char *type, const char *name)
{
    struct ctl_reply reply;
    bool there = is_there(ctl, type, name, &reply);

    if (there) {
        ctl_reply_uninit(&reply);
    }
    return there;
}

/* Appends "unix:uid=N" of a user of this machine, if the server is on it. */
static void
add_local_user(const struct ctl *ctl, const char *name, struct svec *authors)
{
    struct passwd entry, *found = NULL;
    char buf[4096];

    if (!strncmp(ctl->server, "unix:", 5)
        && !getpwnam_r(name, &entry, buf, sizeof buf, &found) && found) {
        svec_add_nocopy(authors, xasprintf("unix:uid=%u",
                                           (unsigned) found->pw_uid));
    }
}

/* Appends "account:ACCOUNT/NAME" of the token 'name', if there is one. */
static void
add_token(struct ctl *ctl, const char *name, struct svec *authors)
{
    struct ctl_reply reply;

    if (is_there(ctl, "tokens", name, &reply)) {
        const char *account = json_string_value(json_object_get(
            json_object_get(reply.body, "spec"), "account"));

        if (account) {
            svec_add_nocopy(authors, xasprintf("account:%s/%s", account,
                                               name));
        }
        ctl_reply_uninit(&reply);
    }
}

void
ctl_find_authors(struct ctl *ctl, const char *name, struct svec *authors)
{
    bool passes_over = ctl->passes_over;

    if (strpbrk(name, ":/")) {
        return;
    }
    ctl->passes_over = true;
    svec_add_nocopy(authors, xasprintf("account:%s", name));
    add_token(ctl, name, authors);
    add_local_user(ctl, name, authors);
    svec_add_nocopy(authors, schema_origin_name_host(name));
    ctl->passes_over = passes_over;
}

/* Appends the names in the array 'items', or those of their authors. */
static void
add_names(const json_t *items, struct svec *names)
{
    const json_t *item;
    size_t i;

    json_array_foreach (items, i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        const char *who = json_string_value(json_object_get(item, "who"));
        const char *slash;

        if (name) {
            svec_add(names, name);
        } else if (who && !strncmp(who, "account:", 8)) {
            slash = strchr(who, '/');
            svec_add_nocopy(names, slash ? xmemdup0(who + 8, slash - who - 8)
                            : xstrdup(who + 8));
            if (slash) {
                svec_add(names, slash + 1);
            }
        }
    }
}

static void
add_list(struct ctl *ctl, const char *type, struct svec *names)
{
    json_t *items = json_array();

    if (!ctl_get_list(ctl, type, items)) {
        add_names(items, names);
    }
    json_decref(items);
}

static const char *
name_at(const void *names_, size_t i)
{
    const struct svec *names = names_;

    return i < names->n ? names->names[i] : NULL;
}

/* Prints that there is nobody of that name, and who is probably meant. */
static void
print_unknown(struct ctl *ctl, const char *name)
{
    struct svec names = SVEC_EMPTY_INITIALIZER;
    struct ds text = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    const char *guess;

    add_list(ctl, "accounts", &names);
    add_list(ctl, "tokens", &names);
    if (!ctl_get(ctl, "/v1/revisions?limit="AUTHORS_MAX"&users=true",
                 &reply)) {
        add_names(json_object_get(reply.body, "items"), &names);
        ctl_reply_uninit(&reply);
    }
    svec_sort_unique(&names);
    guess = schema_suggest(name, name_at, &names);
    ds_put_format(&text, "vmnctl: no account, token or user of the name "
                  "\"%s\" is known", name);
    if (guess) {
        ds_put_format(&text, "; did you mean \"%s\"?", guess);
    }
    ds_put_char(&text, '\n');
    ctl_print_safely(ctl->err, ds_cstr(&text));
    ds_destroy(&text);
    svec_destroy(&names);
}

/* Returns the name in "account:NAME", "host:NAME", or 'who' itself; NULL if it
 * is none of these, as "unix:uid=1000" is.  The caller frees it. */
static char *
bare_name(const char *who)
{
    const char *host = schema_origin_host(who);
    const char *name = (!strncmp(who, "account:", 8) ? who + 8
                        : host ? host : who);

    return strchr(name, ':') ? NULL : xmemdup0(name, strcspn(name, "/"));
}

enum ctl_exit
ctl_check_author(struct ctl *ctl, const char *who)
{
    bool passes_over = ctl->passes_over;
    size_t n_passed_over = ctl->n_passed_over;
    size_t n_refused = ctl->n_refused;
    struct svec local = SVEC_EMPTY_INITIALIZER;
    enum ctl_exit status = CTL_DONE;
    char *name = bare_name(who);

    if (!name || schema_origin(who) == ORIGIN_VMND
        || schema_origin(who) == ORIGIN_HEALTH) {
        free(name);
        return CTL_DONE;
    }
    ctl->passes_over = true;
    add_local_user(ctl, name, &local);
    if (!local.n && !exists(ctl, "accounts", name)
        && !exists(ctl, "tokens", name) && !exists(ctl, "hosts", name)
        && ctl->n_refused == n_refused) {
        if (ctl->n_passed_over > n_passed_over) {
            fputs("vmnctl: the log has no change by that author; whether "
                  "there is one, only\nadministrators are told\n", ctl->err);
        } else {
            print_unknown(ctl, name);
            status = CTL_REFUSED;
        }
    }
    ctl->passes_over = passes_over;
    ctl->n_passed_over = n_passed_over;
    svec_destroy(&local);
    free(name);
    return status;
}
