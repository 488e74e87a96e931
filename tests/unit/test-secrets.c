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
#include "controller/model/request-author.h"
#include "controller/schema/error.h"
#include "controller/schema/schema.h"
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

/* A type that gets a secret, or comes to be of one object for all, when its
 * app declares it anew. */
#define KNOB(PIN, SINGLE) "{\"app\": \"overlay\", \"singular\":" \
    "\"knob\", \"doc\": \"D.\", \"single\": " SINGLE ", \"fields\":" \
    "[{\"name\": \"pin\", \"type\": \"text\", \"max\": 9, \"secret\":" \
    PIN ", \"doc\": \"D.\"}]}"

static struct apps_fixture *f;

/* Accounts: one with a scope and what it reads, operators and viewers of the
 * whole installation. */
static struct model_rights *shop, *operators, *viewers;

static void
check_object(void *aux OVS_UNUSED, const struct vmn_type_row *type,
             const struct vmn_row *object, uint64_t *checked,
             struct vmn_errors *faults)
{
    engine_check_object(apps_fixture_engine(f), type, object, checked,
                        faults);
}

/* Has the app declare the dial, and a knob, unless that is NULL. */
static void
declare(struct model *model, const char *knob)
{
    const struct model_declared declared[] = {
        { "overlay-dial", DIAL }, { "overlay-knob", knob },
    };
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    model_request_init(&request, "vmnd");
    model_request_set_types(&request, model, "overlay", declared,
                            knob ? 2 : 1);
    assert_int_equal(model_apply(model, &request, 1, &revision, &errors), 0);
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    model_settle(model);
}

static int
setup(void **state OVS_UNUSED)
{
    static const char *const apps[] = { "overlay", "metadata", NULL };

    f = apps_fixture_create(apps);
    apps_fixture_declare_types(f, "metadata");
    declare(apps_fixture_model(f), NULL);
    model_set_check_object(apps_fixture_model(f), check_object, NULL);
    shop = model_util_rights("project=shop", "shared=yes", NULL, false);
    operators = model_util_rights(NULL, NULL, NULL, false);
    viewers = model_util_rights(NULL, NULL, NULL, true);
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
        " 'accounts/ann': {'role': 'operator', 'scope': 'project=shop',"
        "  'reads': 'shared=yes'},"
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
    apps_fixture_destroy(f);
    return 0;
}

/* One answer.  ------------------------------------------------------------ */

/* Applies it with these rights, and with those of 'writer' as well, who has
 * written the draft that it is of (NULL: it is of none), and undoes it.
 * Returns what is answered, which the caller frees. */
static char *
answer_with_writer(const struct model_rights *rights, const char *text,
                   const struct model_rights *writer)
{
    struct model_request request;

    model_request_init(&request, "test");
    request.rights = model_rights_clone(rights);
    if (writer) {
        request.n_writers = 1;
        request.writers = xzalloc(sizeof *request.writers);
        request.writers->rights = model_rights_clone(writer);
        request.writers->author = xzalloc(sizeof *request.writers->author);
        request.writers->author->account = xstrdup("ann");
        request.writers->author->role = VMN_ROLE_OPERATOR;
    }
    return model_util_answer(apps_fixture_model(f), &request, text, false);
}

static char *
answer_of(const struct model_rights *rights, const char *text)
{
    return answer_with_writer(rights, text, NULL);
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
}

/* An object that the account does not see is, to who changes or deletes it, as
 * one that there is not, whatever else the request does; who puts it is told
 * that its name is taken. */
static void
what_is_not_seen_is_as_what_is_not_there(void **state OVS_UNUSED)
{
    static const char *const changes[][2] = {
        { "patch", "{'description': 'x'}" }, { "patch", "{}" },
        { "patch", "{'vip': 'nothing'}" }, { "patch@1", "{}" },
        { "delete", "" }, { "cascade", "" }, { "delete@1", "" },
        { "absent", "" },
    };
    static const char *const also[] = {
        "", "put networks mine {" OWN ", 'subnets': [{'cidr': 'nothing'}]}\n",
    };
    char *answer;

    for (size_t i = 0; i < ARRAY_SIZE(changes) * ARRAY_SIZE(also); i++) {
        const char *const *change = changes[i / ARRAY_SIZE(also)];
        char *answers[2];

        for (size_t j = 0; j < 2; j++) {
            struct ds text = DS_EMPTY_INITIALIZER;

            ds_put_format(&text, "%s loadbalancers %s %s\n%s", change[0],
                          j ? "unseen" : "nobody", change[1],
                          also[i % ARRAY_SIZE(also)]);
            answers[j] = answer_of(shop, ds_cstr(&text));
            ds_destroy(&text);
            for (char *at; (at = strstr(answers[j], j ? "unseen" : "nobody"));
                 memset(at, 'x', 6)) { }
        }
        assert_string_equal(answers[0], answers[1]);
        free(answers[0]);
        free(answers[1]);
    }
    answer = answer_of(shop, "put loadbalancers unseen {" OWN "}\n");
    assert_non_null(strstr(answer, "is not within this account's scope"));
    free(answer);
    answer = answer_of(NULL, "delete loadbalancers unseen\n");
    assert_null(strstr(answer, "does not exist"));
    free(answer);
}

