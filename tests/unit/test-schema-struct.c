/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/schema: structs that are shown by their description. */

#include <config.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "controller/schema/schema-shown.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/schema-fixture.h"
#include "util.h"

/* What is only shown.  ---------------------------------------------------- */

struct shown_inner {
    const char *name;
    int64_t n;
};

struct shown {
    const char *text;
    const char *state;
    int64_t time, never;
    double value, nothing;
    uint64_t count;
    bool yes;
    size_t n_hidden;
    struct shown_inner inner;
    struct shown_inner *pointer;
    size_t n_list;
    struct shown_inner *list;
    size_t n_map;
    struct schema_entry *map;
};

static const struct schema_struct shown_inner = SHOWN_KEPT(
    "inner", shown_inner,
    SHOWN_OF(shown_inner, n, I64, HIDE, "A number.", .def = -1));

static const struct schema_struct shown = SHOWN_KEPT(
    "Shown", shown,
    SHOWN_OF(shown, text, STRING, 0, "A text."),
    SHOWN_OF(shown, state, ENUM, 0, "A word.", SHOWN_NAMES("up", "down")),
    SHOWN_OF(shown, time, STRING, TIME, "A time."),
    SHOWN_OF(shown, never, STRING, ALWAYS | TIME | OR_NULL, "A time."),
    SHOWN_OF(shown, value, DOUBLE, ALWAYS, "A number."),
    SHOWN_OF(shown, nothing, DOUBLE, ALWAYS | OR_NULL, "A number."),
    SHOWN_OF(shown, count, U64, ALWAYS, "A number."),
    SHOWN_OF(shown, yes, BOOL, ALWAYS, "Whether."),
    SHOWN_OF(shown, n_hidden, SIZE, HIDE, "A number."),
    SHOWN_STRUCT_OF(shown, inner, ALWAYS, "A struct.", &shown_inner),
    SHOWN_STRUCT_OF(shown, pointer, POINTER, "A struct.", &shown_inner),
    SHOWN_LIST_OF(shown, list, n_list, STRUCT, 0, "A list.",
                  .nested = &shown_inner),
    SHOWN_MAP_OF(shown, map, n_map, U64, ALWAYS, "An object."));

static void
assert_shown(const struct shown *what, const char *want)
{
    json_t *json = schema_struct_to_json(&shown, what);
    char *text = dump_row(json);

    assert_string_equal(text, want);
    free(text);
    json_decref(json);
}

/* What not every struct needs. */
struct rare {
    const char *owner;
    const bool *known;
    double share;
    size_t n_changes;
    struct schema_texts *changes;
    size_t n_names;
    const char **names;
    const char *inner;          /* JSON. */
};

static const struct schema_struct rare = SHOWN_KEPT(
    "Rare", rare,
    SHOWN_OF(rare, owner, STRING, OR_NULL, "A text."),
    SHOWN("known", BOOL, POINTER, "Whether.",
          SHOWN_AT(rare, known, sizeof(const bool *))),
    SHOWN_OF(rare, share, DOUBLE, EXACT, "A number."),
    SHOWN_MAP_OF(rare, changes, n_changes, STRING, LIST, "Lists of texts."),
    SHOWN_LIST_OF(rare, names, n_names, STRING, 0, "Texts."),
    SHOWN_OF(rare, inner, STRUCT, LIST | PRINTED, "Structs.",
             .nested = &shown_inner));

static void
count_pause(void *n_)
{
    ++*(int *) n_;
}

static void
assert_rare(const struct rare *what, int n_pauses, const char *want)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    int n = 0;

    schema_struct_print_pausing(&rare, what, &ds, count_pause, &n);
    assert_string_equal(ds_cstr(&ds), want);
    assert_int_equal(n, n_pauses);
    ds_clear(&ds);
    schema_struct_print(&rare, what, &ds);
    assert_string_equal(ds_cstr(&ds), want);
    ds_destroy(&ds);
}

