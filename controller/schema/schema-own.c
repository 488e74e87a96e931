/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes tables of the types that apps declare; see schema-own.h.  Rows are
 * laid out as a C compiler lays out a struct with the fields as members in
 * their order, a list being a size_t and a pointer, after struct vmn_object:
 * so that a C struct of the app can be the row. */

#include <config.h>

#include "controller/schema/schema-own.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-define.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "hash.h"
#include "openvswitch/hmap.h"
#include "util.h"

#define TEXT_MAX 1024           /* Of a text, unless its field says. */
#define ITEMS_MAX 1000          /* Of a list. */
#define OBJECTS_MAX 10000       /* Of a type. */
/* Fields, with those of structs as often as these are there. */
#define ALL_FIELDS_MAX 500

/* A description, which is never freed. */
struct shape {
    struct hmap_node node;      /* In 'shapes', by 'text'. */
    char *text;                 /* What it was declared as. */
    struct schema_table table;
};

static struct hmap shapes = HMAP_INITIALIZER(&shapes);

/* What a place shows that has no type: a table that has no rows, and no name
 * that anybody could ask for. */
static const struct schema_field no_fields[] = { { .name = NULL } };
static const struct schema_column no_columns[] = { { .heading = NULL } };

#define NOTHING(I)                                                      \
    { .id = VMN_TABLE_OWN_FIRST + (I), .plural = "", .singular = "",    \
      .kind = "", .observed = true, .unscoped = true,                   \
      .named_as = VMN_N_TABLES, .check_name = value_check_name,         \
      .columns = no_columns, .doc = "",                                 \
      .row = { .name = "", .size = sizeof(struct vmn_object),           \
               .fields = no_fields } }
#define NOTHING_4(I) NOTHING(I), NOTHING((I) + 1), NOTHING((I) + 2),    \
                     NOTHING((I) + 3)
#define NOTHING_16(I) NOTHING_4(I), NOTHING_4((I) + 4),                 \
                      NOTHING_4((I) + 8), NOTHING_4((I) + 12)
struct schema_table schema_own_places[VMN_OWN_TYPES_MAX] = {
    NOTHING_16(0), NOTHING_16(16)
};
BUILD_ASSERT_DECL(VMN_OWN_TYPES_MAX == 32);

/* By place: the name of the type that it is for, or NULL. */
static const char *place_names[VMN_OWN_TYPES_MAX];

bool
schema_own_is_name_of(const char *type, const char *app)
{
    size_t len = strlen(app);

    return !strncmp(type, app, len) && (!type[len] || type[len] == '-');
}

bool
schema_own_is_of_app(const char *name, const char *app)
{
    size_t len = strlen(app);

    return !strncmp(name, app, len) && name[len] == '.' && name[len + 1];
}

enum vmn_table
schema_own_place(const char *name)
{
    for (size_t i = 0; i < VMN_OWN_TYPES_MAX; i++) {
        if (!place_names[i]) {
            place_names[i] = xstrdup(name);
        }
        if (!strcmp(place_names[i], name)) {
            return VMN_TABLE_OWN_FIRST + i;
        }
    }
    return VMN_N_TABLES;
}

const char *
schema_singular(enum vmn_table table)
{
    const char *singular = schema_tables[table]->singular;

    return (singular[0] || !schema_is_own(table) ? singular
            : place_names[table - VMN_TABLE_OWN_FIRST]);
}

/* Fields.  ---------------------------------------------------------------- */

/* What is made of a row of VMN_TABLE_TYPE. */
struct making {
    const struct vmn_type_row *row;
    struct arena *arena;        /* Of what is made. */
    struct vmn_errors *errors;
    const char *pointer;        /* Of the row. */
    const char *where;          /* Of the struct, after that. */
    bool to_stay;               /* It is not made to find faults alone. */
    struct schema_struct *structs; /* As many as the row has. */
    size_t sizes[VMN_OWN_STRUCTS_MAX]; /* How many fields each has, with those
                                        * of the structs in it. */
    size_t n_structs;           /* How many are made. */
};

