/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of what an account with a scope may do with objects of apps'
 * types (limits, mirrors, monitors) that name groups and policies: such that
 * ports of others have come into since, or of tiers that are not for it.
 * What it may name in each field is in test-own-fields.c. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/schema.h"
#include "tests/unit/apps-fixture.h"
#include "tests/unit/model-util.h"
#include "util.h"

#define OWN "'labels': {'project': 'shop'}"
#define BANK "'labels': {'project': 'bank'}"
#define RULES "'rules': [{'direction': 'ingress', 'action': 'allow'}]"
#define LIMIT "'shared_limits': [{'direction': 'egress', 'max_pps': 9}]"

static struct apps_fixture *f;
static struct model_rights *shop, *upper; /* The latter of tier security. */

static int
setup(void **state OVS_UNUSED)
{
    static const char *const apps[] = {
        "overlay", "firewall", "mirrors", "monitors", "qos", NULL,
    };

    f = apps_fixture_create(apps);
    apps_fixture_declare_types(f, "mirrors");
    apps_fixture_declare_types(f, "monitors");
    apps_fixture_declare_types(f, "qos");
    shop = model_util_rights("project=shop", "shared=yes", NULL, false);
    upper = model_util_rights("project=shop", "shared=yes", "security", false);
    apps_fixture_apply(
        f, "{'networks/n': {" OWN ", 'subnets': [{'cidr': '10.9.0.0/24'}]},"
        " 'ports/own': {" OWN ", 'network': 'n'},"
        " 'ports/other': {" BANK ", 'network': 'n'},"
        " 'groups/web': {" OWN ", 'ports': ['own']},"
        " 'groups/others': {" BANK ", 'ports': ['other']},"
        " 'policies/app': {" OWN ", 'applies_to': ['web'], " RULES "},"
        " 'policies/others': {" BANK ", 'applies_to': ['others'], " RULES "},"
        " 'policies/top': {" OWN ", 'applies_to': ['web'], 'tier':"
        "  'security', 'priority': 7, " RULES "},"
        " 'policies/read': {'labels': {'shared': 'yes'}, 'applies_to':"
        "  ['others'], 'tier': 'security', 'priority': 8, " RULES "}}");
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    model_rights_destroy(shop);
    model_rights_destroy(upper);
    apps_fixture_destroy(f);
    return 0;
}

/* Applies it with these rights, and the prune if there is a 'set', and with
 * 'keeps' leaves it so.  Returns the answer, which the caller frees. */
static char *
apply(const struct model_rights *rights, const char *set, const char *text,
      bool keeps)
{
    struct model_request request;

    model_request_init(&request, "test");
    request.rights = model_rights_clone(rights);
    request.prune_set = nullable_xstrdup(set);
    return model_util_answer(apps_fixture_model(f), &request, text, keeps);
}

static void
expect(const struct model_rights *rights, const char *text,
       const char *expected)
{
    char *answer = apply(rights, NULL, text, false);

    expected = expected ? expected : "outcome";
    if (!strstr(answer, expected)) {
        fail_msg("%s: \"%s\", not \"%s\"", text, answer, expected);
    }
    free(answer);
}

static void
make(const struct model_rights *rights, const char *set, const char *text)
{
    char *answer = apply(rights, set, text, true);

    if (strncmp(answer, "outcome", 7)) {
        fail_msg("%s: \"%s\"", text, answer);
    }
    free(answer);
}

#define N_MADE 5
static const char made[] =
    "put qos-policies by-rule {" OWN ", 'policies': [{'policy': 'app'}], "
    LIMIT "}\n"
    "put qos-policies by-group {" OWN ", 'groups': ['web'], " LIMIT "}\n"
    "put mirrors by-rule {" OWN ", 'policies': [{'policy': 'app'}]}\n"
    "put mirrors by-group {" OWN ", 'groups': ['web']}\n"
    "put monitors by-group {" OWN ", 'group': 'web'}\n";
static const char *const objects[N_MADE] = {
    "qos-policies by-rule", "qos-policies by-group", "mirrors by-rule",
    "mirrors by-group", "monitors by-group",
};

/* Somebody else's port comes into a group. */
static void
what_has_come_to_reach_others_may_be_deleted_alone(void **state OVS_UNUSED)
{
    static const char why[] = "not within this account's scope";
    char text[200];

    make(shop, "s", made);
    apps_fixture_apply(f, "{'groups/web': {" OWN ", 'ports': ['own',"
                       " 'other']}}");
    for (size_t i = 0; i < N_MADE; i++) {
        snprintf(text, sizeof text, "patch %s {'description': 'x'}\n",
                 objects[i]);
        expect(shop, text, why);
        snprintf(text, sizeof text, "delete %s\n", objects[i]);
        expect(shop, text, NULL);
    }
    /* What isolates others stays. */
    expect(shop, "delete policies top\n", why);
    expect(shop, "cascade policies app\n", why);
    expect(shop, "cascade groups web\n", why);
    /* By a prune, too. */
    make(shop, "s", "");
    assert_null(model_get(apps_fixture_model(f),
                          schema_find_table("qos-policies")->id, "by-rule"));
    /* It may not be made anew. */
    expect(shop, made, why);
    apps_fixture_apply(f, "{'groups/web': {" OWN ", 'ports': ['own']}}");
}

