/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of web servers by name: how names are looked up, and which addresses
 * are not gone to; and calls through proxies. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/event.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/webhook/webhook.h"
#include "tests/unit/webhook-fixture.h"
#include "util.h"

/* Names.  ----------------------------------------------------------------- */

static void
name_is_looked_up(void **state)
{
    struct fixture *f = *state;

    create(f, NULL);
    call(f, "http://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    char *host = xasprintf("web.test:%u", f->port);
    assert_string_equal(f->seen[0].host, host);
    free(host);
}

static void
name_that_nobody_knows_is_no_address(void **state)
{
    struct fixture *f = *state;

    f->options.n_attempts = 2;
    create(f, NULL);
    call(f, "http://no.test/");
    assert_outcome(f, WEBHOOK_FAILED, 2, "its name was not found");

    /* It is somebody's by now. */
    set_name("no.test", "127.0.0.1");
    call(f, "http://no.test/");
    assert_outcome(f, WEBHOOK_FAILED, 2, "127.0.0.1");
}

static void
lookup_that_hangs_holds_up_nothing(void **state)
{
    struct fixture *f = *state;

    set_resolver_hangs(true);
    f->options.n_attempts = 1;
    f->options.attempt_ms = 50;
    create(f, NULL);
    call(f, "http://no.test/");
    assert_outcome(f, WEBHOOK_FAILED, 1, "its name was not found in time");
    assert_int_equal(n_asking(), 1);

    /* Nor does it hold up the end. */
    call(f, "http://no.test/");
    while (n_asking() < 2) {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    }
    webhook_destroy(f->w);
    f->w = NULL;
    assert_int_equal(n_asking(), 2);
}

/* This machine's addresses: 192.0.2.7 and 2001:db8::7. */
int __wrap_getifaddrs(struct ifaddrs **);
int
__wrap_getifaddrs(struct ifaddrs **list)
{
    static struct sockaddr_in v4 = { .sin_family = AF_INET };
    static struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    static struct ifaddrs addresses[3];

    inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
    inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr);
    addresses[0] = (struct ifaddrs) { .ifa_next = &addresses[1] };
    addresses[1] = (struct ifaddrs) {
        .ifa_next = &addresses[2], .ifa_addr = (struct sockaddr *) &v4,
    };
    addresses[2] = (struct ifaddrs) { .ifa_addr = (struct sockaddr *) &v6 };
    *list = addresses;
    return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *);
void
__wrap_freeifaddrs(struct ifaddrs *list OVS_UNUSED)
{
}

/* An attacker who answers for a name that may be called (DNS rebinding). */
static void
name_that_comes_to_mean_this_machine_does_not_reach_it(void **state)
{
    static const char *const addresses[] = {
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::1",
        /* Of its interfaces, below. */
        "192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7", "64:ff9b::c000:207",
        "2002:c000:207::",
    };
    struct fixture *f = *state;

    f->options.n_attempts = 1;
    create(f, NULL);
    call(f, "http://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        set_name("web.test", addresses[i]);
        call(f, "http://web.test:%u/", f->port);
        assert_outcome(f, WEBHOOK_FAILED, 1,
                       "is called only by a URL that has the address itself");
        assert_non_null(strstr(outcome(f).reason, addresses[i]));
    }
    assert_int_equal(f->n_seen, 1);
    set_name("web.test", FAR_ADDRESS);
    call(f, "http://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
}

static void
localhost_is_this_machine(void **state)
{
    struct fixture *f = *state;

    start_http(f);
    char *allow = xasprintf("http://localhost:%u,http://a.localhost:%u",
                            f->port, f->port);
    create(f, allow);
    call(f, "http://localhost:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    call(f, "http://a.localhost:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    free(allow);
}

/* Proxies.  --------------------------------------------------------------- */

static void
proxies_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "", "proxy.test", "https://proxy.test", "socks5://proxy.test",
        "http://user:secret@proxy.test", "http://proxy.test/x",
        "http://proxy.test?x", "http://proxy.test:99999",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = NULL;

        f->options.proxy = cases[i];
        assert_int_equal(webhook_create(&f->options, f->base, &f->w, &text),
                         EINVAL);
        assert_non_null(text);
        free(text);
    }
    f->options.proxy = NULL;
}

static void
environment_names_no_proxy(void **state)
{
    struct fixture *f = *state;

    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static void
proxy_is_asked_for_every_call(void **state)
{
    struct fixture *f = *state;

    f->manner = SAYS;
    f->says = "HTTP/1.1 202 Taken\r\nContent-Length: 0\r\n\r\n";
    f->options.proxy = xasprintf("http://127.0.0.1:%u", f->rude_port);
    setenv("no_proxy", "*", 1);
    create(f, NULL);
    /* The name is the proxy's matter, and has no address here. */
    call(f, "http://no.test/x?y");
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_non_null(strstr(ds_cstr(&f->heard),
                           "POST http://no.test/x?y HTTP/1.1\r\n"));
    unsetenv("no_proxy");
}

static void
proxy_that_refuses_is_said(void **state)
{
    struct fixture *f = *state;

    f->manner = SAYS;
    f->says = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";
    f->options.n_attempts = 2;
    f->options.proxy = xasprintf("http://127.0.0.1:%u", f->rude_port);
    create(f, NULL);
    call(f, "https://web.test:%u/secret", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 2, "the proxy answered 403");

    /* It is not shown what the call says. */
    assert_non_null(strstr(ds_cstr(&f->heard), "CONNECT web.test:"));
    assert_null(strstr(ds_cstr(&f->heard), "secret"));
    assert_null(strstr(ds_cstr(&f->heard), "X-VMN-"));

    /* What it answers is not taken for the server's reply. */
    f->says = "HTTP/1.1 200 Connected\r\n\r\n";
    call(f, "https://web.test:%u/secret", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 2, "TLS failed");
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(name_is_looked_up),
        TEST(name_that_nobody_knows_is_no_address),
        TEST(lookup_that_hangs_holds_up_nothing),
        TEST(name_that_comes_to_mean_this_machine_does_not_reach_it),
        TEST(localhost_is_this_machine),
        TEST(proxies_that_are_none_are_refused),
        TEST(environment_names_no_proxy),
        TEST(proxy_is_asked_for_every_call),
        TEST(proxy_that_refuses_is_said),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);

    EVP_PKEY_free(server_key);
    return n_failed;
}
