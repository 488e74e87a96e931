/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of what is kept secret of objects: who changes an object that the
 * account sees, and may not change, gets one answer, whatever of the request
 * is right or wrong; else what is not shown could be guessed.  Administrators,
 * with the same requests, get many. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/draft-conflicts.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/schema/schema.h"
#include "controller/schema/selector.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "tests/unit/apps-fixture.h"
#include "tests/unit/model-util.h"
#include "util.h"

#define READ "'labels': {'shared': 'yes'}"
#define OWN "'labels': {'project': 'shop'}"
#define SECRET "https://a.example/key"
#define BALANCER(LABELS) "{" LABELS ", 'vip': '10.9.0.200', 'networks':" \
    " ['n'], 'ports': [{'port': 80}], 'scale': {'metric': 'connections'," \
    " 'high': 10, 'webhook': '" SECRET "'}}"
#define ENCODED "{" READ ", 'selector': 'shared=yes', 'user_data': 'a?'}"

/* Settings of an app, with a secret: of one object for all. */
#define DIAL "{\"app\": \"overlay\", \"singular\": \"dial\"," \
    "\"doc\": \"D.\"," \
    "\"single\": true, \"fields\": [{\"name\": \"pin\", \"type\": \"text\"," \
    "\"max\": 9, \"secret\": true, \"doc\": \"D.\"}, {\"name\": \"rate\"," \
    "\"type\": \"int\", \"max\": 9, \"doc\": \"D.\"}]}"

static struct apps_fixture *f;
static struct arena arena;

/* Accounts: one with a scope and what it reads, operators and viewers of the
 * whole installation. */
static struct model_rights *shop, *operators, *viewers;

static void
check_object(void *aux OVS_UNUSED, const struct vmn_type_row *type,
             const struct vmn_row *object, struct vmn_errors *faults)
{
    engine_check_object(apps_fixture_engine(f), type, object, faults);
}

static void
declare_dial(struct model *model)
{
    const struct model_declared declared = { "overlay-dial", DIAL };
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    model_request_init(&request, "vmnd");
    model_request_set_types(&request, model, "overlay", &declared, 1);
    assert_int_equal(model_apply(model, &request, 1, &revision, &errors), 0);
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    model_settle(model);
}

/* Rights of an operator (or a viewer). */
static struct model_rights *
make_rights(const char *scope, const char *reads, bool views)
{
    struct vmn_account account = { .role = VMN_ROLE_OPERATOR };
    uint64_t tables = views ? 0 : UINT64_MAX;

    for (int i = 0; i < VMN_N_TABLES; i++) {
        if (schema_tables[i]->for_admins) {
            tables &= ~(UINT64_C(1) << i);
        }
    }
    if (scope) {
        assert_int_equal(0, selector_parse(scope, strlen(scope), &arena,
                                           &account.scope, NULL));
        assert_int_equal(0, selector_parse(reads, strlen(reads), &arena,
                                           &account.reads, NULL));
    }
    return model_rights_create(tables, &account);
}

static int
setup(void **state OVS_UNUSED)
{
    static const char *const apps[] = { "overlay", "metadata", NULL };

    f = apps_fixture_create(apps);
    apps_fixture_declare_types(f, "metadata");
    declare_dial(apps_fixture_model(f));
    model_set_check_object(apps_fixture_model(f), check_object, NULL);
    arena_init(&arena);
    shop = make_rights("project=shop", "shared=yes", false);
    operators = make_rights(NULL, NULL, false);
    viewers = make_rights(NULL, NULL, true);
    apps_fixture_apply(
        f, "{'networks/n': {" READ ", 'subnets': [{'cidr': '10.9.0.0/24'}]},"
        " 'hosts/h1': {'ovsdb': 'inbound', 'tunnel_ip': '192.0.2.1'},"
        " 'hosts/own': {" OWN ", 'ovsdb': 'inbound', 'tunnel_ip':"
        "  '192.0.2.7'},"
        " 'loadbalancers/read': " BALANCER(READ) ","
        " 'loadbalancers/unseen': {'vip': '10.9.0.201', 'networks': ['n'],"
        "  'ports': [{'port': 80}]},"
        " 'metadata/coded': " ENCODED ","
        " 'metadata/plain': {" READ ", 'selector': 'shared=yes'},"
        " 'overlay-dial/default': {" OWN ", 'pin': 'sesame'},"
        " 'accounts/alice': {'role': 'admin'},"
        " 'drafts/d': {'changes': [{'op': 'patch', 'type': 'loadbalancers',"
        "  'name': 'read', 'spec': {'description': 'x'}}]}}");
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    model_rights_destroy(shop);
    model_rights_destroy(operators);
    model_rights_destroy(viewers);
    arena_uninit(&arena);
    apps_fixture_destroy(f);
    return 0;
}