static void
absent_null_exact_and_mapped_members_are_shown(void **state OVS_UNUSED)
{
    static const char *texts[] = { "1", "a\"b" };
    static const bool no = false;
    struct schema_texts changes[] = { { "x", 2, texts }, { "y", 0, NULL } };

    assert_rare(&(struct rare) { .share = NAN }, 0, "{\"owner\":null}");
    assert_rare(&(struct rare) { .owner = schema_absent, .share = INFINITY },
                0, "{}");
    assert_rare(&(struct rare) { "o", &no, 1.0 / 3, 2, changes, 2, texts,
                                 "[{\"n\":1},{}]" }, 2,
                "{\"owner\":\"o\",\"known\":false,"
                "\"share\":0.33333333333333331,"
                "\"changes\":{\"x\":[\"1\",\"a\\\"b\"],\"y\":[]},"
                "\"names\":[\"1\",\"a\\\"b\"],"
                "\"inner\":[{\"n\":1},{}]}");
    assert_rare(&(struct rare) { .owner = "", .share = 1 }, 0,
                "{\"owner\":\"\",\"share\":1.0}");
}

/* True if the members of 's' lead to 'path': "lag/revisions"; of a list, an
 * asterisk stands for an element. */
static bool
has_path(const struct schema_struct *s, const char *path)
{
    size_t len = strcspn(path, "/");
    char *name = xmemdup0(path, len);
    const struct schema_field *f = s ? schema_find_field(s, name) : NULL;
    const char *rest = path + len;

    free(name);
    if (!strncmp(rest, "/*", 2)) {
        rest += 2;
    }
    return f && (!*rest || (f->nested && has_path(f->nested, rest + 1)));
}

/* Columns of vmnctl show what the tables describe. */
static void
columns_are_of_described_members(void **state OVS_UNUSED)
{
    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_column *c = schema_tables[i]->columns;

        for (; c && c->heading; c++) {
            const char *status = "/status/";

            if (!strncmp(c->path, status, strlen(status))
                && !has_path(schema_tables[i]->status,
                             c->path + strlen(status))
                && !has_path(&schema_tables[i]->row,
                             c->path + strlen(status))) {
                fail_msg("%s: %s", schema_tables[i]->plural, c->path);
            }
        }
    }
}

static void
what_is_absent_is_left_out_or_null(void **state OVS_UNUSED)
{
    struct shown s = { .nothing = NAN, .inner.n = -1 };

    assert_shown(&s, "{'never':null,'value':0.0,'nothing':null,'count':0,"
                 "'yes':false,'inner':{},'map':{}}");
}

static void
structs_are_shown_by_their_description(void **state OVS_UNUSED)
{
    struct shown_inner list[] = { { "a", 0 }, { "b", -7 } };
    struct schema_entry map[] = { { "x", 1 }, { "y", 2 } };
    struct shown s = {
        .text = "a \x01 caf\xe9", .state = "down",
        .time = 1763632801234, .value = 0.1, .nothing = 3,
        .count = INT64_MAX, .yes = true, .n_hidden = 5, .inner.n = 6,
        .pointer = list, .n_list = 2, .list = list, .n_map = 2, .map = map,
    };

    assert_shown(&s, "{'text':'a \\u0001 caf?','state':'down',"
                 "'time':'2025-11-20T10:00:01.234Z','never':null,"
                 "'value':0.10000000000000001,'nothing':3.0,"
                 "'count':9223372036854775807,'yes':true,'n_hidden':5,"
                 "'inner':{'n':6},'pointer':{'n':0},"
                 "'list':[{'n':0},{'n':-7}],'map':{'x':1,'y':2}}");
    s = (struct shown) { .list = list, .value = 1e20, .nothing = NAN };
    assert_shown(&s, "{'never':null,'value':1e20,'nothing':null,'count':0,"
                 "'yes':false,'inner':{'n':0},'list':[],'map':{}}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_of_described_members),
        cmocka_unit_test(what_is_absent_is_left_out_or_null),
        cmocka_unit_test(structs_are_shown_by_their_description),
        cmocka_unit_test(absent_null_exact_and_mapped_members_are_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
