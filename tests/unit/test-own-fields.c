/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the fields of all types that the apps of the tree declare,
 * made of their descriptions: each field refuses what is none of its type or
 * beyond its bounds, and names itself; and each that an account with a scope
 * may not set, or that names something, refuses what is not the account's.  A
 * type that is new needs a row in 'bases' (own-fields-tables.h).
 *
 * What the apps' checks refuse beyond that is in 'mistakes', but for mirrors
 * and qos-policies: test_mistakes_are_named of the system tests has these. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/error.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema.h"
#include "tests/unit/apps-fixture.h"
#include "tests/unit/model-util.h"
#include "tests/unit/own-fields-tables.h"
#include "util.h"

/* With these first: they are what all others are made on. */
static const char *const apps[] = {
    "overlay", "firewall", "router", "chains", "metadata", "mirrors",
    "monitors", "multicast", "qos", "traffic", NULL,
};

/* Of each owner an object of each type that is named by another one.  The
 * first owner's are within the scope, the second one's are read, and of the
 * third one's nothing is seen. */
static const struct {
    const char *owner, *labels;
} owners[] = {
    { "shop", "{'project': 'shop'}" },
    { "wire", "{'shared': 'yes'}" },
    { "bank", "{'project': 'bank'}" },
};
enum { OWN, READ, UNSEEN };
static const struct {
    const char *type, *singular, *spec;
} named[] = {
    { "hosts", "host", "{'ovsdb': 'inbound', 'tunnel_ip': '192.0.2.%u'}" },
    { "networks", "network", "{'subnets': [{'cidr': '10.%u.0.0/24'}]}" },
    { "ports", "port", "{'network': '%o-network', 'mac':"
      " '02:00:00:00:00:0%u'}" },
    { "groups", "group", "{'ports': ['%o-port']}" },
    { "policies", "policy", "{'applies_to': ['%o-group'], 'priority': %u,"
      " 'rules': [{'direction': 'ingress', 'action': 'deny'}]}" },
};

static struct apps_fixture *f;
static struct model_rights *rights; /* Of the account with a scope. */

/* Parses JSON with ' for ", in which %u is a number and %o an owner. */
static json_t *
parse(const char *text, unsigned number, const char *owner)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *json;

    for (const char *p = text; *p; p++) {
        if (*p == '%') {
            p++;
            *p == 'u' ? ds_put_format(&ds, "%u", number)
                      : ds_put_cstr(&ds, owner);
        } else {
            ds_put_char(&ds, *p == '\'' ? '"' : *p);
        }
    }
    json = json_loads(ds_cstr(&ds), JSON_DECODE_ANY, NULL);
    if (!json) {
        fail_msg("%s", text);
    }
    ds_destroy(&ds);
    return json;
}

static json_t *
base_of(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
        if (!strcmp(bases[i].type, type)) {
            json_t *spec = parse(bases[i].spec, 0, "");

            json_object_set_new(spec, "labels",
                                parse(owners[OWN].labels, 0, ""));
            return spec;
        }
    }
    fail_msg("there is no base of type %s", type);
    return NULL;
}

static void
check_object(void *aux OVS_UNUSED, const struct vmn_type_row *type,
             const struct vmn_row *object, uint64_t *checked,
             struct vmn_errors *faults)
{
    engine_check_object(apps_fixture_engine(f), type, object, checked,
                        faults);
}

/* Has an object be written, with these rights; NULL: all.  Returns false,
 * with the errors, if it is refused; else it is taken back. */
static bool
try(const char *type, const json_t *spec, const struct model_rights *with,
    struct vmn_errors *errors)
{
    struct model *model = apps_fixture_model(f);
    enum vmn_table table = schema_find_table(type)->id;
    struct model_request request;
    uint64_t revision;
    bool ok;

    vmn_errors_init(errors);
    model_request_init(&request, "test");
    request.rights = model_rights_clone(with);
    model_request_add(&request, MODEL_PUT, table, "x", json_deep_copy(spec));
    ok = !model_apply(model, &request, 1, &revision, errors);
    model_request_uninit(&request);
    if (ok) {
        model_request_init(&request, "test");
        model_request_add(&request, MODEL_DELETE, table, "x", NULL);
        assert_int_equal(0, model_apply(model, &request, 1, &revision,
                                        errors));
        model_request_uninit(&request);
    }
    return ok;
}

/* Returns the error that names the field, or what is in it; with 'exactly',
 * the field itself.  NULL: there is none. */
