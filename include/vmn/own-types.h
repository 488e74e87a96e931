/* SPDX-License-Identifier: Apache-2.0
 *
 * Resource types that an app declares: what it has operators say beyond VMN's
 * own types, its settings included.  Objects of these types are stored, shown,
 * planned and logged as those of any type, at /v1/NAME and by vmnctl, and the
 * app reads them as rows.  docs/own-types.md has the whole story. */

#ifndef VMN_OWN_TYPES_H
#define VMN_OWN_TYPES_H 1

#include "vmn/types.h"
#include "vmn/rows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The most types that an app may declare, and that all apps may together; of
 * one type, the most fields of a struct, and structs. */
#define VMN_APP_TYPES_MAX 8
#define VMN_OWN_TYPES_MAX 32
#define VMN_OWN_FIELDS_MAX 64
#define VMN_OWN_STRUCTS_MAX 16
#define VMN_OWN_STATUS_MAX 16

/* The type of rows of the app's own type 'I', its place in 'types' of struct
 * vmn_app_class: for vmn_read(), and for 'row_type' of a unit.  Only the app
 * itself reads them. */
#define VMN_ROW_OWN_FIRST 64
#define VMN_ROW_OWN(I) ((enum vmn_row_type)(VMN_ROW_OWN_FIRST + (I)))

/* What each row of an own type begins with.  The members that the type's
 * fields are for follow, in the order of the fields and with nothing between
 * them: the app is not loaded if they are elsewhere. */
struct vmn_object {
    struct vmn_row row;
    const void *shape;          /* The controller's own. */
    const char *description;    /* For people; not for apps. */
    struct vmn_labels labels;   /* By vmn_labels_of() alone. */
};

/* Types of a field, or of each element if it is a list.  In the row it is the
 * C type in the comment. */
enum vmn_field_type {
    VMN_FIELD_BOOL = 0,         /* bool */
    VMN_FIELD_INT = 1,          /* int */
    VMN_FIELD_TEXT = 2,         /* const char *; NULL: absent. */
    VMN_FIELD_ENUM = 3,         /* int: the place in 'values'. */
    VMN_FIELD_REF = 4,          /* const char *: the name of an object. */
    VMN_FIELD_MAC = 5,          /* struct vmn_mac */
    VMN_FIELD_IP = 6,           /* struct vmn_ip */
    VMN_FIELD_PREFIX = 7,       /* struct vmn_prefix */
    VMN_FIELD_PORT_RANGE = 8,   /* struct vmn_port_range */
    VMN_FIELD_SELECTOR = 9,     /* struct vmn_selector; not in a struct. */
    VMN_FIELD_STRUCT = 10,      /* As 'nested' describes. */
};

/* Flags of a field, of which vmnd refuses those that it does not know, since
 * they may be rights: it must be there; */
#define VMN_FIELD_REQUIRED (1u << 0)
/* it is an array in JSON, in the row "size_t n_X; const T *X;"; */
#define VMN_FIELD_LIST (1u << 1)
/* a list whose order does not matter: kept sorted, each element once; */
#define VMN_FIELD_SET (1u << 2)
/* the first of a struct whose lists are sets: elements differ in it; */
#define VMN_FIELD_KEY (1u << 3)
/* of VMN_FIELD_REF and VMN_FIELD_SELECTOR: the object has no effect on what is
 * named.  Without it, a scoped account may name what is in its scope alone. */
#define VMN_FIELD_MENTIONS (1u << 4)
/* of VMN_FIELD_TEXT, of an object itself, neither required nor a list: it is
 * shown to who may change the object alone, and not in differences, in events
 * or in the log of changes.  An object that had one cannot be brought back by
 * undoing its deletion. */
#define VMN_FIELD_SECRET (1u << 5)
/* of VMN_FIELD_TEXT: it may have several lines, and tabs. */
#define VMN_FIELD_LINES (1u << 6)
/* of a field of an object itself: accounts with a scope may not set it, nor
 * change it; what others have set may stay. */
#define VMN_FIELD_ADMINISTRATORS (1u << 7)
/* of VMN_FIELD_SELECTOR: without it the object is for all that there is.  So
 * an account with a scope has to set it, and leaves an object alone that lacks
 * it. */
#define VMN_FIELD_OR_ALL (1u << 8)

struct vmn_struct_class;

/* A field.  With VMN_FIELD() and VMN_LIST_FIELD() its first members are those
 * of a member of the C struct with the same name. */
