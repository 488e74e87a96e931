/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of how the cluster's database has the text of a batch:
 * cluster/batch-text.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "controller/cluster/batch-text.h"
#include "controller/schema/base64.h"
#include "controller/store/store-changes.h"
#include "util.h"

static void
check(const char *text, size_t length, size_t packed_max)
{
    char *packed = batch_text_pack(text, length);
    char *again = batch_text_unpack(packed);

    assert_true(strlen(packed) <= packed_max);
    assert_non_null(again);
    assert_int_equal(strlen(again), length);
    assert_memory_equal(again, text, length);
    free(packed);
    free(again);
}

static void
what_is_packed_is_unpacked(void **state OVS_UNUSED)
{
    size_t length = 5 * 1000 * 1000;
    char *text = xmalloc(length + 1);

    check("", 0, 0);
    check("{}", 2, 2);          /* Compressed it would be longer. */
    for (size_t i = 0; i < length; i++) {
        text[i] = "{\"spec\":\"x\"}"[i % 12];
    }
    text[length] = '\0';
    check(text, length, length / 50);
    for (size_t n = 1; n < 2000; n += 7) {
        char *some = xmemdup0(text, n);

        check(some, n, n);
        free(some);
    }
    free(text);
}

static void
what_is_neither_is_refused(void **state OVS_UNUSED)
{
    static const char *const bad[] = {
        "z", "z=", "z====", "z*A==", "zAAAA", "zQUJDRA==",
    };
    const char *text = "a text, a text, a text, a text, a text, a text, "
                       "a text, a text, a text, a text, a text, a text";
    char *packed = batch_text_pack(text, strlen(text));

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_null(batch_text_unpack(bad[i]));
    }
    /* One that does not end, and one that goes on after its end. */
    assert_int_equal(packed[0], 'z');
    for (size_t cut = 4; cut < strlen(packed); cut += 4) {
        char *part = xmemdup0(packed, strlen(packed) - cut);

        assert_null(batch_text_unpack(part));
        free(part);
    }
    free(packed);
}

/* A text that is larger than any batch is not made of a few bytes. */
static void
bomb_is_refused(void **state OVS_UNUSED)
{
    uLong length = STORE_CHANGES_MAX + 2 * 1000 * 1000;
    uLongf size = compressBound(length);
    unsigned char *text = xmalloc(length), *bytes = xmalloc(size);
    char *code, *packed;

    memset(text, 'x', length);
    assert_int_equal(compress2(bytes, &size, text, length, 1), Z_OK);
    code = base64_encode(bytes, size);
    packed = xasprintf("z%s", code);
    assert_null(batch_text_unpack(packed));
    free(packed);
    free(code);
    free(bytes);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_is_unpacked),
        cmocka_unit_test(what_is_neither_is_refused),
        cmocka_unit_test(bomb_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
