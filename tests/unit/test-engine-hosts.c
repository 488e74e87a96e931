/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the engine: one match that units want on some hosts, or on
 * all, each with a result of its own.  A random walk is held against a plain
 * statement of which of them a host gets. */

#include <config.h>

#include "tests/unit/toy-fixture.h"

#include <string.h>

#include "hmapx.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "random.h"
#include "util.h"

#define N_HOSTS 3
#define N_WANTS (4 * (N_HOSTS + 1) * 2)

/* App "hosts": what port "a2p" wants is for host h2, and that of "a0p" for
 * all.  A 'p' wants a flow, a 'c' contributes a clause to it. */
static void
compile_want(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    char host[] = { 'h', key[1], '\0' };
    struct vmn_flow *flow = vmn_flow_add(
        emit, key[1] == '0' ? vmn_scope_all() : vmn_scope_host(host), STAGE, 0,
        40);

    vmn_match(flow, VMN_F_REG2, 9);
    if (key[2] == 'c') {
        vmn_act_conjunction(vmn_flow_actions(flow),
                            vmn_id_of(view, "hosts.conj", key), 1, 2);
        return;
    }
    vmn_act_set(vmn_flow_actions(flow), VMN_F_REG10, key[0]);
    vmn_act_goto(vmn_flow_actions(flow), STAGE, 1);
}

static const struct vmn_app_class hosts_app = {
    VMN_APP_HEAD, .name = "hosts",
    .stages = toy_stages,
    .id_pools = (const struct vmn_id_pool_class[]) {
        { "hosts.conj", 1000 }, { NULL, 0 },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "want", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_want },
        { .name = NULL },
    },
};

/* What ports there are. */
struct walk {
    bool wants[N_WANTS];
    struct hmapx installed;     /* Of struct flow_item, by the changes. */
};

static void
want_name(size_t i, char name[4])
{
    name[0] = 'a' + i / (2 * (N_HOSTS + 1));
    name[1] = '0' + i / 2 % (N_HOSTS + 1);
    name[2] = "pc"[i % 2];
    name[3] = '\0';
}

static void
set_want(struct walk *walk, const char *name, bool want)
{
    size_t i = ((name[0] - 'a') * (N_HOSTS + 1) + name[1] - '0') * 2
               + (name[2] == 'c');

    if (want != walk->wants[i]) {
        toy_edit(&toy, VMN_TABLE_PORT, name,
                 want ? toy_port("net", "web") : NULL);
        walk->wants[i] = want;
    }
}

/* Runs the engine, and follows what it says has changed. */
static void
follow(struct walk *walk)
{
    struct engine_delta *delta = toy_run(&toy);

    for (size_t i = 0; i < delta->n_changes; i++) {
        void *item = CONST_CAST(struct flow_item *, delta->changes[i].item);

        if (delta->changes[i].item->priority != 40) {
            continue;
        }
        if (delta->changes[i].added) {
            assert_non_null(hmapx_add(&walk->installed, item));
        } else {
            assert_true(hmapx_find_and_delete(&walk->installed, item));
        }
    }
    engine_delta_destroy(delta);
}

/* Who gets what: flows come before clauses, then the first by name, unless
 * somebody has one already who is for all, or for one of its hosts.  Sets
 * 'winners' to names by host, from 1, with that of all at 0, or to "".
 * Returns true if one is overridden. */
static bool
choose(const struct walk *walk, char winners[N_HOSTS + 1][4])
{
    bool overridden = false;

    memset(winners, 0, (N_HOSTS + 1) * sizeof *winners);
    for (int clause = 0; clause < 2; clause++) {
        for (size_t i = clause; i < N_WANTS; i += 2) {
            size_t host = i / 2 % (N_HOSTS + 1);
            bool taken = false;

            if (!walk->wants[i]) {
                continue;
            }
            if (clause && winners[host][2] == 'c') {
                continue;       /* Merged. */
            }
            for (size_t other = 0; other <= N_HOSTS; other++) {
                taken |= ((!other || !host || other == host)
                          && winners[other][0]);
            }
            if (taken) {
                overridden = true;
            } else {
                want_name(i, winners[host]);
            }
        }
    }
    return overridden;
}

struct found {
    const struct flow_item *item;
    size_t n;
};

static void
found_cb(void *found_, const struct flow_item *item)
{
    struct found *found = found_;

    if (item->priority == 40) {
        found->item = item;
        found->n++;
    }
}

/* Checks what the host has, against the names of who has won. */
static void
check_host(const char *host, const char *winner)
{
    struct match match = MATCH_CATCHALL_INITIALIZER;
    struct found found = { NULL, 0 };
    const struct flow_item *item;

    match_set_reg(&match, 2, 9);
    item = engine_find_flow(toy.engine, host, 0, 40, &match);
    engine_host_items(toy.engine, host, found_cb, &found);
    assert_ptr_equal(item, found.item);
    assert_int_equal(found.n, winner[0] != '\0');
    if (item) {
        const char *owner = engine_cookie_name(toy.engine, item->cookie);

        assert_non_null(owner);
        assert_memory_equal(owner, "hosts.want/", 11);
        assert_int_equal(owner[13], winner[2]);
        if (winner[2] == 'p') {
            assert_string_equal(owner + 11, winner);
        }
    }
}

