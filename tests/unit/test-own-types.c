/* SPDX-License-Identifier: Apache-2.0
 *
 * Types that apps declare: how rows are laid out, and what becomes of objects
 * while their type changes.  Not for what a declaration must be
 * (test-own-declarations.c), nor for descriptions alone
 * (test-own-schema.c). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/apphost/app-types.h"
#include "controller/flow/pipeline.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-diff.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-struct.h"
#include "controller/worker/row-image.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofpbuf.h"
#include "tests/unit/model-util.h"
#include "util.h"

/* An app's declaration in C.  --------------------------------------------- */

struct hop {
    const char *port;
    struct vmn_mac mac;
    bool last;
};

struct chain {
    struct vmn_object object;
    bool enabled;
    const char *network;
    size_t n_hops;
    const struct hop *hops;
    int mode;
    struct vmn_ip via;
    struct vmn_prefix from;
    struct vmn_port_range range;
    struct vmn_selector selector;
    size_t n_names;
    const char *const *names;
    bool odd;
};

static const char *const modes[] = { "bypass", "block", NULL };

static const struct vmn_struct_class hop_struct = {
    .name = "hop", .size = sizeof(struct hop),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(hop, port), .type = VMN_FIELD_REF, .ref = "ports",
          .flags = VMN_FIELD_REQUIRED | VMN_FIELD_KEY, .doc = "A port." },
        { VMN_FIELD(hop, mac), .type = VMN_FIELD_MAC, .doc = "Its MAC." },
        { VMN_FIELD(hop, last), .type = VMN_FIELD_BOOL, .doc = "The end." },
        { .name = NULL },
    },
};

#define CHAIN_FIELDS                                                        \
    { VMN_FIELD(chain, enabled), .type = VMN_FIELD_BOOL, .def = 1,          \
      .doc = "Whether." },                                                  \
    { VMN_FIELD(chain, network), .type = VMN_FIELD_REF, .ref = "networks",  \
      .flags = VMN_FIELD_REQUIRED, .doc = "Where." },                       \
    { VMN_LIST_FIELD(chain, hops), .type = VMN_FIELD_STRUCT,                \
      .nested = &hop_struct, .flags = VMN_FIELD_SET, .doc = "Hops." },      \
    { VMN_FIELD(chain, mode), .type = VMN_FIELD_ENUM, .values = modes,      \
      .doc = "How." },                                                      \
    { VMN_FIELD(chain, via), .type = VMN_FIELD_IP, .doc = "Via." },         \
    { VMN_FIELD(chain, from), .type = VMN_FIELD_PREFIX, .doc = "From." },   \
    { VMN_FIELD(chain, range), .type = VMN_FIELD_PORT_RANGE,                \
      .doc = "Ports." },                                                    \
    { VMN_FIELD(chain, selector), .type = VMN_FIELD_SELECTOR,               \
      .flags = VMN_FIELD_MENTIONS, .doc = "Who." },                         \
    { VMN_LIST_FIELD(chain, names), .type = VMN_FIELD_TEXT, .max = 8,       \
      .flags = VMN_FIELD_LIST, .max_items = 3, .doc = "Names." },           \
    { VMN_FIELD(chain, odd), .type = VMN_FIELD_BOOL, .doc = "Odd." }

static const struct vmn_struct_class chain_struct = {
    .name = "chain", .size = sizeof(struct chain),
    .fields = (const struct vmn_field_class[]) {
        CHAIN_FIELDS, { .name = NULL },
    },
};

static const struct vmn_type_class types[] = {
    { .name = "chains", .singular = "chain", .doc = "Chains.",
      .row = &chain_struct },
    { .name = NULL },
};

static struct vmn_app_class
app_of(const struct vmn_type_class *declared)
{
    return (struct vmn_app_class) { VMN_APP_HEAD, .name = "chains",
                                    VMN_APP_TYPES(declared) };
}