static bool
fault(const struct making *m, size_t i, const char *field, const char *text)
{
    char *pointer = xasprintf("%s%s/fields/%"PRIuSIZE"/%s", m->pointer,
                              m->where, i, field);

    vmn_errors_add(m->errors, VMN_ERR_INVALID, pointer, "%s", text);
    free(pointer);
    return false;
}

/* Returns the table of VMN's own of that name, or VMN_N_TABLES. */
static enum vmn_table
find_builtin(const char *plural)
{
    for (int i = 0; i < VMN_TABLE_OWN_FIRST; i++) {
        if (!strcmp(schema_tables[i]->plural, plural)) {
            return i;
        }
    }
    return VMN_N_TABLES;
}

bool
schema_own_is_ref(const char *ref, const char *app)
{
    return (find_builtin(ref) == VMN_N_TABLES
            && schema_own_is_name_of(ref, app));
}

/* Sets the table that a field names rows of.  Those of the app are known by
 * their names: the model sees to it that they are there. */
static bool
set_ref(const struct making *m, size_t i, const struct vmn_type_field *from,
        struct schema_field *f)
{
    enum vmn_table table = from->ref ? find_builtin(from->ref) : VMN_N_TABLES;

    if (table != VMN_N_TABLES && schema_tables[table]->row_type
        && !schema_tables[table]->observed) {
        f->ref = table;
        return true;
    }
    if (!from->ref || !schema_own_is_ref(from->ref, m->row->app)) {
        return fault(m, i, "ref", "must be a type of VMN's own that apps "
                                  "read, or one of the app's, in the plural");
    }
    f->ref = m->to_stay ? schema_own_place(from->ref) : VMN_TABLE_OWN_FIRST;
    return (f->ref != VMN_N_TABLES
            || fault(m, i, "ref", "there is no room for another type"));
}

static const struct schema_struct *
find_struct(const struct making *m, const char *name)
{
    for (size_t i = 0; name && i < m->n_structs; i++) {
        if (!strcmp(m->structs[i].name, name)) {
            return &m->structs[i];
        }
    }
    return NULL;
}

/* Copies the names of an enum's values. */
static const char *const *
copy_values(const struct making *m, const struct vmn_type_field *from)
{
    const char **values = arena_alloc(m->arena, (from->n_values + 1)
                                                * sizeof *values);

    for (size_t i = 0; i < from->n_values; i++) {
        values[i] = arena_strdup(m->arena, from->values[i]);
    }
    return values;
}

/* Returns true if a text may be the default of 'f'. */
static bool
fits(const struct schema_field *f, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    return !text || (len && (int64_t) len >= f->min && (int64_t) len <= f->max
                     && !(f->flags & SCHEMA_LIST));
}

static bool
are_different(const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(texts[i], texts[j])) {
                return false;
            }
        }
    }
    return true;
}

/* Sets what a field of its type needs.  Returns false if that is not there. */
static bool
set_type(const struct making *m, size_t i, const struct vmn_type_field *from,
         struct schema_field *f)
{
    static const enum schema_type types[] = {
        [VMN_FIELD_BOOL] = SCHEMA_BOOL, [VMN_FIELD_INT] = SCHEMA_INT,
        [VMN_FIELD_TEXT] = SCHEMA_STRING, [VMN_FIELD_ENUM] = SCHEMA_ENUM,
        [VMN_FIELD_REF] = SCHEMA_REF, [VMN_FIELD_MAC] = SCHEMA_MAC,
        [VMN_FIELD_IP] = SCHEMA_IP, [VMN_FIELD_PREFIX] = SCHEMA_PREFIX,
        [VMN_FIELD_PORT_RANGE] = SCHEMA_RANGE,
        [VMN_FIELD_SELECTOR] = SCHEMA_SELECTOR,
        [VMN_FIELD_STRUCT] = SCHEMA_STRUCT,
    };

