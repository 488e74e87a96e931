/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a host's database connects to, as a session writes it into a real
 * one: managers are added and taken away with members, others' are never
 * touched, and none goes that may be the last way to the host. */

#include <config.h>

#include "tests/unit/ovsdb-fixture.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "svec.h"
#include "util.h"

#define A "tcp:192.0.2.1:6640"
#define B "tcp:192.0.2.2:6640"
#define C "tcp:[fd00::3]:6640"
static const char *const a_b[] = { A, B };
static const char *const a_b_c[] = { A, B, C };

static struct ovsdb_desired
managers(const char *const targets[], size_t n)
{
    struct ovsdb_desired desired = set_desired("br-int");

    desired.managers = (struct ovsdb_managers) {
        .n = n, .targets = targets, .cluster = "7", .remove = true,
    };
    return desired;
}

/* Somewhere to connect to. */
struct place {
    int fd;
    char *target;               /* Nobody listens there, until listen(). */
};

static struct place
make_place(void)
{
    struct place place = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
    struct sockaddr_in sin = { .sin_family = AF_INET };
    socklen_t size = sizeof sin;

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(place.fd, (struct sockaddr *) &sin, size), 0);
    assert_int_equal(getsockname(place.fd, (struct sockaddr *) &sin, &size),
                     0);
    place.target = xasprintf("tcp:127.0.0.1:%u", ntohs(sin.sin_port));
    return place;
}

/* Has the server connect to 'place'. */
static void
connect_to(struct ovsdb_fixture *f, const struct place *place)
{
    ASSERT_VSCTL(f, "", "set Manager %s max_backoff=1000", place->target);
    assert_int_equal(listen(place->fd, 10), 0);
}

/* Returns the targets of rows of this cluster's, or of all others, as words in
 * their order; those on loopback, which have any port, as "?".  The caller
 * frees it. */
static char *
targets_of(struct ovsdb_fixture *f, bool ours)
{
    static const char find[] = "--bare --columns=target find Manager "
                               "external_ids%s";
    char *text = ovs_sandbox_vsctl(&f->sb, find,
                                   ours ? ":vmn-cluster=7" : "={}");
    char *more = (ours ? xstrdup("")
                  : ovs_sandbox_vsctl(&f->sb, find, ":vmn-cluster!=7"));
    struct svec targets = SVEC_EMPTY_INITIALIZER;
    char *joined;

    svec_parse_words(&targets, more);
    free(more);
    svec_parse_words(&targets, text);
    for (size_t i = 0; i < targets.n; i++) {
        if (strstr(targets.names[i], ":127.0.0.1:")) {
            free(targets.names[i]);
            targets.names[i] = xstrdup("?");
        }
    }
    svec_sort(&targets);
    joined = svec_join(&targets, " ", "");
    svec_destroy(&targets);
    free(text);
    return joined;
}

static char *
in_order(const char *text)
{
    struct svec words = SVEC_EMPTY_INITIALIZER;
    char *joined;

    svec_parse_words(&words, text);
    svec_sort(&words);
    joined = svec_join(&words, " ", "");
    svec_destroy(&words);
    return joined;
}

/* Asserts that these are the targets, each list as words in any order. */
static void
assert_managers(struct ovsdb_fixture *f, const char *others, const char *ours)
{
    for (int i = 0; i < 2; i++) {
        char *found = targets_of(f, i);
        char *expected = in_order(i ? ours : others);

        assert_string_equal(found, expected);
        free(expected);
        free(found);
    }
}

static bool
has_managers(struct ovsdb_fixture *f, const char *ours)
{
    char *found = targets_of(f, true), *expected = in_order(ours);
    bool same = !strcmp(found, expected);

    free(expected);
    free(found);
    return same;
}

/* Waits for them. */
static void
await_managers(struct ovsdb_fixture *f, const char *ours)
{
    WAIT_FOR(has_managers(f, ours));
}

static void
free_place(struct place *place)
{
    close(place->fd);
    free(place->target);
}

/* Returns true if the server says that one is connected. */
static bool
has_connected(struct ovsdb_fixture *f)
{
    char *rows = ovs_sandbox_vsctl(&f->sb, "--bare --columns=target find "
                                   "Manager is_connected=true");
    bool any = *rows != '\0';

    free(rows);
    return any;
}

static void
they_come_and_go_with_members(void **state OVS_UNUSED)
{
    static const char others[] = "ptcp:0 ssl:192.0.2.1 tcp:192.0.2.1 "
                                 "tcp:192.0.2.9:6640";
    struct place d = make_place();
    const char *const a_b_d[] = { A, B, d.target };
    const char *const a_d[] = { A, d.target };
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = managers(a_b, 2);

    /* The first one is there without its port, as somebody wrote it, and one
     * of another cluster. */
    free(ovs_sandbox_vsctl(
        &f->sb, "set-manager tcp:192.0.2.1 ptcp:0 ssl:192.0.2.1 "
        "-- --id=@m create Manager target=\"tcp:192.0.2.9:6640\" "
        "external_ids:vmn-owner=vmnd external_ids:vmn-cluster=8 "
        "-- add Open_vSwitch . manager_options @m"));
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_managers(f, others, B);

    desired = managers(a_b_d, 3);
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_managers(f, others, B " ?");

    /* The second one has left: it stays as long as no other is connected. */
    desired = managers(a_d, 2);
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_managers(f, others, B " ?");
    connect_to(f, &d);
    await_managers(f, "?");
    assert_managers(f, others, "?");

    /* So has the first: what VMN did not write, it does not take away. */
    desired = managers(&a_d[1], 1);
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_managers(f, others, "?");
    ovsdb_fixture_close(f);
    free_place(&d);
}