static int
load(const struct vmn_type_class *declared, struct pipeline_app *app,
     struct vmn_error *why)
{
    static struct vmn_app_class class_;

    class_ = app_of(declared);
    *app = (struct pipeline_app) { .class_ = &class_ };
    return app_types_init(app, why);
}

/* Rows.  ------------------------------------------------------------------ */

/* Applies a request as vmnd itself does to load an app. */
static char *
declare(struct model *model, const struct vmn_type_class *declared)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct model_declared all[VMN_APP_TYPES_MAX];
    struct model_request request;
    struct pipeline_app app;
    struct vmn_errors errors;
    uint64_t revision;
    char *text;

    assert_int_equal(load(declared, &app, &why), 0);
    for (size_t i = 0; i < app.n_types; i++) {
        all[i] = (struct model_declared) { app.types[i].class_->name,
                                           app.types[i].spec };
    }
    vmn_errors_init(&errors);
    model_request_init(&request, "test");
    request.loads = true;
    model_request_set_types(&request, model, "chains", all, app.n_types);
    model_apply(model, &request, 5, &revision, &errors);
    text = errors.n ? xasprintf("%s %s", errors.errors[0].pointer,
                                errors.errors[0].text) : xstrdup("");
    model_request_uninit(&request);
    vmn_errors_uninit(&errors);
    app_types_uninit(&app);
    return text;
}

static void
assert_declared(struct model *model, const struct vmn_type_class *declared,
                const char *expected)
{
    char *text = declare(model, declared);

    assert_string_equal(text, expected);
    free(text);
}

static void
assert_applied(struct model *model, const char *text, const char *expected)
{
    uint64_t revision;
    char *errors = model_util_apply(model, "test", NULL, text, &revision);

    assert_string_equal(errors, expected);
    free(errors);
}

static struct model *
make_model(void)
{
    struct model *model = model_create();

    model_show_types(model);
    assert_applied(model, "put networks n {'subnets':[{'cidr':'10.0.0.0/24'}]}"
                   "\nput ports p {'network':'n'}\nput ports q "
                   "{'network':'n'}", "");
    return model;
}

static void
destroy_model(struct model *model)
{
    model_destroy(model);
    for (int i = VMN_TABLE_OWN_FIRST; i <= VMN_TABLE_OWN_LAST; i++) {
        schema_own_hide(i);
    }
}

#define CHAIN "{'network':'n','hops':[{'port':'q'},{'port':'p'," \
    "'mac':'02:00:00:00:00:01','last':true}],'mode':'block'," \
    "'via':'10.0.0.7','from':'10.0.0.0/8','range':'5-9'," \
    "'selector':'a=b','names':['x','y'],'labels':{'k':'v'}," \
    "'description':'d','odd':true}"

static void
check_chain(const struct chain *c)
{
    assert_true(c->enabled && c->odd);
    assert_string_equal(c->network, "n");
    assert_int_equal(c->n_hops, 2);
    assert_string_equal(c->hops[0].port, "p");
    assert_true(c->hops[0].last && !c->hops[1].last);
    assert_int_equal(c->hops[0].mac.ea[5], 1);
    assert_string_equal(c->hops[1].port, "q");
    assert_int_equal(c->mode, 1);
    assert_int_equal(c->via.addr[3], 7);
    assert_int_equal(c->from.len, 8);
    assert_int_equal(c->range.first, 5);
    assert_int_equal(c->range.last, 9);
    assert_string_equal(c->selector.text, "a=b");
    assert_int_equal(c->n_names, 2);
    assert_string_equal(c->names[1], "y");
}

