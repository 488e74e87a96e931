/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite store: what was stored comes back, what failed was not stored,
 * and files that it must not touch are refused. */

#include <config.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "controller/model/id-pools.h"
#include "controller/schema/value.h"
#include "controller/store/store-private.h"
#include "controller/store/store.h"
#include "tests/unit/fault-vfs.h"
#include "tests/unit/model-util.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct fixture {
    char *dir;
    char *path;
    struct event_base *base;
    struct store *store;
    struct model *model;
    /* The last submission. */
    bool done;
    int error;
    char *text;
};

static const char base[] =
    "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1',"
    "'labels':{'rack':'a'}}\n"
    "put networks n {'default':'deny','subnets':[{'cidr':'10.0.0.0/24',"
    "'gateway':'10.0.0.1'}]}\n"
    "put networks m {'vni':77,'description':'\\u00e4'}\n"
    "put ports p1 {'network':'n','host':'h1','allowed_addresses':["
    "{'ip':'10.9.0.0/16'}]}\n"
    "put ports p2 {'network':'n','ips':['10.0.0.9'],'enabled':false}\n"
    "put groups g {'selector':'role in (a,b)','ports':['p2']}\n"
    "put groups all {'selector':''}\n"
    "put services s {'entries':[{'protocol':'tcp','ports':['80-90']}]}\n"
    "put policies pol {'applies_to':['g'],'rules':[{'direction':'egress',"
    "'action':'deny','services':[{'service':'s'}]}]}\n"
    "put loadbalancers l {'vip':'10.0.0.100','networks':['n'],"
    "'ports':[{'port':80}],'backends':[{'port':'p1'}]}\n"
    "put bindings p1 {'host':'h1'}\n";

static void
on_done(void *f_, int error, const char *text)
{
    struct fixture *f = f_;

    f->done = true;
    f->error = error;
    free(f->text);
    f->text = nullable_xstrdup(text);
}

/* Writes what the model has pending; settles or undoes it. */
static int
submit(struct fixture *f)
{
    f->done = false;
    store_sqlite_class.submit(f->store, f->model, on_done, f);
    while (!f->done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    if (f->error) {
        model_undo(f->model);
    } else {
        model_settle(f->model);
    }
    return f->error;
}

static void
apply_set(struct fixture *f, const char *set, const char *text)
{
    uint64_t revision;
    char *errors = model_util_apply(f->model, "unix:uid=0", set, text,
                                    &revision);

    assert_string_equal(errors, "");
    free(errors);
}

static void
apply(struct fixture *f, const char *text)
{
    apply_set(f, NULL, text);
}

static void
open_store(struct fixture *f)
{
    struct vmn_error why = VMN_ERROR_INIT;
    int error = store_sqlite_class.open(f->path, f->base, &f->store, &why);

    if (error) {
        fail_msg("%s", why.text);
    }
    f->model = model_create();
    error = store_sqlite_class.load(f->store, f->model, &why);
    if (error) {
        fail_msg("%s", why.text);
    }
}

static void
close_store(struct fixture *f)
{
    store_sqlite_class.close(f->store);
    model_destroy(f->model);
    f->store = NULL;
    f->model = NULL;
}

static void
open_dir(struct fixture *f)
{
    const char *parent = getenv("TMPDIR");

    memset(f, 0, sizeof *f);
    f->dir = xasprintf("%s/test-store-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    f->path = xasprintf("%s/state.db", f->dir);
    f->base = event_base_new();
}

static void
close_dir(struct fixture *f)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };

    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char *name = xasprintf("%s%s", f->path, suffixes[i]);

        unlink(name);
        free(name);
    }
    assert_int_equal(rmdir(f->dir), 0);
    event_base_free(f->base);
    free(f->path);
    free(f->dir);
    free(f->text);
}

