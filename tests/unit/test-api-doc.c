/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/api.md and docs/api-reference.md say what the source says. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build-aux/api-doc.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/northbound-private.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static char *
read_file(const char *name)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    FILE *file = fopen(name, "r");
    char buf[4096];
    size_t n;

    assert_non_null(file);
    while ((n = fread(buf, 1, sizeof buf, file)) > 0) {
        ds_put_buffer(&ds, buf, n);
    }
    fclose(file);
    return ds_steal_cstr(&ds);
}

/* The first line in which both differ. */
static void
show_difference(const char *name, const char *is, const char *ought)
{
    while (*is && !strncmp(is, ought, strcspn(is, "\n") + 1)) {
        size_t n = strcspn(is, "\n") + 1;

        is += n;
        ought += n;
    }
    fail_msg("%s is not what the source says, see `make update-docs`:"
             "\n-%.*s\n+%.*s", name, (int) strcspn(is, "\n"), is,
             (int) strcspn(ought, "\n"), ought);
}

static void
check_document(const char *name, bool all_types)
{
    char *is = read_file(name), *fault;
    char *ought = api_doc_update(is, all_types, &fault);

    if (!ought) {
        fail_msg("%s: %s", name, fault);
    } else if (strcmp(is, ought)) {
        show_difference(name, is, ought);
    }
    free(is);
    free(ought);
}

static void
documents_say_what_the_source_says(void **state OVS_UNUSED)
{
    check_document(TEST_SRCDIR "/docs/api.md", false);
    check_document(TEST_SRCDIR "/docs/api-reference.md", true);
}

/* Whether there is a heading that has 'anchor'. */
static bool
has_anchor(const char *text, const char *anchor)
{
    bool found = false;

    for (const char *p = text; !found && p; p = strstr(p + 1, "\n#")) {
        const char *c = p + 1 + strspn(p + 1, "# ");
        size_t i = 0;

        for (; *c != '\n'; c++) {
            char slug = *c == ' ' ? '-' : tolower((unsigned char) *c);

            if (isalnum((unsigned char) slug) || slug == '-') {
                if (slug != anchor[i]) {
                    break;
                }
                i++;
            }
        }
        found = *c == '\n' && !anchor[i];
    }
    return found;
}

static void
links_of_calls_lead_somewhere(void **state OVS_UNUSED)
{
    char *text = read_file(TEST_SRCDIR "/docs/api.md");
    size_t n;
    struct http_route *routes = nb_routes_make(&n);

    for (size_t i = 0; i < n; i++) {
        const struct nb_operation *about = routes[i].about;

        if (about && about->section && !has_anchor(text, about->section)) {
            fail_msg("docs/api.md has no section \"%s\"", about->section);
        }
    }
    nb_routes_destroy(routes, n);
    free(text);
}

static void
assert_fault(const char *text, const char *expected)
{
    char *fault, *made = api_doc_update(text, true, &fault);

    assert_null(made);
    assert_string_equal(fault, expected);
    free(fault);
}

static void
places_that_are_wrong_are_told(void **state OVS_UNUSED)
{
    assert_fault("", "it has no place for \"hosts\"");
    assert_fault("<!-- made of the source: vifs -->\n<!-- end -->\n",
                 "there is no \"vifs\"");
    assert_fault("a\n<!-- made of the source: ports -->\nb\n",
                 "a part does not end");
    assert_fault("<!-- made of the source: ports", "a part does not end");
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_say_what_the_source_says),
        cmocka_unit_test(links_of_calls_lead_somewhere),
        cmocka_unit_test(places_that_are_wrong_are_told),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