/* A row is what the app's own struct says, and is so in the app's process. */
static void
rows_are_the_structs_of_the_app(void **state OVS_UNUSED)
{
    struct model *model = make_model();
    enum vmn_table place;
    const struct vmn_row *row;
    struct ofpbuf image;

    assert_declared(model, types, "");
    place = schema_find_table("chains")->id;
    assert_applied(model, "put chains c " CHAIN, "");
    row = model_get(model, place, "c");
    check_chain((const struct chain *) row);

    ofpbuf_init(&image, 0);
    row_image_put(&image, row, place);
    row = row_image_open(image.data, image.size);
    assert_non_null(row);
    check_chain((const struct chain *) row);
    assert_string_equal(row->name, "c");
    ofpbuf_uninit(&image);

    /* What it names is there as long as it is. */
    assert_applied(model, "delete ports p",
                   " port \"p\" is referenced by chain \"c\"\n");
    assert_applied(model, "put chains d {'network':'m','mode':'x',"
                   "'names':['123456789'],'nets':1}",
                   "/nets unknown field \"nets\" of a chain\n"
                   "/mode must be one of \"bypass\", \"block\"\n"
                   "/names/0 must have at most 8 bytes\n");
    assert_applied(model, "put chains d {'network':'n','names':['x','']}",
                   "/names/1 must not be empty\n");
    assert_applied(model, "put chains d {'network':'m'}",
                   "/network network \"m\" does not exist\n");
    assert_applied(model, "put types chains {'app':'chains','singular':'c',"
                   "'doc':'d'}", " types come with the apps that declare "
                   "them\n");
    assert_applied(model, "cascade networks n", "");
    assert_null(model_get(model, place, "c"));
    destroy_model(model);
}

/* Other declarations.  ---------------------------------------------------- */

struct chain_2 {
    struct vmn_object object;
    const char *network;
    int rate;
    bool odd;
};

static const struct vmn_struct_class chain_2_struct = {
    .name = "chain", .size = sizeof(struct chain_2),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(chain_2, network), .type = VMN_FIELD_REF,
          .ref = "networks", .flags = VMN_FIELD_REQUIRED, .doc = "Where." },
        { VMN_FIELD(chain_2, rate), .type = VMN_FIELD_INT, .def = 4,
          .doc = "Rate." },
        { VMN_FIELD(chain_2, odd), .type = VMN_FIELD_BOOL, .doc = "Odd." },
        { .name = NULL },
    },
};

static const struct vmn_type_class types_2[] = {
    { .name = "chains", .singular = "chain", .doc = "Chains.",
      .row = &chain_2_struct },
    { .name = NULL },
};

static const struct vmn_struct_class chain_3_struct = {
    .name = "chain", .size = sizeof(struct vmn_object) + 8,
    .fields = (const struct vmn_field_class[]) {
        { .name = "odd", .offset = sizeof(struct vmn_object),
          .type = VMN_FIELD_INT, .doc = "A number now." },
        { .name = NULL },
    },
};

static const struct vmn_type_class types_3[] = {
    { .name = "chains", .singular = "chain", .doc = "Chains.",
      .row = &chain_3_struct },
    { .name = NULL },
};

/* What another version does not know is kept, and back with the former one. */
static void
objects_follow_their_type(void **state OVS_UNUSED)
{
    struct model *model = make_model();
    const struct chain_2 *two;
    enum vmn_table place;
    char *before, *after;

    assert_declared(model, types, "");
    place = schema_find_table("chains")->id;
    assert_applied(model, "put chains c " CHAIN, "");
    before = model_util_dump(model, false);

    assert_declared(model, types_2, "");
    two = model_get(model, place, "c");
    assert_string_equal(two->network, "n");
    assert_int_equal(two->rate, 4);
    assert_true(two->odd);

    assert_declared(model, types, "");
    check_chain(model_get(model, place, "c"));

    /* What does not fit changes nothing. */
    free(before);
    before = model_util_dump(model, false);
    assert_declared(model, types_3, " chain \"c\" does not fit what the app "
                    "declares now: /odd: must be an integer from -2147483648 "
                    "to 2147483647");
    after = model_util_dump(model, false);
    assert_string_equal(before, after);
    check_chain(model_get(model, place, "c"));
    free(after);
    free(before);
    destroy_model(model);
}

