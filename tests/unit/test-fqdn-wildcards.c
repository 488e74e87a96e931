/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of controller/fqdn/fqdns.h: names that match a wildcard, which
 * are those that guests ask for, with answers that the test gives.  Not for
 * names that policies have whole (test-fqdns). */

#include <config.h>

#include "tests/unit/fqdns-fixture.h"

#include <string.h>

#include "timeval.h"
#include "util.h"

#define WILD "*.example.com"

static bool
names_are(const char *wildcard, const char *const names[], size_t n)
{
    const struct vmn_fqdn *row = get_row(wildcard);

    if (!row || row->n_names != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(row->names[i], names[i])) {
            return false;
        }
    }
    return true;
}

static bool
has_name(const char *wildcard, const char *name)
{
    const struct vmn_fqdn *row = get_row(wildcard);

    for (size_t i = 0; row && i < row->n_names; i++) {
        if (!strcmp(row->names[i], name)) {
            return true;
        }
    }
    return false;
}

/* Adds a port that is in group 'label'. */
static void
put_port(const char *name, const char *network, const char *label)
{
    if (!model_get(core.model, VMN_TABLE_NETWORK, network)) {
        put_object(VMN_TABLE_NETWORK, network, json_object());
    }
    put_object(VMN_TABLE_PORT, name, json_pack(
        "{s:s, s:{s:s}}", "network", network, "labels", "in", label));
}

/* Begins with a policy that has the wildcard.  Names are asked for again, and
 * forgotten, after 'ms'. */
static struct fqdns *
begin_wild(const char *wildcard, int64_t ms)
{
    const struct fqdn_times times = { .min_ttl_ms = ms, .learned_ms = ms };
    struct fqdns *f;

    finish_at_once = true;
    put_object(VMN_TABLE_GROUP, "g", json_pack("{s:s}", "selector", "in=g"));
    put_port("vm", "n", "g");
    f = fqdns_create(commit_base, core.model, the_commit, NULL, &times);
    put_policy("p", wildcard);
    commit_turn();
    assert_int_equal(n_open, 0);
    return f;
}

static void
ask_and_answer(struct fqdns *f, const char *name, const char *address)
{
    fqdns_asked(f, "vm", name);
    AWAIT(n_open == 2);
    assert_int_equal(answer_with(name, address), 2);
}

static void
what_guests_ask_for_is_asked_for(void **state OVS_UNUSED)
{
    static const char *const names[] = { "a.example.com", "b.example.com" };
    struct fqdns *f = begin_wild(WILD, LIMIT_MS * 60);
    struct fqdns_name known;

    assert_true(fqdns_get(f, WILD, &known));
    assert_int_equal(known.answered_ms, 0);
    ask_and_answer(f, "b.example.com", "192.0.2.2");
    AWAIT(row_is(WILD, VMN_FQDN_RESOLVED, 1));
    ask_and_answer(f, "a.example.com", "192.0.2.1");
    AWAIT(row_is(WILD, VMN_FQDN_RESOLVED, 2) && names_are(WILD, names, 2));
    assert_true(fqdns_get(f, WILD, &known));
    assert_true(known.answered_ms > 0);
    /* The names themselves have no rows. */
    assert_null(get_row("a.example.com"));
    /* What is known is not asked for anew. */
    fqdns_asked(f, "vm", "a.example.com");
    commit_turn();
    assert_int_equal(n_open, 0);
    end_fqdns(f);
}

static void
what_a_wildcard_is_not_about_is_not_asked_for(void **state OVS_UNUSED)
{
    static const char *const others[] = {
        "example.com", "a.b.example.com", "a.example.org", "example.com.a",
        "a.example.comx", "aexample.com", "", ".", ".example.com",
        "*.example.com", "A.example.com", "a b.example.com", "com",
    };
    struct fqdns *f = begin_wild(WILD, LIMIT_MS * 60);

    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        fqdns_asked(f, "vm", others[i]);
    }
    commit_turn();
    assert_int_equal(n_open, 0);
    put_policy("q", "**.example.com");
    ask_and_answer(f, "a.b.example.com", "192.0.2.1");
    AWAIT(row_is("**.example.com", VMN_FQDN_RESOLVED, 1));
    ask_and_answer(f, "a.example.com", "192.0.2.2");
    AWAIT(row_is("**.example.com", VMN_FQDN_RESOLVED, 2));
    AWAIT(row_is(WILD, VMN_FQDN_RESOLVED, 1));
    /* The names go with the last policy that has a wildcard for them. */
    put_object(VMN_TABLE_POLICY, "q", NULL);
    AWAIT(!get_row("**.example.com"));
    assert_true(row_is(WILD, VMN_FQDN_RESOLVED, 1));
    put_object(VMN_TABLE_POLICY, "p", NULL);
    AWAIT(!get_row(WILD));
    fqdns_asked(f, "vm", "a.example.com");
    commit_turn();
    assert_int_equal(n_open, 0);
    end_fqdns(f);
}

