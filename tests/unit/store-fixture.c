/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the SQLite store share; see store-fixture.h. */

#include <config.h>

#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "controller/schema/error.h"
#include "controller/store/store.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/model-util.h"
#include "tests/unit/store-fixture.h"
#include "util.h"

const char base_rows[] =
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
on_done(void *f_, int error, const struct vmn_error *why)
{
    struct fixture *f = f_;

    f->done = true;
    f->error = error;
    free(f->text);
    f->text = nullable_xstrdup(error ? why->text : NULL);
}

/* Writes what the model has pending; settles or undoes it. */
int
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

void
apply_set(struct fixture *f, const char *set, const char *text)
{
    uint64_t revision;
    char *errors = model_util_apply(f->model, "unix:uid=0", set, text,
                                    &revision);

    assert_string_equal(errors, "");
    free(errors);
}

void
store_apply(struct fixture *f, const char *text)
{
    apply_set(f, NULL, text);
}

json_t *
read_logs(struct fixture *f, uint64_t after, size_t limit)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct vmn_error why = VMN_ERROR_INIT;

    ds_put_char(&ds, '[');
    assert_int_equal(store_sqlite_class.logs(f->store, after, UINT64_MAX,
                                             limit, &ds, &why), 0);
    ds_put_char(&ds, ']');
    json_t *json = json_loads(ds_cstr(&ds), 0, NULL);
    assert_non_null(json);
    ds_destroy(&ds);
    return json;
}

/* A revision of 'who' that changes something that is stored. */
void
store_apply_as(struct fixture *f, const char *who)
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

void
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

void
close_store(struct fixture *f)
{
    store_sqlite_class.close(f->store);
    model_destroy(f->model);
    f->store = NULL;
    f->model = NULL;
}

void
open_dir(struct fixture *f)
{
    const char *parent = getenv("TMPDIR");

    memset(f, 0, sizeof *f);
    f->dir = xasprintf("%s/test-store-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    f->path = xasprintf("%s/state.db", f->dir);
    f->base = event_base_new();
}

void
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

int
store_setup(void **state)
{
    struct fixture *f = xmalloc(sizeof *f);

    open_dir(f);
    open_store(f);
    *state = f;
    return 0;
}

int
store_teardown(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    close_dir(f);
    free(f);
    return 0;
}