/* References to own types.  ----------------------------------------------- */

struct hop_set {
    struct vmn_object object;
    const char *network;
};

struct way {
    struct vmn_object object;
    const char *after;
    size_t n_sets;
    const char *const *sets;
    size_t n_places;
    const char *const *places;
};

static const struct vmn_struct_class set_struct = {
    .name = "set", .size = sizeof(struct hop_set),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(hop_set, network), .type = VMN_FIELD_REF,
          .ref = "networks", .flags = VMN_FIELD_REQUIRED, .doc = "Where." },
        { .name = NULL },
    },
};

/* Of its own type, and of one that the app declares before it. */
static const struct vmn_struct_class way_struct = {
    .name = "way", .size = sizeof(struct way),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(way, after), .type = VMN_FIELD_REF, .ref = "chains-ways",
          .doc = "The way before." },
        { VMN_LIST_FIELD(way, sets), .type = VMN_FIELD_REF,
          .ref = "chains-sets", .flags = VMN_FIELD_LIST, .doc = "Sets." },
        { VMN_LIST_FIELD(way, places), .type = VMN_FIELD_REF, .min = 1,
          .ref = "networks", .flags = VMN_FIELD_SET,
          .doc = "Where; absent: anywhere." },
        { .name = NULL },
    },
};

static const struct vmn_type_class referring[] = {
    { .name = "chains-sets", .singular = "chain-set", .doc = "Sets.",
      .row = &set_struct },
    { .name = "chains-ways", .singular = "chain-way", .doc = "Ways.",
      .row = &way_struct },
    { .name = NULL },
};

/* An object that another one names is there as long as that one is, and its
 * type as long as that one's. */
static void
objects_name_objects_of_the_app(void **state OVS_UNUSED)
{
    static const struct vmn_type_class none[] = { { .name = NULL } };
    struct model *model = make_model();
    const struct way *way;

    assert_declared(model, referring, "");
    assert_applied(model, "put chains-ways a {'sets':['s']}",
                   "/sets/0 chain-set \"s\" does not exist\n");
    /* The order in a request does not matter. */
    assert_applied(model, "put chains-ways b {'after':'a','sets':['s','s']}\n"
                   "put chains-ways a {'after':'a'}\n"
                   "put chains-sets s {'network':'n'}", "");
    way = model_get(model, schema_find_table("chains-ways")->id, "b");
    assert_string_equal(way->after, "a");
    assert_int_equal(way->n_sets, 2);
    assert_string_equal(way->sets[1], "s");
    assert_applied(model, "delete chains-sets s", " chain-set \"s\" is "
                   "referenced by chain-way \"b\"\n");
    assert_applied(model, "delete chains-ways a", " chain-way \"a\" is "
                   "referenced by chain-way \"b\"\n");
    assert_applied(model, "patch chains-ways b {'after':'c'}",
                   "/after chain-way \"c\" does not exist\n");

    /* Without the app. */
    assert_declared(model, none, "");
    assert_applied(model, "delete chains-ways b", "");
    assert_applied(model, "delete chains-sets s", "");
    assert_applied(model, "delete types chains-sets", " type \"chains-ways\" "
                   "refers to it; delete that first\n");
    assert_declared(model, none, "");
    assert_non_null(model_get(model, VMN_TABLE_TYPE, "chains-sets"));
    assert_applied(model, "delete chains-ways a", "");
    assert_declared(model, none, "");
    assert_null(model_get(model, VMN_TABLE_TYPE, "chains-sets"));
    assert_null(model_get(model, VMN_TABLE_TYPE, "chains-ways"));

    assert_declared(model, referring, "");
    assert_applied(model, "put chains-sets s {'network':'n'}\n"
                   "put chains-ways a {'sets':['s']}\n"
                   "put chains-ways b {'after':'a'}\n"
                   "put chains-ways c {'sets':['s']}", "");
    /* What names it goes with it, but for lists. */
    assert_applied(model, "cascade chains-ways a", "");
    assert_null(model_get(model, schema_find_table("chains-ways")->id, "b"));
    assert_applied(model, "cascade networks n", "");
    assert_non_null(model_get(model, schema_find_table("chains-ways")->id,
                              "c"));
    destroy_model(model);
}

