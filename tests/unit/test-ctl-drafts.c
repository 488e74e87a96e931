/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's changes of drafts: what is put on top of what. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/ctl-fixture.h"
#include "util.h"

#define END { NULL, NULL, 0, NULL }
#define DRAFT(CHANGES) "{\"name\": \"d\", \"metadata\": {\"etag\": \"7\"}, "  \
                       "\"spec\": {\"changes\": [" CHANGES "]}}"
#define SPEC(CHANGES) "{\"spec\": {\"changes\": [" CHANGES "]}}"
#define PUT_A(SPEC) "{\"type\": \"ports\", \"name\": \"a\", \"base\": "       \
                    "\"none\", \"spec\": " SPEC "}"
#define PATCH_A(SPEC) "{\"op\": \"patch\", \"type\": \"ports\", \"name\": "   \
                      "\"a\", \"base\": \"3\", \"base_spec\": {}, "           \
                      "\"spec\": " SPEC "}"
#define DELETE_A "{\"op\": \"delete\", \"type\": \"ports\", "               \
                 "\"name\": \"a\", \"base\": \"3\", \"base_spec\": {}}"
#define UPDATED 200, "{\"outcome\": \"updated\", \"status\": {\"changes\": 1}}"

/* Expects 'words' to make 'after' of a draft of the changes 'before'. */
#define ASSERT_MADE(BEFORE, AFTER, WORDS) do {                                \
        static const struct step steps[] = {                                  \
            { "GET /v1/drafts/d", NULL, 200, DRAFT(BEFORE) },                 \
            { "PUT /v1/drafts/d", SPEC(AFTER), UPDATED },                     \
            END,                                                              \
        };                                                                    \
                                                                              \
        assert_play(steps, "", WORDS, CTL_DONE,                               \
                    "drafts/d updated, 1 change\n", "");                      \
    } while (0)

static void
changes_are_put_on_top(void **state OVS_UNUSED)
{
    ASSERT_MADE("", "{\"op\": \"patch\", \"type\": \"ports\", \"name\": \"a\","
                " \"spec\": {\"x\": 1}}",
                "patch port a -p {\"spec\":{\"x\":1}} --draft d");
    ASSERT_MADE(PUT_A("{\"x\": 0, \"y\": {\"z\": 1}, \"n\": 1}"),
                PUT_A("{\"x\": 1, \"y\": {\"z\": 1, \"w\": 2}}"),
                "patch port a --draft d -p "
                "{\"spec\":{\"x\":1,\"y\":{\"w\":2},\"n\":null}}");
    /* Of two patches null is kept: it takes away what is there. */
    ASSERT_MADE(PATCH_A("{\"x\": 0, \"y\": {\"z\": 1}}"),
                PATCH_A("{\"x\": null, \"y\": {\"z\": 1, \"w\": null}}"),
                "patch port a --draft d -p "
                "{\"spec\":{\"x\":null,\"y\":{\"w\":null}}}");
    ASSERT_MADE(PATCH_A("{\"x\": 0}"), DELETE_A, "delete port a --draft d");
    ASSERT_MADE(PUT_A("{\"x\": 0}"), "", "delete port a --draft d");
    ASSERT_MADE(PATCH_A("{\"x\": 0}"),
                PATCH_A("{\"x\": 0, \"labels\": {\"k\": \"v\"}}"),
                "label port a k=v --draft d");
}

static void
what_cannot_be_put_on_top_is_told(void **state OVS_UNUSED)
{
    static const struct step deleted[] = {
        { "GET /v1/drafts/d", NULL, 200, DRAFT(DELETE_A) }, END,
    };
    static const struct step reset[] = {
        { "GET /v1/drafts/d", NULL, 200,
          DRAFT(PATCH_A("{\"x\": {\"y\": null}}")) }, END,
    };
    static const struct step none[] = { END };

    /* One patch cannot both take a member away and merge into it. */
    assert_play(reset, "",
                "patch port a -p {\"spec\":{\"x\":{\"y\":{\"z\":1}}}} --draft d",
                CTL_USAGE, "",
                "vmnctl: ports/a: the draft replaces a member as a whole, into "
                "which this would merge, and one patch cannot say both: apply "
                "a file with the whole spec\n");
    assert_play(deleted, "", "label port a k=v --draft d", CTL_USAGE, "",
                "vmnctl: ports/a is deleted by the draft: vmnctl draft drop "
                "NAME ports/a takes that out of it\n");
    assert_play(none, "", "label port a k=v --draft d --wait", CTL_USAGE, "",
                "vmnctl: label: --draft changes nothing: --wait cannot be "
                "combined with it (vmnctl draft plan d)\n");
    assert_play(none, "", "draft", CTL_USAGE, "",
                "vmnctl: usage: vmnctl draft ACTION [DRAFT] [TYPE/NAME...] "
                "[OPTIONS] (see vmnctl draft --help)\n");
    assert_play(none, "", "draft merge d", CTL_USAGE, "",
                "vmnctl: draft: must be create, show, diff, plan, apply, "
                "rebase, drop, delete or list, not \"merge\"\n");
    assert_play(none, "", "rollback latest", CTL_USAGE, "",
                "vmnctl: rollback: must be a revision (vmnctl revisions lists "
                "them), or FIRST-LAST, not \"latest\"\n");
    assert_play(none, "", "rollback 42-", CTL_USAGE, "",
                "vmnctl: rollback: must be a revision (vmnctl revisions lists "
                "them), or FIRST-LAST, not \"42-\"\n");
}

