/* SPDX-License-Identifier: Apache-2.0
 *
 * What an app's declaration of a type must be: those that make no sense, and
 * what this vmnd does not know, are refused when the app is loaded.  Not for
 * what becomes of a type (test-own-types.c). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "controller/apphost/app-types.h"
#include "controller/flow/pipeline.h"
#include "controller/schema/error.h"
#include "util.h"

struct chain {
    struct vmn_object object;
    const char *network;
};

static const struct vmn_struct_class chain_struct = {
    .name = "chain", .size = sizeof(struct chain),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(chain, network), .type = VMN_FIELD_REF, .ref = "networks",
          .flags = VMN_FIELD_REQUIRED, .doc = "Where." },
        { .name = NULL },
    },
};

/* Loads an app that declares these, and expects why not. */
static void
assert_refused(const struct vmn_type_class *declared, const char *text)
{
    const struct vmn_app_class class_ = {
        VMN_APP_HEAD, .name = "chains", VMN_APP_TYPES(declared),
    };
    struct pipeline_app app = { .class_ = &class_ };
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_not_equal(app_types_init(&app, &why), 0);
    assert_string_equal(why.text, text);
    vmn_error_uninit(&why);
    app_types_uninit(&app);
}

/* The same with other fields. */
static void
assert_fields_refused(const struct vmn_field_class *fields, const char *text)
{
    const struct vmn_struct_class row = {
        .name = "x", .size = sizeof(struct vmn_object) + 8, .fields = fields };
    const struct vmn_type_class declared[] = {
        { .name = "chains", .singular = "chain", .doc = "D.", .row = &row },
        { .name = NULL },
    };

    assert_refused(declared, text);
}

static void
types_that_make_no_sense_are_refused(void **state OVS_UNUSED)
{
    const struct vmn_type_class other_name[] = {
        { .name = "chain", .singular = "c", .doc = "D.",
          .row = &chain_struct }, { .name = NULL } };
    const struct vmn_type_class twice[] = {
        { .name = "chains", .singular = "chain", .doc = "D.",
          .row = &chain_struct },
        { .name = "chains", .singular = "chain", .doc = "D.",
          .row = &chain_struct }, { .name = NULL } };
    const struct vmn_type_class no_doc[] = {
        { .name = "chains", .singular = "chain", .row = &chain_struct },
        { .name = NULL } };
    const struct vmn_type_class no_row[] = {
        { .name = "chains", .singular = "chain", .doc = "D." },
        { .name = NULL } };

    assert_refused(other_name, "type chain: its name is to be \"chains\", or "
                   "that and more after a hyphen");
    assert_refused(twice, "it declares type chains twice");
    assert_refused(no_doc, "type chains: /doc: is required");
    assert_refused(no_row, "type chains does not say what its rows are");
}

static void
fields_that_make_no_sense_are_refused(void **state OVS_UNUSED)
{
    const size_t at = sizeof(struct vmn_object);

#define FIELDS(...)                                                     \
    (const struct vmn_field_class[]) { { __VA_ARGS__ }, { .name = NULL } }
    assert_fields_refused(
        FIELDS(.name = "Bad", .offset = at, .type = VMN_FIELD_BOOL,
               .doc = "D."),
        "type chains: /fields/0/name: must be the name of a field: 1 to 31 "
        "of a-z, 0-9 and '_', with a letter first");
    assert_fields_refused(
        FIELDS(.name = "labels", .offset = at, .type = VMN_FIELD_BOOL,
               .doc = "D."),
        "type chains: /fields/0/name: every object has such a field");
    assert_fields_refused(
        FIELDS(.name = "status", .offset = at, .type = VMN_FIELD_BOOL,
               .doc = "D."),
        "type chains: /fields/0/name: is what a part of each object is "
        "called");
    assert_fields_refused(
        FIELDS(.name = "a", .offset = at, .type = VMN_FIELD_ENUM,
               .doc = "D."),
        "type chains: /fields/0/values: an enum has values, and `default` is "
        "the place of one");
    assert_fields_refused(
        FIELDS(.name = "a", .offset = at, .type = VMN_FIELD_REF,
               .ref = "accounts", .doc = "D."),
        "type chains: /fields/0/ref: must be a type of VMN's own that apps "
        "read, or one of the app's, in the plural");
    assert_fields_refused(
        FIELDS(.name = "a", .offset = at, .type = VMN_FIELD_REF,
               .ref = "chains-later", .doc = "D."),
        "type chains: field \"a\" names objects of type \"chains-later\", "
        "which the app does not declare before it");
    assert_fields_refused(
        FIELDS(.name = "a", .offset = at, .type = VMN_FIELD_INT, .min = 5,
               .max = 9, .doc = "D."),
        "type chains: /fields/0/default: must be within `min` and `max`");
    assert_fields_refused(
        FIELDS(.name = "a", .offset = at, .type = VMN_FIELD_SELECTOR,
               .flags = VMN_FIELD_LIST, .doc = "D."),
        "type chains: /fields/0/type: a selector is not in a struct or list");
    assert_fields_refused(
        FIELDS(.name = "a", .offset = at, .type = 11, .doc = "D."),
        "field \"a\" of a type: there is no type 11");
    assert_fields_refused(
        FIELDS(.name = "a", .offset = at + 4, .type = VMN_FIELD_INT,
               .doc = "D."),
        "struct \"x\": \"a\" is at 52, and is to be at 48: members come in "
        "the order of the fields, of a list \"n_X\" before \"X\"");
    assert_fields_refused(
        FIELDS(.name = "a", .offset = at, .type = VMN_FIELD_TEXT, .max = -1,
               .doc = "D."),
        "type chains: /fields/0/max: is the length of a text: at most "
        "65,536, and not less than `min`");
    assert_fields_refused(
        FIELDS(.name = "a", .offset = at + 8, .n_offset = at,
               .type = VMN_FIELD_INT, .flags = VMN_FIELD_LIST, .doc = "D."),
        "struct \"x\" has 56 bytes, and its fields take 64: it has other "
        "members");
}

