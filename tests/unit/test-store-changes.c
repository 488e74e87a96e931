/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches as text, between members of a cluster: what is refused, and what the
 * store does if a batch is appended and cannot be written, or not appended.
 * That a batch which is applied makes the same state is a property test
 * (test-state). */

#include <config.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>
#include <event2/event.h>
#include <jansson.h>

#include "controller/model/id-pools.h"
#include "controller/schema/error.h"
#include "controller/store/store-changes.h"
#include "controller/store/store.h"
#include "tests/unit/model-util.h"
#include "tests/unit/store-fixture.h"
#include "util.h"

/* Refusals.  -------------------------------------------------------------- */

/* With ' for ". */
static char *
quoted(const char *text)
{
    char *copy = xstrdup(text);

    for (char *p = copy; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    return copy;
}

#define FRAME(MEMBERS) "{'format':1,'revision':5," MEMBERS "}"
#define ROWS(ROW) FRAME("'rows':[" ROW "],'ids':[],'cursors':[],'logs':[]")
#define IDS(ID) FRAME("'rows':[],'ids':[" ID "],'cursors':[],'logs':[]")
#define CURSORS(C) FRAME("'rows':[],'ids':[],'cursors':[" C "],'logs':[]")
#define LOGS(LOG) FRAME("'rows':[],'ids':[],'cursors':[],'logs':[" LOG "]")

static const struct {
    const char *text, *why;
} no_batches[] = {
    { "", "the text" }, { "[]", "the text" }, { "{", "the text" },
    { "{'format':1,'format':1}", "the text" },
    { "{}", "of format 0" },
    { "{'format':3}", "of format 3, and this vmnd knows format 1" },
    { "{'format':1}", "the frame" },
    { FRAME("'rows':[],'ids':{},'cursors':[],'logs':[]"), "the frame" },
    { FRAME("'rows':{},'ids':[],'cursors':[],'logs':[]"), "rows" },
    { FRAME("'rows':[],'ids':[],'cursors':[]"), "logs" },
    { ROWS("5"), "a row" },
    { ROWS("{'type':'cows','name':'a'}"),
      "the type \"cows\" of row \"a\"" },
    { ROWS("{'type':'cows'}"), "the type \"cows\"" },
    { ROWS("{'type':'networks'}"), "a row" },
    { ROWS("{'type':'vifs','name':'a'}"), "is not there" },
    { ROWS("{'type':'networks','name':'x'}"), "is not there" },
    { ROWS("{'type':'networks','name':'x','spec':{'mtu':'a'},"
           "'status':{'vni':1}}"), "/networks/x/mtu" },
    { ROWS("{'type':'networks','name':'x','spec':{},'unknown':'{',"
           "'status':{'vni':77}}"), "/networks/x: has kept what is no" },
    { ROWS("{'type':'networks','name':'x','spec':{},'unknown':'[1]',"
           "'status':{'vni':77}}"), "/networks/x: has kept what is no" },
    /* Its ID is not there. */
    { ROWS("{'type':'networks','name':'x','spec':{},"
           "'status':{'vni':99}}"), "VNI" },
    { IDS("['vni','a']"), "an ID" }, { IDS("['vni',1,1]"), "an ID" },
    { IDS("['vni','a',-1]"), "an ID" },
    { IDS("['vni','a',4294967296]"), "an ID" },
    { IDS("['vni','a',1,1]"), "an ID" },
    /* It is in use: of network n. */
    { IDS("['vni','n',0]"), "in use" }, { IDS("['vni','n',9]"),
                                          "in use" },
    { IDS("['vni','z',77]"), "in use" },
    { CURSORS("['n',5,1]"), "a cursor" }, { CURSORS("['n','a',-1]"),
                                            "a cursor" },
    { LOGS("{'who':'a','summary':[]}"), "the log" },
    { LOGS("{'revision':5,'summary':[]}"), "the log" },
    { LOGS("{'revision':5,'who':'a'}"), "the log" },
    { LOGS("{'revision':5,'who':'a','summary':'x'}"), "the log" },
    { LOGS("{'revision':5,'who':'a','summary':[],'contents':'x'}"),
      "the log" },
    { LOGS("{'revision':5,'who':'a','summary':[],'contents':[tru]}"),
      "the log" },
    { LOGS("{'revision':5,'who':'a','summary':[{'a':1,'a':2}]}"),
      "the log" },
    { LOGS("{'revision':5,'who':'a','summary':[],'key':'k'}"),
      "the log" },
    { LOGS("{'revision':5,'who':'a','summary':[],'key':'k',"
           "'digest':'1'}"), "the log" },
    { LOGS("{'revision':5,'who':'a','summary':[],'key':'a b',"
           "'digest':'00112233445566778899aabbccddeeff'}"), "the log" },
    { "{'format':1,'revision':9007199254740993,'rows':[],'ids':[],"
      "'cursors':[],'logs':[]}", "the frame" },
    /* References. */
    { ROWS("{'type':'networks','name':'n'}"), "refers to it" },
    { ROWS("{'type':'bindings','name':'zz','spec':{'host':'h'},"
           "'status':{}}"), "does not exist" },
    { "{'format':1,'revision':-5,'rows':[],'ids':[],'cursors':[],"
      "'logs':[]}", "the frame" },
    { "{'format':1,'revision':0,'rows':[],'ids':[],'cursors':[],"
      "'logs':[]}", "is older than" },
};

static void
what_is_no_batch_is_refused(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(no_batches); i++) {
        struct model *model = model_create();
        struct vmn_error why = VMN_ERROR_INIT;
        char *text = quoted(no_batches[i].text);
        uint64_t revision;
        char *errors = model_util_apply(
            model, "test", NULL, "put networks n {}\nput networks m "
            "{'vni':77}\nput ports p {'network':'n'}", &revision);

        assert_string_equal(errors, "");
        model_settle(model);
        assert_int_equal(store_changes_apply(text, model, &why), EINVAL);
        if (!strstr(why.text, no_batches[i].why)) {
            fail_msg("%s: %s", no_batches[i].text, why.text);
        }
        vmn_error_uninit(&why);
        free(errors);
        free(text);
        model_destroy(model);
    }
}