static void
expect_with_writer(const struct model_rights *rights, const char *text,
                   const char *expected)
{
    char *answer = answer_with_writer(rights, text, shop);

    if (!strstr(answer, expected)) {
        fail_msg("%s: %s", text, answer);
    }
    free(answer);
}

/* Who applies a draft changes nothing for who wrote it that this one does not
 * see, and is not told by it of what neither of them sees. */
static void
what_a_writer_does_not_see_is_not_changed_for_him(void **state OVS_UNUSED)
{
    struct model_rights *bank = model_util_rights("project=bank", "bank=yes",
                                                  NULL, false);
    const struct model_rights *const all[] = { NULL, operators };

    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        expect_with_writer(all[i], "absent loadbalancers unseen\n",
                           "is not for account \"ann\" to change");
        expect_with_writer(all[i], "patch loadbalancers unseen"
                           " {'description': 'x'}\n",
                           "is not for account \"ann\" to change");
        expect_with_writer(all[i], "absent loadbalancers nobody\n",
                           "outcome");
    }
    expect_with_writer(bank, "absent loadbalancers unseen\n", "outcome");
    expect_with_writer(bank, "absent loadbalancers nobody\n", "outcome");
    model_rights_destroy(bank);
}

static void
whose_type_is_not_the_accounts_has_one_answer(void **state OVS_UNUSED)
{
    static const char why[] = "must not be changed by this account;";
    char *text = xasprintf(" dial \"default\" %s", why);

    /* With the labels of the scope, but of the whole installation. */
    expect_one_answer(shop, &dial, text);
    /* Nor does it learn when there are no settings any more. */
    apps_fixture_apply(f, "{'overlay-dial/default': null}");
    expect_one_answer(shop, &dial, text);
    apps_fixture_apply(f, "{'overlay-dial/default': {" OWN ", 'pin':"
                       " 'sesame'}}");
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

/* Settings are the whole installation's as soon as they are declared so: the
 * rights of a request that waits, made before, know of it. */
static void
rights_follow_what_types_are_declared_as(void **state OVS_UNUSED)
{
    struct model *model = apps_fixture_model(f);
    char *answer;

    declare(model, KNOB("false", "false"));
    answer = answer_of(shop, "put overlay-knob k {" OWN ", 'pin': 'x'}\n");
    assert_non_null(strstr(answer, "outcome"));
    free(answer);
    declare(model, KNOB("false", "true"));
    answer = answer_of(shop, "put overlay-knob default {" OWN ", 'pin':"
                       " 'x'}\n");
    assert_non_null(strstr(answer, "must not be changed by this account"));
    free(answer);
    declare(model, NULL);
}

/* Drafts.  ---------------------------------------------------------------- */

static void
note_conflict(void *ds, const struct draft_conflict *conflict)
{
    char *now = json_dumps(conflict->now, JSON_ENCODE_ANY | JSON_COMPACT);
    char *wanted = json_dumps(conflict->wanted,
                              JSON_ENCODE_ANY | JSON_COMPACT);

    ds_put_format(ds, "%s %s %s%s\n", conflict->path, now ? now : "-",
                  wanted ? wanted : "-",
                  conflict->left_out ? " left out" : "");
    free(now);
    free(wanted);
}

/* Checks what the account is told of conflicts of the draft. */
static void
expect_conflicts(const struct model_rights *rights, const char *name,
                 const char *expected)
{
    const struct model *model = apps_fixture_model(f);
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct vmn_row *row = model_get(model, VMN_TABLE_DRAFT, name);

    assert_true(model_sees(rights, row));
    draft_conflicts(model, rights, (const void *) row, note_conflict, &ds);
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
}

/* A balancer with a webhook, and a port. */
#define MOVED(LABELS, PORT, URL) "{'loadbalancers/gone': {" LABELS ", 'vip':" \
    " '10.9.0.210', 'networks': ['n'], 'ports': [{'port': " PORT "}]," \
    " 'scale': {'metric': 'connections', 'high': 10, 'webhook': '" URL "'}}}"
#define DRAFT(NAME, SPEC) "{'drafts/" NAME "': {" OWN ", 'changes': [{'op':" \
    " 'patch', 'type': 'loadbalancers', 'name': 'gone', 'spec': " SPEC "}]}}"
#define OF_SCALE "/spec/scale {\"metric\":\"connections\",\"high\":10," \
    "\"for_seconds\":60,\"cooldown_seconds\":300," \
    "\"webhook\":\"redacted\"} -\n"
#define OF_LABELS "/spec/labels {\"shared\":\"yes\"} {\"shared\":\"yes\"}\n"

/* Of a balancer that was the account's when it wrote the draft. */
static void
draft_does_not_tell_the_secret_of_what_was_ones_own(void **state OVS_UNUSED)
{
    apps_fixture_apply(f, MOVED(OWN, "81", "https://shop.example/"));
    apps_fixture_apply(f, DRAFT("own", "{'scale': {'webhook': '" SECRET
                                "'}}"));
    apps_fixture_apply(f, DRAFT("same", "{'ports': [{'port': 80}]}"));
    apps_fixture_apply(f, DRAFT("port", "{'ports': [{'port': 82}], 'scale':"
                                " {'high': 11}}"));
    apps_fixture_apply(f, DRAFT("none", "{'scale': null}"));
    apps_fixture_apply(f, MOVED(READ, "80", SECRET));
    model_settle(apps_fixture_model(f));
    /* Nor that it has guessed it. */
    expect_conflicts(shop, "own", "/spec/scale/webhook \"redacted\" \""
                     SECRET "\"\n" OF_LABELS);
    expect_conflicts(NULL, "own", OF_LABELS);
    /* What else the balancer says is compared as ever. */
    expect_conflicts(shop, "same", OF_LABELS);
    expect_conflicts(shop, "port", "/spec/ports [{\"port\":80,\"target\":80}]"
                     " [{\"port\":82,\"target\":82}]\n" OF_LABELS);
    expect_conflicts(shop, "none", OF_SCALE OF_LABELS);
    /* Nor who sees all, and changes nothing. */
    expect_conflicts(viewers, "none", OF_SCALE OF_LABELS);
    /* To them it counts whether it is another one. */
    expect_conflicts(viewers, "own", OF_LABELS);
    apps_fixture_apply(f, "{'drafts/own': null, 'drafts/same': null,"
                       " 'drafts/port': null, 'drafts/none': null,"
                       " 'loadbalancers/gone': null}");
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
    apps_fixture_apply(f, "{'drafts/host': null}");
}

/* An app declares its type anew, and what was drafted has a secret now. */
static void
draft_does_not_tell_what_has_become_a_secret(void **state OVS_UNUSED)
{
    struct model *model = apps_fixture_model(f);

    declare(model, KNOB("false", "false"));
    apps_fixture_apply(f, "{'overlay-knob/k': {" OWN ", 'pin': 'plain'}}");
    apps_fixture_apply(f, "{'drafts/knob': {" OWN ", 'changes': [{'op':"
                       " 'patch', 'type': 'overlay-knob', 'name': 'k',"
                       " 'spec': {'pin': 'sesame'}}]}}");
    model_settle(model);
    expect_conflicts(shop, "knob", "");
    declare(model, KNOB("true", "false"));
    apps_fixture_apply(f, "{'overlay-knob/k': {" READ ", 'pin': 'sesame'}}");
    model_settle(model);
    expect_conflicts(shop, "knob", " - - left out\n");
    expect_conflicts(viewers, "knob", " - - left out\n");
    expect_conflicts(NULL, "knob", " - - left out\n");
    apps_fixture_apply(f, "{'drafts/knob': null, 'overlay-knob/k': null}");
    declare(model, NULL);
}

/* Of a type that has gone it is not known whose its objects are. */
static void
draft_of_a_type_that_has_gone_is_not_within_a_scope(void **state OVS_UNUSED)
{
    struct model *model = apps_fixture_model(f);
    const struct vmn_row *row;

    declare(model, KNOB("false", "true"));
    apps_fixture_apply(f, "{'drafts/knob': {" OWN ", 'changes': [{'type':"
                       " 'overlay-knob', 'name': 'default', 'spec': {" OWN
                       ", 'pin': 'x'}}]}}");
    row = model_get(model, VMN_TABLE_DRAFT, "knob");
    assert_false(model_sees(shop, row));
    declare(model, NULL);
    assert_null(schema_find_table("overlay-knob"));
    row = model_get(model, VMN_TABLE_DRAFT, "knob");
    assert_false(model_sees(shop, row));
    assert_true(model_sees(viewers, row));
    apps_fixture_apply(f, "{'drafts/knob': null}");
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_reads_an_object_does_not_guess_its_secrets),
        cmocka_unit_test(what_is_not_seen_is_as_what_is_not_there),
        cmocka_unit_test(what_a_writer_does_not_see_is_not_changed_for_him),
        cmocka_unit_test(whose_type_is_not_the_accounts_has_one_answer),
        cmocka_unit_test(accounts_are_not_found_by_trying),
        cmocka_unit_test(account_may_be_put_as_it_is_without_a_scope),
        cmocka_unit_test(what_is_shown_whole_may_be_sent_again),
        cmocka_unit_test(rights_follow_what_types_are_declared_as),
        cmocka_unit_test(draft_does_not_tell_the_secret_of_what_was_ones_own),
        cmocka_unit_test(draft_of_a_host_is_not_within_a_scope),
        cmocka_unit_test(draft_does_not_tell_what_has_become_a_secret),
        cmocka_unit_test(draft_of_a_type_that_has_gone_is_not_within_a_scope),
    };

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, setup, teardown);
}