static void
secrets_and_lines_are_of_texts(void **state OVS_UNUSED)
{
    const size_t at = sizeof(struct vmn_object);

    assert_fields_refused(
        FIELDS(.name = "a", .offset = at, .type = VMN_FIELD_TEXT,
               .flags = VMN_FIELD_SECRET | VMN_FIELD_REQUIRED, .doc = "D."),
        "type chains: /fields/0/secret: is for a text of the object itself, "
        "neither required nor a list");
    assert_fields_refused(
        FIELDS(.name = "a", .offset = at, .type = VMN_FIELD_BOOL,
               .flags = VMN_FIELD_LINES, .doc = "D."),
        "type chains: /fields/0/lines: is for a text");
}

/* What an older vmnd would ignore may be a right. */
static void
flags_that_are_not_known_are_refused(void **state OVS_UNUSED)
{
    static const char why[] = ": this vmnd does not know flags 0x80000200: "
                              "the app needs a newer one";
    const uint32_t flags = 1u << 9 | 1u << 31;
    const struct vmn_field_class *fields
        = FIELDS(.name = "a", .offset = sizeof(struct vmn_object),
                 .type = VMN_FIELD_TEXT, .doc = "D.",
                 .flags = VMN_FIELD_ADMINISTRATORS | flags);
    const struct vmn_type_class of_type[] = {
        { .name = "chains", .singular = "chain", .doc = "D.",
          .flags = VMN_TYPE_SINGLE | flags, .row = &chain_struct },
        { .name = NULL } };
    const struct vmn_field_class *members
        = FIELDS(.name = "a", .type = VMN_FIELD_TEXT, .doc = "D.",
                 .flags = VMN_FIELD_LIST | flags);
    const struct vmn_type_class of_status[] = {
        { .name = "chains", .singular = "chain", .doc = "D.",
          .row = &chain_struct, .status = members }, { .name = NULL } };
    char *text = xasprintf("field \"a\"%s", why);

    assert_fields_refused(fields, text);
    free(text);
    text = xasprintf("type \"chains\"%s", why);
    assert_refused(of_type, text);
    free(text);
    text = xasprintf("status member \"a\"%s", why);
    assert_refused(of_status, text);
    free(text);
}

#undef FIELDS

#define STATUS(...)                                                     \
    (const struct vmn_type_class[]) {                                   \
        { .name = "chains", .singular = "chain", .doc = "Chains.",      \
          .row = &chain_struct, .status = (const struct vmn_field_class[]) { \
              { __VA_ARGS__ }, { .name = NULL } } }, { .name = NULL } }

static void
status_members_that_make_no_sense_are_refused(void **state OVS_UNUSED)
{
    assert_refused(STATUS(.name = "n", .type = VMN_FIELD_INT, .doc = "D.",
                          .relation = "chain.n"),
                   "type chains: \"n\" of the status: relation \"chain.n\" is "
                   "to be one of the app: its name, a dot, and more");
    assert_refused(STATUS(.name = "packets", .type = VMN_FIELD_INT,
                          .doc = "D.", .relation = "chains.n"),
                   "type chains: there is another member \"packets\" of the "
                   "status");
    assert_refused(STATUS(.name = "failed", .type = VMN_FIELD_INT,
                          .doc = "D.", .relation = "chains.n"),
                   "type chains: there is another member \"failed\" of the "
                   "status");
    assert_refused(STATUS(.name = "n", .type = VMN_FIELD_MAC, .doc = "D.",
                          .relation = "chains.n"),
                   "type chains: /status_members/0/type: must be one of "
                   "\"bool\", \"int\", \"text\"");
    assert_refused(STATUS(.name = "n", .type = VMN_FIELD_INT, .doc = "D."),
                   "type chains: /status_members/0/relation: is required");
    /* All see it that see the object. */
    assert_refused(STATUS(.name = "n", .type = VMN_FIELD_TEXT, .doc = "D.",
                          .relation = "chains.n", .flags = VMN_FIELD_LIST
                          | VMN_FIELD_SECRET | VMN_FIELD_ADMINISTRATORS),
                   "status member \"n\": flags 0xa0 are not for the status, "
                   "which is shown with the object");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_that_make_no_sense_are_refused),
        cmocka_unit_test(fields_that_make_no_sense_are_refused),
        cmocka_unit_test(secrets_and_lines_are_of_texts),
        cmocka_unit_test(flags_that_are_not_known_are_refused),
        cmocka_unit_test(status_members_that_make_no_sense_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
