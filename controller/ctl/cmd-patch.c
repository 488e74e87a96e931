/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl patch: changes what a JSON merge patch (RFC 7396) names of objects,
 * in one transaction. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/object-args.h"
#include "controller/ctl/object-changes.h"
#include "controller/ctl/object-files.h"
#include "controller/ctl/object-types.h"

/* Returns the patch of the spec, which the caller owns; NULL after it has
 * printed an error. */
static json_t *
read_patch(struct ctl *ctl)
{
    const char *origin = ctl->patch ? "--patch" : ctl->patch_file;
    struct vmn_error why = VMN_ERROR_INIT;
    json_t *doc, *spec;

    doc = (ctl->patch
           ? ctl_document_parse(origin, ctl->patch, &why)
           : ctl_document_load(ctl->patch_file, ctl->in, &why));
    if (!doc) {
        ctl_usage(ctl, "%s", why.text);
        vmn_error_uninit(&why);
        return NULL;
    }
    spec = json_incref(json_object_get(doc, "spec"));
    if (ctl->patch && json_is_string(doc)) {
        ctl_usage(ctl, "--patch: must be a mapping of what changes, such as "
                  "'{\"spec\": {\"description\": \"new\"}}', not \"%s\"; "
                  "labels are set by vmnctl label TYPE NAME KEY=VALUE",
                  ctl->patch);
        json_decref(spec);
        spec = NULL;
    } else if (!json_is_object(spec) || json_object_size(doc) != 1) {
        ctl_usage(ctl, "%s: must be a mapping with \"spec\" alone, and in it "
                  "what changes: {\"spec\": {\"description\": \"new\"}}",
                  origin);
        json_decref(spec);
        spec = NULL;
    }
    json_decref(doc);
    return spec;
}

enum ctl_exit
ctl_cmd_patch(struct ctl *ctl, int n_args, char *const args[])
{
    enum ctl_exit status = CTL_USAGE;
    struct ctl_changes changes;
    struct ctl_args objects;
    json_t *spec = NULL;

    if (!ctl->patch == !ctl->patch_file) {
        return ctl_usage(ctl, "patch: give either --patch or --patch-file: "
                         "vmnctl patch TYPE NAME -p '{\"spec\": {FIELD: "
                         "VALUE}}'");
    }
    ctl_changes_init(&changes);
    if (ctl_args_parse_named(ctl, "patch", n_args, args, &objects)) {
        spec = read_patch(ctl);
    }
    for (size_t i = 0; i < objects.n && spec; i++) {
        const struct ctl_named *named = &objects.named[i];

        for (size_t j = 0; j < named->names.n; j++) {
            ctl_changes_add(&changes, "patch", named->type->plural,
                            named->names.names[j], json_incref(spec), NULL);
        }
    }
    if (spec) {
        status = ctl_changes_send(ctl, "patch", &changes);
    }
    json_decref(spec);
    ctl_args_uninit(&objects);
    ctl_changes_uninit(&changes);
    return status;
}