static const struct vmn_error *
find_error(const struct vmn_errors *errors, const char *pointer, bool exactly)
{
    size_t len = strlen(pointer);

    for (size_t i = 0; i < errors->n; i++) {
        const char *of = errors->errors[i].pointer;

        if (!strncmp(of, pointer, len)
            && (!of[len] || (!exactly && of[len] == '/'))) {
            return &errors->errors[i];
        }
    }
    return NULL;
}

/* Fails unless the object is refused, and the error names the field. */
static void
expect_refused(const char *type, const json_t *spec, const char *pointer,
               bool exactly)
{
    char *text = json_dumps(spec, JSON_SORT_KEYS);
    struct vmn_errors errors;

    if (try(type, spec, NULL, &errors)) {
        fail_msg("%s takes, at %s: %s", type, pointer, text);
    }
    if (!find_error(&errors, pointer, exactly)) {
        fail_msg("%s %s: not named but %s (%s): %s", type, pointer,
                 errors.errors[0].pointer, errors.errors[0].text, text);
    }
    vmn_errors_uninit(&errors);
    free(text);
}

/* Fields.  ---------------------------------------------------------------- */

/* Called for each field: 'object' is what has it, in the object 'whole'. */
struct visit {
    void (*each)(const struct visit *, const struct schema_field *,
                 json_t *object, const char *pointer);
    const char *type;
    json_t *whole;
    unsigned n;                 /* Tried. */
    bool nested;
};

/* Returns the number of the field among 'companions', or their number. */
static size_t
companion_of(const struct visit *v, const struct schema_field *field)
{
    size_t i = 0;

    while (i < ARRAY_SIZE(companions)
           && (v->nested || strcmp(companions[i].type, v->type)
               || strcmp(companions[i].field, field->name))) {
        i++;
    }
    return i;
}

static void visit_struct(struct visit *, const struct schema_struct *,
                         json_t *object, const char *pointer);

/* Visits the fields of the struct that a field is, or the first one of a
 * list. */
static void
visit_nested(struct visit *v, const struct schema_field *field,
             json_t *object, const char *pointer)
{
    bool list = field->flags & SCHEMA_LIST, nested = v->nested;
    json_t *inner = json_object_get(object, field->name);
    char *of = xasprintf("%s%s", pointer, list ? "/0" : "");

    inner = list ? json_array_get(inner, 0) : inner;
    if (!inner) {
        fail_msg("the base of type %s lacks %s", v->type, of);
    }
    v->nested = true;
    visit_struct(v, field->nested, inner, of);
    v->nested = nested;
    free(of);
}

/* Has 'each' see the field, and those in it, with its companions in the
 * object. */
static void
visit_field(struct visit *v, const struct schema_field *field, json_t *object,
            const char *pointer)
{
    size_t i = companion_of(v, field);
    json_t *was = json_copy(object);

    if (i < ARRAY_SIZE(companions)) {
        json_t *with = parse(companions[i].with, 0, "");

        json_object_update(object, with);
        json_decref(with);
    }
    v->each(v, field, object, pointer);
    v->n++;
    if (field->type == SCHEMA_STRUCT) {
        visit_nested(v, field, object, pointer);
    }
    json_object_clear(object);
    json_object_update(object, was);
    json_decref(was);
}

static void
visit_struct(struct visit *v, const struct schema_struct *s, json_t *object,
             const char *pointer)
{
    for (const struct schema_field *field = s->fields; field->name; field++) {
        char *at = xasprintf("%s/%s", pointer, field->name);

        visit_field(v, field, object, at);
        free(at);
    }
}

/* Has 'each' see the fields of all types of apps. */
static void
visit_types(void (*each)(const struct visit *, const struct schema_field *,
                         json_t *, const char *))
{
    unsigned n_types = 0;

    for (int i = VMN_TABLE_OWN_FIRST; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = schema_tables[i];
        struct visit v = { .each = each, .type = table->plural };

        if (schema_is_there(table)) {
            v.whole = base_of(table->plural);
            visit_struct(&v, &table->row, v.whole, "");
            assert_true(v.n > 2);
            json_decref(v.whole);
            n_types++;
        }
    }
    assert_int_equal(n_types, ARRAY_SIZE(bases));
}

/* Bad values.  ------------------------------------------------------------ */

static json_t *
text_of(size_t len)
{
    char *text = xmalloc(len + 1);
    json_t *json;

    memset(text, 'a', len);
    text[len] = '\0';
    json = json_string(text);
    free(text);
    return json;
}

/* Appends to 'bad' what is no value of the field's type, or beyond what it
 * may be. */
