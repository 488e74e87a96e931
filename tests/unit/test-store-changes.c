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

static void
what_is_no_batch_is_refused(void **state OVS_UNUSED)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "", "the text" }, { "[]", "the text" }, { "{", "the text" },
        { "{'format':1,'format':1}", "the text" },
        { "{}", "of format 0" },
        { "{'format':2}", "of format 2, and this vmnd knows format 1" },
        { "{'format':1}", "the frame" },
        { FRAME("'rows':[],'ids':{},'cursors':[],'logs':[]"), "the frame" },
        { FRAME("'rows':{},'ids':[],'cursors':[],'logs':[]"), "rows" },
        { FRAME("'rows':[],'ids':[],'cursors':[]"), "logs" },
        { ROWS("5"), "a row" }, { ROWS("{'type':'cows','name':'a'}"),
                                  "a row" },
        { ROWS("{'type':'networks'}"), "a row" },
        { ROWS("{'type':'vifs','name':'a'}"), "is not there" },
        { ROWS("{'type':'networks','name':'x'}"), "is not there" },
        { ROWS("{'type':'networks','name':'x','spec':{'mtu':'a'},"
               "'status':{'vni':1}}"), "/networks/x/mtu" },
        { ROWS("{'type':'networks','name':'x','spec':{'cow':1},"
               "'status':{'vni':1}}"), "/networks/x/cow" },
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
        { LOGS("{'revision':5,'who':'a','summary':'[]'}"), "the log" },
        { LOGS("{'revision':5,'who':'a','summary':[],'contents':'{}'}"),
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

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct model *model = model_create();
        struct vmn_error why = VMN_ERROR_INIT;
        char *text = quoted(cases[i].text);
        uint64_t revision;
        char *errors = model_util_apply(
            model, "test", NULL, "put networks n {}\nput networks m "
            "{'vni':77}\nput ports p {'network':'n'}", &revision);

        assert_string_equal(errors, "");
        model_settle(model);
        assert_int_equal(store_changes_apply(text, model, &why), EINVAL);
        if (!strstr(why.text, cases[i].why)) {
            fail_msg("%s: %s", cases[i].text, why.text);
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
        TEST(what_is_appended_and_cannot_be_written_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
