/* SPDX-License-Identifier: Apache-2.0
 *
 * Drafts in the model: what a change gets as its base, what is refused, which
 * changes of others conflict, and who has a draft in the scope. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/model/draft-conflicts.h"
#include "controller/model/draft-contents.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/selector.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/model-fixture.h"
#include "util.h"

static const struct vmn_draft *
get(struct model *model)
{
    return model_get(model, VMN_TABLE_DRAFT, "d");
}

static void
put_conflict(void *ds, const struct draft_conflict *c)
{
    const json_t *const values[] = { c->base, c->now, c->wanted };

    ds_put_format(ds, "%d %s:", (int) c->change, c->path);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        char *text = (json_is_string(values[i])
                      ? xstrdup(json_string_value(values[i]))
                      : xstrdup(values[i] ? "*" : "-"));

        ds_put_format(ds, " %s", text);
        free(text);
    }
    ds_put_char(ds, '\n');
}

/* Expects these conflicts, "INDEX PATH: BASE NOW WANTED" a line, with "*" for
 * what is no text. */
static void
check(struct model *model, const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    model_settle(model);
    draft_conflicts(model, NULL, get(model), put_conflict, &ds);
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
}

/* Writes a draft of one change, and then changes something else. */
static void
draft(struct model *model, const char *change)
{
    char *text = xasprintf("put drafts d {'changes':[%s]}\n", change);

    apply(model, text, "");
    free(text);
    check(model, "");
}

#define PATCH(TYPE, NAME, SPEC) "{'op':'patch','type':'" TYPE "','name':'"  \
                                NAME "','spec':" SPEC "}"
#define DELETE(TYPE, NAME) "{'op':'delete','type':'" TYPE "','name':'"      \
                           NAME "'}"
#define DESCRIBED(TEXT) "{'description':'" TEXT "'}"

static void
change_gets_what_there_is_as_its_base(void **state)
{
    struct model *model = *state;
    const struct vmn_draft_change *changes;

    draft(model, PATCH("networks", "n", DESCRIBED("x")) ","
          "{'type':'services','name':'s','spec':{'entries':[{'protocol':"
          "'tcp','ports':[80]}]}}");
    changes = get(model)->changes;
    assert_int_equal(get(model)->n_changes, 2);
    assert_string_not_equal(changes[0].base, VMN_DRAFT_NONE);
    assert_non_null(strstr(changes[0].base_spec, "10.0.0.0/24"));
    assert_string_equal(changes[1].base, VMN_DRAFT_NONE);
    assert_null(changes[1].base_spec);
    assert_string_equal(get(model)->author, "test");
    /* Members are sorted, so that the same is the same. */
    draft(model, PATCH("ports", "p1", "{'enabled':false,'description':'x'}"));
    assert_string_equal(get(model)->changes[0].spec,
                        "{\"description\":\"x\",\"enabled\":false}");
}

static void
base_stays_if_it_is_sent_back(void **state)
{
    struct model *model = *state;

    draft(model, PATCH("networks", "n", DESCRIBED("mine")));
    apply(model, "patch networks n " DESCRIBED("theirs") "\n", "");
    /* The author's row is patched: the changes are those of before. */
    apply(model, "patch drafts d {'labels':{'a':'b'}}\n", "");
    check(model, "0 /spec/description: - theirs mine\n");
    draft(model, PATCH("networks", "n", DESCRIBED("mine")));
}

#define CASCADE(MORE) "{'op':'delete','type':'groups','name':'g',"          \
                      "'cascade':true" MORE "}"
/* As a client of an earlier version sends it back. */
#define SENT_BACK(MORE) CASCADE(",'base':'1','base_spec':{'ports':["         \
                                "'p1','p2']}" MORE)

static uint64_t
base_revision(struct model *model)
{
    return get(model)->changes[0].base_revision;
}

/* A cascade says as of when things refer to its object: of the revision that
 * writes it first, whatever else that writes. */