/* The store.  ------------------------------------------------------------- */

struct fake {
    int error;                  /* Of the next batch. */
    unsigned n_appended, n_behind;
    int64_t index;
};

static void
append(void *fake_, char *text, size_t length OVS_UNUSED,
       store_appended_cb *done, void *aux)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct fake *fake = fake_;

    free(text);
    fake->n_appended++;
    if (fake->error) {
        vmn_error_errno(&why, fake->error, "no majority");
        done(aux, fake->error, &why, 0);
        vmn_error_uninit(&why);
    } else {
        done(aux, 0, NULL, ++fake->index);
    }
}

static void
fell_behind(void *fake, const char *why)
{
    assert_non_null(strstr(why, "lacks a batch"));
    ((struct fake *) fake)->n_behind++;
}

static int64_t
place_of(const struct fixture *f)
{
    struct store_place place;

    store_sqlite_class.get_place(f->store, &place);
    return place.index;
}

static void
what_is_not_appended_is_not_stored(void **state)
{
    struct fixture *f = *state;
    struct fake fake = { .error = EAGAIN };
    const struct store_replicator replicator = { append, fell_behind, &fake };
    const struct store_place place = { .cluster = 9, .index = 3 };
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(place_of(f), 0);
    assert_int_equal(store_sqlite_class.set_place(f->store, &place, &why), 0);
    store_sqlite_class.set_replicator(f->store, &replicator);
    fake.index = 3;
    store_apply(f, "put networks n {}");
    assert_int_equal(submit(f), EAGAIN);
    assert_string_equal(f->text, "no majority");
    assert_int_equal(place_of(f), 3);
    fake.error = 0;
    store_apply(f, "put networks n {}");
    assert_int_equal(submit(f), 0);
    assert_int_equal(place_of(f), 4);

    close_store(f);
    open_store(f);
    assert_int_equal(place_of(f), 4);
    assert_non_null(model_get(f->model, VMN_TABLE_NETWORK, "n"));

    /* Nor is what nobody appends. */
    store_apply(f, "put networks m {}");
    assert_int_equal(submit(f), EIO);
    assert_non_null(strstr(f->text, "not its writer"));
}

/* Fields that are not known.  --------------------------------------------- */

/* A member of an older version, which follows first and writes then. */
struct old {
    struct fixture *f;
    int64_t index;
    json_t *batch;              /* The last one that it has appended. */
};

static void
append_kept(void *old_, char *text, size_t length OVS_UNUSED,
            store_appended_cb *done, void *aux)
{
    struct old *old = old_;

    json_decref(old->batch);
    old->batch = json_loads(text, 0, NULL);
    free(text);
    done(aux, 0, NULL, ++old->index);
}