static void
check(const struct walk *walk)
{
    const struct engine_problems *problems = engine_problems(toy.engine);
    char winners[N_HOSTS + 1][4];
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n_winners = 0;

    assert_int_equal(problems->n, choose(walk, winners));
    if (problems->n) {
        assert_string_equal(problems->problems[0].kind, "conflict");
        assert_string_not_equal(problems->problems[0].units[0],
                                problems->problems[0].units[1]);
    }
    for (size_t i = 0; i <= N_HOSTS; i++) {
        char host[] = { 'h', '0' + i, '\0' };

        n_winners += winners[i][0] != '\0';
        if (i) {
            check_host(host, winners[winners[0][0] ? 0 : i]);
        }
    }
    assert_int_equal(hmapx_count(&walk->installed), n_winners);
    assert_int_equal(engine_verify(toy.engine, &ds), 0);
    assert_string_equal(ds_cstr(&ds), "");
    ds_destroy(&ds);
}

static int
setup(void **state)
{
    static struct walk walk;

    toy_init(&toy, &hosts_app, NULL);
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    for (int i = 1; i <= N_HOSTS; i++) {
        char host[] = { 'h', '0' + i, '\0' };

        toy_edit(&toy, VMN_TABLE_HOST, host, toy_host(i));
    }
    toy_settle(&toy);
    memset(&walk, 0, sizeof walk);
    hmapx_init(&walk.installed);
    *state = &walk;
    return 0;
}

static int
teardown(void **state)
{
    struct walk *walk = *state;

    hmapx_destroy(&walk->installed);
    return toy_teardown(state);
}

static void
want(struct walk *walk, const char *names, bool wanted)
{
    for (const char *p = names; *p; p += strspn(p, " ")) {
        char name[4];

        ovs_strlcpy(name, p, sizeof name);
        set_want(walk, name, wanted);
        p += strlen(name);
    }
    follow(walk);
    check(walk);
}

static void
each_host_has_its_own(void **state)
{
    want(*state, "a1p a2p", true);
    want(*state, "a3c b3c", true);
    want(*state, "a1p", false);
    want(*state, "a1p", true);
    want(*state, "a1p a2p a3c b3c", false);
}

static void
what_is_for_all_displaces_what_comes_later(void **state)
{
    want(*state, "b1p b2p b3p", true);
    want(*state, "a0p", true);
    want(*state, "b1p", false);
    want(*state, "a0p", false);
    want(*state, "c0c", true);
    want(*state, "b2p b3p", false);
}

/* What has won is not what has come first, and what a conflict was about is
 * told after it is over on another host. */
static void
hosts_have_their_own_conflicts(void **state)
{
    want(*state, "b1p b2p", true);
    want(*state, "a1p", true);
    want(*state, "c2c", true);
    want(*state, "a1p", false);
    want(*state, "b2p", false);
}

/* All in one run, so that marks of a slot are of several kinds. */
static void
all_may_come_and_go_at_once(void **state)
{
    want(*state, "a1p b2p a0p c3c", true);
    want(*state, "a1p b2p a0p c3c", false);
    want(*state, "a1p b2p c3c", true);
    set_want(*state, "a1p", false);
    set_want(*state, "d2p", true);
    want(*state, "d0c", true);
    set_want(*state, "d0c", false);
    want(*state, "b1p", true);
}

static bool
is_of_host(const char *name)
{
    return name[1] != '0' && name[2] == 'p';
}

static void
a_random_walk(void **state)
{
    random_set_seed(1);
    for (int i = 0; i < 3000; i++) {
        bool by_host = i / 50 % 2;

        /* In turn all kinds, and those of single hosts alone. */
        for (size_t at = 0; by_host && i % 50 == 0 && at < N_WANTS; at++) {
            char name[4];

            want_name(at, name);
            if (!is_of_host(name)) {
                set_want(*state, name, false);
            }
        }
        for (unsigned n = 1 + random_range(3); n; n--) {
            char name[4];
            size_t at;

            do {
                at = random_range(N_WANTS);
                want_name(at, name);
            } while (by_host && !is_of_host(name) && random_range(200));
            set_want(*state, name, random_range(3) == 0);
        }
        follow(*state);
        check(*state);
    }
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(each_host_has_its_own),
        T(what_is_for_all_displaces_what_comes_later),
        T(hosts_have_their_own_conflicts),
        T(all_may_come_and_go_at_once),
        T(a_random_walk),
#undef T
    };

    return toy_run_all(argv, tests, ARRAY_SIZE(tests));
}