static void
add_bad_values(const struct schema_field *field, json_t *bad)
{
    bool is_text = false;

    switch (field->type) {
    case SCHEMA_BOOL:
        json_array_append_new(bad, json_integer(1));
        break;
    case SCHEMA_INT:
        json_array_append_new(bad, json_integer(field->min - 1));
        json_array_append_new(bad, json_integer(field->max + 1));
        json_array_append_new(bad, json_real(1.5));
        json_array_append_new(bad, json_string("1"));
        break;
    case SCHEMA_STRING:
        is_text = true;
        json_array_append_new(bad, text_of(field->max + 1));
        json_array_append_new(bad, json_string("a\001b"));
        if (field->min > !(field->flags & SCHEMA_REQUIRED)) { /* "" is none. */
            json_array_append_new(bad, text_of(field->min - 1));
        }
        if (!(field->flags & SCHEMA_LINES)) {
            json_array_append_new(bad, json_string("a\nb"));
        }
        break;
    case SCHEMA_REF:
        json_array_append_new(bad, json_string("nobody"));
        json_array_append_new(bad, json_string("No name"));
        is_text = true;
        break;
    case SCHEMA_ENUM:
    case SCHEMA_IP:
    case SCHEMA_MAC:
    case SCHEMA_PREFIX:
    case SCHEMA_RANGE:
        json_array_append_new(bad, json_string("no such thing"));
        json_array_append_new(bad, json_string(""));
        is_text = field->type != SCHEMA_RANGE; /* 80 is one. */
        break;
    case SCHEMA_SELECTOR:
        json_array_append_new(bad, json_string("a=("));
        json_array_append_new(bad, json_string("a=1,a!=1"));
        is_text = true;
        break;
    case SCHEMA_STRUCT:
        json_array_append_new(bad, json_pack("{s:i}", "no_such_field", 1));
        is_text = true;
        break;
    case SCHEMA_LABELS:
        json_array_append_new(bad, json_pack("{s:s}", "", ""));
        break;
    case SCHEMA_U16:
    case SCHEMA_U32:
    case SCHEMA_ENUM_SET:
    case SCHEMA_U64:
    case SCHEMA_I64:
    case SCHEMA_SIZE:
    case SCHEMA_DOUBLE:
        fail_msg("%s: apps have no such fields", field->name);
    }
    if (is_text) {
        json_array_append_new(bad, json_integer(7));
    }
    json_array_append_new(bad, json_pack("[[]]"));
}

/* Returns a list of one more than the field takes, each another one; or NULL
 * if this makes none of its type. */
static json_t *
make_too_many(const struct schema_field *field, const json_t *present)
{
    json_t *list = json_array();

    for (size_t i = 0; i <= field->max_items; i++) {
        if (field->type == SCHEMA_REF || field->type == SCHEMA_STRING) {
            json_array_append_new(list, json_sprintf("n%"PRIuSIZE, i));
        } else if (field->type == SCHEMA_INT) {
            json_array_append_new(list, json_integer(field->min + i));
        } else if (field->type == SCHEMA_RANGE) {
            json_array_append_new(list, json_integer(1 + 2 * i));
        } else if ((field->flags & SCHEMA_SET) != SCHEMA_SET) {
            json_array_append(list, json_array_get(present, 0));
        }
    }
    if (!json_array_size(list)) {
        json_decref(list);
        return NULL;
    }
    return list;
}

/* Puts 'value', of which it takes ownership, in the place of the field, and
 * expects that it is named. */
static void
refuse_value(const struct visit *v, const struct schema_field *field,
             json_t *object, const char *pointer, json_t *value, bool exactly)
{
    json_t *was = json_incref(json_object_get(object, field->name));

    json_object_set_new(object, field->name, value);
    expect_refused(v->type, v->whole, pointer, exactly);
    json_object_del(object, field->name);
    if (was) {
        json_object_set_new(object, field->name, was);
    }
}

static void
refuse_bad_values(const struct visit *v, const struct schema_field *field,
                  json_t *object, const char *pointer)
{
    json_t *bad = json_array(), *value, *many;
    bool list = field->flags & SCHEMA_LIST;
    size_t i;

    add_bad_values(field, bad);
    json_array_foreach (bad, i, value) {
        json_t *bad_one = json_incref(value);

        refuse_value(v, field, object, pointer,
                     list ? json_pack("[o]", bad_one) : bad_one, false);
    }
    json_decref(bad);
    if (field->flags & SCHEMA_REQUIRED) {
        refuse_value(v, field, object, pointer, json_null(), true);
    }
    if (!list) {
        return;
    }
    refuse_value(v, field, object, pointer, json_object(), true);
    if (field->min_items) {
        refuse_value(v, field, object, pointer, json_array(), true);
    }
    many = make_too_many(field, json_object_get(object, field->name));
    if (many) {
        refuse_value(v, field, object, pointer, many, true);
    }
}