    f->type = types[from->type];
    f->reach = from->mentions ? SCHEMA_MENTIONS : SCHEMA_ACTS;
    f->writers = (from->administrators ? SCHEMA_ADMINISTRATORS
                  : SCHEMA_ANYONE);
    if (from->administrators && m->where[0]) {
        return fault(m, i, "administrators", "is for a field of the object "
                                             "itself");
    }
    switch (from->type) {
    case VMN_FIELD_ENUM:
        f->names = copy_values(m, from);
        return (from->n_values && from->def >= 0
                && from->def < (int) from->n_values
                && are_different(from->values, from->n_values))
               || fault(m, i, "values", "an enum has values, and `default` "
                                        "is the place of one");
    case VMN_FIELD_REF:
        return set_ref(m, i, from, f)
               && (!from->def_text
                   || fault(m, i, "default_text", "is for a text"));
    case VMN_FIELD_STRUCT:
        f->nested = find_struct(m, from->of);
        return (f->nested
                || fault(m, i, "struct", "must be one of `structs` that is "
                                         "described before it"))
               && (from->list || from->set || from->required
                   || fault(m, i, "required", "a struct is in a list, or is "
                                              "required"));
    case VMN_FIELD_SELECTOR:
        return (!m->where[0] && !from->list && !from->set)
               || fault(m, i, "type", "a selector is not in a struct or "
                                      "list");
    case VMN_FIELD_INT:
        f->min = from->min || from->max ? from->min : INT_MIN;
        f->max = from->min || from->max ? from->max : INT_MAX;
        return (f->min <= f->max
                && (from->required || f->flags & SCHEMA_LIST
                    || (from->def >= f->min && from->def <= f->max)))
               || fault(m, i, "default", "must be within `min` and `max`");
    case VMN_FIELD_TEXT:
        f->min = from->min;
        f->max = from->min || from->max ? from->max : TEXT_MAX;
        return ((f->min >= 0 && f->min <= f->max && f->max <= 65536)
                || fault(m, i, "max", "is the length of a text: at most "
                                      "65,536, and not less than `min`"))
               && (fits(f, from->def_text)
                   || fault(m, i, "default_text", "must be as long as the "
                                                  "text may be"));
    case VMN_FIELD_BOOL:
    case VMN_FIELD_MAC:
    case VMN_FIELD_IP:
    case VMN_FIELD_PREFIX:
    case VMN_FIELD_PORT_RANGE:
        return true;
    }
    return fault(m, i, "type", "there is no such type");
}

static bool
check_field(const struct making *m, const struct vmn_type_field *fields,
            size_t i)
{
    const struct vmn_type_field *f = &fields[i];

    for (size_t j = 0; j < i; j++) {
        if (!strcmp(fields[j].name, f->name)) {
            return fault(m, i, "name", "is that of another field");
        }
    }
    if (!m->where[0] && (!strcmp(f->name, "description")
                         || !strcmp(f->name, "labels"))) {
        return fault(m, i, "name", "every object has such a field");
    }
    if (!m->where[0] && (!strcmp(f->name, "spec")
                         || !strcmp(f->name, "status"))) {
        return fault(m, i, "name", "is what a part of each object is called");
    }
    if (f->secret && (f->type != VMN_FIELD_TEXT || f->list || f->set
                      || f->required || m->where[0])) {
        return fault(m, i, "secret", "is for a text of the object itself, "
                                     "neither required nor a list");
    }
    if (f->lines && f->type != VMN_FIELD_TEXT) {
        return fault(m, i, "lines", "is for a text");
    }
    if (f->or_all && (f->type != VMN_FIELD_SELECTOR || f->mentions)) {
        return fault(m, i, "or_all", "is for a selector without `mentions`");
    }
    if (f->key && (i || f->list || f->set || !m->where[0])) {
        return fault(m, i, "key", "is for the first field of a struct");
    }
    return true;
}

