/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of drafts; see draft-changes.h.  A draft has one change of an
 * object: another one is put on top of it, as if both were applied one after
 * the other.  It keeps the base of the first. */

#include <config.h>

#include "controller/ctl/draft-changes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* How often a draft is read again that somebody else has changed. */
#define TRIES_MAX 5

/* What is done to the spec of a draft, which is changed in place.  Returns
 * CTL_DONE, or another status after it has printed an error. */
typedef enum ctl_exit edit_cb(struct ctl *, const char *draft, json_t *spec,
                              const void *aux);

static const char *
text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text ? text : "";
}

/* Merging.  --------------------------------------------------------------- */

/* Applies the merge patch (RFC 7396) to 'target', in place.  With 'keeps', of
 * which 'target' is a patch itself, null stays in it. */
static void
merge(json_t *target, const json_t *patch, bool keeps)
{
    const char *key;
    json_t *value;

    json_object_foreach (CONST_CAST(json_t *, patch), key, value) {
        json_t *old = json_object_get(target, key);

        if (json_is_null(value) && !keeps) {
            json_object_del(target, key);
        } else if (json_is_object(value) && json_is_object(old)) {
            merge(old, value, keeps);
        } else if (json_is_object(value) && !keeps) {
            json_t *made = json_object();

            merge(made, value, false);
            json_object_set_new(target, key, made);
        } else {
            json_object_set_new(target, key, json_deep_copy(value));
        }
    }
}

/* Returns true if 'patch', which comes after 'target', merges into what that
 * resets or replaces: RFC 7396 has no patch that does both. */
static bool
loses_reset(const json_t *target, const json_t *patch)
{
    const char *key;
    json_t *value;

    json_object_foreach (CONST_CAST(json_t *, patch), key, value) {
        const json_t *old = json_object_get(target, key);

        if (old && json_is_object(value)
            && (!json_is_object(old) || loses_reset(old, value))) {
            return true;
        }
    }
    return false;
}