/* One that is in some places is not anywhere once they have gone. */
static void
object_goes_with_the_last_that_it_names(void **state OVS_UNUSED)
{
    struct model *model = make_model();
    const struct way *way;
    enum vmn_table ways;

    assert_declared(model, referring, "");
    ways = schema_find_table("chains-ways")->id;
    assert_applied(model, "put networks m {}\n"
                   "put chains-ways a {'places':['n','m']}\n"
                   "put chains-ways b {}", "");
    assert_applied(model, "put chains-ways c {'places':[]}",
                   "/places must have at least 1 element\n");
    assert_applied(model, "cascade networks n", "");
    way = model_get(model, ways, "a");
    assert_int_equal(way->n_places, 1);
    assert_applied(model, "cascade networks m", "");
    assert_null(model_get(model, ways, "a"));
    assert_non_null(model_get(model, ways, "b"));
    assert_applied(model, "patch chains-ways b {'after':'b'}", "");
    destroy_model(model);
}

/* What apps add to the status.  ------------------------------------------- */

#define STATUS(...)                                                     \
    (const struct vmn_type_class[]) {                                   \
        { .name = "chains", .singular = "chain", .doc = "Chains.",      \
          .row = &chain_struct, .status = (const struct vmn_field_class[]) { \
              { __VA_ARGS__ }, { .name = NULL } } }, { .name = NULL } }

static void
status_members_follow_what_is_known_of_all(void **state OVS_UNUSED)
{
    struct model *model = make_model();
    const struct schema_table *table;
    const struct schema_field *f;
    struct ds shown = DS_EMPTY_INITIALIZER;
    char *status;

    assert_declared(model, STATUS(.name = "ways", .type = VMN_FIELD_INT,
                                  .flags = VMN_FIELD_LIST, .doc = "Ways.",
                                  .relation = "chains.ways"), "");
    table = schema_find_table("chains");
    f = schema_find_field(table->status, "ways");
    assert_int_equal(table->n_relations, 1);
    assert_string_equal(table->relations[0], "chains.ways");
    status = xzalloc(table->status->size);
    *(const char **) (void *) (status + f->offset) = "[1,2]";
    schema_struct_print(table->status, status, &shown);
    assert_string_equal(ds_cstr(&shown), "{\"packets\":0,\"bytes\":0,"
                        "\"last\":null,\"ways\":[1,2]}");
    ds_destroy(&shown);
    free(status);
    /* Without it, as before. */
    assert_declared(model, types, "");
    table = schema_find_table("chains");
    assert_int_equal(table->n_relations, 0);
    assert_null(schema_find_field(table->status, "ways"));
    destroy_model(model);
}

/* What could not be stored is taken back, with what objects are parsed by. */
static void
taken_back_with_the_request(void **state OVS_UNUSED)
{
    struct model *model = make_model();
    enum vmn_table place;

    assert_declared(model, types, "");
    place = schema_find_table("chains")->id;
    assert_applied(model, "put chains c " CHAIN, "");
    model_settle(model);

    assert_declared(model, types_2, "");
    assert_applied(model, "patch chains c {'rate':9}", "");
    model_undo(model);
    check_chain(model_get(model, place, "c"));
    assert_applied(model, "patch chains c {'rate':9}",
                   "/rate unknown field \"rate\" of a chain\n");
    assert_applied(model, "patch chains c {'mode':'bypass'}", "");
    destroy_model(model);
}

