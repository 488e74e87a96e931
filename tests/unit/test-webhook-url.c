/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs of web servers: how they are taken apart, which are refused, and which
 * prefixes allow them. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <stdlib.h>

#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "proto/webhook/webhook-url.h"
#include "proto/webhook/webhook.h"
#include "tests/unit/webhook-fixture.h"
#include "util.h"

/* URLs.  ------------------------------------------------------------------ */

static void
url_is_taken_apart(void **state OVS_UNUSED)
{
    static const struct {
        const char *text, *authority, *target;
        bool tls;
    } cases[] = {
        { "http://a.example", "a.example", "/", false },
        { "HTTPS://A.Example:443/x?y=z", "a.example", "/x?y=z", true },
        { "https://a:8443?q", "a:8443", "/?q", true },
        { "http://192.0.2.1:80/", "192.0.2.1", "/", false },
        { "http://[2001:DB8:0::1]:99/a/b", "[2001:db8::1]:99", "/a/b",
          false },
        { "http://a/%2e%2Efoo/...", "a", "/%2e%2Efoo/...", false },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct webhook_url url;

        assert_null(webhook_url_parse(&url, cases[i].text));
        char *authority = webhook_url_authority(&url);
        assert_string_equal(authority, cases[i].authority);
        assert_string_equal(url.target, cases[i].target);
        assert_int_equal(url.tls, cases[i].tls);
        free(authority);
        webhook_url_uninit(&url);
    }
}

static void
url_that_can_be_read_in_two_ways_is_refused(void **state OVS_UNUSED)
{
    static const char *const cases[] = {
        "", "http", "http:/a", "ftp://a/", "//a/", "http://", "http:///x",
        "http://user@a/", "http://a@b/", "http://a:80@b/", "http://a%40b/",
        "http://a\\b/", "http://a/b c", "http://a/\r\nX: y", "http://a/#x",
        "http://a#@b/", "http://a:0/", "http://a:65536/", "http://a:/",
        "http://a:8x/", "http://a:-1/", "http://a:1:2/", "http://[::1",
        "http://[::1]x/", "http://[1.2.3.4]/", "http://[fe80::1%25eth0]/",
        "http://2130706433/", "http://0x7f.1/", "http://127.1/",
        "http://1.2.3.256/", "http://a./", "http://.a/", "http://a..b/",
        "http://-a/", "http://a/../b", "http://a/.", "http://a/b/..",
        "http://a/%2e%2e/b", "http://a/.%2E", "http://a/..;x/b",
        "http://a/b%2fc", "http://a/b%5Cc", "http://a/%00", "http://a/%",
        "http://a/%2", "http://a/%zz", "http://\xc3\xa4/",
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct webhook_url url;
        char *fault = webhook_url_parse(&url, cases[i]);

        if (!fault) {
            fail_msg("\"%s\" is taken", cases[i]);
        }
        free(fault);
        webhook_url_uninit(&url);
    }
}

static void
prefix_allows_what_is_below_it(void **state OVS_UNUSED)
{
    static const char allowed[] = "https://a.example/hooks,"
                                  "http://b.example:8080/x/,http://[::1]";
    static const struct {
        const char *url;
        bool matches;
    } cases[] = {
        { "https://a.example/hooks", true },
        { "https://A.EXAMPLE:443/hooks/1?x", true },
        { "https://a.example/hooks?x=/", true },
        { "https://a.example/hooksy", false },
        { "https://a.example/hook", false },
        { "https://a.example/", false },
        { "https://a.example:8443/hooks", false },
        { "http://a.example:443/hooks", false },
        { "https://a.example.evil/hooks", false },
        { "https://xa.example/hooks", false },
        { "https://a.example@evil/hooks", false },
        { "https://a.example/?/hooks", false },
        { "http://b.example:8080/x/y", true },
        { "http://b.example:8080/x/", true },
        { "http://b.example:8080/x", false },
        { "http://b.example/x/y", false },
        { "http://[0:0::1]/any/thing", true },
        { "http://[::2]/", false },
        { "http://[::ffff:0:1]/", false },
    };
    struct webhook_allow allow;

    assert_null(webhook_allow_parse(&allow, allowed));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct webhook_url url;
        char *fault = webhook_url_parse(&url, cases[i].url);

        if ((!fault && webhook_allow_matches(&allow, &url))
            != cases[i].matches) {
            fail_msg("\"%s\": %d was expected", cases[i].url,
                     cases[i].matches);
        }
        free(fault);
        webhook_url_uninit(&url);
    }
    webhook_allow_uninit(&allow);
}

static void
prefixes_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "", "a.example", "https://a,", "https://a/?q", "https://a,,https://b",
        "https://a https://b",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = NULL;

        f->options.allow = cases[i];
        assert_int_not_equal(webhook_create(&f->options, f->base, &f->w,
                                            &text), 0);
        assert_non_null(text);
        assert_null(f->w);
        free(text);
    }
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(url_is_taken_apart),
        cmocka_unit_test(url_that_can_be_read_in_two_ways_is_refused),
        cmocka_unit_test(prefix_allows_what_is_below_it),
        TEST(prefixes_that_are_none_are_refused),
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