/* One answer.  ------------------------------------------------------------ */

/* Applies it with these rights, and undoes it.  Returns what is answered,
 * which the caller frees. */
static char *
answer_of(const struct model_rights *rights, const char *text)
{
    struct model *model = apps_fixture_model(f);
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    model_request_init(&request, "test");
    request.rights = model_rights_clone(rights);
    model_util_parse(&request, text);
    if (!model_apply(model, &request, 1, &revision, &errors)) {
        ds_put_format(&ds, "outcome %d", (int) request.ops[0].outcome);
        model_undo(model);
    }
    for (size_t i = 0; i < errors.n; i++) {
        ds_put_format(&ds, "%d %s %s;", (int) errors.errors[i].code,
                      errors.errors[i].pointer, errors.errors[i].text);
    }
    model_request_uninit(&request);
    vmn_errors_uninit(&errors);
    return ds_steal_cstr(&ds);
}

/* An object, what is there of it, and specs to guess by: one a line, in which
 * the first is what it says. */
struct guess {
    const char *object;         /* "TYPE NAME". */
    const char *specs[6];
};

static const struct guess balancer = {
    "loadbalancers read",
    { BALANCER(READ), "{'scale': {'webhook': '" SECRET "'}}",
      "{'scale': {'webhook': 'https://a.example/guess'}}",
      "{'scale': {'webhook': 'nothing', 'high': -1}}",
      "{'scale': null, 'no_such_field': 1}" },
};
static const struct guess unseen = {
    "loadbalancers unseen",
    { "{'vip': '10.9.0.201', 'networks': ['n'], 'ports': [{'port': 80}]}",
      "{'description': 'x'}", "{'vip': 'nothing'}", "{}", "{'scale': {}}" },
};
static const struct guess coded = {
    "metadata coded",
    { ENCODED, "{'user_data': 'a?'}", "{'user_data': 'guess'}",
      "{'user_data_encoding': 'base64'}", "{'user_data': null}",
      "{'no_such_field': 1}" },
};
static const struct guess plain = {
    "metadata plain",
    { "{" READ ", 'selector': 'shared=yes'}", "{'user_data': 'guess'}",
      "{'user_data_encoding': 'base64'}", "{'user_data': null}",
      "{'selector': null}", "{}" },
};
static const struct guess dial = {
    "overlay-dial default",
    { "{" OWN ", 'pin': 'sesame'}", "{'pin': 'sesame'}", "{'pin': 'guess'}",
      "{'pin': 'much too long'}", "{'rate': 10}", "{}" },
};
static const struct guess host = {
    "hosts h1",
    { "{'ovsdb': 'inbound', 'tunnel_ip': '192.0.2.1'}",
      "{'tunnel_ip': '192.0.2.1'}", "{'tunnel_ip': '192.0.2.2'}",
      "{'tunnel_ip': 'nothing'}", "{'labels': null}", "{}" },
};
static const struct guess account = {
    "accounts alice",
    { "{'role': 'admin'}", "{'role': 'viewer'}", "{'role': 'nothing'}",
      "{'enabled': true}", "{}" },
};
/* Not what it says: that may be put again without a scope. */
static const struct guess other_account = {
    "accounts alice",
    { "{'role': 'operator'}", "{'role': 'viewer'}", "{'role': 'nothing'}",
      "{'role': 'admin', 'description': 'x'}", "{}" },
};
static const struct guess draft = {
    "drafts d",
    { "{'changes': []}", "{'description': 'x'}", "{'changes': 7}",
      "{'author': 'guess'}", "{'no_such_field': 1}", "{}" },
};

/* Adds the answers to all ways of changing it to 'answers'. */
static void
try_all(const struct model_rights *rights, const struct guess *guess,
        struct sset *answers)
{
    static const char *const verbs[] = { "patch", "put" };
    char *copy = xstrdup(guess->object);
    const char *name = strchr(copy, ' ') + 1;
    struct model_meta meta = { .revision = 1 };

