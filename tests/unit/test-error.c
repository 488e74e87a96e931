/* SPDX-License-Identifier: Apache-2.0
 *
 * One error of the caller's: how it is set, and what becomes of its text. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "controller/schema/error.h"
#include "util.h"

static void
code_is_the_nearest_to_the_errno(void **state)
{
    static const struct {
        int error;
        enum vmn_error_code code;
    } cases[] = {
        { EINVAL, VMN_ERR_INVALID },
        { ENOENT, VMN_ERR_NOT_FOUND },
        { EBUSY, VMN_ERR_CONFLICT },
        { EEXIST, VMN_ERR_CONFLICT },
        { EFBIG, VMN_ERR_TOO_LARGE },
        { EACCES, VMN_ERR_FORBIDDEN },
        { EPERM, VMN_ERR_FORBIDDEN },
        { ENOSPC, VMN_ERR_UNAVAILABLE },
        { EUCLEAN, VMN_ERR_UNAVAILABLE },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct vmn_error why = VMN_ERROR_INIT;

        assert_int_equal(vmn_error_errno(&why, cases[i].error, "no %d", 7),
                         cases[i].error);
        assert_int_equal(why.code, cases[i].code);
        assert_string_equal(why.pointer, "");
        assert_string_equal(why.text, "no 7");
        vmn_error_uninit(&why);
        assert_null(why.text);
    }
}

static void
text_of_another_convention_is_taken(void **state)
{
    struct vmn_error why = VMN_ERROR_INIT;

    (void) state;
    assert_int_equal(vmn_error_take(&why, 0, NULL), 0);
    assert_int_equal(vmn_error_take(&why, 0, xstrdup("a leftover")), 0);
    assert_null(why.text);
    assert_int_equal(vmn_error_take(&why, EBUSY, xstrdup("100 % busy")),
                     EBUSY);
    assert_string_equal(why.text, "100 % busy");
    assert_int_equal(why.code, VMN_ERR_CONFLICT);
    assert_int_equal(vmn_error_take(&why, ENOSPC, NULL), ENOSPC);
    assert_string_equal(why.text, ovs_strerror(ENOSPC));
    vmn_error_uninit(&why);
}

static void
prefix_is_put_before_what_is_set(void **state)
{
    struct vmn_error why = VMN_ERROR_INIT;
    char *text;

    (void) state;
    vmn_error_prefix(&why, "file");
    assert_null(why.text);
    vmn_error_invalid(&why, "empty");
    vmn_error_prefix(&why, "100 %d");
    assert_string_equal(why.text, "100 %d: empty");
    text = vmn_error_steal_text(&why);
    assert_string_equal(text, "100 %d: empty");
    assert_null(why.text);
    assert_null(why.pointer);
    free(text);
}

/* Who does not ask why passes NULL. */
static void
nobody_need_ask(void **state)
{
    (void) state;
    vmn_error_set(NULL, VMN_ERR_STALE, "/x", "not told");
    vmn_error_prefix(NULL, "not told");
    assert_int_equal(vmn_error_invalid(NULL, "not told"), EINVAL);
    assert_int_equal(vmn_error_errno(NULL, EIO, "not told"), EIO);
    assert_int_equal(vmn_error_take(NULL, EIO, xstrdup("not told")), EIO);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_is_the_nearest_to_the_errno),
        cmocka_unit_test(text_of_another_convention_is_taken),
        cmocka_unit_test(prefix_is_put_before_what_is_set),
        cmocka_unit_test(nobody_need_ask),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