static void
a_wildcard_opens_no_private_addresses(void **state OVS_UNUSED)
{
    static const char *const closed[] = {
        "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.7.7",
        "100.64.0.1",
    };
    struct fqdns *f = begin_wild(WILD, LIMIT_MS * 60);

    for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
        char *name = xasprintf("n%"PRIuSIZE".example.com", i);

        ask_and_answer(f, name, closed[i]);
        free(name);
    }
    AWAIT(row_is(WILD, VMN_FQDN_NO_ADDRESS, 0)
          && get_row(WILD)->n_names == ARRAY_SIZE(closed));
    ask_and_answer(f, "ok.example.com", "172.32.0.1");
    AWAIT(row_is(WILD, VMN_FQDN_RESOLVED, 1));
    /* A network that somebody makes takes nothing from others. */
    put_object(VMN_TABLE_NETWORK, "more", json_pack(
        "{s:[{s:s}]}", "subnets", "cidr", "172.32.0.0/16"));
    ask_and_answer(f, "also.example.com", "172.32.0.2");
    AWAIT(row_is(WILD, VMN_FQDN_RESOLVED, 2));
    end_fqdns(f);
}

/* Nobody else's guests fill a wildcard, nor do they open anything by it. */
static void
questions_of_ports_without_the_wildcard_do_not_count(void **state OVS_UNUSED)
{
    struct fqdns *f = begin_wild(WILD, LIMIT_MS * 60);

    put_object(VMN_TABLE_GROUP, "h", json_pack("{s:s}", "selector", "in=h"));
    put_port("other", "m", "h");
    put_object(VMN_TABLE_POLICY, "q", json_pack(
        "{s:[s], s:[{s:s, s:s, s:[{s:s}]}]}", "applies_to", "h", "rules",
        "direction", "egress", "action", "allow", "peers", "fqdn",
        "*.example.org"));
    fqdns_asked(f, "other", "a.example.com");
    fqdns_asked(f, "vm", "a.example.org");
    fqdns_asked(f, "none", "a.example.com");
    commit_turn();
    assert_int_equal(n_open, 0);
    fqdns_asked(f, "other", "a.example.org");
    AWAIT(n_open == 2);
    assert_int_equal(answer_with("a.example.org", "192.0.2.1"), 2);
    AWAIT(row_is("*.example.org", VMN_FQDN_RESOLVED, 1));
    assert_null(get_row(WILD));
    end_fqdns(f);
}

/* While nobody answers a start changes nothing, however long that is. */
static void
a_start_keeps_a_wildcard_until_servers_say_what_its_names_are(
    void **state OVS_UNUSED)
{
    static const struct fqdn_times times = {
        .min_ttl_ms = 1, .grace_ms = 0, .learned_ms = LIMIT_MS * 60,
    };
    static const char *const names[] = { "a.example.com" };
    struct fqdns *f;

    finish_at_once = true;
    put_object(VMN_TABLE_GROUP, "g", json_pack("{s:s}", "selector", "in=g"));
    put_policy("p", WILD);
    put_object(VMN_TABLE_FQDN, WILD, json_pack(
        "{s:s, s:[s], s:[s]}", "state", "resolved", "ips", "192.0.2.1",
        "names", "a.example.com"));
    f = fqdns_create(commit_base, core.model, the_commit, NULL, &times);
    for (int i = 0; i < 4; i++) {
        AWAIT(n_open == 2);
        answer_all(4, RESOLVER_FAILURE, NULL);
        answer_all(6, RESOLVER_FAILURE, NULL);
        assert_true(row_is(WILD, VMN_FQDN_RESOLVED, 1)
                    && names_are(WILD, names, 1));
    }
    AWAIT((answer_all(4, RESOLVER_NO_NAME, NULL),
           answer_all(6, RESOLVER_NO_NAME, NULL), !get_row(WILD)));
    end_fqdns(f);
}