static void
cascade_has_the_revision_that_writes_it(void **state)
{
    struct model *model = *state;
    uint64_t then = model_revision(model), now;

    draft(model, CASCADE("") "," PATCH("networks", "n", DESCRIBED("x")));
    assert_int_equal(base_revision(model), then + 1);
    assert_int_equal(get(model)->changes[1].base_revision, 0);
    apply(model, "patch drafts d {'labels':{'a':'b'}}\n", "");
    assert_int_equal(base_revision(model), then + 1);
    /* The same again is the same, whoever sends it. */
    draft(model, CASCADE(""));
    now = model_revision(model);
    apply_as(model, "bob", "put drafts d {'changes':[" CASCADE("") "]}\n", "");
    draft(model, CASCADE(""));
    assert_int_equal(model_revision(model), now);
    assert_int_equal(base_revision(model), then + 1);
    assert_int_equal(get(model)->n_writers, 1);
    /* Another object, what was a plain deletion, and what is asked for. */
    apply(model, "patch groups g " DESCRIBED("x") "\n", "");
    draft(model, CASCADE(""));
    now = model_revision(model);
    assert_int_equal(base_revision(model), now);
    draft(model, DELETE("groups", "g"));
    assert_int_equal(base_revision(model), 0);
    draft(model, CASCADE(""));
    assert_int_equal(base_revision(model), now + 2);
    draft(model, CASCADE(",'base_revision':null"));
    assert_int_equal(base_revision(model), now + 3);
}

static void
base_revision_is_one_that_there_was(void **state)
{
    struct model *model = *state;
    uint64_t then = model_revision(model);
    char *text;

    draft(model, SENT_BACK(",'base_revision':1"));
    assert_int_equal(base_revision(model), 1);
    draft(model, SENT_BACK(""));
    assert_int_equal(base_revision(model), 1);
    apply(model, "put drafts d {'changes':["
          SENT_BACK(",'base_revision':0") "]}\n",
          "/changes/0/base_revision must be an integer from 1 to "
          "9007199254740992\n");
    text = xasprintf("put drafts d {'changes':["
                     SENT_BACK(",'base_revision':%d") "]}\n",
                     (int) then + 3);
    apply(model, text, "/changes/0/base_revision is not a revision yet: leave "
          "it out\n");
    free(text);
    apply(model, "put drafts d {'changes':[{'type':'networks','name':'n',"
          "'spec':{},'base_revision':1}]}\n",
          "/changes/0/base_revision is for a deletion alone\n");
}

static void
author_is_the_first_one(void **state)
{
    struct model *model = *state;

    apply_as(model, "ann", "put drafts d {}\n", "");
    apply_as(model, "bob", "put drafts d {'description':'x'}\n", "");
    assert_string_equal(get(model)->author, "ann");
    apply_as(model, "bob", "put drafts d {'author':'bob'}\n",
             "/author is filled in: leave it out\n");
    apply_as(model, "bob", "patch drafts d {'labels':{'a':'b'}}\n", "");
    assert_string_equal(get(model)->author, "ann");
}

static void
patch_conflicts_with_its_own_fields(void **state)
{
    struct model *model = *state;

    apply(model, "patch networks n {'description':'base','mtu':1400}\n", "");
    draft(model, PATCH("networks", "n", DESCRIBED("mine")));
    apply(model, "patch networks n {'mtu':1300}\n", "");
    check(model, "");
    apply(model, "patch networks n " DESCRIBED("theirs") "\n", "");
    check(model, "0 /spec/description: base theirs mine\n");
    /* It is as it was, or as it is to be. */
    apply(model, "patch networks n " DESCRIBED("base") "\n", "");
    check(model, "");
    apply(model, "patch networks n " DESCRIBED("mine") "\n", "");
    check(model, "");
}