static int
setup(void **state)
{
    struct fixture *f = xmalloc(sizeof *f);

    open_dir(f);
    open_store(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    close_dir(f);
    free(f);
    return 0;
}

/* Checks that what is stored is the same as what the model holds. */
static void
check_stored(struct fixture *f)
{
    char *dump = model_util_dump(f->model, true);
    uint64_t revision = model_durable_revision(f->model);

    close_store(f);
    open_store(f);

    char *again = model_util_dump(f->model, true);
    assert_string_equal(again, dump);
    assert_int_equal(model_durable_revision(f->model), revision);
    free(again);
    free(dump);
}

static void
what_was_stored_comes_back(void **state)
{
    struct fixture *f = *state;
    uint32_t vni;

    apply(f, base);
    vni = id_pools_peek(model_id_pools(f->model), "vni", "n");
    assert_true(vni > 0);
    assert_int_equal(submit(f), 0);
    check_stored(f);
    assert_int_equal(id_pools_peek(model_id_pools(f->model), "vni", "n"), vni);
    assert_int_equal(id_pools_peek(model_id_pools(f->model), "vni", "m=77"),
                     77);

    /* Changes, several revisions in one group, and deletions. */
    apply_set(f, "shop", "put groups all {'cidrs':['10.0.0.0/8']}");
    apply(f, "delete policies pol\npatch ports p1 {'labels':{'a':'b'}}");
    apply(f, "delete groups g\nput groups g2 {'ports':['p1']}");
    assert_int_equal(submit(f), 0);
    check_stored(f);
    /* References that change, appear and go. */
    apply(f, "patch ports p2 {'host':'h1'}\npatch ports p1 {'host':null}");
    assert_int_equal(submit(f), 0);
    check_stored(f);
    apply(f, "put hosts h2 {'ovsdb':'inbound','tunnel_ip':'192.0.2.2'}\n"
          "patch ports p2 {'host':'h2','enabled':true}");
    assert_int_equal(submit(f), 0);
    check_stored(f);
    apply(f, "delete groups g2\ncascade networks n");
    assert_int_equal(submit(f), 0);
    check_stored(f);
    assert_null(model_get(f->model, VMN_TABLE_PORT, "p1"));
}

static void
check_ip(const struct fixture *f, const char *name, const char *ip)
{
    const struct vmn_port *port = model_get(f->model, VMN_TABLE_PORT, name);
    char buf[VALUE_IP_SIZE];

    assert_non_null(port);
    assert_int_equal(port->n_ips, 1);
    assert_string_equal(value_format_ip(&port->ips[0], buf), ip);
}

/* Also where nothing is left that would tell of them. */
static void
addresses_come_late_after_a_restart(void **state)
{
    struct fixture *f = *state;

    apply(f, "put networks x {'subnets':[{'cidr':'10.5.0.0/24'},"
          "{'cidr':'fd00::/64'}]}");
    for (int i = 0; i < 3; i++) {
        apply(f, "put ports a {'network':'x','ips':['fd00::1']}\n"
              "put ports b {'network':'x'}\nput ports c {'network':'x'}");
        assert_int_equal(submit(f), 0);
        apply(f, "cascade ports a\ncascade ports b\ncascade ports c");
        assert_int_equal(submit(f), 0);
        if (i) {
            apply(f, "patch networks x {'mtu':1400}");
            assert_int_equal(submit(f), 0);
        }
        check_stored(f);
    }
    apply(f, "patch networks x {'subnets':[{'cidr':'10.5.0.0/24'}]}\n"
          "put ports d {'network':'x'}");
    check_ip(f, "d", "10.5.0.7");
    model_undo(f->model);

    /* What is made anew begins anew. */
    apply(f, "delete networks x");
    assert_int_equal(submit(f), 0);
    check_stored(f);
    apply(f, "put networks x {'subnets':[{'cidr':'10.5.0.0/24'}]}\n"
          "put ports d {'network':'x'}");
    check_ip(f, "d", "10.5.0.1");
    assert_int_equal(submit(f), 0);
    check_stored(f);
}

static void
columns_are_real(void **state)
{
    struct fixture *f = *state;
    sqlite3_stmt *stmt;
    sqlite3 *db;

    apply(f, base);
    assert_int_equal(submit(f), 0);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(
        db, "SELECT p.name, n.vni_given, p.enabled, p.ips_given, "
        "json_extract(p.allowed_addresses, '$[0].ip') "
        "FROM ports p JOIN networks n ON p.network = n.name "
        "ORDER BY p.name", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal(sqlite3_column_text(stmt, 0), "p1");
    assert_int_equal(sqlite3_column_int(stmt, 1), 1);
    assert_int_equal(sqlite3_column_int(stmt, 2), 1);
    assert_string_equal(sqlite3_column_text(stmt, 3), "[\"10.0.0.2\"]");
    assert_string_equal(sqlite3_column_text(stmt, 4), "10.9.0.0/16");
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(stmt, 2), 0);
    sqlite3_finalize(stmt);

    /* Foreign keys hold against other hands, too. */
    sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM networks WHERE name = 'n'",
                                  NULL, NULL, NULL), SQLITE_CONSTRAINT);
    sqlite3_close(db);
}

static void
id_pools_pass_from_key_to_key(void **state)
{
    struct fixture *f = *state;
    struct id_pools *numbers = model_id_pools(f->model);

    id_pools_declare(numbers, "zone", 1);
    id_pools_unref(numbers, id_pools_ref(numbers, "zone", "b"));
    assert_int_equal(submit(f), 0);
    id_pools_acked(numbers, 0);
    assert_non_null(id_pools_ref(numbers, "zone", "a"));
    assert_int_equal(submit(f), 0);
    check_stored(f);
    assert_int_equal(id_pools_peek(model_id_pools(f->model), "zone", "a"), 1);
    assert_int_equal(id_pools_peek(model_id_pools(f->model), "zone", "b"), 0);
}

static json_t *
read_log(struct fixture *f, uint64_t revision)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *json = NULL;
    struct vmn_error why = VMN_ERROR_INIT;
    int error = store_sqlite_class.log(f->store, revision, &ds, &why);

    assert_true(!error || error == ENOENT);
    assert_null(why.text);
    if (!error) {
        ds_put_char(&ds, '}');
        json = json_loads(ds_cstr(&ds), 0, NULL);
        assert_non_null(json);
    }
    ds_destroy(&ds);
    return json;
}

static json_t *
read_logs(struct fixture *f, uint64_t after, size_t limit)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct vmn_error why = VMN_ERROR_INIT;

    ds_put_char(&ds, '[');
    assert_int_equal(store_sqlite_class.logs(f->store, after, limit, &ds,
                                             &why), 0);
    ds_put_char(&ds, ']');
    json_t *json = json_loads(ds_cstr(&ds), 0, NULL);
    assert_non_null(json);
    ds_destroy(&ds);
    return json;
}