static void
each_field_refuses_what_it_cannot_be(void **state OVS_UNUSED)
{
    visit_types(refuse_bad_values);
}

static void
each_mistake_is_named(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
        json_t *spec = base_of(mistakes[i].type);
        json_t *change = parse(mistakes[i].spec, 0, "");

        json_object_update(spec, change);
        expect_refused(mistakes[i].type, spec, mistakes[i].pointer, true);
        json_decref(change);
        json_decref(spec);
    }
}

static void
what_is_right_is_taken(void **state OVS_UNUSED)
{
    struct vmn_errors errors;

    for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
        json_t *spec = base_of(bases[i].type);

        if (!try(bases[i].type, spec, NULL, &errors)) {
            fail_msg("%s %s: %s", bases[i].type, errors.errors[0].pointer,
                     errors.errors[0].text);
        }
        vmn_errors_uninit(&errors);
        assert_int_not_equal(try(bases[i].type, spec, rights, &errors),
                             bases[i].for_others);
        vmn_errors_uninit(&errors);
        json_decref(spec);
    }
}

/* Rights.  ---------------------------------------------------------------- */

/* Tries 'value', which it takes ownership of, in the place of the field, with
 * the rights of the account.  Returns the sentence about the field, which the
 * caller frees; NULL: none was about it. */
static char *
try_value(const struct visit *v, const struct schema_field *field,
          json_t *object, const char *pointer, json_t *value,
          enum vmn_error_code *code)
{
    json_t *was = json_incref(json_object_get(object, field->name));
    const struct vmn_error *error;
    struct vmn_errors errors;
    char *text = NULL;

    json_object_set_new(object, field->name, value);
    if (!try(v->type, v->whole, rights, &errors)) {
        error = find_error(&errors, pointer, false);
        text = error ? xstrdup(error->text) : NULL;
        *code = error ? error->code : VMN_ERR_INVALID;
    }
    vmn_errors_uninit(&errors);
    json_object_del(object, field->name);
    if (was) {
        json_object_set_new(object, field->name, was);
    }
    return text;
}

static char *
try_name(const struct visit *v, const struct schema_field *field,
         json_t *object, const char *pointer, const char *owner,
         enum vmn_error_code *code)
{
    json_t *name = json_sprintf("%s-%s", owner,
                                schema_tables[field->ref]->singular);

    return try_value(v, field, object, pointer, field->flags & SCHEMA_LIST
                     ? json_pack("[o]", name) : name, code);
}

/* What is read may be mentioned, and not acted on; what is not seen is as what
 * is not there, to the letter, but for names that are meant instead. */
static void
refuse_others(const struct visit *v, const struct schema_field *field,
              json_t *object, const char *pointer)
{
    static const char why[] = "does not exist";
    enum vmn_error_code code = VMN_ERR_INVALID;
    char *text, *end;

    text = try_name(v, field, object, pointer, owners[UNSEEN].owner, &code);
    end = text ? strstr(text, why) : NULL;
    if (!end || strstr(end, owners[UNSEEN].owner)
        || code != VMN_ERR_INVALID) {
        fail_msg("%s %s: %s", v->type, pointer, text ? text : "is taken");
    }
    free(text);
    text = try_name(v, field, object, pointer, "none", &code);
    assert_non_null(text);
    assert_non_null(strstr(text, why));
    assert_int_equal(code, VMN_ERR_INVALID);
    free(text);
    text = try_name(v, field, object, pointer, owners[READ].owner, &code);
    if (field->reach == SCHEMA_MENTIONS ? text != NULL
        : !text || code != VMN_ERR_FORBIDDEN) {
        fail_msg("%s %s: %s", v->type, pointer, text ? text : "is taken");
    }
    free(text);
}

static void
refuse_selector(const struct visit *v, const struct schema_field *field,
                json_t *object, const char *pointer, json_t *value)
{
    enum vmn_error_code code;
    char *text = try_value(v, field, object, pointer, value, &code);

    if (!text || code != VMN_ERR_FORBIDDEN) {
        fail_msg("%s %s: %s", v->type, pointer, text ? text : "is taken");
    }
    free(text);
}