    copy[name - copy - 1] = '\0';
    model_get_durable(apps_fixture_model(f), schema_find_table(copy)->id,
                      name, &meta);
    for (size_t i = 0; i < 3 * ARRAY_SIZE(guess->specs)
                           * ARRAY_SIZE(verbs); i++) {
        const char *spec = guess->specs[i / 6];
        char *etag = (i % 3 == 0 ? xstrdup("") : i % 3 == 1 ? xstrdup("@7777")
                      : xasprintf("@%"PRIu64, meta.revision));
        char *text;

        if (spec) {
            text = xasprintf("%s%s %s %s\n", verbs[i / 3 % 2], etag,
                             guess->object, spec);
            sset_add_and_free(answers, answer_of(rights, text));
            free(text);
        }
        text = xasprintf("%s%s %s\n", i % 2 ? "delete" : "cascade", etag,
                         guess->object);
        sset_add_and_free(answers, answer_of(rights, text));
        free(text);
        free(etag);
    }
    free(copy);
}

static void
expect_one_answer(const struct model_rights *rights,
                  const struct guess *guess, const char *expected)
{
    struct sset answers = SSET_INITIALIZER(&answers);
    const char *answer;

    try_all(rights, guess, &answers);
    SSET_FOR_EACH (answer, &answers) {
        if (strcmp(strchr(answer, ' ') + 1, expected)
            || atoi(answer) != VMN_ERR_FORBIDDEN) {
            fail_msg("%s: %s", guess->object, answer);
        }
    }
    sset_clear(&answers);
    try_all(NULL, guess, &answers);
    assert_true(sset_count(&answers) > 3);
    sset_destroy(&answers);
}

static void
who_reads_an_object_does_not_guess_its_secrets(void **state OVS_UNUSED)
{
    expect_one_answer(shop, &balancer, " loadbalancer \"read\" is not within "
                      "this account's scope;");
    expect_one_answer(shop, &coded, " metadata-object \"coded\" is not within "
                      "this account's scope;");
    /* Nor whether there is one. */
    expect_one_answer(shop, &plain, " metadata-object \"plain\" is not within "
                      "this account's scope;");
    expect_one_answer(shop, &unseen, " loadbalancer \"unseen\" is not within "
                      "this account's scope;");
}

static void
whose_type_is_not_the_accounts_has_one_answer(void **state OVS_UNUSED)
{
    static const char why[] = "must not be changed by this account;";
    char *text = xasprintf(" dial \"default\" %s", why);

    /* With the labels of the scope, but of the whole installation. */
    expect_one_answer(shop, &dial, text);
    free(text);
    text = xasprintf(" host \"h1\" %s", why);
    expect_one_answer(shop, &host, text);
    free(text);
    text = xasprintf(" account \"alice\" %s", why);
    expect_one_answer(shop, &account, text);
    expect_one_answer(operators, &other_account, text);
    free(text);
    text = xasprintf(" draft \"d\" %s", why);
    expect_one_answer(viewers, &draft, text);
    free(text);
    text = xasprintf(" loadbalancer \"read\" %s", why);
    expect_one_answer(viewers, &balancer, text);
    free(text);
}