static void
log_tells_revisions(void **state)
{
    struct fixture *f = *state;
    json_t *entry, *list;

    apply(f, base);
    apply(f, "put vifs h1/p1 {'host':'h1','iface_id':'p1','iface':'t',"
          "'ofport':1}");
    apply(f, "delete policies pol");
    assert_int_equal(submit(f), 0);

    entry = read_log(f, 3);
    char *text = json_dumps(entry, JSON_COMPACT);
    assert_string_equal(text, "{\"revision\":3,"
                        "\"time\":\"1970-01-01T00:00:01.000Z\","
                        "\"who\":\"unix:uid=0\",\"changes\":["
                        "{\"op\":\"delete\",\"type\":\"policies\","
                        "\"name\":\"pol\"}]}");
    free(text);
    json_decref(entry);

    /* Revision 2 touched nothing that is stored. */
    assert_null(read_log(f, 2));
    assert_null(read_log(f, 4));
    assert_null(read_log(f, UINT64_MAX));
    list = read_logs(f, 0, 100);
    assert_int_equal(json_array_size(list), 2);
    json_decref(list);
    list = read_logs(f, 1, 100);
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
    list = read_logs(f, 0, 1);
    assert_int_equal(json_integer_value(json_object_get(
        json_array_get(list, 0), "revision")), 1);
    json_decref(list);
}

/* The revisions that are told of an object before 'before', as text; '*next' is
 * what to go on with. */
static char *
revisions_of(struct fixture *f, const char *type, const char *name,
             uint64_t before, size_t limit, uint64_t *next)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct ds text = DS_EMPTY_INITIALIZER;
    json_t *list, *entry;
    struct vmn_error why = VMN_ERROR_INIT;
    size_t i;

    ds_put_char(&ds, '[');
    assert_int_equal(store_sqlite_class.object_logs(
        f->store, type, name, before, limit, &ds, next, &why), 0);
    ds_put_char(&ds, ']');
    list = json_loads(ds_cstr(&ds), 0, NULL);
    assert_non_null(list);
    ds_destroy(&ds);
    json_array_foreach (list, i, entry) {
        ds_put_format(&text, "%s%"JSON_INTEGER_FORMAT, i ? " " : "",
                      json_integer_value(json_object_get(entry,
                                                         "revision")));
    }
    json_decref(list);
    return ds_steal_cstr(&text);
}

static void
assert_revisions_of(struct fixture *f, const char *type, const char *name,
                    uint64_t before, size_t limit, const char *expected,
                    uint64_t expected_next)
{
    uint64_t next;
    char *text = revisions_of(f, type, name, before, limit, &next);

    assert_string_equal(text, expected);
    assert_int_equal(next, expected_next);
    free(text);
}

static void
log_tells_revisions_of_an_object(void **state)
{
    struct fixture *f = *state;

    apply(f, "put networks n {}\n"
          "put networks nn {}");
    apply(f, "put networks n {'mtu':1400}");
    apply(f, "put networks nn {'mtu':1400}");
    apply(f, "put groups n {}");
    apply(f, "delete networks n");
    assert_int_equal(submit(f), 0);

    assert_revisions_of(f, "networks", "n", UINT64_MAX, 10, "1 2 5", 0);
    assert_revisions_of(f, "networks", "nn", UINT64_MAX, 10, "1 3", 0);
    assert_revisions_of(f, "groups", "n", UINT64_MAX, 10, "4", 0);
    assert_revisions_of(f, "groups", "nn", UINT64_MAX, 10, "", 0);
    assert_revisions_of(f, "groups", "n\"}", UINT64_MAX, 10, "", 0);
    /* The newest of them; and on from there. */
    assert_revisions_of(f, "networks", "n", UINT64_MAX, 2, "2 5", 2);
    assert_revisions_of(f, "networks", "n", 2, 2, "1", 0);
    assert_revisions_of(f, "networks", "n", 1, 2, "", 0);
}

/* A question looks at a part of the log, and says where to go on. */
static void
log_is_looked_through_in_parts(void **state)
{
    struct fixture *f = *state;
    uint64_t before = UINT64_MAX;
    size_t n_parts = 0, n_found = 0;

    apply(f, "put networks n {}");
    for (int i = 0; i < 2500; i++) {
        apply(f, i % 2 ? "put networks m {'mtu':1400}"
              : "put networks m {'mtu':1500}");
    }
    assert_int_equal(submit(f), 0);
    do {
        uint64_t next;
        char *text = revisions_of(f, "networks", "n", before, 10, &next);

        n_found += !strcmp(text, "1");
        assert_true(!next || next < before);
        before = next;
        n_parts++;
        free(text);
    } while (before);
    assert_int_equal(n_found, 1);
    assert_int_equal(n_parts, 2);
}

/* A revision of 'who' that changes something that is stored. */
static void
apply_as(struct fixture *f, const char *who)
{
    static int mtu = 1400;
    char *text = xasprintf("put networks n {'mtu':%d}", ++mtu);
    uint64_t revision;
    char *errors = model_util_apply(f->model, who, NULL, text, &revision);

    assert_string_equal(errors, "");
    free(errors);
    free(text);
    assert_int_equal(submit(f), 0);
}

/* Who is in the log, oldest first: an initial each. */
static void
assert_log_is_of(struct fixture *f, const char *initials)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *list = read_logs(f, 0, 100), *entry;
    size_t i;

    json_array_foreach (list, i, entry) {
        ds_put_char(&ds, *json_string_value(json_object_get(entry, "who")));
    }
    assert_string_equal(ds_cstr(&ds), initials);
    json_decref(list);
    ds_destroy(&ds);
}

