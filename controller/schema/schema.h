/* SPDX-License-Identifier: Apache-2.0
 *
 * The description of every resource: its fields, their types, offsets in the
 * structs of vmn/rows.h, limits, defaults and documentation.  JSON
 * (schema-row.h), SQL columns (store/), the API's description, docs/api.md,
 * `vmnctl explain` and its columns are all generated from these tables; adding
 * a field is adding a row. docs/design/model.md lists the files that a new
 * resource touches.  Not for checks that involve other objects (model/). */

#ifndef CONTROLLER_SCHEMA_SCHEMA_H
#define CONTROLLER_SCHEMA_SCHEMA_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/error.h"
#include "controller/schema/tables.h"

/* The type of a field, or of each element if it is a list.  In the row it is
 * kept as the C type in the comment. */
enum schema_type {
    SCHEMA_BOOL,                /* bool */
    SCHEMA_INT,                 /* int */
    SCHEMA_U16,                 /* uint16_t */
    SCHEMA_U32,                 /* uint32_t */
    SCHEMA_ENUM,                /* An enum; a text in JSON. */
    SCHEMA_STRING,              /* const char * */
    SCHEMA_REF,                 /* const char *: name of a row of 'ref'. */
    SCHEMA_MAC,                 /* struct vmn_mac */
    SCHEMA_IP,                  /* struct vmn_ip */
    SCHEMA_PREFIX,              /* struct vmn_prefix */
    SCHEMA_RANGE,               /* struct vmn_port_range */
    SCHEMA_LABELS,              /* struct vmn_labels */
    SCHEMA_SELECTOR,            /* struct vmn_selector; a text in JSON. */
    SCHEMA_STRUCT,              /* As described by 'nested'. */
    SCHEMA_ENUM_SET,            /* bool[], one for each value of an enum; an
                                 * array of texts in JSON. */
    SCHEMA_U64,                 /* uint64_t */
    /* Only in structs that are shown: */
    SCHEMA_I64,                 /* int64_t */
    SCHEMA_SIZE,                /* size_t */
    SCHEMA_DOUBLE,              /* double: a number that need be no integer. */
};

/* Required (if 'unless' is set: unless that other field is present). */
#define SCHEMA_REQUIRED (1u << 0)
/* An array in JSON; in the row a pointer at 'offset', a count at
 * 'n_offset'. */
#define SCHEMA_LIST (1u << 1)
/* A list whose order does not matter: kept sorted, each element once, port
 * ranges merged. */
#define SCHEMA_SET (SCHEMA_LIST | 1u << 2)
/* Assigned by the controller when absent.  'offset' is that of the requested
 * value, 'assigned_offset' that of the value in effect, which is shown in
 * "status". */
#define SCHEMA_ASSIGNED (1u << 3)
/* The default is the object's own name. */
#define SCHEMA_NAME_DEFAULT (1u << 4)
/* A prefix of one address is shown as a bare address.  Any prefix may be
 * written as one. */
#define SCHEMA_BARE_ADDRESS (1u << 5)
/* Elements of the list that holds this struct must differ in this field,
 * which is the first. */
#define SCHEMA_KEY (1u << 6)
/* Not shown, and NULL in SQL, when it has its default value. */
#define SCHEMA_HIDE_DEFAULT (1u << 7)
/* Of a row: has no effect. */
#define SCHEMA_REMARK (1u << 8)
/* An address of IPv4. */
#define SCHEMA_IPV4 (1u << 9)
/* A reference that need not exist; but if it does, the object is deleted with
 * the referenced one. */
#define SCHEMA_BELONGS (1u << 10)
/* Of what is only shown (struct schema_table's 'status', replies of calls):
 * SCHEMA_REQUIRED is then what is always there.  schema-struct.h says how it
 * is kept in a struct. */
/* Of what is shown: null where there is no value, instead of no member. */
#define SCHEMA_NULLABLE (1u << 11)
/* An object, whose members have any names and values of this type; with
 * SCHEMA_LIST, lists of texts.  In the struct an array of schema_entry (or
 * schema_texts), or of structs that begin with the name, as of a list. */
#define SCHEMA_MAP (1u << 12)
/* A text that is a time, as RFC 3339 writes it.  In the struct an int64_t,
 * milliseconds since 1970; 0: none. */
#define SCHEMA_TIME (1u << 13)
/* Any JSON.  In the struct a const char *, its text, as SCHEMA_STRING.  In a
 * row it is an object, whose members are sorted. */
#define SCHEMA_ANY (1u << 14)
/* The struct has a pointer to it; NULL: it is absent. */
#define SCHEMA_POINTER (1u << 15)
/* Of SCHEMA_DOUBLE: shown with as many digits as tell it from any other, which
 * people rarely want. */
#define SCHEMA_EXACT (1u << 16)
/* Of SCHEMA_STRUCT in what is only shown: an array of its fields' values,
 * without their names. */
