/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of bindings, as a table, and that decisions are stable. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/fabric/ovsdb/binding-decision.h"
#include "openvswitch/dynamic-string.h"
#include "random.h"
#include "util.h"

/* One case.  'claims' has a word for each host: its name, then '+' it has the
 * interface, '-' it has not, '?' it has not reported; then 's' if silent, 'r'
 * if its switch is ready, 'm' if it is in maintenance, 'n' if the row names it
 * as the next one, 'g' if its guest was seen ('G': after others') and 'x' if
 * the port may not be bound there.  A binding is "ACTIVE" or
 * "ACTIVE,CANDIDATE" or "", with '*' after a candidate that takes over once it
 * is ready, and '!' if the port was activated; "ACTIVE<FORMER" where the guest
 * has left a host. */
struct rule {
    const char *what;
    const char *wanted;
    const char *now;
    const char *claims;
    const char *next;
};

static const struct rule rules[] = {
    { "nobody has it", NULL, "", "", "" },
    { "first claim binds", NULL, "", "a+", "a" },
    { "host without it does not bind", NULL, "", "a- b?", "" },
    { "of two first claims the lower name binds", NULL, "", "a+ b+", "a,b" },
    { "second claim is the candidate", NULL, "b", "a+ b+", "b,a" },
    { "claim never displaces a live binding", NULL, "b,a", "a+ b+ c+",
      "b,a" },
    { "third claim waits", NULL, "b,c", "a+ b+ c+", "b,c" },
    { "candidate follows when the active host drops it", NULL, "b,c",
      "a+ b- c+", "c,a" },
    { "candidate that drops it is forgotten", NULL, "b,c", "b+ c-", "b" },
    { "next claim follows when the candidate drops it", NULL, "b,c",
      "a+ b+ c-", "b,a" },
    { "last host drops it", NULL, "a", "a-", "" },
    { "both drop it", NULL, "a,b", "a- b-", "" },
    { "active host is deleted", NULL, "a,b", "b+", "b" },
    { "candidate's host is deleted", NULL, "a,b", "a+", "a" },

    { "a host in maintenance comes after others", NULL, "", "a+m b+",
      "b,a" },
    { "it keeps what it has", NULL, "a", "a+m b+", "a,b" },
    { "and takes what nobody else has", NULL, "", "a+m b-", "a" },
    { "before a silent one", NULL, "", "a+s b+m", "b,a" },

    { "a guest that is seen on the candidate is activated there", NULL, "a,b",
      "a+ b+rg", "b,a!" },
    { "once its switch is ready", NULL, "a,b", "a+ b+g", "a,b*" },
    { "also where that was the candidate before", NULL, "a,b", "a+ b+r c+g",
      "a,c*" },
    { "nor where the row says something else", "a", "a,b", "a+ b+rg",
      "a,b" },
    { "the row activates it, too", "b", "a,b", "a+ b+r", "b,a!" },
    { "it stays activated", NULL, "b,a!", "a+ b+rg", "b,a!" },
    { "as long as the source has it", NULL, "b,a!", "a- b+rg", "b<a" },
    { "which is the former one then", NULL, "b<a", "a- b+", "b<a" },
    { "also if it has not reported", NULL, "b<a", "a? b+", "b<a" },
    { "and if the port must not be there", NULL, "b,a!", "a-x b+", "b<a" },
    { "not if it has the interface, where another guest may run", NULL,
      "b,a!", "a+x b+", "b" },
    { "not if it is silent", NULL, "b<a", "a-s b+", "b" },
    { "nor if it is deleted", NULL, "b<a", "b+", "b" },
    { "nor beside another one that claims it", NULL, "b<a", "a- b+ c+",
      "b,c" },
    { "nor if the port is elsewhere by now", NULL, "b<a", "a- b- c+", "c" },
    { "nor if it has the interface again", NULL, "b<a", "a+ b+", "b,a" },
    { "one that the guest was not activated from is a former one, too", NULL,
      "a,b", "a- b+", "b<a" },
    { "one that a guest has not left is none", NULL, "a,b", "a+ b-", "a" },
    { "with another candidate it is another migration", NULL, "b,a!",
      "a- b+g c+r", "b,c" },
    { "which a later guest activates", NULL, "b,c", "b+g c+rG", "c,b!" },
    { "and none that was seen before", NULL, "b,c", "b+G c+rg", "b,c" },
    { "it is rolled back when the target drops it", NULL, "b,a!", "a+ b-g",
      "a" },
    { "or when that must not have it any more", NULL, "b,a!", "a+r b+gx",
      "a" },
    { "which waits for the source's switch", NULL, "b,a!", "a+ b+gx",
      "b,a!*" },
    { "the next one that the row names is the candidate", NULL, "a,b",
      "a+ b+ c+n", "a,c" },
    { "whoever was seen elsewhere", NULL, "a,c", "a+ b+rg c+n", "a,c" },
    { "as soon as it has the interface", NULL, "a", "a+ b+ c-n", "a,b" },
    { "its guest activates it", NULL, "a,c", "a+ b+ c+rng", "c,a!" },
    { "and it stays there, whoever was seen elsewhere before", NULL, "c,b",
      "b+rg c+rnG", "c,b" },
    { "until it is seen elsewhere again", NULL, "c,b",
      "b+rG c+rng", "b,c!" },
    { "a silent source that gives way is one that was left", NULL, "a,b",
      "a+s b+r", "b,a!" },

    { "silent host keeps its binding", NULL, "a", "a+s", "a" },
    { "silent host gives way to a live claim", NULL, "a", "a+s b+", "b,a" },
    { "silent host does not give way to a silent claim", NULL, "a",
      "a+s b+s", "a,b" },
    { "candidate comes first when the active host is silent", NULL, "a,c",
      "a+s b+ c+", "c,b" },
    { "live claim before a silent candidate", NULL, "a,b", "a+s b+s c+",
      "c,b" },
    { "host that comes back is the candidate", NULL, "b,a", "a+ b+", "b,a" },
    { "silent first claim binds if there is no other", NULL, "", "a+s",
      "a" },
    { "live first claim before a silent one", NULL, "", "a+s b+", "b,a" },

    { "host that has not reported keeps its binding", NULL, "a", "a? b+",
      "a,b" },
    { "candidate that has not reported stays", NULL, "a,b", "a+ b?",
      "a,b" },
    { "candidate that has not reported gives way to a claim", NULL, "a,b",
      "a+ b? c+", "a,c" },
    { "unless the row names it as the next one", NULL, "a,b",
      "a+ b?n c+", "a,b" },
    { "and it is not silent", NULL, "a,b", "a+ b?sn c+", "a,c" },
    { "neither has reported", NULL, "a,b", "a? b?", "a,b" },
    { "silent host that has not reported keeps its binding", NULL, "a",
      "a?s", "a" },
    { "silent host that has not reported gives way", NULL, "a", "a?s b+",
      "b" },
    { "candidate that has not reported does not become active as long as "
      "another claims", NULL, "a,b", "a- b? c+", "c,b" },

    { "the row's host displaces when it is ready", "b", "a,b", "a+ b+r",
      "b,a!" },
    { "the row's host is the candidate until it is ready", "b", "a", "a+ b+",
      "a,b*" },
    { "the row's host is the candidate before another one", "c", "a,b",
      "a+ b+ c+", "a,c*" },
    { "the row's host waits while the active one has not reported", "b", "a",
      "a? b+", "a,b*" },
    { "the row's host does not wait for a silent one", "b", "a", "a+s b+",
      "b,a" },
    { "the row's host does not wait for one that has dropped it", "b", "a,b",
      "a- b+", "b<a" },
    { "the row's host does not wait for one that is gone", "b", "a,b", "b+",
      "b" },
    { "the row's host, when active, stays without being ready", "b", "b,a",
      "a+r b+", "b,a" },
    { "a claim does not displace because it is ready", NULL, "a,b", "a+ b+r",
      "a,b" },
    { "the row's host is not waited for", "c", "a", "a+ b+ c-", "a,b" },
    { "the row's host binds first", "b", "", "a+ b+", "b,a" },
    { "a claim elsewhere binds while the row's host has none", "b", "",
      "a+ b-", "a" },
    { "the row's host, when silent, does not displace", "b", "a", "a+ b+s",
      "a,b" },
    { "the row's host, when silent, gives way", "a", "a", "a+s b+", "b,a" },
    { "the row's host, silent, before other silent ones", "b", "",
      "a+s b+s", "b,a" },
    { "the row's host that has not reported does not displace", "b", "a",
      "a+ b?", "a" },

    { "claim that is not allowed does not bind", NULL, "", "a+rx", "" },
    { "claim that is not allowed is no candidate", NULL, "b", "a+rx b+",
      "b" },
    { "claim that is allowed binds beside one that is not", "b", "",
      "a+rx b+", "b" },
    { "silence does not help a claim that is not allowed", NULL, "b",
      "a+rx b+s", "b" },
    { "nor that the active host drops it", NULL, "b", "a+rx b-", "" },
    { "active host that is no longer allowed goes", "b", "a", "a+x b-", "" },
    { "it stays while the row's host gets ready", "b", "a", "a+x b+", "a,b*" },
    { "it goes once the row's host is ready", "b", "a,b", "a+x b+r", "b" },
    { "it goes once any allowed host is ready", NULL, "a,c",
      "a+x b+ c+r", "c,b" },
    { "it stays while the candidate gets ready", NULL, "a,c",
      "a+x b+ c+", "a,c*" },
    { "it does not stay for a silent one", NULL, "a", "a+x b+s", "b" },
    { "it does not stay when it is silent", NULL, "a", "a+sx b+", "b" },
    { "it does not stay when it has not reported", "b", "a", "a?sx", "" },
    { "the row's host that is not allowed does not bind", "a", "", "a+x b+",
      "b" },
    { "candidate that is no longer allowed is forgotten", NULL, "a,b",
      "a+ b+x", "a" },
    { "candidate that has not reported and is not allowed is forgotten", NULL,
      "a,b", "a+ b?x", "a" },
};