/* Fills in a field, but for its place. */
static bool
make_field(const struct making *m, const struct vmn_type_field *fields,
           size_t i, struct schema_field *f)
{
    const struct vmn_type_field *from = &fields[i];

    *f = (struct schema_field) {
        .name = arena_strdup(m->arena, from->name),
        .flags = (from->required ? SCHEMA_REQUIRED : 0)
                 | (from->set ? SCHEMA_SET : from->list ? SCHEMA_LIST : 0)
                 | (from->key ? SCHEMA_KEY : 0)
                 | (from->secret ? SCHEMA_SECRET : 0)
                 | (from->lines ? SCHEMA_LINES : 0)
                 | (from->or_all ? SCHEMA_OR_ALL : 0),
        .def = from->def,
        .def_text = (from->def_text ? arena_strdup(m->arena, from->def_text)
                     : NULL),
        .max_items = from->max_items ? from->max_items : ITEMS_MAX,
        .min_items = (from->required
                      || (from->min > 0
                          && (from->type == VMN_FIELD_REF
                              || from->type == VMN_FIELD_STRUCT))),
        .doc = arena_strdup(m->arena, from->doc),
    };
    return check_field(m, fields, i) && set_type(m, i, from, f);
}

/* Places.  ---------------------------------------------------------------- */

static size_t struct_alignment(const struct schema_struct *);

static size_t
alignment(const struct schema_field *f)
{
    if (f->flags & SCHEMA_LIST) {
        return sizeof(size_t);
    }
    switch (f->type) {
    case SCHEMA_BOOL: return __alignof__(bool);
    case SCHEMA_MAC: return __alignof__(struct vmn_mac);
    case SCHEMA_IP: return __alignof__(struct vmn_ip);
    case SCHEMA_PREFIX: return __alignof__(struct vmn_prefix);
    case SCHEMA_RANGE: return __alignof__(struct vmn_port_range);
    case SCHEMA_INT:
    case SCHEMA_ENUM: return __alignof__(int);
    case SCHEMA_STRUCT: return struct_alignment(f->nested);
    case SCHEMA_U16:
    case SCHEMA_U32:
    case SCHEMA_STRING:
    case SCHEMA_REF:
    case SCHEMA_LABELS:
    case SCHEMA_SELECTOR:
    case SCHEMA_ENUM_SET:
    case SCHEMA_U64:
    case SCHEMA_I64:
    case SCHEMA_SIZE:
    case SCHEMA_DOUBLE:
        break;
    }
    return sizeof(void *);
}

static size_t
struct_alignment(const struct schema_struct *s)
{
    size_t most = 1;

    for (const struct schema_field *f = s->fields; f->name; f++) {
        most = MAX(most, alignment(f));
    }
    return most;
}

/* Gives a field its place at 'at' or after that; returns where it ends. */
static size_t
put_field(struct schema_field *f, size_t at)
{
    at = ROUND_UP(at, alignment(f));
    if (f->flags & SCHEMA_LIST) {
        f->n_offset = at;
        f->offset = at + sizeof(size_t);
        return f->offset + sizeof(void *);
    }
    f->offset = at;
    return at + schema_element_size(f);
}

/* Returns how many fields there are, with those of the structs in them. */
static size_t
count_fields(const struct making *m, const struct schema_field *f)
{
    size_t n = 0;

    for (; f->name; f++) {
        n += 1 + (f->nested ? m->sizes[f->nested - m->structs] : 0);
    }
    return n;
}

/* Makes 's' of fields; 'at' is where the first may be, and 'f' where that of
 * the table is to be described. */
static bool
make_struct(const struct making *m, const struct vmn_type_field *from,
            size_t n, struct schema_struct *s, struct schema_field *f,
            size_t at)
{
    bool ok = true;

    for (size_t i = 0; i < n; i++) {
        ok &= make_field(m, from, i, &f[i]);
    }
    if (ok && count_fields(m, f) > ALL_FIELDS_MAX) {
        vmn_errors_add(m->errors, VMN_ERR_TOO_LARGE, m->pointer, "can have %d "
                       "fields, with those of its structs as often as these "
                       "are there", ALL_FIELDS_MAX);
        ok = false;
    }
    for (size_t i = 0; ok && i < n; i++) {
        at = put_field(&f[i], at);
    }
    if (ok) {
        s->size = ROUND_UP(at, struct_alignment(s));
    }
    return ok;
}