struct vmn_field_class {
    const char *name;           /* [a-z][a-z0-9_]*, at most 31 characters. */
    size_t offset;              /* Bytes, in the struct. */
    size_t n_offset;            /* Of a list: of the size_t count. */
    enum vmn_field_type type;
    uint32_t flags;             /* VMN_FIELD_*. */
    int min, max;               /* Of INT, what it may be; of TEXT, how long it
                                 * may be, in bytes of UTF-8.  Both 0: any, 0
                                 * to 1,024.  One that was stored under a
                                 * smaller 'min' may be shorter.  An empty TEXT
                                 * counts as absent, or, with a 'min' and in
                                 * lists, is refused.  Of a list of REF, 'min'
                                 * 1: if it is there it names something, and
                                 * the object goes with the last that it
                                 * names. */
    int def;                    /* Default of BOOL, INT, ENUM. */
    unsigned max_items;         /* Of a list; 0: 1,000. */
    const char *def_text;       /* Default of TEXT and REF; NULL: none. */
    const char *const *values;  /* ENUM: their names; NULL ends. */
    const char *ref;            /* REF: a type of VMN's own ("ports"), or one
                                 * of the app's: declared before, or that
                                 * itself. */
    const struct vmn_struct_class *nested; /* STRUCT. */
    const char *doc;            /* A sentence for users. */
    const char *relation;       /* Of a type's 'status' alone. */
};

/* The first members of a field's description, by the member of a C struct. */
#define VMN_FIELD(STRUCT, MEMBER)                                       \
    .name = #MEMBER, .offset = offsetof(struct STRUCT, MEMBER)
/* The same of a list, and of a set. */
#define VMN_LIST_FIELD(STRUCT, MEMBER)                                  \
    .name = #MEMBER, .offset = offsetof(struct STRUCT, MEMBER),         \
    .n_offset = offsetof(struct STRUCT, n_##MEMBER)

/* A struct: that of a type's rows, or of a field. */
struct vmn_struct_class {
    const char *name;           /* [a-z][a-z0-9_]*: "hop". */
    size_t size;                /* sizeof(struct hop). */
    const struct vmn_field_class *fields; /* One whose name is NULL ends. */
};

/* Where a check says what is wrong with an object; see vmn_check_fail(). */
struct vmn_check;

/* Says that the object is wrong: at 'pointer' of it ("/hops/0/ports", "": as a
 * whole), why, as printf(3) makes it.  Who writes the object gets that as the
 * answer.  At most 16 a check; further ones are not shown. */
void vmn_check_fail(struct vmn_check *, const char *pointer,
                    const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Flag of a type: there is one object of it, with name "default": the app's
 * settings, say. */
#define VMN_TYPE_SINGLE (1u << 0)

/* A type. */
struct vmn_type_class {
    /* In the plural, as /v1/NAME has it: the app's name, or that and more
     * after a hyphen: "chains", "chains-settings"; at most 31 characters. */
    const char *name;
    const char *singular;       /* In sentences: "chain". */
    const char *doc;            /* A sentence for users. */
    const struct vmn_struct_class *row; /* Its rows. */
    /* Looks at an object that somebody writes, beyond what the fields say.
     * Pure: it has nothing but the object.  NULL: all is right. */
    void (*check)(const void *row, struct vmn_check *);
    uint32_t flags;             /* VMN_TYPE_*. */
    uint32_t max_objects;       /* 0: 10,000; at most 100,000. */
    /* What the status of an object has of what the app finds out, at most 16
     * fields, of which name, type (BOOL, INT or TEXT), doc, VMN_FIELD_LIST (or
     * _SET, which is the same here; with another flag the app is not loaded)
     * and 'relation' count: shown are the values that the app publishes in
     * that relation of its own at the object's name; without VMN_FIELD_LIST
     * the first, of BOOL "true" or "false".  One whose name is NULL ends.
     * NULL: nothing.
     *
     * What vmn_flow_count_part() tells apart of an object's flows has a name
     * there where the app publishes "PART|NAME" at "TYPE/OBJECT" of relation
     * "APP.part-names". */
    const struct vmn_field_class *status;
};

/* Objects whose time is over: vmnd deletes within ten seconds those of the
 * app's own types whose names the app publishes at the type's name in relation
 * "APP.ended", unless other objects name them.  The log of changes has it as
 * by "vmnd". */
#define VMN_REL_ENDED(APP) APP ".ended"

#ifdef __cplusplus
}
#endif

#endif /* vmn/own-types.h */