/* What hosts, probes and vmnd do washes out nothing of what people did, and
 * the other way round; also after a restart. */
static void
log_is_trimmed_apart(void **state)
{
    const struct store_retention keep = {
        .people_ms = INT64_MAX / 4, .people_min = 0, .people_max = 3,
        .others_max = 2,
    };
    struct fixture *f = *state;

    store_sqlite_class.set_retention(f->store, &keep);
    apply_as(f, "unix:uid=0");
    apply_as(f, "account:ann/token");
    for (int i = 0; i < 10; i++) {
        apply_as(f, "host:hv1");
        apply_as(f, "vmnd");
        apply_as(f, "health");
    }
    assert_log_is_of(f, "uavh");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++) {
            apply_as(f, "account:ann/token");
        }
        assert_log_is_of(f, "uvhaa");
        close_store(f);
        open_store(f);
        store_sqlite_class.set_retention(f->store, &keep);
    }
    apply_as(f, "host:hv2");
    assert_log_is_of(f, "uhaah");
}

/* One author's many changes wash out nothing of what the others did, whichever
 * token he uses: of A authors, each keeps an A-th of the log. */
static void
log_is_not_washed_out_by_one_author(void **state)
{
    struct store_retention keep = {
        .people_ms = INT64_MAX / 4, .people_min = 0, .people_max = 9,
        .others_max = 2,
    };
    struct fixture *f = *state;

    store_sqlite_class.set_retention(f->store, &keep);
    apply_as(f, "account:bob/one");
    apply_as(f, "account:bob/two");
    for (int i = 0; i < 4; i++) {
        apply_as(f, "unix:uid=0");
    }
    for (int i = 0; i < 40; i++) {
        char *who = xasprintf("tcp:192.0.2.1%s", i % 2 ? "" : "/x");

        apply_as(f, who);
        free(who);
    }
    assert_log_is_of(f, "aauuuuttt");
    /* Among those who have more than their share, the older entries go. */
    close_store(f);
    open_store(f);
    store_sqlite_class.set_retention(f->store, &keep);
    for (int i = 0; i < 40; i++) {
        apply_as(f, "account:bob/one");
    }
    assert_log_is_of(f, "uuutttaaa");
    /* With a lower limit, too, one who has little keeps it. */
    keep.people_max = 5;
    store_sqlite_class.set_retention(f->store, &keep);
    apply_as(f, "vmnd");
    apply_as(f, "zoe");
    assert_log_is_of(f, "uutavz");
}

/* However long the log is: each step of trimming is a look-up in an index. */
static void
log_is_trimmed_by_indexes(void **state)
{
    static const char *const plans[] = {
        "SEARCH revisions USING INTEGER PRIMARY KEY",
        "SEARCH revisions USING INDEX revisions_author",
        "SCAN log_authors USING COVERING INDEX log_authors_entries",
    };
    struct store_statements s;
    struct fixture *f = *state;
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct vmn_error why = VMN_ERROR_INIT;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(store_statements_prepare(&s, db, &why), 0);

    sqlite3_stmt *const trims[] = { s.log_trim_author, s.log_most };

    for (size_t i = 0; i < ARRAY_SIZE(trims); i++) {
        char *sql = xasprintf("EXPLAIN QUERY PLAN %s", sqlite3_sql(trims[i]));
        sqlite3_stmt *stmt;

        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL),
                         SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            ds_put_format(&ds, "%s\n", sqlite3_column_text(stmt, 3));
        }
        sqlite3_finalize(stmt);
        free(sql);
    }
    for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
        if (!strstr(ds_cstr(&ds), plans[i])) {
            fail_msg("not \"%s\" in: %s", plans[i], ds_cstr(&ds));
        }
    }
    assert_null(strstr(ds_cstr(&ds), "TEMP B-TREE FOR ORDER"));
    ds_destroy(&ds);
    store_statements_finalize(&s);
    sqlite3_close(db);
}