/* Returns the index of the change of an object, or SIZE_MAX. */
static size_t
find_change(const json_t *changes, const char *type, const char *name)
{
    const json_t *change;
    size_t i;

    json_array_foreach (changes, i, change) {
        if (!strcmp(text_of(change, "type"), type)
            && !strcmp(text_of(change, "name"), name)) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* Returns 'object' as a change of a draft. */
static json_t *
make_change(const struct ctl *ctl, const json_t *object)
{
    json_t *change = json_deep_copy(object);

    if (ctl->cascade && !strcmp(text_of(object, "op"), "delete")) {
        json_object_set_new(change, "cascade", json_true());
    }
    return change;
}

/* Puts 'object' on top of the change that the draft has of it already. */
static enum ctl_exit
add_to(struct ctl *ctl, json_t *changes, size_t i, const json_t *object)
{
    json_t *old = json_array_get(changes, i), *change;
    const char *op = text_of(object, "op"), *before = text_of(old, "op");
    bool created = !strcmp(text_of(old, "base"), "none");
    json_t *spec = json_object_get(old, "spec");

    if (!strcmp(op, "patch") && !strcmp(before, "delete")) {
        return ctl_usage(ctl, "%s/%s is deleted by the draft: vmnctl draft "
                         "drop NAME %s/%s takes that out of it",
                         text_of(object, "type"), text_of(object, "name"),
                         text_of(object, "type"), text_of(object, "name"));
    }
    if (!strcmp(op, "patch") && !strcmp(before, "patch")
        && loses_reset(spec, json_object_get(object, "spec"))) {
        return ctl_usage(ctl, "%s/%s: the draft replaces a member as a whole, "
                         "into which this would merge, and one patch cannot "
                         "say both: apply a file with the whole spec",
                         text_of(object, "type"), text_of(object, "name"));
    }
    if (!strcmp(op, "patch")) {
        merge(spec, json_object_get(object, "spec"),
              !strcmp(before, "patch"));
        return CTL_DONE;
    }
    if (!strcmp(op, "delete") && created) {
        json_array_remove(changes, i);
        return CTL_DONE;
    }
    change = make_change(ctl, object);
    json_object_set(change, "base", json_object_get(old, "base"));
    if (json_object_get(old, "base_spec")) {
        json_object_set(change, "base_spec",
                        json_object_get(old, "base_spec"));
    }
    if (json_object_get(old, "base_created")) {
        json_object_set(change, "base_created",
                        json_object_get(old, "base_created"));
    }
    if (json_object_get(old, "base_revision") && !strcmp(op, "delete")) {
        json_object_set(change, "base_revision",
                        json_object_get(old, "base_revision"));
    }
    json_array_set_new(changes, i, change);
    return CTL_DONE;
}

static enum ctl_exit
add_objects(struct ctl *ctl, const char *draft OVS_UNUSED, json_t *spec,
            const void *objects)
{
    json_t *changes = json_object_get(spec, "changes");
    enum ctl_exit status = CTL_DONE;
    const json_t *object;
    size_t i;

    json_array_foreach ((const json_t *) objects, i, object) {
        size_t at = find_change(changes, text_of(object, "type"),
                                text_of(object, "name"));

        if (at == SIZE_MAX) {
            json_array_append_new(changes, make_change(ctl, object));
        } else {
            status = add_to(ctl, changes, at, object);
        }
        if (status) {
            break;
        }
    }
    return status;
}

/* Writing.  --------------------------------------------------------------- */

/* Prints what came of a draft that was written. */
static enum ctl_exit
report(struct ctl *ctl, const char *name, const struct ctl_reply *reply)
{
    json_int_t n = json_integer_value(json_object_get(json_object_get(
        reply->body, "status"), "changes"));
    char *outcome = xasprintf("%s, %"JSON_INTEGER_FORMAT" change%s",
                              text_of(reply->body, "outcome"), n,
                              n == 1 ? "" : "s");

    ctl_print_outcome(ctl, "drafts", name, outcome);
    ctl_print_warnings(ctl, reply->body);
    free(outcome);
    return CTL_DONE;
}

/* Writes the draft if it is still as it was read, 'tag' (NULL: not there).
 * Returns CTL_DONE with '*stale' true if it is not. */
static enum ctl_exit
put(struct ctl *ctl, const char *name, const json_t *spec, const char *tag,
    bool *stale)
{
    json_t *body = json_pack("{s:O}", "spec", spec);
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, "drafts", name);
    if (ctl->comment) {
        ctl_append_query(&path, "comment", ctl->comment);
    }
    status = ctl_put_if(ctl, ds_cstr(&path), body, tag, &reply);
    *stale = !status && reply.status == 412;
    if (*stale) {
        ctl_reply_uninit(&reply);
    } else if (!status) {
        status = ctl_check_reply(ctl, &reply);
        if (!status) {
            status = report(ctl, name, &reply);
            ctl_reply_uninit(&reply);
        }
    }
    ds_destroy(&path);
    json_decref(body);
    return status;
}

/* Reads the draft.  If it is not there, '*tag' is NULL, and '*spec' one of no
 * changes if it may be made. */
static enum ctl_exit
read_draft(struct ctl *ctl, const char *name, bool makes, json_t **spec,
           char **tag)
{
    struct ctl_reply reply;
    enum ctl_exit status;
    bool there;

    *spec = NULL;
    *tag = NULL;
    if (makes) {
        status = ctl_get_object(ctl, "drafts", name, &reply, &there);
    } else {
        struct ds path = DS_EMPTY_INITIALIZER;

        ctl_append_path(&path, "drafts", name);
        status = ctl_get(ctl, ds_cstr(&path), &reply);
        ds_destroy(&path);
        there = !status;
    }
    if (status) {
        return status;
    }
    if (there) {
        *spec = json_deep_copy(json_object_get(reply.body, "spec"));
        *tag = xstrdup(text_of(json_object_get(reply.body, "metadata"),
                               "etag"));
        ctl_reply_uninit(&reply);
    } else {
        *spec = json_object();
    }
    if (!json_is_array(json_object_get(*spec, "changes"))) {
        json_object_set_new(*spec, "changes", json_array());
    }
    return CTL_DONE;
}

static enum ctl_exit
edit(struct ctl *ctl, const char *name, bool makes, edit_cb *cb,
     const void *aux)
{
    enum ctl_exit status = CTL_DONE;
    bool stale = true;

    for (int i = 0; i < TRIES_MAX && !status && stale; i++) {
        json_t *spec;
        char *tag;

        status = read_draft(ctl, name, makes, &spec, &tag);
        if (!status) {
            status = cb(ctl, name, spec, aux);
        }
        if (!status) {
            status = put(ctl, name, spec, tag, &stale);
        }
        json_decref(spec);
        free(tag);
    }
    if (!status && stale) {
        fprintf(ctl->err, "vmnctl: others are changing draft \"%s\" all the "
                "time: try again\n", name);
        status = CTL_REFUSED;
    }
    return status;
}

enum ctl_exit
ctl_draft_add(struct ctl *ctl, const char *command, const json_t *objects)
{
    const char *other = (ctl->dry_run ? "--dry-run" : ctl->wait ? "--wait"
                         : ctl->refuse_loosening ? "--refuse-loosening"
                         : NULL);

    if (other) {
        return ctl_usage(ctl, "%s: --draft changes nothing: %s cannot be "
                         "combined with it (vmnctl draft plan %s)", command,
                         other, ctl->draft);
    }
    return edit(ctl, ctl->draft, true, add_objects, objects);
}

enum ctl_exit
ctl_draft_create(struct ctl *ctl, const char *name, const json_t *objects)
{
    json_t *spec = json_pack("{s:o}", "changes", json_array());
    enum ctl_exit status;
    bool stale = false;

    if (ctl->comment) {
        json_object_set_new(spec, "description", json_string(ctl->comment));
    }
    status = add_objects(ctl, name, spec, objects);
    if (!status) {
        status = put(ctl, name, spec, NULL, &stale);
    }
    if (!status && stale) {
        fprintf(ctl->err, "vmnctl: draft \"%s\" exists already\n", name);
        status = CTL_REFUSED;
    }
    json_decref(spec);
    return status;
}

/* The object whose changes are taken out. */
struct dropped {
    const char *type, *name;
};

static enum ctl_exit
drop(struct ctl *ctl, const char *draft, json_t *spec, const void *dropped_)
{
    const struct dropped *dropped = dropped_;
    json_t *changes = json_object_get(spec, "changes");
    size_t i = find_change(changes, dropped->type, dropped->name);

    if (i == SIZE_MAX) {
        fprintf(ctl->err, "vmnctl: draft \"%s\" does not change %s/%s\n",
                draft, dropped->type, dropped->name);
        return CTL_REFUSED;
    }
    json_array_remove(changes, i);
    return CTL_DONE;
}

enum ctl_exit
ctl_draft_drop(struct ctl *ctl, const char *draft, const char *type,
               const char *name)
{
    const struct dropped dropped = { type, name };

    return edit(ctl, draft, false, drop, &dropped);
}

static enum ctl_exit
rebase(struct ctl *ctl OVS_UNUSED, const char *draft OVS_UNUSED, json_t *spec,
       const void *aux OVS_UNUSED)
{
    json_t *change;
    size_t i;

    json_array_foreach (json_object_get(spec, "changes"), i, change) {
        json_object_del(change, "base");
        json_object_del(change, "base_spec");
        json_object_del(change, "base_created");
        /* Without it would stay the one that it has. */
        if (json_object_get(change, "base_revision")) {
            json_object_set_new(change, "base_revision", json_null());
        }
    }
    return CTL_DONE;
}

enum ctl_exit
ctl_draft_rebase(struct ctl *ctl, const char *draft)
{
    return edit(ctl, draft, false, rebase, NULL);
}