static void
expect_not_found_by_trying(const struct model_rights *rights,
                           const char *name)
{
    static const char *const changes[][2] = {
        { "patch", "{'role': 'viewer'}" }, { "patch", "{}" },
        { "put", "{'role': 'viewer'}" }, { "put", "{'role': 'nothing'}" },
        { "delete", "" }, { "cascade", "" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        struct ds text = DS_EMPTY_INITIALIZER;
        char *expected = xasprintf("%d  account \"%s\" must not be changed by "
                                   "this account;", (int) VMN_ERR_FORBIDDEN,
                                   name);
        char *answer;

        ds_put_format(&text, "%s accounts %s %s\n", changes[i][0], name,
                      changes[i][1]);
        answer = answer_of(rights, ds_cstr(&text));
        assert_string_equal(answer, expected);
        free(answer);
        free(expected);
        ds_destroy(&text);
    }
}

static void
accounts_are_not_found_by_trying(void **state OVS_UNUSED)
{
    static const char *const names[] = { "alice", "alise", "nobody" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        expect_not_found_by_trying(operators, names[i]);
        expect_not_found_by_trying(shop, names[i]);
    }
}

/* Administrators keep accounts in files that operators apply as well. */
static void
account_may_be_put_as_it_is_without_a_scope(void **state OVS_UNUSED)
{
    char *unchanged = xasprintf("outcome %d", (int) MODEL_UNCHANGED);
    char *answer = answer_of(operators, "put accounts alice {'role':"
                             " 'admin'}\n");

    assert_string_equal(answer, unchanged);
    free(answer);
    free(unchanged);
}

/* What the account is shown whole is as it was. */
static void
what_is_shown_whole_may_be_sent_again(void **state OVS_UNUSED)
{
    char *unchanged = xasprintf("outcome %d", (int) MODEL_UNCHANGED);
    char *answer = answer_of(shop, "put networks n {" READ ", 'subnets':"
                             " [{'cidr': '10.9.0.0/24'}]}\n");

    assert_string_equal(answer, unchanged);
    free(answer);
    answer = answer_of(operators, "patch hosts h1 {'tunnel_ip':"
                       " '192.0.2.1'}\n");
    assert_string_equal(answer, unchanged);
    free(answer);
    answer = answer_of(operators, "patch metadata coded {'user_data':"
                       " 'a?'}\n");
    assert_string_equal(answer, unchanged);
    free(answer);
    free(unchanged);
}

/* Drafts.  ---------------------------------------------------------------- */

static void
note_conflict(void *ds, const struct draft_conflict *conflict)
{
    char *now = json_dumps(conflict->now, JSON_ENCODE_ANY | JSON_COMPACT);

    ds_put_format(ds, "%s %s\n", conflict->path, now);
    free(now);
}

/* Of a balancer that was the account's when it wrote the draft. */
static void
draft_does_not_tell_the_secret_of_what_was_ones_own(void **state OVS_UNUSED)
{
    struct model *model = apps_fixture_model(f);
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct vmn_row *row;

    apps_fixture_apply(f, "{'loadbalancers/gone': {" OWN ", 'vip':"
                       " '10.9.0.210', 'networks': ['n'], 'ports': [{'port':"
                       " 80}], 'scale': {'metric': 'connections', 'high': 10,"
                       " 'webhook': 'https://shop.example/'}}}");
    apps_fixture_apply(f, "{'drafts/own': {" OWN ", 'changes': [{'op':"
                       " 'patch', 'type': 'loadbalancers', 'name': 'gone',"
                       " 'spec': {'scale': {'webhook': '" SECRET "'}}}]}}");
    apps_fixture_apply(f, "{'loadbalancers/gone': {" READ ", 'vip':"
                       " '10.9.0.210', 'networks': ['n'], 'ports': [{'port':"
                       " 80}], 'scale': {'metric': 'connections', 'high': 10,"
                       " 'webhook': '" SECRET "'}}}");
    model_settle(model);
    row = model_get(model, VMN_TABLE_DRAFT, "own");
    assert_true(model_sees(shop, row));
    /* Nor that it has guessed it. */
    draft_conflicts(model, shop, (const void *) row, note_conflict, &ds);
    assert_string_equal(ds_cstr(&ds), "/spec/scale/webhook \"redacted\"\n"
                        "/spec/labels {\"shared\":\"yes\"}\n");
    ds_clear(&ds);
    draft_conflicts(model, NULL, (const void *) row, note_conflict, &ds);
    assert_string_equal(ds_cstr(&ds), "/spec/labels {\"shared\":\"yes\"}\n");
    ds_destroy(&ds);
}

/* Somebody has given a host the labels of a project, and drafts a change. */
static void
draft_of_a_host_is_not_within_a_scope(void **state OVS_UNUSED)
{
    struct model *model = apps_fixture_model(f);
    const struct vmn_row *row;

    apps_fixture_apply(f, "{'drafts/host': {" OWN ", 'changes': [{'op':"
                       " 'patch', 'type': 'hosts', 'name': 'own', 'spec':"
                       " {'description': 'x'}}]}}");
    row = model_get(model, VMN_TABLE_DRAFT, "host");
    assert_false(model_sees(shop, row));
    assert_false(model_shows_secrets(shop, row));
    assert_true(model_sees(viewers, row));
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_reads_an_object_does_not_guess_its_secrets),
        cmocka_unit_test(whose_type_is_not_the_accounts_has_one_answer),
        cmocka_unit_test(accounts_are_not_found_by_trying),
        cmocka_unit_test(account_may_be_put_as_it_is_without_a_scope),
        cmocka_unit_test(what_is_shown_whole_may_be_sent_again),
        cmocka_unit_test(draft_does_not_tell_the_secret_of_what_was_ones_own),
        cmocka_unit_test(draft_of_a_host_is_not_within_a_scope),
    };

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, setup, teardown);
}