/* The log of a format before 7 knew no authors. */
static void
log_of_an_older_format_is_trimmed_fairly(void **state)
{
    const struct store_retention keep = {
        .people_ms = INT64_MAX / 4, .people_min = 0, .people_max = 4,
        .others_max = 2,
    };
    struct fixture *f = *state;
    sqlite3 *db;

    apply_as(f, "unix:uid=0");
    for (int i = 0; i < 5; i++) {
        apply_as(f, "account:ann/token");
    }
    apply_as(f, "vmnd");
    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(
        db, "DROP INDEX revisions_author; "
        "ALTER TABLE quotas DROP COLUMN flows_per_host; "
        "PRAGMA user_version = 6", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    open_store(f);
    store_sqlite_class.set_retention(f->store, &keep);
    apply_as(f, "unix:uid=0");
    assert_log_is_of(f, "uaavu");
    apply_as(f, "account:bob");
    assert_log_is_of(f, "uavua");
}

static void
log_keeps_people_for_a_time(void **state)
{
    struct store_retention keep = {
        .people_ms = 5000, .people_min = 2, .people_max = 100,
        .others_max = 100,
    };
    struct fixture *f = *state;
    sqlite3 *db;

    store_sqlite_class.set_retention(f->store, &keep);
    for (int i = 0; i < 6; i++) {
        apply_as(f, "unix:uid=0");
    }
    apply_as(f, "host:hv1");
    assert_log_is_of(f, "uuuuuuh");
    close_store(f);
    /* As if all but the last had been made long before. */
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(
        db, "UPDATE revisions SET time_ms = time_ms - 6000 WHERE revision "
        "<> 6", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    open_store(f);
    store_sqlite_class.set_retention(f->store, &keep);
    apply_as(f, "account:ann");
    assert_log_is_of(f, "uha");
    /* So many of people stay, whatever the clock said. */
    keep.people_ms = -1000000;
    store_sqlite_class.set_retention(f->store, &keep);
    apply_as(f, "account:ann");
    assert_log_is_of(f, "haa");
}

static void
volatile_rows_are_not_stored(void **state)
{
    struct fixture *f = *state;

    apply(f, "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}");
    apply(f, "put vifs h1/p1 {'host':'h1','iface_id':'p1','iface':'t',"
          "'ofport':1}");
    assert_int_equal(submit(f), 0);
    apply(f, "delete vifs h1/p1");
    assert_int_equal(submit(f), 0);
    close_store(f);
    open_store(f);
    assert_int_equal(model_durable_revision(f->model), 1);
    assert_non_null(model_get(f->model, VMN_TABLE_HOST, "h1"));
    assert_null(model_get(f->model, VMN_TABLE_VIF, "h1/p1"));
}

static void
file_is_for_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* What is refused.  ------------------------------------------------------- */

/* Checks that the file cannot be opened. */
static void
check_refused(struct fixture *f, int expected_error, const char *part)
{
    struct store *store;
    struct vmn_error why = VMN_ERROR_INIT;
    int error = store_sqlite_class.open(f->path, f->base, &store, &why);

    assert_int_equal(error, expected_error);
    assert_null(store);
    if (!strstr(why.text, part)) {
        fail_msg("got \"%s\", expected \"%s\"", why.text, part);
    }
    vmn_error_uninit(&why);
}

static void
second_process_is_refused(void **state)
{
    struct fixture *f = *state;
    char *part = xasprintf("state.db is in use by another vmnd (process %ld)",
                           (long) getpid());

    check_refused(f, EBUSY, part);
    free(part);
    apply(f, base);
    assert_int_equal(submit(f), 0);
}

/* Closes the store, runs SQL on the file, checks that it is refused then. */
static void
check_sql_refused(struct fixture *f, const char *sql, int error,
                  const char *part)
{
    sqlite3 *db;

    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(db));
    }
    sqlite3_close(db);
    check_refused(f, error, part);
    unlink(f->path);
    open_store(f);
}

static void
foreign_files_are_refused(void **state)
{
    struct fixture *f = *state;

    check_sql_refused(f, "PRAGMA user_version = 99", EINVAL,
                      "was written by a newer vmnd: its format is 99, and "
                      "this vmnd knows up to 7");
    check_sql_refused(f, "PRAGMA application_id = 1", EINVAL,
                      "is a database of another program");
    check_sql_refused(f, "PRAGMA user_version = 0", EINVAL,
                      "is a database of another program");
    check_sql_refused(f, "ALTER TABLE ports DROP COLUMN enabled", EUCLEAN,
                      "is damaged: its tables are not as they should be: no "
                      "such column: enabled");
}

static void
missing_folder_is_told(void **state)
{
    struct fixture *f = *state;
    char *path = f->path;

    f->path = xstrdup("/nonexistent/state.db");
    check_refused(f, ENOENT, "cannot open /nonexistent/state.db.lock");
    free(f->path);
    f->path = path;
}

/* What could not be opened has no lock's file beside it afterwards. */
static void
failed_open_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    char *path = f->path;
    char *folder = xasprintf("%s.d", path);
    char *lock = xasprintf("%s.lock", folder);

    f->path = folder;
    assert_int_equal(mkdir(folder, 0700), 0);
    check_refused(f, EISDIR, folder);
    assert_int_equal(access(lock, F_OK), -1);
    assert_int_equal(rmdir(folder), 0);

    FILE *file = fopen(folder, "w");
    assert_non_null(file);
    fputs("Some file that is no database, but has its own use.\n", file);
    fclose(file);
    check_refused(f, EUCLEAN, folder);
    assert_int_equal(access(lock, F_OK), -1);
    assert_int_equal(unlink(folder), 0);

    free(lock);
    free(folder);
    f->path = path;
}

/* Overwrites 'n' bytes at 'at' of the closed file. */
static void
scribble(struct fixture *f, off_t at, size_t n)
{
    int fd = open(f->path, O_WRONLY);

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(pwrite(fd, "\xa5", 1, at + i), 1);
    }
    close(fd);
}

static void
corrupt_files_are_refused(void **state)
{
    struct fixture *f = *state;

    apply(f, base);
    assert_int_equal(submit(f), 0);
    close_store(f);
    scribble(f, 4096, 64);
    check_refused(f, EUCLEAN, "state.db is corrupt (");
    scribble(f, 0, 16);
    check_refused(f, EUCLEAN, "state.db: cannot open it: file is not a "
                  "database");
    unlink(f->path);
    open_store(f);
}