#define SCHEMA_TUPLE (1u << 17)
/* Of a row: never shown in a difference or in the log of changes. */
#define SCHEMA_SECRET (1u << 18)
/* Of what is only shown: was printed before, as described here.  In the struct
 * a const char *, its JSON text; NULL: it is absent. */
#define SCHEMA_PRINTED (1u << 19)
/* Of SCHEMA_STRING: it may have several lines, and tabs. */
#define SCHEMA_LINES (1u << 20)
/* Of SCHEMA_SELECTOR that acts: where it is absent, it selects all. */
#define SCHEMA_OR_ALL (1u << 21)
/* Of SCHEMA_IP: none that a server of VMN's has (value_ip_is_served()). */
#define SCHEMA_UNSERVED (1u << 22)

struct schema_struct;

/* The effect of an object on the one that a reference in it names, or on those
 * that a selector in it selects.  A scoped account's objects act on objects
 * within its scope only, and mention only those that it sees (model/rights.c).
 * Each reference and each selector of a desired resource sets this; the
 * default is the former. */
enum schema_reach {
    SCHEMA_UNDECIDED,
    SCHEMA_ACTS,                /* Affects its behaviour. */
    SCHEMA_PLACES,              /* The same, but only when it is set: a value
                                 * set by others may stay. */
    SCHEMA_MENTIONS,            /* Has no effect on it. */
};

/* Which scoped accounts may set a field; its previous value, and leaving it
 * out, are always allowed. */
enum schema_writers {
    SCHEMA_ANYONE,
    SCHEMA_NETWORK_OWNERS,      /* Of ports: those with the network in their
                                 * scope. */
    SCHEMA_ADMINISTRATORS,      /* None. */
};

struct schema_field {
    const char *name;           /* In JSON and SQL.  NULL ends an array. */
    enum schema_type type;
    unsigned flags;             /* SCHEMA_*. */
    size_t offset;              /* Bytes, in the struct. */
    size_t n_offset;            /* Lists: of the size_t count. */
    size_t assigned_offset;     /* SCHEMA_ASSIGNED. */
    size_t assigned_n_offset;   /* Lists with SCHEMA_ASSIGNED. */
    int64_t min, max;           /* Integer, string's length. */
    size_t min_items, max_items; /* Lists; the former if it is there. */
    const char *absent;         /* Lists with 'min_items' that may be absent:
                                 * what that means ("everyone"). */
    int64_t def;                /* Default of BOOL, integers, ENUM. */
    const char *def_text;       /* Default of STRING, REF. */
    const char *const *names;   /* ENUM, ENUM_SET: by value; NULL ends. */
    unsigned allowed;           /* ENUM: bits of values; 0: all. */
    enum vmn_table ref;         /* REF. */
    enum schema_reach reach;    /* REF, SELECTOR. */
    enum schema_writers writers;
    const struct schema_struct *nested; /* STRUCT. */
    const char *unless;         /* Excludes this other field. */
    const char *third;          /* With SCHEMA_REQUIRED and 'unless', of both
                                 * fields: this one does as well, and excludes
                                 * the two. */
    /* STRING: returns EINVAL, with the error set, if the value is invalid. */
    int (*check)(const char *, struct vmn_error *);
    const char *pattern;        /* Of structs that are only shown: an
                                 * equivalent regular expression (ECMA 262).
                                 * Of REF: of what 'expand' of its struct
                                 * replaces.  Or NULL. */
    const char *doc;            /* A sentence for users. */
};

struct schema_struct {
    const char *name;           /* "subnet". */
    size_t size;                /* Of the C struct, in bytes. */
    const struct schema_field *fields;
    /* Fields of other versions: rejected with a sentence of their own.  NULL
     * ends; may be NULL. */
    const char *const *later;
    /* Called before the fields are parsed.  Returns an object, which the
     * caller owns, to parse in place of 'json', in which one text stands for
     * several fields; or NULL: none does.  May be NULL. */
    json_t *(*expand)(const json_t *json);
    /* Called after the fields were parsed without errors: sets defaults that
     * depend on other fields, reports contradictions.  'json' is the object,
     * 'pointer' its pointer.  May be NULL. */
    void (*finish)(void *, const json_t *json, const char *pointer,
                   struct vmn_errors *);
    /* The order of elements of a set; of those that are equal to it, fields
     * decide.  NULL: these alone. */
    int (*compare)(const void *a, const void *b);
};

/* A column of a table for people.  'path' is a JSON pointer into the object as
 * the API shows it; the value may be absent, or a list. */
struct schema_column {
    const char *heading;        /* NULL ends an array. */
    const char *path;
    bool wide;                  /* Only on demand. */
};

/* An object that shows what its type is for, with its spec as JSON. */
struct schema_example {
    const char *name;           /* NULL ends an array. */
    const char *spec;
};