/* Returns a value that is not what the field is without any. */
static json_t *
other_value(const struct visit *v, const struct schema_field *field)
{
    size_t i = companion_of(v, field);

    if (i < ARRAY_SIZE(companions) && companions[i].value) {
        return parse(companions[i].value, 0, "");
    }
    switch ((int) field->type) {
    case SCHEMA_BOOL:
        return json_boolean(!field->def);
    case SCHEMA_INT:
        return json_integer(MAX(field->min, field->def + 1));
    case SCHEMA_ENUM:
        return json_string(field->names[!field->def]);
    case SCHEMA_IP:
        return json_string("192.0.2.77");
    default:
        return json_string("shop");
    }
}

static void
refuse_what_is_not_the_accounts(const struct visit *v,
                                const struct schema_field *field,
                                json_t *object, const char *pointer)
{
    enum vmn_error_code code;
    char *text;

    if (field->type == SCHEMA_REF && field->writers == SCHEMA_ANYONE) {
        refuse_others(v, field, object, pointer);
    } else if (field->type == SCHEMA_SELECTOR) {
        refuse_selector(v, field, object, pointer, json_string(""));
        refuse_selector(v, field, object, pointer, json_string("shared=yes"));
        refuse_selector(v, field, object, pointer,
                        json_string("project=bank"));
        if (field->flags & SCHEMA_OR_ALL) {
            refuse_selector(v, field, object, pointer, json_null());
        }
    }
    if (field->writers == SCHEMA_ADMINISTRATORS) {
        assert_false(v->nested);
        text = (field->type == SCHEMA_REF
                ? try_name(v, field, object, pointer, owners[OWN].owner,
                           &code)
                : try_value(v, field, object, pointer,
                            other_value(v, field), &code));
        if (!text || code != VMN_ERR_FORBIDDEN) {
            fail_msg("%s %s: %s", v->type, pointer, text ? text : "is taken");
        }
        free(text);
    }
}

static void
each_field_refuses_what_is_not_the_accounts(void **state OVS_UNUSED)
{
    visit_types(refuse_what_is_not_the_accounts);
}

/* What lacks a selector, so that it is of all, is nobody's with a scope to
 * change either; an administrator has labelled it so. */
static void
what_is_of_all_is_not_the_accounts(void **state OVS_UNUSED)
{
    enum vmn_table table = schema_find_table("chains")->id;

    apps_fixture_apply(f, "{'chains/all': {'network': 'shop-network',"
                       " 'labels': {'project': 'shop'}, 'destinations':"
                       " 'project=shop', 'hops': [{'name': 'h', 'functions':"
                       " [{'in': 'shop-port'}]}]}}");
    for (int deletes = 0; deletes < 2; deletes++) {
        struct model_request request;
        struct vmn_errors errors;
        uint64_t revision;

        vmn_errors_init(&errors);
        model_request_init(&request, "shop");
        request.rights = model_rights_clone(rights);
        model_request_add(&request, deletes ? MODEL_DELETE : MODEL_PUT, table,
                          "all", deletes ? NULL : base_of("chains"));
        assert_int_not_equal(0, model_apply(apps_fixture_model(f), &request,
                                            1, &revision, &errors));
        assert_int_equal(errors.errors[0].code, VMN_ERR_FORBIDDEN);
        vmn_errors_uninit(&errors);
        model_request_uninit(&request);
    }
    apps_fixture_apply(f, "{'chains/all': null}");
}

/* All of it.  ------------------------------------------------------------- */

static void
add_objects(void)
{
    json_t *all = json_object();
    char *text;

    for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(owners); j++) {
            json_t *spec = parse(named[i].spec, j + 1, owners[j].owner);
            char *key = xasprintf("%s/%s-%s", named[i].type, owners[j].owner,
                                  named[i].singular);

            json_object_set_new(spec, "labels", parse(owners[j].labels, 0,
                                                      ""));
            json_object_set_new(all, key, spec);
            free(key);
        }
    }
    text = json_dumps(all, 0);
    apps_fixture_apply(f, text);
    free(text);
    json_decref(all);
}

static int
setup(void **state OVS_UNUSED)
{
    f = apps_fixture_create(apps);
    for (size_t i = 3; apps[i]; i++) {
        apps_fixture_declare_types(f, apps[i]);
    }
    model_set_check_object(apps_fixture_model(f), check_object, NULL);
    add_objects();
    rights = model_util_rights("project=shop", "shared=yes", NULL, false);
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    model_rights_destroy(rights);
    apps_fixture_destroy(f);
    return 0;
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_taken),
        cmocka_unit_test(each_field_refuses_what_it_cannot_be),
        cmocka_unit_test(each_mistake_is_named),
        cmocka_unit_test(each_field_refuses_what_is_not_the_accounts),
        cmocka_unit_test(what_is_of_all_is_not_the_accounts),
    };

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, setup, teardown);
}