static void
edited_rows_are_refused(void **state)
{
    static const struct {
        const char *sql;
        const char *part;
    } cases[] = {
        { "UPDATE ports SET network = 'none'",
          "/ports/p1/network: network \"none\" does not exist" },
        { "UPDATE ports SET allowed_addresses = 'x' WHERE name = 'p1'",
          "/ports/p1/allowed_addresses: must be a list" },
        { "UPDATE networks SET vni_given = 5 WHERE name = 'n'",
          "/networks/n: its VNI is not in the table of numbers" },
        { "UPDATE numbers SET number = -1 WHERE key = 'n'",
          "/numbers: number -1 of \"n\" is not valid" },
        { "UPDATE hosts SET encap = 'none'",
          "/hosts/h1/encap: must be one of \"vxlan\", \"geneve\"" },
        { "UPDATE ports SET mac_given = NULL",
          "/ports/p1: it has no MAC address" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct vmn_error why = VMN_ERROR_INIT;
        sqlite3 *db;

        apply(f, base);
        assert_int_equal(submit(f), 0);
        close_store(f);
        sqlite3_open(f->path, &db);
        assert_int_equal(sqlite3_exec(db, cases[i].sql, NULL, NULL, NULL),
                         SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(store_sqlite_class.open(f->path, f->base, &f->store,
                                                 &why), 0);
        f->model = model_create();
        assert_int_equal(store_sqlite_class.load(f->store, f->model, &why),
                         EUCLEAN);
        if (!strstr(why.text, cases[i].part)) {
            fail_msg("got \"%s\", expected \"%s\"", why.text, cases[i].part);
        }
        vmn_error_uninit(&why);
        close_store(f);
        unlink(f->path);
        open_store(f);
    }
}

/* The key.  --------------------------------------------------------------- */

static void
key_is_made_once_and_stays(void **state)
{
    struct fixture *f = *state;
    uint8_t key[STORE_KEY_SIZE], other[STORE_KEY_SIZE];
    struct vmn_error why = VMN_ERROR_INIT;
    sqlite3 *db;

    store_sqlite_class.get_key(f->store, key);
    close_store(f);
    open_store(f);
    store_sqlite_class.get_key(f->store, other);
    assert_memory_equal(other, key, sizeof key);
    close_store(f);

    /* One that is lost, or none at all as in older formats, is made anew. */
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE secrets; "
                                  "PRAGMA user_version = 6", NULL, NULL,
                                  NULL), SQLITE_OK);
    sqlite3_close(db);
    open_store(f);
    store_sqlite_class.get_key(f->store, other);
    assert_memory_not_equal(other, key, sizeof key);
    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(store_key_load(db, key, &why), 0);
    assert_memory_equal(key, other, sizeof key);
    assert_int_equal(sqlite3_exec(db, "UPDATE secrets SET value = x'00'",
                                  NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_key_load(db, key, &why), 0);
    assert_memory_not_equal(key, other, sizeof key);
    sqlite3_close(db);
    open_store(f);
}

/* Formats.  --------------------------------------------------------------- */

static void
older_formats_are_brought_up_step_by_step(void **state)
{
    static const struct store_step steps[] = {
        { STORE_FORMAT, "CREATE TABLE extra (a INTEGER) STRICT" },
        { STORE_FORMAT + 1, "INSERT INTO extra VALUES (7)" },
        { 0, NULL },
    };
    static const struct store_step bad_steps[] = {
        { STORE_FORMAT + 2, "DROP TABLE extra" },
        { STORE_FORMAT + 3, "DROP TABLE none" },
        { 0, NULL },
    };
    struct fixture *f = *state;
    struct vmn_error why = VMN_ERROR_INIT;
    sqlite3 *db;

    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(store_format_check(db, "x", steps,
                                        STORE_FORMAT + 2, &why), 0);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM extra WHERE a = 7; "
                                  "UPDATE extra SET a = 1", NULL, NULL, NULL),
                     SQLITE_OK);

    /* A step that fails leaves the file as it was. */
    assert_int_equal(store_format_check(db, "x", bad_steps,
                                        STORE_FORMAT + 4, &why), EIO);
    assert_string_equal(why.text, "cannot upgrade: no such table: none");
    vmn_error_uninit(&why);
    assert_int_equal(store_format_check(db, "x", steps,
                                        STORE_FORMAT + 2, &why), 0);
    assert_int_equal(sqlite3_exec(db, "SELECT * FROM extra", NULL, NULL,
                                  NULL), SQLITE_OK);
    sqlite3_close(db);
    unlink(f->path);
    open_store(f);
}

/* All tables and columns, in words. */
static uint32_t
schema_fingerprint(void)
{
    uint32_t hash = 0;

    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = schema_tables[i];

        if (table->stored) {
            hash = hash_string(table->plural, hash);
        }
        for (const struct schema_field *f = table->row.fields;
             table->stored && f->name; f++) {
            hash = hash_int(f->type, hash_string(f->name, hash));
        }
    }
    return hash;
}

/* What is added without a new format would make a file of the last release
 * look damaged. */
static void
description_with_other_columns_is_another_format(void **state OVS_UNUSED)
{
    static const uint32_t known = 0x126f454f;

    assert_int_equal(STORE_FORMAT, 7);
    if (schema_fingerprint() != known) {
        fail_msg("tables or columns are not those of format %d (0x%"PRIx32"): "
                 "if that one was released, make STORE_FORMAT one more, with a "
                 "step in store_steps; then put the new number here",
                 STORE_FORMAT, schema_fingerprint());
    }
}