/* The same without failover. */
static const struct rule staying_rules[] = {
    { "without failover a silent host keeps its binding", NULL, "a",
      "a+s b+r", "a,b" },
    { "also before it has reported", NULL, "a,b", "a?s b+r", "a,b" },
    { "without failover the row's host takes over all the same", "b", "a",
      "a+s b+", "b,a" },
    { "without failover one that drops it is followed", NULL, "a,b",
      "a- b+", "b<a" },
    { "without failover the first claim binds", NULL, "", "a+s b+", "b,a" },
};

/* Parses a list of claims.  Returns how many. */
static size_t
parse_claims(char *text, struct binding_claim *claims)
{
    char *save = NULL;
    size_t n = 0;

    for (char *word = strtok_r(text, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        size_t len = strcspn(word, "+-?");

        claims[n].report = (word[len] == '+' ? BINDING_PRESENT
                            : word[len] == '-' ? BINDING_ABSENT
                            : BINDING_UNREPORTED);
        claims[n].silent = word[len + 1] == 's';
        claims[n].ready = strchr(word + len, 'r') != NULL;
        claims[n].leaving = strchr(word + len, 'm') != NULL;
        claims[n].named = strchr(word + len, 'n') != NULL;
        claims[n].seen = (strchr(word + len, 'G') ? 2
                          : strchr(word + len, 'g') != NULL);
        claims[n].allowed = !strchr(word + len, 'x');
        word[len] = '\0';
        claims[n++].host = word;
    }
    return n;
}

static char *
format_binding(struct binding binding)
{
    return xasprintf("%s%s%s%s%s%s%s", binding.active ? binding.active : "",
                     binding.former ? "<" : "",
                     binding.former ? binding.former : "",
                     binding.candidate ? "," : "",
                     binding.candidate ? binding.candidate : "",
                     binding.activated ? "!" : "", binding.moving ? "*" : "");
}

static void
check_rules(const struct rule *table, size_t n_rules, bool failover)
{
    for (size_t i = 0; i < n_rules; i++) {
        const struct rule *rule = &table[i];
        char *claims_text = xstrdup(rule->claims);
        char *now_text = xstrdup(rule->now);
        struct binding_claim claims[8];
        size_t n = parse_claims(claims_text, claims);
        char *comma = strchr(now_text, ',');
        char *left = strchr(now_text, '<');
        struct binding now = { .active = *now_text ? now_text : NULL };
        char *next;

        if (left) {
            *left = '\0';
            now.former = left + 1;
        }
        if (comma) {
            *comma = '\0';
            now.candidate = comma + 1;
            now.activated = strchr(now.candidate, '!') != NULL;
            comma[1 + strcspn(comma + 1, "!")] = '\0';
        }
        next = format_binding(binding_decide(rule->wanted, failover,
                                             now, claims, n));
        if (strcmp(next, rule->next)) {
            fail_msg("%s: \"%s\" instead of \"%s\"", rule->what, next,
                     rule->next);
        }
        free(next);
        free(claims_text);
        free(now_text);
    }
}

static void
binding_rules_hold(void **state OVS_UNUSED)
{
    check_rules(rules, ARRAY_SIZE(rules), true);
    check_rules(staying_rules, ARRAY_SIZE(staying_rules), false);
}

static bool
is_allowed(const struct binding_claim *claims, size_t n, const char *host)
{
    for (size_t i = 0; i < n; i++) {
        if (claims[i].host == host) {
            return claims[i].allowed;
        }
    }
    return false;
}

static uint64_t
seen(const struct binding_claim *claims, size_t n, const char *host)
{
    for (size_t i = 0; i < n; i++) {
        if (claims[i].host == host) {
            return claims[i].seen;
        }
    }
    return 0;
}

static const char *const hosts[] = { "a", "b", "c", "d" };

/* Returns how many. */
static size_t
random_claims(struct binding_claim *claims)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        if (random_range(4)) {
            claims[n].host = hosts[i];
            claims[n].report = random_range(3);
            claims[n].ready = random_range(2);
            claims[n].allowed = random_range(4);
            claims[n].named = !random_range(4);
            claims[n].leaving = !random_range(4);
            claims[n].seen = random_range(3);
            claims[n++].silent = !random_range(3);
        }
    }
    return n;
}