/* A type goes after its objects, and with its app. */
static void
types_go_after_their_objects(void **state OVS_UNUSED)
{
    static const struct vmn_type_class none[] = { { .name = NULL } };
    struct model *model = make_model();

    assert_declared(model, types, "");
    assert_applied(model, "put chains c " CHAIN, "");
    assert_declared(model, none, "");
    assert_non_null(schema_find_table("chains"));
    assert_applied(model, "delete types chains", " there are 1 objects of "
                   "this type; delete these first\n");
    assert_applied(model, "delete chains c", "");
    assert_applied(model, "delete types chains", "");
    model_settle(model);
    assert_null(schema_find_table("chains"));
    assert_declared(model, types, "");
    assert_non_null(schema_find_table("chains"));
    assert_declared(model, none, "");
    model_settle(model);
    assert_null(schema_find_table("chains"));
    destroy_model(model);
}

/* Differences are of what both say, whatever they were declared by. */
static void
versions_of_other_declarations_are_compared(void **state OVS_UNUSED)
{
    struct model *model = make_model();
    struct vmn_row *former;
    struct schema_version before, after;
    struct schema_diff diff;
    struct vmn_errors errors;
    struct arena arena;
    json_t *spec;

    assert_declared(model, types, "");
    assert_applied(model, "put chains c " CHAIN, "");
    arena_init(&arena);
    vmn_errors_init(&errors);
    spec = schema_row_spec(model_get(model, schema_find_table("chains")->id,
                                     "c"));
    former = schema_row_parse(schema_tables[schema_find_table("chains")->id],
                              "c", spec, "", &arena, &errors);
    json_decref(spec);
    assert_non_null(former);
    assert_declared(model, types_2, "");
    assert_applied(model, "patch chains c {'rate':9,'odd':false}", "");
    before = (struct schema_version) { .row = former };
    after = (struct schema_version) {
        .row = model_get(model, schema_find_table("chains")->id, "c") };
    assert_false(schema_row_same(before.row, after.row));
    schema_version_diff(&before, &after, SCHEMA_DIFF_MAX, &arena, &diff);
    assert_int_equal(diff.n, 2);
    arena_uninit(&arena);
    vmn_errors_uninit(&errors);
    destroy_model(model);
}

/* In one request, and by several that are stored at once. */
static void
type_and_last_object_go_together(void **state OVS_UNUSED)
{
    static const struct vmn_type_class none[] = { { .name = NULL } };
    struct model *model = make_model();

    assert_declared(model, types, "");
    assert_applied(model, "put chains c " CHAIN, "");
    model_settle(model);
    assert_applied(model, "delete chains c\ndelete types chains", "");
    /* Until that is written there is a name to write it by. */
    assert_non_null(schema_find_table("chains"));
    assert_applied(model, "put groups g {}", "");
    model_settle(model);
    assert_null(schema_find_table("chains"));

    assert_declared(model, types, "");
    model_settle(model);
    assert_declared(model, none, "");
    model_undo(model);
    assert_non_null(schema_find_table("chains"));
    assert_applied(model, "put chains c " CHAIN, "");
    destroy_model(model);
}

/* Lengths of texts.  ------------------------------------------------------ */

struct note {
    struct vmn_object object;
    const char *title;
    size_t n_tags;
    const char *const *tags;
    size_t n_groups;
    const char *const *groups;
};

#define NOTES(LEAST) {                                                     \
    { .name = "chains-notes", .singular = "note", .doc = "Notes.",         \
      .row = &(const struct vmn_struct_class) {                            \
          .name = "note", .size = sizeof(struct note),                     \
          .fields = (const struct vmn_field_class[]) {                     \
              { VMN_FIELD(note, title), .type = VMN_FIELD_TEXT,            \
                .min = LEAST, .max = 8, .doc = "Title." },                 \
              { VMN_LIST_FIELD(note, tags), .type = VMN_FIELD_TEXT,        \
                .flags = VMN_FIELD_LIST, .min = 2, .max = 4,               \
                .doc = "Tags." },                                          \
              { VMN_LIST_FIELD(note, groups), .type = VMN_FIELD_REF,       \
                .ref = "groups", .flags = VMN_FIELD_SET, .doc = "Of." },   \
              { .name = NULL } } } },                                      \
    { .name = NULL } }