static void
what_an_older_format_lacks_is_added(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;

    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(
        db, "DROP TABLE tiers; DROP TABLE cursors; DROP INDEX ports_host; "
        "ALTER TABLE ports DROP COLUMN host; ALTER TABLE ports DROP COLUMN "
        "ips_given; PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    open_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(
        db, "SELECT position FROM tiers; SELECT host, ips_given FROM ports; "
        "DROP INDEX ports_host", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Faults.  ---------------------------------------------------------------- */

static void
copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char buf[4096];
    ssize_t n;

    while (in >= 0 && (n = read(in, buf, sizeof buf)) > 0) {
        assert_int_equal(write(out, buf, n), n);
    }
    close(in);
    close(out);
}

/* What a vmnd would find that starts after a crash at this moment. */
static char *
dump_after_crash(const struct fixture *f)
{
    char *from_wal = xasprintf("%s-wal", f->path);
    struct fixture copy;

    open_dir(&copy);
    char *to_wal = xasprintf("%s-wal", copy.path);
    copy_file(f->path, copy.path);
    if (!access(from_wal, F_OK)) {
        copy_file(from_wal, to_wal);
    }
    open_store(&copy);
    char *dump = model_util_dump(copy.model, true);
    close_store(&copy);
    close_dir(&copy);
    free(from_wal);
    free(to_wal);
    return dump;
}

/* Fails the n-th write, for each n, until a batch goes through. */
static void
fail_each_write(struct fixture *f, bool stay)
{
    bool failed;
    int n = 0;

    apply(f, base);
    assert_int_equal(submit(f), 0);
    do {
        char *before = model_util_dump(f->model, true);
        uint64_t revision = model_durable_revision(f->model);

        apply(f, "put networks x {}\nput ports x {'network':'x'}\n"
              "delete policies pol");
        fault_vfs_fail_nth(++n, stay);
        submit(f);
        failed = fault_vfs_has_failed();
        fault_vfs_fail_nth(0, false);

        char *crashed = dump_after_crash(f);
        if (failed && f->error) {
            assert_non_null(f->text);
            if (!stay) {
                assert_string_equal(crashed, before);
            }
            assert_int_equal(model_durable_revision(f->model), revision);
            assert_non_null(model_get(f->model, VMN_TABLE_POLICY, "pol"));
        } else {
            /* A fault in a checkpoint after the commit harms nobody. */
            char *now = model_util_dump(f->model, true);

            assert_string_equal(crashed, now);
            free(now);
            apply(f, "cascade networks x\nput policies pol "
                  "{'applies_to':['g']}");
        }
        free(crashed);
        free(before);

        /* The next batch works. */
        apply(f, n % 2 ? "put groups y {}" : "delete groups y");
        assert_int_equal(submit(f), 0);
        char *now = model_util_dump(f->model, true);
        crashed = dump_after_crash(f);
        assert_string_equal(crashed, now);
        free(crashed);
        free(now);
    } while (failed);
    assert_true(n > 5);
}

static void
fault_once_at_each_write(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    fault_vfs_register();
    open_store(f);
    fail_each_write(f, false);
    close_store(f);
    fault_vfs_unregister();
    open_store(f);
}

static void
fault_for_good_at_each_write(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    fault_vfs_register();
    open_store(f);
    fail_each_write(f, true);
    close_store(f);
    fault_vfs_unregister();
    open_store(f);
}

/* The ways to read the log. */
enum reading { READ_ONE, READ_AFTER, READ_NEWEST, READ_OBJECT, N_READINGS };

static int
read_in_way(struct fixture *f, enum reading way, struct ds *ds,
            struct vmn_error *why)
{
    uint64_t next;

    switch (way) {
    case READ_ONE:
        return store_sqlite_class.log(f->store, 2, ds, why);
    case READ_AFTER:
        return store_sqlite_class.logs(f->store, 0, 1000, ds, why);
    case READ_NEWEST:
        return store_sqlite_class.newest_logs(f->store, 1000, ds, why);
    case READ_OBJECT:
        return store_sqlite_class.object_logs(f->store, "groups", "g",
                                              UINT64_MAX, 1000, ds, &next,
                                              why);
    case N_READINGS:
    default:
        OVS_NOT_REACHED();
    }
}

/* Fails the n-th read, for each n, until a reading goes through: it is an
 * error or has all that there is, never less. */
static void
fail_each_read(struct fixture *f, enum reading way, bool stay)
{
    struct store_stats stats;
    bool failed;
    int n = 0;

    do {
        struct ds whole = DS_EMPTY_INITIALIZER;
        struct ds ds = DS_EMPTY_INITIALIZER;
        struct vmn_error why = VMN_ERROR_INIT;

        assert_int_equal(read_in_way(f, way, &whole, &why), 0);
        /* What the connection has read before is not read again. */
        close_store(f);
        open_store(f);
        fault_vfs_fail_nth_read(++n, stay);
        ds_put_char(&ds, '[');
        int error = read_in_way(f, way, &ds, &why);
        failed = fault_vfs_has_failed();
        fault_vfs_fail_nth(0, false);
        if (error) {
            assert_true(failed);
            assert_int_equal(error, EIO);
            assert_non_null(strstr(why.text, "cannot read the log: "));
            assert_string_equal(ds_cstr(&ds), "[");
            vmn_error_uninit(&why);
        } else {
            assert_string_equal(ds_cstr(&ds) + 1, ds_cstr(&whole));
        }
        store_sqlite_class.get_stats(f->store, &stats);
        assert_int_equal(stats.n_read_failures, error != 0);
        assert_false(stats.corrupt);
        assert_true(stay ? !failed == !error : !error || failed);
        ds_destroy(&ds);
        ds_destroy(&whole);
    } while (failed);
    /* More than one entry's pages were among them. */
    assert_true(n > (way == READ_ONE ? 2 : 10));
}

static void
fault_at_each_read_of_the_log(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 300; i++) {
        char *change = xasprintf(
            "put groups g {'description':'%d'}\nput groups of-a-long-name-%d"
            " {}\nput groups other-%d {}", i, i, i);

        apply(f, change);
        assert_int_equal(submit(f), 0);
        free(change);
    }
    close_store(f);
    fault_vfs_register();
    open_store(f);
    for (int way = 0; way < N_READINGS; way++) {
        fail_each_read(f, way, false);
        fail_each_read(f, way, true);
    }
    close_store(f);
    fault_vfs_unregister();
    open_store(f);
}