static void
patch_is_compared_member_by_member(void **state)
{
    struct model *model = *state;

    apply(model, "patch ports p1 {'labels':{'a':'1','b':'1'}}\n", "");
    draft(model, PATCH("ports", "p1", "{'labels':{'a':null}}"));
    apply(model, "patch ports p1 {'labels':{'a':'2'}}\n", "");
    check(model, "0 /spec/labels/a: 1 2 -\n");
    apply(model, "patch ports p1 {'labels':{'a':null}}\n", "");
    check(model, "");
}

static void
other_labels_and_other_objects_conflict(void **state)
{
    struct model *model = *state;

    apply(model, "patch ports p1 {'labels':{'a':'1'}}\n", "");
    draft(model, PATCH("ports", "p1", DESCRIBED("mine")));
    apply(model, "patch ports p1 {'labels':{'a':'2'}}\n", "");
    check(model, "0 /spec/labels: * * *\n");
    apply(model, "patch ports p1 {'labels':{'a':'1'}}\n", "");
    check(model, "");
    apply(model, "put services s {'entries':[{'protocol':'tcp','ports':[80]}]}"
          "\n", "");
    apply(model, "put drafts d {'changes':[{'op':'delete','type':'services',"
          "'name':'s','base':'1','base_spec':{'entries':[{'ports':[80],"
          "'protocol':'tcp'}]},'base_created':999}]}\n", "");
    check(model, "0 : * * -\n");
}

/* What a client sends without defaults is compared with them. */
static void
base_without_defaults_is_the_same(void **state)
{
    struct model *model = *state;

    apply(model, "put services s {'entries':[{'protocol':'tcp','ports':[80]}]}"
          "\n", "");
    apply(model, "put drafts d {'changes':[{'op':'delete','type':'services',"
          "'name':'s','base':'1','base_spec':{'entries':[{'ports':[80],"
          "'protocol':'tcp'}]}}]}\n", "");
    check(model, "");
}

static void
writers_are_those_of_its_changes(void **state)
{
    struct model *model = *state;

    apply_as(model, "ann", "put drafts d {'changes':["
             PATCH("networks", "n", DESCRIBED("a")) "]}\n", "");
    apply_as(model, "bob", "patch drafts d {'description':'x'}\n", "");
    assert_int_equal(get(model)->n_writers, 1);
    assert_string_equal(get(model)->writers[0], "ann");
    apply_as(model, "bob", "patch drafts d {'changes':["
             PATCH("networks", "n", DESCRIBED("b")) "]}\n", "");
    apply_as(model, "ann", "patch drafts d {'changes':["
             PATCH("networks", "n", DESCRIBED("c")) "]}\n", "");
    assert_int_equal(get(model)->n_writers, 2);
    assert_string_equal(get(model)->writers[0], "bob");
    assert_string_equal(get(model)->writers[1], "ann");
    apply_as(model, "bob", "patch drafts d {'writers':['bob']}\n",
             "/writers is filled in: leave it out\n");
    apply_as(model, "bob", "patch drafts d {'undoes':1}\n",
             "/undoes is filled in by POST /v1/revisions/REVISION/undo"
             "?draft=NAME: leave it out\n");
}

static void
put_and_deletion_conflict_with_any_field(void **state)
{
    struct model *model = *state;

    apply(model, "put services s {'entries':[{'protocol':'tcp','ports':[80]}]}"
          "\n", "");
    draft(model, "{'type':'services','name':'s','spec':{'entries':["
          "{'protocol':'tcp','ports':['80','81']}]}}");
    apply(model, "patch services s " DESCRIBED("theirs") "\n", "");
    check(model, "0 /spec/description: - theirs -\n");
    draft(model, DELETE("services", "s"));
    apply(model, "patch services s {'description':null}\n", "");
    check(model, "0 /spec/description: theirs - -\n");
    apply(model, "delete services s\n", "");
    check(model, "");
}