static void
texts_are_as_long_as_the_app_says(void **state OVS_UNUSED)
{
    const struct vmn_type_class three[] = NOTES(3), four[] = NOTES(4);
    struct model *model = make_model();

    assert_declared(model, three, "");
    assert_applied(model, "put chains-notes x {'title':'ab',"
                   "'tags':['ab','a']}",
                   "/title must have at least 3 bytes\n"
                   "/tags/1 must have at least 2 bytes\n");
    assert_applied(model, "put chains-notes x {'title':''}",
                   "/title must not be empty\n");
    /* As 'max' counts them: bytes. */
    assert_applied(model, "put chains-notes x {'title':'\xc3\xa9'}",
                   "/title must have at least 3 bytes\n");
    assert_applied(model, "put chains-notes x {'title':'\xc3\xa9z'}", "");
    assert_applied(model, "put chains-notes y {}", "");
    /* What there is stays, until somebody writes it. */
    assert_declared(model, four, "");
    assert_applied(model, "patch chains-notes x {'labels':{'a':'b'}}",
                   "/title must have at least 4 bytes\n");
    assert_applied(model, "patch chains-notes x {'title':'abcd'}", "");
    destroy_model(model);
}

/* A vmnd starts with what an earlier one has taken, and what others do does
 * not depend on it.  Who writes it sets it right. */
static void
short_texts_that_are_stored_stay(void **state OVS_UNUSED)
{
    const struct vmn_type_class three[] = NOTES(3);
    const struct model_meta meta = { .revision = 1, .created_ms = 1 };
    struct model *model = make_model();
    json_t *spec = json_pack("{s:s, s:[s], s:[s, s]}", "title", "a", "tags",
                             "b", "groups", "g", "h");
    json_t *status = json_object();
    struct vmn_errors errors;
    const struct note *note;
    enum vmn_table place;

    assert_declared(model, three, "");
    assert_applied(model, "put groups g {}\nput groups h {}", "");
    place = schema_find_table("chains-notes")->id;
    vmn_errors_init(&errors);
    assert_int_equal(model_load_row(model, place, "x", spec, status, &meta,
                                    &errors), 0);
    vmn_errors_uninit(&errors);
    assert_applied(model, "cascade groups g", "");
    note = model_get(model, place, "x");
    assert_string_equal(note->title, "a");
    assert_string_equal(note->tags[0], "b");
    assert_int_equal(note->n_groups, 1);
    assert_applied(model, "patch chains-notes x {'labels':{'a':'b'}}",
                   "/title must have at least 3 bytes\n"
                   "/tags/0 must have at least 2 bytes\n");
    assert_applied(model, "patch chains-notes x {'title':null,'tags':null}",
                   "");
    json_decref(status);
    json_decref(spec);
    destroy_model(model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_structs_of_the_app),
        cmocka_unit_test(objects_follow_their_type),
        cmocka_unit_test(objects_name_objects_of_the_app),
        cmocka_unit_test(object_goes_with_the_last_that_it_names),
        cmocka_unit_test(status_members_follow_what_is_known_of_all),
        cmocka_unit_test(taken_back_with_the_request),
        cmocka_unit_test(types_go_after_their_objects),
        cmocka_unit_test(versions_of_other_declarations_are_compared),
        cmocka_unit_test(type_and_last_object_go_together),
        cmocka_unit_test(texts_are_as_long_as_the_app_says),
        cmocka_unit_test(short_texts_that_are_stored_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
