/* SPDX-License-Identifier: Apache-2.0
 *
 * The model: what it warns of, where that is by rows that hosts report.  For
 * what users can make themselves: test-northbound-warnings.c. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/model/warnings.h"
#include "controller/schema/arena.h"
#include "tests/unit/model-fixture.h"
#include "util.h"

/* Expects the only warning about port "p1" to be this one; NULL: none. */
static void
check_warning(struct model *model, const char *pointer, const char *text)
{
    struct model_warnings warnings;
    struct arena arena;

    arena_init(&arena);
    model_warnings_init(&warnings, model, NULL, &arena);
    model_warnings_add(&warnings, &get_port(model, "p1")->row);
    model_warnings_finish(&warnings);
    assert_int_equal(warnings.n, text != NULL);
    if (text) {
        assert_string_equal(warnings.warnings[0].pointer, pointer);
        assert_string_equal(warnings.warnings[0].text, text);
    }
    arena_uninit(&arena);
}

static void
migration_that_cannot_take_place_is_warned_of(void **state)
{
    struct model *model = *state;

    apply(model, "patch hosts h2 {'port_selector':'role=web'}\n"
          "put bindings p1 {'host':'h1'}\n"
          "patch ports p1 {'migration':{'to':'h2'}}", "");
    check_warning(model, NULL, NULL);
    apply(model, "patch ports p1 {'migration':{'activated':true}}", "");
    check_warning(model, "/spec/migration/activated",
                  "host \"h2\" does not have its interface (iface-id "
                  "\"p1\") yet: it stays on host \"h1\" until then");

    /* It is plugged in. */
    apply(model, "put vifs h2/p1 {'host':'h2','iface_id':'p1','iface':'t',"
          "'ofport':1}", "");
    check_warning(model, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        apply(model, i ? "patch ports p1 {'migration':{'activated':false}}"
              : "patch ports p1 {'labels':{'role':'db'}}", "");
        check_warning(model, "/spec/migration/to",
                      "host \"h2\" does not select the port (its "
                      "port_selector): it stays on host \"h1\" until then");
    }
    apply(model, "patch hosts h2 {'port_selector':null}", "");
    check_warning(model, NULL, NULL);
    apply(model, "patch hosts h2 {'lost':true}", "");
    check_warning(model, "/spec/migration/to",
                  "host \"h2\" is declared lost: it does not get the port "
                  "before it is found");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            migration_that_cannot_take_place_is_warned_of, model_setup,
            model_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