static const char *
random_host_but(const char *other)
{
    const char *host = hosts[random_range(ARRAY_SIZE(hosts))];

    return host == other ? NULL : host;
}

static struct binding
random_binding(void)
{
    struct binding now = { .active = NULL };

    if (random_range(4)) {
        now.active = random_host_but(NULL);
        if (random_range(2)) {
            now.candidate = random_host_but(now.active);
            now.activated = now.candidate && random_range(2);
        }
        if (!now.candidate && random_range(2)) {
            now.former = random_host_but(now.active);
        }
    }
    return now;
}

/* Whatever the claims: deciding twice changes nothing more, the candidate is
 * another host, a live binding without a say of the row stays unless the
 * candidate's guest was seen, and a host that is not allowed gets nothing. */
static void
binding_is_stable_and_never_displaced(void **state OVS_UNUSED)
{
    uint32_t seed = 20240611;
    size_t n_former = 0;

    printf("seed %"PRIu32"\n", seed);
    random_set_seed(seed);
    for (int round = 0; round < 20000; round++) {
        struct binding_claim claims[ARRAY_SIZE(hosts)];
        struct binding next, settled, again;
        const char *wanted = NULL;
        bool failover = random_range(2);
        size_t n = random_claims(claims);
        struct binding now = random_binding();

        if (!random_range(3)) {
            wanted = hosts[random_range(4)];
        }
        next = binding_decide(wanted, failover, now, claims, n);
        settled = next;
        if (next.active != now.active) {
            /* Who was seen elsewhere before a port has moved is forgotten: a
             * candidate that was one for that may not be it any more. */
            for (size_t i = 0; i < n; i++) {
                if (claims[i].host != next.active) {
                    claims[i].seen = 0;
                }
            }
            settled = binding_decide(wanted, failover, next, claims, n);
        }
        again = binding_decide(wanted, failover, settled, claims, n);
        assert_ptr_equal(next.active, again.active);
        assert_ptr_equal(settled.candidate, again.candidate);
        assert_true(settled.moving == again.moving);
        assert_true(settled.activated == again.activated);
        assert_true(!next.activated || next.candidate);
        assert_true(!next.moving || next.candidate == wanted
                    || (seen(claims, n, next.candidate)
                        > seen(claims, n, next.active))
                    || !is_allowed(claims, n, next.active));
        assert_true(!next.candidate
                    || is_allowed(claims, n, next.candidate));
        assert_true(!next.active || is_allowed(claims, n, next.active)
                    || (next.moving && next.active == now.active));
        assert_true(next.active || !next.candidate);
        n_former += next.former != NULL;
        assert_ptr_equal(settled.former, again.former);
        assert_true(!next.former || (next.active && !next.candidate
                                     && next.former != next.active));
        assert_true(!next.former || next.former == now.former
                    || next.former == now.active
                    || next.former == now.candidate);
        assert_true(!next.active || next.active != next.candidate);
        for (size_t i = 0; i < n && now.active && !wanted; i++) {
            if (claims[i].host == now.active && claims[i].allowed
                && (!claims[i].silent || !failover)
                && claims[i].report != BINDING_ABSENT) {
                assert_true(next.active == now.active
                            || (seen(claims, n, next.active)
                                > claims[i].seen));
            }
        }
    }
    assert_true(n_former > 500);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binding_rules_hold),
        cmocka_unit_test(binding_is_stable_and_never_displaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