static void
objects_come_and_go(void **state)
{
    struct model *model = *state;

    draft(model, "{'type':'services','name':'s','spec':{'entries':["
          "{'protocol':'tcp','ports':['80']}]}}");
    apply(model, "put services s {'entries':[{'protocol':'udp','ports':[80]}]}"
          "\n", "");
    check(model, "0 : - * *\n");
    apply(model, "put services s {'entries':[{'protocol':'tcp','ports':[80]}]}"
          "\n", "");
    check(model, "");
    draft(model, PATCH("services", "s", DESCRIBED("x")));
    apply(model, "delete services s\n", "");
    check(model, "0 : * - *\n");
}

static void
what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *change, *errors;
    } cases[] = {
        { "{'type':'vifs','name':'s','spec':{}}",
          "/changes/0/type \"vifs\" is an unknown type; GET /v1 lists "
          "them\n" },
        { "{'type':'tokens','name':'s','spec':{}}",
          "/changes/0/type tokens are not changed by drafts\n" },
        { "{'type':'apps','name':'s','spec':{}}",
          "/changes/0/type apps are not changed by drafts\n" },
        { "{'type':'drafts','name':'s','spec':{}}",
          "/changes/0/type drafts are not changed by drafts\n" },
        { PATCH("ports", "p9", "{}"),
          "/changes/0/name port \"p9\" does not exist\n" },
        { DELETE("ports", "p1") "," PATCH("ports", "p1", "{}"),
          "/changes/1/name names port \"p1\" a second time\n" },
        { PATCH("ports", "p1", "{'enabled':3}"),
          "/changes/0/spec/enabled must be true or false\n" },
        { PATCH("ports", "p1", "3"),
          "/changes/0/spec must be an object\n" },
        { "{'type':'ports','name':'p1','spec':{},'base':'1'}",
          "/changes/0/spec/network is required\n"
          "/changes/0/base_spec is required with \"base\"\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = xasprintf("put drafts d {'changes':[%s]}\n",
                               cases[i].change);

        apply(*state, text, cases[i].errors);
        free(text);
    }
}

static bool
is_within(struct model *model, const char *scope)
{
    struct vmn_selector selector;
    struct arena arena;
    bool within;

    arena_init(&arena);
    assert_int_equal(selector_parse(scope, strlen(scope), &arena, &selector,
                                    NULL), 0);
    within = draft_is_within(get(model), &selector);
    arena_uninit(&arena);
    return within;
}

static void
scope_has_all_or_nothing(void **state)
{
    struct model *model = *state;

    apply(model, "patch ports p1 {'labels':{'a':'1'}}\n"
          "patch ports p2 {'labels':{'a':'2'}}\n", "");
    draft(model, PATCH("ports", "p1", DESCRIBED("x")));
    assert_true(is_within(model, "a=1"));
    assert_false(is_within(model, "a=2"));
    draft(model, PATCH("ports", "p1", DESCRIBED("x")) ","
          DELETE("ports", "p2"));
    assert_false(is_within(model, "a=1"));
    assert_true(is_within(model, "a in (1,2)"));
    /* Neither before nor after it may be another's. */
    draft(model, PATCH("ports", "p1", "{'labels':{'a':'2'}}"));
    assert_false(is_within(model, "a=1"));
    assert_false(is_within(model, "a=2"));
    /* It does not follow what becomes of the object. */
    draft(model, PATCH("ports", "p1", DESCRIBED("x")));
    apply(model, "patch ports p1 {'labels':{'a':'2'}}\n", "");
    assert_true(is_within(model, "a=1"));
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, model_setup, \
                                                   model_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(change_gets_what_there_is_as_its_base),
        TEST(base_stays_if_it_is_sent_back),
        TEST(cascade_has_the_revision_that_writes_it),
        TEST(base_revision_is_one_that_there_was),
        TEST(author_is_the_first_one),
        TEST(patch_conflicts_with_its_own_fields),
        TEST(patch_is_compared_member_by_member),
        TEST(other_labels_and_other_objects_conflict),
        TEST(base_without_defaults_is_the_same),
        TEST(writers_are_those_of_its_changes),
        TEST(put_and_deletion_conflict_with_any_field),
        TEST(objects_come_and_go),
        TEST(what_is_wrong_is_named),
        TEST(scope_has_all_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
