/* SPDX-License-Identifier: Apache-2.0
 *
 * Drafts: changes that are kept to be looked at, and made later; see schema.h.
 * Not for what a change says of its object (model/model-draft.c). */

#include <config.h>

#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-error.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"

/* Numbers that JSON has exactly. */
#define REVISION_MAX (INT64_C(1) << 53)
#define MS_MAX REVISION_MAX
/* Bytes of one spec. */
#define SPEC_MAX (256 * 1024)

static int
check_base(const char *base, struct vmn_error *why)
{
    size_t n = strspn(base, "0123456789");

    return ((n && n <= 18 && !base[n]) || !strcmp(base, VMN_DRAFT_NONE) ? 0
            : vmn_error_invalid(why, "must be an ETag, such as \"12\", or "
                                "\"" VMN_DRAFT_NONE "\""));
}

static void
finish_change(void *change_, const json_t *json, const char *pointer,
              struct vmn_errors *errors)
{
    const struct vmn_draft_change *change = change_;
    bool deletes = change->op == VMN_DRAFT_DELETE;

    if (deletes && change->spec) {
        add_error(errors, pointer, "spec", "does not go with a deletion");
    } else if (!deletes && !change->spec) {
        add_error(errors, pointer, "spec", "is required");
    }
    if (deletes && change->set) {
        add_error(errors, pointer, "set", "does not go with a deletion");
    }
    if (change->cascade && !deletes) {
        add_error(errors, pointer, "cascade", "is for a deletion alone");
    }
    if (change->base_revision && !deletes) {
        add_error(errors, pointer, "base_revision",
                  "is for a deletion alone");
    }
    if (change->base_spec
        && (!change->base || !strcmp(change->base, VMN_DRAFT_NONE))) {
        add_error(errors, pointer, "base_spec", "goes with a \"base\" that "
                  "is an ETag alone");
    } else if (change->base && strcmp(change->base, VMN_DRAFT_NONE)
               && !change->base_spec) {
        add_error(errors, pointer, "base_spec", "is required with \"base\"");
    }
}

static const struct schema_struct change_struct = {
    .name = "change", .size = sizeof(struct vmn_draft_change),
    .fields = FIELDS {
        { .name = "op", .type = SCHEMA_ENUM, AT(vmn_draft_change, op),
          .flags = SCHEMA_HIDE_DEFAULT,
          .names = NAMES("put", "patch", "delete"),
          .doc = "Creates the object or replaces its spec, changes fields of "
                 "it (RFC 7396), or deletes it." },
        { .name = "type", .type = SCHEMA_STRING, AT(vmn_draft_change, type),
          .flags = SCHEMA_REQUIRED, .max = 63,
          .doc = "The object's type, such as `policies`." },
        { .name = "name", .type = SCHEMA_STRING, AT(vmn_draft_change, name),
          .flags = SCHEMA_REQUIRED, .max = 255, .doc = "Its name." },
        { .name = "spec", .type = SCHEMA_STRING, AT(vmn_draft_change, spec),
          .flags = SCHEMA_ANY, .max = SPEC_MAX,
          .doc = "Its spec, or the patch; not of a deletion." },
        { .name = "cascade", .type = SCHEMA_BOOL,
          AT(vmn_draft_change, cascade), .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Of a deletion: takes it out of what refers to it, too." },
        { .name = "set", .type = SCHEMA_STRING, AT(vmn_draft_change, set),
          .max = VMN_NAME_LEN, .check = value_check_name,
          .doc = "The set that it is to belong to; as it does when absent." },
        { .name = "base", .type = SCHEMA_STRING, AT(vmn_draft_change, base),
          .max = 18, .check = check_base,
          .doc = "The ETag of the object that the change was written for, or "
                 "`none`; of the present one when absent." },
        { .name = "base_spec", .type = SCHEMA_STRING,
          AT(vmn_draft_change, base_spec), .flags = SCHEMA_ANY,
          .max = SPEC_MAX, .doc = "The spec that it had." },
        { .name = "base_created", .type = SCHEMA_U64,
          AT(vmn_draft_change, base_created), .flags = SCHEMA_HIDE_DEFAULT,
          .max = MS_MAX,
          .doc = "When it was created, in milliseconds since 1970: one that "
                 "was created anew is another object." },
        { .name = "base_revision", .type = SCHEMA_U64,
          AT(vmn_draft_change, base_revision), .flags = SCHEMA_HIDE_DEFAULT,
          .min = 1, .max = REVISION_MAX,
          .doc = "Of a deletion with `cascade`: the revision that wrote it.  "
                 "What it would delete or change as well must not be newer." },
        { .name = "unchanged", .type = SCHEMA_BOOL,
          AT(vmn_draft_change, unchanged), .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Whether the object stays as it was; filled in." },
        { .name = NULL },
    },
    .finish = finish_change,
};

static const struct schema_field fields[] = {
    COMMON(vmn_draft),
    { .name = "author", .type = SCHEMA_STRING, AT(vmn_draft, author),
      .max = 255,
      .doc = "Who created it; filled in, and nobody else's to set." },
    { .name = "writers", .type = SCHEMA_STRING, .flags = SCHEMA_LIST,
      LIST_AT(vmn_draft, writers), .max = 255,
      .max_items = VMN_DRAFT_WRITERS_MAX,
      .doc = "Who have written its changes, the last one last; filled in. "
             "Each must have the right to make all of them when it is "
             "applied." },
    { .name = "undoes", .type = SCHEMA_U64, AT(vmn_draft, undoes),
      .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = REVISION_MAX,
      .doc = "The revision that it takes back, if that is what it is for; "
             "filled in by an undo, until the changes are edited." },
    { .name = "changes", .type = SCHEMA_STRUCT, .flags = SCHEMA_LIST,
      LIST_AT(vmn_draft, changes), .max_items = 1000,
      .nested = &change_struct,
      .doc = "What is to be changed, each object once; 512 KiB at most with "
             "what it was." },
    { .name = NULL },
};

static const struct schema_column columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "CHANGES", .path = "/status/changes" },
    { .heading = "AUTHOR", .path = "/spec/author" },
    { .heading = "UPDATED", .path = "/metadata/updated" },
    { .heading = "UNDOES", .path = "/spec/undoes" },
    { .heading = "DESCRIPTION", .path = "/spec/description" },
    { .heading = NULL },
};

static const struct schema_example examples[] = {
    EXAMPLE("open-https", {
        "description": "HTTPS for the shop, ticket 4711",
        "changes": [
            {"type": "services", "name": "drafted-https", "spec": {
                "entries": [{"protocol": "tcp", "ports": [443]}]}}]}),
    { .name = NULL },
};

const struct schema_table schema_draft = {
    .id = VMN_TABLE_DRAFT, .plural = "drafts", .singular = "draft",
    .kind = "Draft", .stored = true, .unlogged = true,
    .max_rows = 100, .named_as = VMN_N_TABLES,
    .check_name = value_check_name,
    .examples = examples,
    .doc = "Changes that are kept to be reviewed, and made later.",
    .status = &schema_status_draft,
    .columns = columns,
    .row = {
        .name = "draft", .size = sizeof(struct vmn_draft),
        .fields = fields,
    },
};