static bool
make_structs(struct making *m)
{
    bool ok = true;

    m->structs = arena_alloc(m->arena, (m->row->n_structs + 1)
                                       * sizeof *m->structs);
    for (size_t i = 0; i < m->row->n_structs && ok; i++) {
        const struct vmn_type_struct *from = &m->row->structs[i];
        struct schema_struct *s = &m->structs[i];
        struct schema_field *fields = arena_alloc(
            m->arena, (from->n_fields + 1) * sizeof *fields);
        char *where = xasprintf("/structs/%"PRIuSIZE, i);

        s->name = arena_strdup(m->arena, from->name);
        s->fields = fields;
        m->where = where;
        if (find_struct(m, from->name)) {
            char *pointer = xasprintf("%s%s/name", m->pointer, where);

            vmn_errors_add(m->errors, VMN_ERR_INVALID, pointer,
                           "is that of another struct");
            free(pointer);
            ok = false;
        }
        ok = ok && make_struct(m, from->fields, from->n_fields, s, fields, 0);
        m->sizes[i] = ok ? count_fields(m, fields) : 0; /* At most that. */
        m->where = "";
        free(where);
        m->n_structs++;
    }
    return ok;
}

/* Tables.  ---------------------------------------------------------------- */

static const struct schema_field common[] = {
    COMMON(vmn_object),
};

static bool
make_row(struct making *m, struct schema_struct *s)
{
    const size_t n = ARRAY_SIZE(common);
    struct schema_field *fields = arena_alloc(
        m->arena, (n + m->row->n_fields + 1) * sizeof *fields);

    memcpy(fields, common, sizeof common);
    s->name = arena_strdup(m->arena, m->row->singular);
    s->fields = fields;
    return make_struct(m, m->row->fields, m->row->n_fields, s, fields + n,
                       sizeof(struct vmn_object));
}

/* "OwnChain" of "chain", "OwnChainsSettings" of "chains-settings": none that
 * VMN has. */
static char *
make_kind(struct arena *arena, const char *singular)
{
    char *text = arena_printf(arena, "Own%s", singular);
    char *to = text + strlen("Own");
    bool begins = true;

    for (const char *p = singular; *p; p++) {
        if (*p == '-') {
            begins = true;
            continue;
        }
        *to++ = begins && *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p;
        begins = false;
    }
    *to = '\0';
    return text;
}

static int
check_single_name(const char *name, struct vmn_error *error)
{
    return (!strcmp(name, "default") ? 0
            : vmn_error_invalid(error, "must be \"default\": there is one "
                                "object of this type"));
}

static bool
make_table(struct making *m, struct schema_table *table)
{
    const struct vmn_type_row *row = m->row;

    if (!make_structs(m) || !make_row(m, &table->row)) {
        return false;
    }
    schema_own_make_status(row, table, m->arena);
    table->singular = arena_strdup(m->arena, row->singular);
    table->kind = make_kind(m->arena, row->singular);
    table->stored = true;
    table->max_rows = (row->single ? 1 : row->max_objects ? row->max_objects
                       : OBJECTS_MAX);
    table->named_as = VMN_N_TABLES;
    table->passes_on = true;    /* What it names acts on what that names. */
    table->unscoped = row->single; /* The app's settings are for everybody. */
    table->check_name = row->single ? check_single_name : value_check_name;
    table->columns = schema_own_make_columns(
        table, table->row.fields + ARRAY_SIZE(common), m->arena);
    table->doc = arena_strdup(m->arena, row->doc);
    return true;
}

/* Gives a table that is made its place. */
static bool
place_table(const struct making *m, struct schema_table *table)
{
    enum vmn_table place = schema_own_place(m->row->row.name);

    if (place == VMN_N_TABLES) {
        vmn_errors_add(m->errors, VMN_ERR_TOO_LARGE, m->pointer,
                       "there can be at most %d types of apps, those that "
                       "were there since vmnd started included",
                       VMN_OWN_TYPES_MAX);
        return false;
    }
    table->id = place;
    table->lasting = table;
    table->plural = place_names[place - VMN_TABLE_OWN_FIRST];
    /* So apps read it; which one says the app that does. */
    table->row_type = VMN_ROW_OWN(place - VMN_TABLE_OWN_FIRST);
    return true;
}