/* One that is lost is asked again, for the guest does not. */
static void
a_name_is_not_given_up_for_one_failure(void **state OVS_UNUSED)
{
    struct fqdns *f = begin_wild(WILD, 10);

    fqdns_asked(f, "vm", "a.example.com");
    AWAIT(n_open == 2);
    answer_all(6, RESOLVER_NO_ADDRESS, NULL);
    answer_all(4, RESOLVER_FAILURE, NULL);
    AWAIT((answer_all(4, RESOLVER_ANSWER, "192.0.2.1"),
           row_is(WILD, VMN_FQDN_RESOLVED, 1)));
    end_fqdns(f);
}

/* Ones in flight take no place of those that have addresses, and a few of
 * those for questions. */
static void
names_in_flight_are_bounded_apart(void **state OVS_UNUSED)
{
    struct fqdns *f = begin_wild(WILD, LIMIT_MS * 60);

    put_policy("q", "*.example.org");
    for (int i = 0; i < VALUE_FQDN_NAMES_MAX * 2; i++) {
        char *name = xasprintf("n%d.example.com", i);

        fqdns_asked(f, "vm", name);
        free(name);
    }
    AWAIT(n_open == 8);
    for (int i = 0; i < 5; i++) {
        commit_turn();
    }
    assert_int_equal(n_open, 8);
    fqdns_asked(f, "vm", "a.example.org");
    AWAIT((answer_with("a.example.org", "192.0.2.1"),
           row_is("*.example.org", VMN_FQDN_RESOLVED, 1)));
    assert_null(get_row(WILD));
    AWAIT((answer_with("a.example.com", "192.0.2.1"),
           answer_all(4, RESOLVER_NO_NAME, NULL),
           answer_all(6, RESOLVER_NO_NAME, NULL),
           fqdns_asked(f, "vm", "a.example.com"),
           row_is(WILD, VMN_FQDN_RESOLVED, 1)));
    end_fqdns(f);
}

static void
names_that_do_not_exist_take_no_place(void **state OVS_UNUSED)
{
    struct fqdns *f = begin_wild(WILD, LIMIT_MS * 60);

    for (int i = 0; i < VALUE_FQDN_NAMES_MAX + 10; i++) {
        char *name = xasprintf("n%d.example.com", i);

        ask_and_answer(f, name, NULL);
        free(name);
    }
    ask_and_answer(f, "a.example.com", "192.0.2.1");
    AWAIT(row_is(WILD, VMN_FQDN_RESOLVED, 1));
    end_fqdns(f);
}

static void
names_and_addresses_of_a_wildcard_are_bounded(void **state OVS_UNUSED)
{
    struct fqdns *f = begin_wild(WILD, LIMIT_MS * 60);

    for (int i = 0; i < VALUE_FQDN_NAMES_MAX; i++) {
        char *name = xasprintf("n%d.example.com", i);
        char *ip = xasprintf("192.0.2.%d", i);

        ask_and_answer(f, name, ip);
        if (i == 0) {
            AWAIT(row_is(WILD, VMN_FQDN_RESOLVED, 1));
        }
        free(name);
        free(ip);
    }
    AWAIT(row_is(WILD, VMN_FQDN_LIMITED, VALUE_FQDN_IPS_MAX)
          && get_row(WILD)->n_names == VALUE_FQDN_NAMES_MAX);
    /* What was there first still is. */
    assert_int_equal(get_row(WILD)->ips[0].addr[3], 0);
    /* Names that nobody has asked for since make way, here for a port of
     * another network. */
    put_port("vm2", "m", "g");
    fqdns_asked(f, "vm2", "more.example.com");
    AWAIT(n_open == 2);
    assert_int_equal(answer_with("more.example.com", "198.51.100.1"), 2);
    AWAIT(get_row(WILD)->n_names == VALUE_FQDN_NAMES_MAX
          && has_name(WILD, "more.example.com"));
    for (int i = 0; i < 2; i++) {
        char *name = xasprintf("x%d.example.com", i);

        ask_and_answer(f, name, "198.51.100.2");
        AWAIT(has_name(WILD, name));
        free(name);
    }
    assert_true(has_name(WILD, "more.example.com"));
    assert_true(row_is(WILD, VMN_FQDN_LIMITED, VALUE_FQDN_IPS_MAX));
    end_fqdns(f);
}