static void
on_applied(void *f_, int error, const struct vmn_error *why OVS_UNUSED)
{
    struct fixture *f = f_;

    assert_int_equal(error, 0);
    f->done = true;
}

/* Applies a batch of another member; returns why not, or NULL.  The caller
 * frees it. */
static char *
follow(struct old *old, const char *text)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct fixture *f = old->f;
    char *batch = quoted(text);
    int error;

    f->done = false;
    error = store_sqlite_class.apply(f->store, f->model, batch,
                                     old->index + 1, on_applied, f, &why);
    free(batch);
    if (error) {
        return vmn_error_steal_text(&why);
    }
    while (!f->done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    model_settle(f->model);
    old->index++;
    return NULL;
}

static void
follow_ok(struct old *old, const char *text)
{
    char *fault = follow(old, text);

    assert_string_equal(fault ? fault : "", "");
    free(fault);
}

/* Checks what is kept of the row, in the model. */
static void
check_kept(const struct old *old, enum vmn_table table, const char *name,
           const char *expected)
{
    struct model_meta meta;

    char *text = quoted(expected ? expected : "");

    assert_non_null(model_get_durable(old->f->model, table, name, &meta));
    assert_string_equal(meta.unknown ? meta.unknown : "", text);
    free(text);
}

/* Changes something as the writer; returns row 'i' of what is appended. */
static const json_t *
write_as(struct old *old, const char *text, size_t i)
{
    store_apply(old->f, text);
    assert_int_equal(submit(old->f), 0);
    return json_array_get(json_object_get(old->batch, "rows"), i);
}

static void
check_unknown(const json_t *row, const char *expected)
{
    const char *kept = json_string_value(json_object_get(row, "unknown"));
    char *text = quoted(expected);

    assert_string_equal(kept ? kept : "", text);
    free(text);
}

#define TIER(NAME, SPEC, MORE) "{'type':'tiers','name':'" NAME "','spec':" \
    SPEC ",'status':{},'revision':6,'created':1,'updated':1" MORE "}"
/* So many can be read in a batch, and not with what they are kept in. */
#define N_LEVELS 2042
#define T_KEPT "{'spec':{'fields':{'colour':'n1'}}}"

static void
open_old(struct old *old, struct fixture *f,
         struct store_replicator *replicator)
{
    const struct store_place place = { .cluster = 9, .index = 3 };
    struct vmn_error why = VMN_ERROR_INIT;

    *old = (struct old) { .f = f, .index = 3 };
    *replicator = (struct store_replicator) { append_kept, fell_behind, old };
    assert_int_equal(store_sqlite_class.set_place(f->store, &place, &why), 0);
    follow_ok(old, ROWS(TIER("t", "{'position':3,'colour':'n1'}", "")));
    close_store(f);
    open_store(f);
    store_sqlite_class.set_replicator(f->store, replicator);
}

static void
what_is_not_known_is_kept(void **state)
{
    struct store_replicator replicator;
    const json_t *row;
    struct old old;

    open_old(&old, *state, &replicator);
    check_kept(&old, VMN_TABLE_TIER, "t", T_KEPT);
    assert_int_equal(model_count_unknown(old.f->model), 1);

    /* What a client changes has it all the same. */
    row = write_as(&old, "put tiers t {'position':4}", 0);
    assert_null(json_object_get(json_object_get(row, "spec"), "colour"));
    check_unknown(row, T_KEPT);
    row = write_as(&old, "patch tiers t {'description':'d'}", 0);
    check_unknown(row, T_KEPT);
    check_kept(&old, VMN_TABLE_TIER, "t", T_KEPT);
    close_store(old.f);
    open_store(old.f);
    check_kept(&old, VMN_TABLE_TIER, "t", T_KEPT);

    /* Whoever deletes the object deletes it. */
    store_sqlite_class.set_replicator(old.f->store, &replicator);
    write_as(&old, "delete tiers t", 0);
    row = write_as(&old, "put tiers t {'position':4}", 0);
    assert_null(json_object_get(row, "unknown"));
    check_kept(&old, VMN_TABLE_TIER, "t", NULL);
    json_decref(old.batch);
}

/* Once it is known it is a field as any other; this is the batch of an older
 * member, or its file. */