/* Returns what tells a declaration from others of the type, which the caller
 * frees. */
static char *
declaration_text(const struct vmn_type_row *row)
{
    json_t *spec = schema_row_spec(&row->row);
    char *json, *text;

    json_object_del(spec, "description");
    json_object_del(spec, "labels");
    json = json_dumps(spec, JSON_COMPACT | JSON_SORT_KEYS);
    text = xasprintf("%s %s", row->row.name, json);
    free(json);
    json_decref(spec);
    return text;
}

static const struct schema_table *
find_shape(const char *text)
{
    const struct shape *shape;

    HMAP_FOR_EACH_WITH_HASH (shape, node, hash_string(text, 0), &shapes) {
        if (!strcmp(shape->text, text)) {
            return &shape->table;
        }
    }
    return NULL;
}

const struct schema_table *
schema_own_table(const struct vmn_type_row *row, const char *pointer,
                 struct vmn_errors *errors)
{
    char *text = declaration_text(row);
    const struct schema_table *found = find_shape(text);
    struct arena arena;
    struct making m = { .row = row, .errors = errors, .pointer = pointer,
                        .where = "", .arena = &arena, .to_stay = true };
    struct shape *shape;

    if (found) {
        free(text);
        return found;
    }
    arena_init(&arena);
    shape = arena_alloc(&arena, sizeof *shape);
    if (!make_table(&m, &shape->table) || !place_table(&m, &shape->table)) {
        arena_uninit(&arena);
        free(text);
        return NULL;
    }
    shape->text = text;
    hmap_insert(&shapes, &shape->node, hash_string(text, 0));
    return &shape->table;       /* The arena stays. */
}

const struct schema_table *
schema_own_parse(const char *name, const json_t *spec,
                 struct vmn_errors *errors)
{
    const struct schema_table *table = NULL;
    const struct vmn_row *row;
    struct arena arena;

    arena_init(&arena);
    row = schema_row_parse(schema_tables[VMN_TABLE_TYPE], name, spec, "",
                           &arena, errors);
    if (row) {
        table = schema_own_table((const void *) row, "", errors);
    }
    arena_uninit(&arena);
    return table;
}

bool
schema_own_check(const struct vmn_type_row *row, const char *pointer,
                 struct vmn_errors *errors)
{
    struct arena arena;
    struct making m = { .row = row, .errors = errors, .pointer = pointer,
                        .where = "", .arena = &arena };
    struct schema_table table = { .id = 0 };
    bool ok;

    arena_init(&arena);
    ok = make_table(&m, &table);
    arena_uninit(&arena);
    return ok;
}

void
schema_own_show(const struct schema_table *table)
{
    schema_own_places[table->id - VMN_TABLE_OWN_FIRST] = *table;
}

void
schema_own_hide(enum vmn_table place)
{
    static const struct schema_table nothing = NOTHING(0);
    struct schema_table *table = &schema_own_places[place
                                                    - VMN_TABLE_OWN_FIRST];

    *table = nothing;
    table->id = place;
}

const struct vmn_row *
schema_own_row_as(const struct vmn_row *row, const struct vmn_row *like,
                  struct arena *arena)
{
    const struct schema_struct *shape = schema_struct_of(like);
    struct vmn_errors errors;
    const struct vmn_row *as;
    json_t *spec, *value;
    const char *name;
    void *next;

    if (schema_struct_of(row) == shape) {
        return row;
    }
    spec = schema_row_spec(row);
    json_object_foreach_safe (spec, next, name, value) {
        if (!schema_find_field(shape, name)) {
            json_object_del(spec, name);
        }
    }
    vmn_errors_init(&errors);   /* What does not fit is left out. */
    as = schema_row_parse_lenient(CONTAINER_OF(shape, struct schema_table,
                                               row), row->name, spec, arena,
                                  &errors);
    vmn_errors_uninit(&errors);
    json_decref(spec);
    return as;
}