/* Somebody else has changed it between. */
static void
stale_draft_is_read_again(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/drafts/d", NULL, 200, DRAFT("") },
        { "PUT /v1/drafts/d*", NULL, 412, "{}" },
        { "GET /v1/drafts/d", NULL, 200, DRAFT(PUT_A("{}")) },
        { "PUT /v1/drafts/d", SPEC(PUT_A("{\"x\": 1}")), UPDATED },
        END,
    };

    assert_play(steps, "", "patch port a -p {\"spec\":{\"x\":1}} --draft d",
                CTL_DONE, "drafts/d updated, 1 change\n", "");
}

#define CASCADE(MORE) "{\"op\": \"delete\", \"type\": \"groups\", "          \
                      "\"name\": \"g\", \"cascade\": true" MORE "}"

static void
rebase_and_drop(void **state OVS_UNUSED)
{
    static const struct step rebased[] = {
        { "GET /v1/drafts/d", NULL, 200, DRAFT(PATCH_A("{}")) },
        { "PUT /v1/drafts/d", SPEC("{\"op\": \"patch\", \"type\": \"ports\", "
                                   "\"name\": \"a\", \"spec\": {}}"),
          UPDATED },
        END,
    };
    static const struct step cascade[] = {
        { "GET /v1/drafts/d", NULL, 200,
          DRAFT(CASCADE(", \"base\": \"7\", \"base_revision\": 9")) },
        { "PUT /v1/drafts/d", SPEC(CASCADE(", \"base_revision\": null")),
          UPDATED },
        END,
    };
    static const struct step other[] = {
        { "GET /v1/drafts/d", NULL, 200, DRAFT(PATCH_A("{}")) }, END,
    };

    assert_play(rebased, "", "draft rebase d", CTL_DONE,
                "drafts/d updated, 1 change\n", "");
    assert_play(cascade, "", "draft rebase d", CTL_DONE,
                "drafts/d updated, 1 change\n", "");
    ASSERT_MADE(PATCH_A("{}"), "", "draft drop d port/a");
    assert_play(other, "", "draft drop d port/b", CTL_REFUSED, "",
                "vmnctl: draft \"d\" does not change ports/b\n");
}

#define CONFLICT(MORE) "{\"change\": 0, \"type\": \"ports\", \"name\": "   \
                       "\"a\", \"revision\": 9, \"who\": \"x\"" MORE "}"
#define CONFLICTS(LIST) "{\"name\": \"d\", \"metadata\": {\"etag\": "      \
                        "\"7\"}, \"spec\": {\"changes\": []}, \"status\": "  \
                        "{\"conflicts\": [" LIST "]}}"
#define TOP "Draft:        d\nAuthor:       \nUpdated:      \n\n"
#define HEAD(IS) "CONFLICT   FIELD   WAS   " IS "   DRAFT   REVISION   WHO\n"
#define LOOK "changed since, so it is not applied as it is: look, then "     \
             "vmnctl draft rebase d\n"

/* Of a field its values; of an object that has gone, what it was. */
static void
conflicts_show_what_was(void **state OVS_UNUSED)
{
    static const struct step of_field[] = {
        { "GET /v1/drafts/d", NULL, 200, CONFLICTS(
            CONFLICT(", \"path\": \"/x\", \"base\": 1, \"draft\": 3")) },
        END,
    };
    static const struct step too_long[] = {
        { "GET /v1/drafts/d", NULL, 200, CONFLICTS(
            CONFLICT(", \"path\": \"/x\", \"base\": 1, \"left_out\": true")) },
        END,
    };
    static const struct step gone[] = {
        { "GET /v1/drafts/d", NULL, 200, CONFLICTS(
            CONFLICT(", \"path\": \"\", \"base\": {\"x\": [1, 2], \"y\": "
                     "\"z\"}, \"draft\": {\"x\": [3]}, "
                     "\"left_out\": true")) },
        END,
    };
    static const struct step secret[] = {
        { "GET /v1/drafts/d", NULL, 200, CONFLICTS(
            CONFLICT(", \"path\": \"\", \"left_out\": true")) },
        END,
    };

    assert_play(of_field, "", "draft show d", CTL_DONE, TOP HEAD("IS")
                "ports/a    /x      1     -    3       9          x\n" LOOK,
                "");
    assert_play(too_long, "", "draft show d", CTL_DONE, TOP HEAD("IS ")
                "ports/a    /x      1     ...   ...     9          x\n" LOOK,
                "");
    assert_play(gone, "", "draft show d", CTL_DONE, TOP HEAD("IS")
                "ports/a    -       ...   -    ...     9          x\n"
                "\nports/a as it was, but for long fields:\n"
                "  x:\n  - 1\n  - 2\n  \"y\": z\n"
                "\nports/a as the draft makes it, but for long fields:\n"
                "  x:\n  - 3\n\n" LOOK, "");
    assert_play(secret, "", "draft show d", CTL_DONE, TOP HEAD("IS ")
                "ports/a    -       ...   ...   ...     9          x\n" LOOK,
                "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_put_on_top),
        cmocka_unit_test(what_cannot_be_put_on_top_is_told),
        cmocka_unit_test(stale_draft_is_read_again),
        cmocka_unit_test(rebase_and_drop),
        cmocka_unit_test(conflicts_show_what_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