static void
full_file_is_told(void **state)
{
    struct fixture *f = *state;
    char *dump;

    apply(f, base);
    assert_int_equal(submit(f), 0);
    close_store(f);
    fault_vfs_register();
    open_store(f);
    dump = model_util_dump(f->model, false);
    apply(f, "put groups x {}");
    fault_vfs_fail_nth(1, true);
    assert_int_equal(submit(f), ENOSPC);
    assert_string_equal(f->text, "cannot store: database or disk is full");
    fault_vfs_fail_nth(0, false);

    char *after = model_util_dump(f->model, false);
    assert_string_equal(dump, after);
    free(dump);
    free(after);
    close_store(f);
    fault_vfs_unregister();
    open_store(f);
}

/* A child commits and tells of each revision that is durable, until it is
 * killed. */
static void OVS_NO_RETURN
commit_for_ever(const char *path, int fd)
{
    struct fixture f = { .path = xstrdup(path) };

    f.base = event_base_new();
    open_store(&f);
    for (int i = 0; ; i++) {
        char *text = xasprintf("put groups g%d {'description':'%d'}",
                               i % 10, (int) model_revision(f.model));
        uint64_t revision;

        apply(&f, text);
        free(text);
        if (submit(&f)) {
            _exit(1);
        }
        revision = model_durable_revision(f.model);
        if (write(fd, &revision, sizeof revision) != sizeof revision) {
            _exit(1);
        }
    }
}

static void
killed_writer_loses_nothing(void **state)
{
    struct fixture *f = *state;

    for (int round = 0; round < 20; round++) {
        uint64_t acked = 0, revision;
        int fds[2];

        close_store(f);
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (!pid) {
            close(fds[0]);
            commit_for_ever(f->path, fds[1]);
        }
        close(fds[1]);
        for (int i = 0; i < 1 + round * 3; i++) {
            assert_int_equal(read(fds[0], &acked, sizeof acked),
                             sizeof acked);
        }
        kill(pid, SIGKILL);
        while (read(fds[0], &revision, sizeof revision) == sizeof revision) {
            acked = revision;
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        close(fds[0]);

        open_store(f);
        /* One more may have become durable without being told of. */
        assert_true(model_durable_revision(f->model) >= acked);
        assert_true(model_durable_revision(f->model) <= acked + 1);
    }
}

/* Only tells: timings decide nothing. */
static void
cost_of_a_commit(void **state)
{
    struct fixture *f = *state;
    struct timespec a, b;
    int n = 200;

    apply(f, base);
    assert_int_equal(submit(f), 0);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < n; i++) {
        apply(f, i % 2 ? "patch ports p1 {'description':'a'}"
                       : "patch ports p1 {'description':'b'}");
        assert_int_equal(submit(f), 0);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    print_message("a durable one-row commit: %.0f us\n",
                  ((b.tv_sec - a.tv_sec) * 1e9 + b.tv_nsec - a.tv_nsec)
                  / 1e3 / n);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_stored_comes_back),
        TEST(addresses_come_late_after_a_restart),
        TEST(columns_are_real),
        TEST(id_pools_pass_from_key_to_key),
        TEST(log_tells_revisions),
        TEST(log_tells_revisions_of_an_object),
        TEST(log_is_trimmed_apart),
        TEST(log_is_not_washed_out_by_one_author),
        TEST(log_is_trimmed_by_indexes),
        TEST(log_of_an_older_format_is_trimmed_fairly),
        TEST(log_keeps_people_for_a_time),
        TEST(log_is_looked_through_in_parts),
        TEST(volatile_rows_are_not_stored),
        TEST(file_is_for_its_owner_alone),
        TEST(second_process_is_refused),
        TEST(foreign_files_are_refused),
        TEST(missing_folder_is_told),
        TEST(failed_open_leaves_nothing),
        TEST(corrupt_files_are_refused),
        TEST(edited_rows_are_refused),
        TEST(key_is_made_once_and_stays),
        TEST(older_formats_are_brought_up_step_by_step),
        TEST(description_with_other_columns_is_another_format),
        TEST(what_an_older_format_lacks_is_added),
        TEST(fault_once_at_each_write),
        TEST(fault_for_good_at_each_write),
        TEST(fault_at_each_read_of_the_log),
        TEST(full_file_is_told),
        TEST(killed_writer_loses_nothing),
        TEST(cost_of_a_commit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