static int64_t
answered_ms(const struct fqdns *f, const char *text)
{
    struct fqdns_name known;

    assert_true(fqdns_get(f, text, &known));
    return known.answered_ms;
}

/* It is asked for again meanwhile, without an answer. */
static void
a_name_is_forgotten_when_guests_do_not_ask_any_more(void **state OVS_UNUSED)
{
    struct fqdns *f = begin_wild(WILD, 1000);

    AWAIT((fqdns_asked(f, "vm", "a.example.com"), n_open == 2));
    answer_all(4, RESOLVER_ANSWER, "192.0.2.1");
    answer_all(6, RESOLVER_NO_ADDRESS, NULL);
    assert_true(answered_ms(f, WILD) > 0);
    AWAIT(!answered_ms(f, WILD));
    AWAIT(!get_row(WILD));
    end_fqdns(f);
}

/* Another member of the cluster goes on with it. */
static void
a_start_begins_with_names_and_addresses_of_a_wildcard(
    void **state OVS_UNUSED)
{
    static const struct fqdn_times times = {
        .min_ttl_ms = 60000, .grace_ms = 60000, .learned_ms = 60000,
    };
    static const char *const names[] = { "a.example.com", "b.example.com" };
    struct fqdns *f;

    finish_at_once = true;
    put_object(VMN_TABLE_GROUP, "g", json_pack("{s:s}", "selector", "in=g"));
    put_port("vm", "n", "g");
    put_policy("p", WILD);
    put_object(VMN_TABLE_FQDN, WILD, json_pack(
        "{s:s, s:[s, s], s:[s]}", "state", "resolved", "ips", "192.0.2.1",
        "192.0.2.2", "names", "a.example.com"));
    f = fqdns_create(commit_base, core.model, the_commit, NULL, &times);
    AWAIT(n_open == 2);
    assert_string_equal(open_questions[0].name, "a.example.com");
    /* Something else has the row be written. */
    fqdns_asked(f, "vm", "b.example.com");
    AWAIT(n_open == 4);
    assert_int_equal(answer_with("b.example.com", "192.0.2.4"), 2);
    AWAIT(row_is(WILD, VMN_FQDN_RESOLVED, 3) && names_are(WILD, names, 2));
    assert_int_equal(answer_with("a.example.com", "192.0.2.3"), 2);
    AWAIT(row_is(WILD, VMN_FQDN_RESOLVED, 4) && names_are(WILD, names, 2));
    end_fqdns(f);
}

/* More names than there are places for ones that are not answered. */
static void
names_that_are_not_answered_leave_room_for_others(void **state OVS_UNUSED)
{
    struct fqdns *f = begin_fqdns();
    char name[32];

    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "n%d.example.com", i);
        put_policy(name, name);
    }
    AWAIT(n_open == 62);
    answer_all(4, RESOLVER_FAILURE, NULL);
    answer_all(6, RESOLVER_FAILURE, NULL);
    AWAIT(n_open >= 16);
    put_policy("good", "good.example.com");
    AWAIT((answer_name("good.example.com"), get_row("good.example.com")));
    assert_in_range(n_open, 16, 16 + 3);
    end_fqdns(f);
}

int
main(void)
{
#define TEST(NAME_) \
    cmocka_unit_test_setup_teardown(NAME_, commit_setup, commit_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_guests_ask_for_is_asked_for),
        TEST(what_a_wildcard_is_not_about_is_not_asked_for),
        TEST(a_wildcard_opens_no_private_addresses),
        TEST(questions_of_ports_without_the_wildcard_do_not_count),
        TEST(a_start_keeps_a_wildcard_until_servers_say_what_its_names_are),
        TEST(a_name_is_not_given_up_for_one_failure),
        TEST(names_in_flight_are_bounded_apart),
        TEST(names_that_do_not_exist_take_no_place),
        TEST(names_and_addresses_of_a_wildcard_are_bounded),
        TEST(a_name_is_forgotten_when_guests_do_not_ask_any_more),
        TEST(a_start_begins_with_names_and_addresses_of_a_wildcard),
        TEST(names_that_are_not_answered_leave_room_for_others),
    };

    return cmocka_run_group_tests_name("fqdn-wildcards", tests, NULL, NULL);
}