/* What an administrator has labelled so, and names others' objects itself. */
static void
what_names_others_objects_is_not_deleted(void **state OVS_UNUSED)
{
    static const char *const theirs[] = {
        "qos-policies x {" OWN ", 'policies': [{'policy': 'app'}, {'policy':"
        " 'others'}], " LIMIT "}",
        "qos-policies x {" OWN ", 'groups': ['others', 'web'], " LIMIT "}",
        "qos-policies x {" OWN ", 'ports': ['other'], " LIMIT "}",
        "qos-policies x {" OWN ", 'selector': 'project=bank', " LIMIT "}",
        "mirrors x {" OWN ", 'policies': [{'policy': 'others'}]}",
        "monitors x {" OWN ", 'group': 'others'}",
    };

    for (size_t i = 0; i < ARRAY_SIZE(theirs); i++) {
        char *put = xasprintf("put %s\n", theirs[i]);
        char *delete = xasprintf("delete %.*s\n",
                                 (int) strcspn(theirs[i], "{"), theirs[i]);

        make(NULL, NULL, put);
        expect(shop, delete, "scope");
        make(NULL, NULL, delete);
        free(put);
        free(delete);
    }
}

/* A mirror would show what a rule denies, and a limit deny what one allows, in
 * a tier that is not for the account. */
static void
what_another_tier_decides_is_neither_limited_nor_mirrored(
    void **state OVS_UNUSED)
{
    static const char *const puts[] = {
        "put qos-policies x {" OWN ", 'policies': [{'policy': 'top'}], " LIMIT
        "}\n",
        "put mirrors x {" OWN ", 'policies': [{'policy': 'top'}]}\n",
    };
    static const char why[] = "5 /policies/0/policy policy \"top\" is in a "
                              "tier that is not for this account";

    for (size_t i = 0; i < ARRAY_SIZE(puts); i++) {
        const char *type = i ? "mirrors" : "qos-policies";
        char *patch = xasprintf("patch %s x {'description': 'x'}\n", type);
        char *delete = xasprintf("delete %s x\n", type);

        expect(shop, puts[i], why);
        expect(upper, puts[i], NULL);
        /* With others' ports it is not for anybody with a scope. */
        apps_fixture_apply(f, "{'groups/web': {" OWN ", 'ports': ['own',"
                           " 'other']}}");
        expect(upper, puts[i], "not within this account's scope, or acts on");
        apps_fixture_apply(f, "{'groups/web': {" OWN ", 'ports': ['own']}}");
        /* What there is, as an account's whose tiers have become fewer, goes;
         * and it is no bolt on the policy. */
        make(upper, NULL, puts[i]);
        expect(shop, patch, why);
        expect(shop, delete, NULL);
        expect(upper, "cascade policies top\n", NULL);
        make(shop, NULL, delete);
        free(delete);
        free(patch);
    }
}

/* It is not the tier that is in the way. */
static void
what_is_only_read_is_refused_by_its_labels(void **state OVS_UNUSED)
{
    expect(shop, "put mirrors x {" OWN ", 'policies': [{'policy': 'read'}]}\n",
           "5 /policies/0/policy policy \"read\" is not within this account's"
           " scope, or acts on");
}

/* One of before, or of an account whose tiers have become fewer. */
static void
what_names_another_tiers_policy_locks_its_group(void **state OVS_UNUSED)
{
    static const char mirror[]
        = "put mirrors x {" OWN ", 'groups': ['few'], 'policies': [{'policy':"
          " 'top'}]}\n";
    static const char change[] = "patch groups few {'ports': []}\n";

    apps_fixture_apply(f, "{'groups/few': {" OWN ", 'ports': ['own']},"
                       " 'policies/app': null, 'policies/top': {" OWN ","
                       " 'applies_to': ['web'], 'priority': 7, " RULES "}}");
    make(shop, NULL, mirror);
    expect(shop, change, NULL);
    apps_fixture_apply(f, "{'policies/top': {" OWN ", 'applies_to': ['web'],"
                       " 'tier': 'security', 'priority': 7, " RULES "}}");
    /* As it is it may be applied again. */
    expect(shop, mirror, NULL);
    expect(shop, change, "5  group \"few\" is used by objects that this"
           " account must not change");
    expect(upper, change, NULL);
    make(shop, NULL, "delete mirrors x\n");
    expect(shop, change, NULL);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_come_to_reach_others_may_be_deleted_alone),
        cmocka_unit_test(what_names_others_objects_is_not_deleted),
        cmocka_unit_test(
            what_another_tier_decides_is_neither_limited_nor_mirrored),
        cmocka_unit_test(what_is_only_read_is_refused_by_its_labels),
        cmocka_unit_test(what_names_another_tiers_policy_locks_its_group),
    };

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, setup, teardown);
}