static void
what_is_known_by_now_is_a_field(void **state)
{
    const struct vmn_tier *tier;
    struct store_replicator replicator;
    struct old old;

    open_old(&old, *state, &replicator);
    follow_ok(&old, ROWS(TIER(
        "u", "{'position':3}", ",'unknown':'{\\'spec\\':{\\'fields\\':"
        "{\\'description\\':\\'d\\',\\'later\\':1}}}'")));
    check_kept(&old, VMN_TABLE_TIER, "u",
               "{'spec':{'fields':{'later':1}}}");
    tier = model_get(old.f->model, VMN_TABLE_TIER, "u");
    assert_string_equal(tier->description, "d");
    /* The newer version does without it. */
    follow_ok(&old, ROWS(TIER("t", "{'position':4}", "")));
    check_kept(&old, VMN_TABLE_TIER, "t", NULL);
    assert_int_equal(model_count_unknown(old.f->model), 1);
}

static void
check_refused(struct old *old, const char *text, const char *fault)
{
    uint64_t revision;
    char *errors = model_util_apply(old->f->model, "test", NULL, text,
                                    &revision);

    assert_string_equal(errors, fault);
    free(errors);
}

/* What an unknown field may refer to is not deleted: a member that knows the
 * field could not load the state. */
static void
what_unknown_fields_name_stays(void **state)
{
    struct store_replicator replicator;
    struct old old;

    open_old(&old, *state, &replicator);
    write_as(&old, "put networks n1 {}\nput networks colour {}\n"
             "put networks fields {}", 0);
    check_refused(&old, "delete networks n1",
                  " network \"n1\" may be referenced by tier \"t\", in a "
                  "field that this version of vmnd does not know\n");
    check_refused(&old, "patch tiers t {'colour':'n2'}",
                  "/colour unknown field \"colour\" of a tier\n");
    write_as(&old, "delete networks colour\ndelete networks fields", 0);
    write_as(&old, "delete tiers t\ndelete networks n1", 0);
    json_decref(old.batch);
}

/* Checks that a network with this value of an unknown field of its subnet is
 * not applied. */
static void
check_bound(struct old *old, const char *value, const char *expected)
{
    char *text = xasprintf(ROWS("{'type':'networks','name':'n','spec':{"
                                "'subnets':[{'cidr':'192.0.2.0/24',"
                                "'later':%s}]}}"), value);
    char *fault = follow(old, text);

    assert_string_equal(fault ? fault : "", expected);
    free(fault);
    free(text);
}

static void
unknown_fields_have_bounds(void **state)
{
    struct store_replicator replicator;
    char *value = xasprintf("'%01048577d'", 0);
    struct old old;
    char *end;

    open_old(&old, *state, &replicator);
    check_bound(&old, value, "/networks/n: has more than 1048576 bytes of "
                "fields that this version does not know");
    end = value + N_LEVELS;
    memset(value, '[', N_LEVELS);
    memset(end, ']', N_LEVELS);
    end[N_LEVELS] = '\0';
    check_bound(&old, value, "/networks/n: has fields that this version does "
                "not know, with too many levels");
    free(value);
}

/* The store again.  ------------------------------------------------------- */

/* It is durable all the same; and nothing follows it here. */
static void
what_is_appended_and_cannot_be_written_counts(void **state)
{
    struct rlimit none = { 0, RLIM_INFINITY }, before;
    struct fixture *f = *state;
    struct fake fake = { .error = 0 };
    const struct store_replicator replicator = { append, fell_behind, &fake };

    signal(SIGXFSZ, SIG_IGN);
    store_sqlite_class.set_replicator(f->store, &replicator);
    store_apply(f, "put networks n {}");
    getrlimit(RLIMIT_FSIZE, &before);
    none.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &none);
    assert_int_equal(submit(f), 0);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(fake.n_behind, 1);
    assert_non_null(model_get_durable(f->model, VMN_TABLE_NETWORK, "n",
                                      NULL));
    assert_int_equal(place_of(f), 0);

    store_apply(f, "put networks m {}");
    assert_int_equal(submit(f), EIO);
    assert_non_null(strstr(f->text, "lacks a batch"));
    assert_int_equal(fake.n_appended, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_batch_is_refused),
        TEST(what_is_not_appended_is_not_stored),
        TEST(what_is_not_known_is_kept),
        TEST(what_is_known_by_now_is_a_field),
        TEST(what_unknown_fields_name_stays),
        TEST(unknown_fields_have_bounds),
        TEST(what_is_appended_and_cannot_be_written_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