/* However it is written, it is not added again. */
static void
one_place_is_there_once(void **state OVS_UNUSED)
{
    static const char others[] = "tcp:192.0.2.1 tcp:192.0.2.1:6640 "
                                 "tcp:[fd00:0::3]";
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = managers(a_b_c, 3);

    ASSERT_VSCTL(f, "", "set-manager %s", others);
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_managers(f, others, B);
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_managers(f, others, B);
    ovsdb_fixture_close(f);
}

static void
what_is_not_known_of_all_takes_none_away(void **state OVS_UNUSED)
{
    struct place d = make_place();
    const char *const a_b_d[] = { A, B, d.target };
    const char *const b_c_d[] = { B, C, d.target };
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = managers(a_b_d, 3);

    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    connect_to(f, &d);
    WAIT_FOR(has_connected(f));
    /* The session has heard of that before its transaction is answered. */
    desired = managers(b_c_d, 3);
    desired.managers.remove = false;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_managers(f, "", A " " B " " C " ?");
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_managers(f, "", A " " B " " C " ?");
    desired.managers.remove = true;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    await_managers(f, B " " C " ?");

    /* One that somebody took away is put back. */
    ASSERT_VSCTL(f, "", "set-manager ptcp:0");
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_managers(f, "ptcp:0", B " " C " ?");
    ovsdb_fixture_close(f);
    free_place(&d);
}

/* Hosts that are dialled, or deleted, keep what they have: by one of them it
 * is mended or cleaned up. */
static void
hosts_that_are_told_nothing_keep_them(void **state OVS_UNUSED)
{
    struct place d = make_place();
    const char *const a_d[] = { A, d.target };
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = managers(a_d, 2);

    ASSERT_VSCTL(f, "", "set-manager ptcp:0");
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    connect_to(f, &d);
    WAIT_FOR(has_connected(f));
    desired = managers(NULL, 0);
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_managers(f, "ptcp:0", A " ?");
    desired.removed = true;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_managers(f, "ptcp:0", A " ?");
    ovsdb_fixture_close(f);
    free_place(&d);
}

static void
targets_have_one_form(void **state OVS_UNUSED)
{
    static const struct {
        const char *target, *form; /* NULL: it is none. */
    } cases[] = {
        { "tcp:192.0.2.1", A },
        { A, A },
        { "tcp:192.0.2.1:06640", A },
        { "ssl:192.0.2.1:1", "ssl:192.0.2.1:1" },
        { "tcp:[fd00:0::3]", C },
        { "tcp:fd00::3", C },
        { "tcp:[FD00::0003]:6640", C },
        { "ssl:[fe80::1%eth0]:65535", "ssl:[fe80::1%eth0]:65535" },
        { "ssl:VMN-1.Example.org", "ssl:vmn-1.example.org:6640" },
        { "", NULL }, { "tcp:", NULL }, { "ssl::6640", NULL },
        { "tcp:host:0", NULL }, { "tcp:host:65536", NULL },
        { "tcp:host:", NULL }, { "tcp:host:-1", NULL },
        { "tcp:host:4294967297", NULL }, { "tcp:a b", NULL },
        { "tcp:[fd00::g]", NULL },
        { "tcp:[]", NULL }, { "tcp:[fe80::1%]", NULL }, { "tcp:a]b", NULL },
        { "tcp:[host]:6640", "tcp:host:6640" },
        { "ptcp:6640", NULL }, { "pssl:6640:192.0.2.1", NULL },
        { "unix:/run/x", NULL }, { "udp:192.0.2.1", NULL },
    };
    char *longest = xasprintf("tcp:%0*d", OVSDB_TARGET_MAX - 3, 0);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *form = ovsdb_target_normalize(cases[i].target);

        if (cases[i].form) {
            assert_non_null(form);
            assert_string_equal(form, cases[i].form);
        } else {
            assert_null(form);
        }
        free(form);
    }
    assert_null(ovsdb_target_normalize(longest));
    free(longest);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_have_one_form),
        cmocka_unit_test(they_come_and_go_with_members),
        cmocka_unit_test(one_place_is_there_once),
        cmocka_unit_test(what_is_not_known_of_all_takes_none_away),
        cmocka_unit_test(hosts_that_are_told_nothing_keep_them),
    };

    return session_run_all(argv, tests, ARRAY_SIZE(tests));
}