struct schema_table {
    enum vmn_table id;
    enum vmn_row_type row_type; /* For apps; 0: no app may read it. */
    const char *plural;         /* "ports": in URLs and in SQL. */
    const char *singular;       /* "port": in sentences. */
    const char *kind;           /* "Port": in descriptions of the API. */
    bool observed;              /* Reported by hosts, not by users. */
    bool stored;                /* False: volatile, */
    bool replicated;            /* except with the members of a cluster, which
                                 * store it. */
    const struct schema_example *builtin; /* Rows that always exist, with
                                           * revision 0, and are not stored; or
                                           * NULL. */
    bool of_daemon;             /* Rows are created by the daemon's
                                 * configuration; users change only their
                                 * "enabled". */
    bool for_admins;            /* Operators must not change it. */
    bool authenticates;         /* It defines who may use the API: only admins
                                 * see it, and each call checks it. */
    bool unscoped;              /* It concerns the whole installation: scoped
                                 * accounts must not change it. */
    bool everyone_sees;         /* Scoped accounts see it regardless of its
                                 * labels. */
    bool unlogged;              /* The log of changes names its rows, and does
                                 * not keep what they say. */
    bool passes_on;             /* Objects that act on a row also act on what
                                 * it acts on, such as a group's members. */
    bool contains;              /* Referenced rows are part of it: objects that
                                 * use a group use its nested groups. */
    size_t max_rows;
    enum vmn_table named_as;    /* VMN_N_TABLES, or names must be those of rows
                                 * of this table. */
    /* As schema_field's 'check'. */
    int (*check_name)(const char *, struct vmn_error *);
    struct schema_struct row;
    const struct schema_column *columns;
    /* Describes its status, except fields with SCHEMA_ASSIGNED, which are
     * included as well.  NULL: none. */
    const struct schema_struct *status;
    /* Example objects; or NULL.  Those of all types together are a consistent
     * configuration that vmnd accepts: tests/system/test_openapi.py applies
     * them. */
    const struct schema_example *examples;
    const char *doc;            /* A sentence for users. */
    /* Of a type that an app declares: the same, where it stays. */
    const struct schema_table *lasting;
    /* Of such a type: the relation of each of the last members of 'status',
     * which are kept as texts (SCHEMA_PRINTED) one after another. */
    size_t n_relations;
    const char *const *relations;
};

/* By enum vmn_table.  Each is in the file of its resource (schema-port.c);
 * those of types that apps declare are made as these come (schema-own.h), and
 * are not there until then. */
extern const struct schema_table *const schema_tables[VMN_N_TABLES];

/* Returns true if there is such a table: it is no place for a type of an app
 * that nobody has. */
static inline bool
schema_is_there(const struct schema_table *table)
{
    return table->plural[0] != '\0';
}

/* Returns the description of a row's struct: that of its table, or of a type
 * that an app declares the one that it was parsed by. */
const struct schema_struct *schema_struct_of(const struct vmn_row *);

/* Returns the table of rows that all apps read as 'type', or VMN_N_TABLES. */
enum vmn_table schema_table_of(enum vmn_row_type type);

/* Returns the type of a field as text: "set of name of a network".  The caller
 * frees it. */
char *schema_type_text(const struct schema_field *);

/* Returns the default of a field, or that it is required: "required, or
 * `cidr`", "500", "allocated"; empty: none.  Then its bounds, "(0 to 999)".
 * The caller frees it. */
char *schema_default_text(const struct schema_field *);

/* Returns true if the field has a default: 'def' or 'def_text'. */
bool schema_field_has_default(const struct schema_field *);

/* By enum vmn_action, enum vmn_hook and enum vmn_miss; NULL ends. */
extern const char *const schema_action_names[];
extern const char *const schema_hook_names[];
extern const char *const schema_miss_names[];

/* Shown instead of a URL that is secret; it is not a URL. */
#define SCHEMA_REDACTED "redacted"

/* Returns true if the database has a table for these rows.  Those of types
 * that apps declare have one together. */
static inline bool
schema_has_columns(const struct schema_table *table)
{
    return (table->stored || table->replicated)
           && table->id < VMN_TABLE_OWN_FIRST;
}

/* Returns the table "ports" (or "port"), or NULL. */
const struct schema_table *schema_find_table(const char *name);

/* Returns the field 'name' of a struct, or NULL. */
const struct schema_field *schema_find_field(const struct schema_struct *,
                                             const char *name);

/* Returns the candidate that 'name' is probably a misspelling of, or NULL. */
const char *schema_suggest(const char *name,
                           const char *(*candidate)(const void *aux,
                                                    size_t i),
                           const void *aux);
/* The same, of at most 'max_distance' edits. */
const char *schema_suggest_within(const char *name, unsigned max_distance,
                                  const char *(*candidate)(const void *aux,
                                                           size_t i),
                                  const void *aux);

/* Returns the size in bytes of one element of a field in a row. */
size_t schema_element_size(const struct schema_field *);

#endif /* controller/schema/schema.h */
