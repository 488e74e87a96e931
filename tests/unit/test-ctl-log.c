/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl about the log of changes, against a server that plays back a script:
 * comments on changes, the number of a change, and waiting for one. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "openvswitch/dynamic-string.h"
#include "tests/unit/ctl-fixture.h"
#include "timeval.h"
#include "util.h"

#define END { NULL, NULL, 0, NULL }

/* Comments.  -------------------------------------------------------------- */

static void
comment_goes_with_the_change(void **state OVS_UNUSED)
{
#define LABELLED "{\"spec\": {\"labels\": {\"x\": \"y\"}}}"
#define UPDATED "{\"revision\": 7, \"outcome\": \"updated\"}"
#define DONE "ports/a labelled\nrevision 7 is stored, and not waited for: " \
    "vmnctl wait 7\n"
    static const struct step label[] = {
        { "PATCH /v1/ports/a?comment=CHG-17%3Ax", LABELLED, 200, UPDATED },
        END,
    };
    static const struct step wait[] = {
        { "PATCH /v1/ports/a?wait=installed&timeout=10000ms&comment=%C3%A4",
          LABELLED, 200, UPDATED }, END,
    };
    static const struct step plan[] = {
        { "PATCH /v1/ports/a?dry_run=plan&comment=x", LABELLED, 200,
          "{\"kind\": \"plan\", \"changed\": false}" }, END,
    };
    static const struct step deletion[] = {
        { "DELETE /v1/ports/a?comment=x", NULL, 200,
          "{\"revision\": 8, \"outcome\": \"deleted\"}" }, END,
    };
    static const struct step undone[] = {
        { "POST /v1/revisions/7/undo?dry_run=plan", NULL, 200,
          "{\"kind\": \"plan\", \"changed\": true}" },
        { "POST /v1/revisions/7/undo?comment=x", NULL, 200,
          "{\"revision\": 8, \"changed\": true, \"results\": []}" }, END,
    };
    static const struct step token[] = {
        { "GET /v1/tokens/t", NULL, 404, "{}" },
        { "PUT /v1/tokens/t?comment=x", "{\"spec\": {\"account\": \"a\"}}",
          201,
          "{\"revision\": 8, \"secret\": \"t.s\"}" }, END,
    };
    struct run result;

    assert_play(label, "", "label port a x=y -m CHG-17:x", CTL_DONE, DONE, "");
    play(&result, wait, "", "label port a x=y --wait --comment \xc3\xa4");
    assert_int_equal(result.status, CTL_DONE);
    run_uninit(&result);
    play(&result, plan, "", "label port a x=y --dry-run -m x");
    assert_int_equal(result.status, CTL_DONE);
    run_uninit(&result);
    assert_play(deletion, "", "delete port a -m x", CTL_DONE,
                "ports/a deleted\nrevision 8 is stored, and not waited for: "
                "vmnctl wait 8\n", "");
    play(&result, undone, "", "undo 7 -m x");
    assert_int_equal(result.status, CTL_DONE);
    run_uninit(&result);
    assert_play(token, "", "token t --account a -m x", CTL_DONE, "t.s\n", "");
}

/* What an undo takes back, and what a restore has taken back. */
static void
undone_and_taken_back_revisions_are_marked(void **state OVS_UNUSED)
{
#define MARKED(N, MORE) "{\"revision\": " #N ", \"time\": \"t\", " \
    "\"who\": \"anna\", " MORE "\"changes\": [{\"op\": \"update\", " \
    "\"type\": \"groups\", \"name\": \"a\"}]}"
#define BOTH "{\"items\": [" MARKED(4, "\"restored_over\": 6, ") ", " \
    MARKED(8, "\"undoes\": 7, ") "]}"
    static const struct step list[] = {
        { "GET /v1/revisions?limit=20", NULL, 200, BOTH }, END,
    };
    static const struct step one[] = {
        { "GET /v1/revisions/4?contents=true", NULL, 200,
          MARKED(4, "\"restored_over\": 6, \"receipt\": null, ") }, END,
    };
    static const struct step undo[] = {
        { "GET /v1/revisions/8?contents=true", NULL, 200,
          MARKED(8, "\"undoes\": 7, \"receipt\": null, ") }, END,
    };
    static const struct step history[] = {
        { "GET /v1/revisions?type=groups&name=a&contents=true&limit=20", NULL,
          200, BOTH }, END,
    };

    assert_play(list, "", "revisions", CTL_DONE,
                "REVISION   TIME   WHO    INSTALLED         CHANGES\n"
                "4          t      anna   taken back by 6   update groups/a\n"
                "8          t      anna   -                 "
                "undo of changes in 7: update groups/a\n", "");
    assert_play(one, "", "revision 4", CTL_DONE,
                "Revision:    4\nTime:        t\nWho:         anna\n"
                "Taken back:  by revision 6, the restore of a backup from "
                "before it: no host has it\n"
                "\nCHANGE   TYPE     NAME\nupdate   groups   a\n", "");
    assert_play(undo, "", "revision 8", CTL_DONE,
                "Revision:    8\nTime:        t\nWho:         anna\n"
                "Undoes:      changes in 7\n"
                "\nCHANGE   TYPE     NAME\nupdate   groups   a\n", "");
    assert_play(history, "", "history groups/a", CTL_DONE,
                "4  t  anna  update  (taken back by 6)\n"
                "8  t  anna  update  (undo of 7)\n", "");
}

static void
undo_of_the_latest_change_says_whose_it_is(void **state OVS_UNUSED)
{
    static const struct step none[] = {
        { "GET /v1/revisions?limit=1&users=true", NULL, 200,
          "{\"items\": []}" }, END,
    };
    static const struct step steps[] = {
        { "GET /v1/revisions?limit=1&users=true", NULL, 200,
          "{\"items\": [" MARKED(7, "") "]}" },
        { "POST /v1/revisions/7/undo?dry_run=plan", NULL, 200,
          "{\"kind\": \"plan\", \"changed\": true}" },
        { "POST /v1/revisions/7/undo", NULL, 200,
          "{\"revision\": 8, \"changed\": true, \"results\": []}" }, END,
    };
    struct run result;

    assert_play(none, "", "undo latest", CTL_REFUSED, "",
                "vmnctl: no user has changed anything yet\n");
    play(&result, steps, "", "undo latest");
    assert_int_equal(result.status, CTL_DONE);
    assert_non_null(strstr(result.out, "revision 7 by anna:\n\n"));
    run_uninit(&result);
}

static void
comment_is_checked_before_it_is_sent(void **state OVS_UNUSED)
{
    char *line = xasprintf("label port a x=y -m %0513d", 0);

    assert_alone("", line, CTL_USAGE,
                 "--comment: must have 1 to 512 bytes, not 513");
    free(line);
    assert_alone("", "label port a x=y -m a\nb", CTL_USAGE, "--comment: must "
                 "not contain control characters, such as the one at byte 1");
    assert_alone("", "label port a x=y -m a\xff", CTL_USAGE,
                 "--comment: must be UTF-8");
    assert_alone("", "get ports -m x", CTL_USAGE, "no such option");
}

static void
comments_are_shown(void **state OVS_UNUSED)
{
#define ENTRY "\"revision\": 7, \"time\": \"T\", \"who\": \"me\","      \
              " \"changes\": [{\"op\": \"update\", \"type\": \"ports\"," \
              " \"name\": \"a\"}]"
    static const struct step one[] = {
        { "GET /v1/revisions/7?contents=true", NULL, 200,
          "{" ENTRY ", \"comment\": \"CHG-17: why\"}" }, END,
    };
    static const struct step list[] = {
        { "GET /v1/revisions?limit=20", NULL, 200,
          "{\"items\": [{" ENTRY "}, {" ENTRY ", \"comment\": \"why\"}]}" },
        END,
    };
    static const struct step none[] = {
        { "GET /v1/revisions?limit=20", NULL, 200,
          "{\"items\": [{" ENTRY "}]}" }, END,
    };
    static const struct step history[] = {
        { "GET /v1/revisions?type=ports&name=a&contents=true&limit=20", NULL,
          200, "{\"items\": [{" ENTRY ", \"comment\": \"why\"}]}" },
        { "GET /v1/revisions?type=bindings&name=a&limit=20", NULL, 200,
          "{\"items\": []}" }, END,
    };
    struct run result;

    play(&result, one, "", "revision 7");
    assert_non_null(strstr(result.out, "Who:         me\n"
                           "Comment:     CHG-17: why\n"));
    run_uninit(&result);
    assert_play(list, "", "revisions", CTL_DONE,
                "REVISION   TIME   WHO   INSTALLED   CHANGES          "
                "COMMENT\n"
                "7          T      me    -           update ports/a   -\n"
                "7          T      me    -           update ports/a   why\n",
                "");
    play(&result, none, "", "revisions");
    assert_null(strstr(result.out, "COMMENT"));
    run_uninit(&result);
    assert_play(history, "", "history ports/a", CTL_DONE,
                "7  T  me  update\n  why\n", "");
}

/* Where a port was is a part of its history, in its place. */
static void
history_of_a_port_has_its_moves(void **state OVS_UNUSED)
{
#define CHANGE(REVISION, WHO, CHANGES)                                  \
    "{\"revision\": " REVISION ", \"time\": \"T\", \"who\": \"" WHO "\"," \
    " \"changes\": [" CHANGES "]}"
#define PORT(OP)                                                        \
    "{\"op\": \"" OP "\", \"type\": \"ports\", \"name\": \"a\"}"
#define EFFECT                                                          \
    "{\"op\": \"create\", \"type\": \"quarantines\", \"name\": \"q\"},"   \
    "{\"op\": \"quarantine\", \"type\": \"ports\", \"name\": \"a\","      \
    " \"by\": \"quarantines/q\"}"
#define BINDING(NAME, MEMBERS)                                          \
    "{\"op\": \"-\", \"type\": \"bindings\","                           \
    " \"name\": \"" NAME "\"" MEMBERS "}"
#define UNBINDS CHANGE("9", "me", PORT("update") ","                    \
                       BINDING("a", ", \"from\": \"h3\"") ","           \
                       BINDING("b", ", \"from\": \"h3\""))
    static const struct step history[] = {
        { "GET /v1/revisions?type=ports&name=a&contents=true&limit=7", NULL,
          200, "{\"items\": [" CHANGE("1", "me", PORT("create")) ","
          CHANGE("2", "you", EFFECT) "," UNBINDS "]}" },
        { "GET /v1/revisions?type=bindings&name=a&limit=7", NULL, 200,
          "{\"items\": ["
          CHANGE("3", "host:h1", BINDING("a", ", \"to\": \"h1\"")) ","
          CHANGE("5", "host:h3", BINDING("a", ", \"from\": \"h1\","
                 " \"to\": \"h1\", \"candidate\": \"h3\"")) ","
          CHANGE("6", "host:h1", BINDING("a", ", \"from\": \"h1\","
                 " \"to\": \"h3\"")) ","
          CHANGE("7", "vmnd", BINDING("a", ", \"from\": \"h3\","
                 " \"to\": \"h3\", \"former\": \"h1\"")) ","
          CHANGE("8", "vmnd", BINDING("a", "")) "," UNBINDS "]}" }, END,
    };

    assert_play(history, "", "history ports/a --limit 7", CTL_DONE,
                "2  T  you  quarantine by quarantines/q\n"
                "3  T  host:h1  bound to h1, as the switch of h1 reports\n"
                "5  T  host:h3  on h1, candidate h3, as the switch of h3 "
                "reports\n"
                "6  T  host:h1  moved from h1 to h3, as the switch of h1 "
                "reports\n"
                "7  T  vmnd  on h3, h1 is not asked about it any more\n"
                "8  T  vmnd  binding: -\n"
                "9  T  me  update  unbound from h3\n", "");
}

/* Revisions.  ------------------------------------------------------------- */

#define RECEIPT(WORD, STATE)                                            \
    "\"receipt\": {\"revision\": 7, \"installed\": " WORD ","          \
    " \"recorded\": true, \"hosts\": [{\"host\": \"hv1\","              \
    " \"state\": \"" STATE "\"}]}"

static void
revision_is_waited_for(void **state OVS_UNUSED)
{
    static const struct step done[] = {
        { "GET /v1/revisions/7?wait=installed&timeout=10000ms", NULL, 200,
          "{\"revision\": 7, " RECEIPT("true", "confirmed") "}" }, END,
    };
    static const struct step late[] = {
        { "GET /v1/revisions/7?wait=installed&timeout=500ms", NULL, 202,
          "{\"revision\": 7, " RECEIPT("false", "offline") "}" }, END,
    };
    static const struct step none[] = {
        { "GET /v1/revisions/7?wait=installed&timeout=10000ms", NULL, 404,
          "{\"detail\": \"never made\"}" }, END,
    };
    static const struct step latest[] = {
        { "GET /v1/revisions?limit=1", NULL, 200,
          "{\"items\": [{\"revision\": 7}]}" },
        { "GET /v1/revisions/7?wait=installed&timeout=10000ms", NULL, 200,
          "{\"revision\": 7, " RECEIPT("true", "confirmed") "}" }, END,
    };

    assert_play(done, "", "wait 7", CTL_DONE,
                "revision 7 is installed on 1 host\n", "");
    assert_play(done, "", "wait 7 --for installed", CTL_DONE,
                "revision 7 is installed on 1 host\n", "");
    assert_play(late, "", "wait 7 --timeout 500ms", CTL_NOT_INSTALLED, "",
                "vmnctl: revision 7 is not installed everywhere within 0.5 s:"
                "\nHOST   STATE     REASON\nhv1    offline   -\n");
    assert_play(none, "", "wait 7", CTL_REFUSED, "",
                "vmnctl: never made (HTTP 404)\n");
    assert_play(latest, "", "wait latest", CTL_DONE,
                "revision 7 is installed on 1 host\n", "");
    assert_alone("", "wait 7 --for ever", CTL_USAGE,
                 "--for: must be installed or drained, not \"ever\"");
    assert_alone("", "wait", CTL_USAGE, "usage: vmnctl wait N|latest");
}

/* A balancer with two drained backends; how the drain of the second ended, and
 * its reason. */
#define DRAINED(RESULT, WHY)                                            \
    { "GET /v1/loadbalancers/x", NULL, 200,                             \
      "{\"spec\": {\"backends\": [{\"port\": \"a\", \"drain\": true},"   \
      " {\"port\": \"b\", \"drain\": true}]}, \"status\": {\"backends\":" \
      " [{\"port\": \"a\", \"state\": \"drained\", \"reason\":"       \
      " \"it is drained: quiet\"}, {\"port\": \"b\", \"state\":"      \
      " \"drained\", \"drain_result\": \"" RESULT "\","                 \
      " \"reason\": \"it is drained: " WHY "\"}]}}" }

static void
wait_tells_a_quiet_drain_from_one_that_cut(void **state OVS_UNUSED)
{
    static const struct step quiet[] = {
        DRAINED("quiet", "drain_seconds are over: not cut"), END,
    };
    static const struct step cut[] = {
        DRAINED("cut", "over"), END,
    };

    assert_play(quiet, "", "wait lb/x --for drained", CTL_DONE,
                "a drained: quiet\n"
                "b drained: drain_seconds are over: not cut\n", "");
    assert_play(cut, "", "wait lb/x --for drained", CTL_CUT,
                "a drained: quiet\n"
                "b drained: over\n", "");
    assert_play(cut, "", "wait lb/x --for drained --backend a", CTL_DONE,
                "a drained: quiet\n", "");
}

static void
latest_revision_is_that_of_the_log(void **state OVS_UNUSED)
{
    static const struct step some[] = {
        { "GET /v1/revisions?limit=1", NULL, 200,
          "{\"items\": [{\"revision\": 7}], \"revision\": 9}" },
        { "GET /v1/revisions/7?contents=true", NULL, 200, "{" ENTRY "}" }, END,
    };
    static const struct step none[] = {
        { "GET /v1/revisions?limit=1", NULL, 200, "{\"items\": []}" }, END,
    };
    /* An account with a scope gets its own entries alone, and perhaps none in
     * the part of the log that one call looks at. */
    static const struct step later[] = {
        { "GET /v1/revisions?limit=1", NULL, 200,
          "{\"items\": [], \"revision\": 9000, \"next\": \"7001\"}" },
        { "GET /v1/revisions?limit=1&before=7001", NULL, 200,
          "{\"items\": [{\"revision\": 7}], \"next\": \"7\"}" },
        { "GET /v1/revisions/7?contents=true", NULL, 200, "{" ENTRY "}" }, END,
    };
    struct run result;

    play(&result, later, "", "revision latest");
    assert_int_equal(result.status, CTL_DONE);
    assert_non_null(strstr(result.out, "Revision:    7\n"));
    run_uninit(&result);
    play(&result, some, "", "revision latest");
    assert_int_equal(result.status, CTL_DONE);
    assert_non_null(strstr(result.out, "Revision:    7\n"));
    run_uninit(&result);
    assert_play(none, "", "revision latest", CTL_REFUSED, "",
                "vmnctl: nothing was changed yet\n");
}

/* The beginning of a day, so many before today, in UTC. */
static char *
day_text(int before)
{
    return xastrftime_msec("%Y-%m-%d",
                           (time_wall() - before * 86400LL) * 1000, true);
}

/* Asserts that "--since 'given'" asks for what is not older than 'day'. */
static void
assert_since(const char *given, const char *day)
{
    char *path = xasprintf("GET /v1/revisions?limit=20&users=true&since="
                           "%sT00%%3A00%%3A00Z", day);
    char *line = xasprintf("revisions --users --since %s", given);
    const struct step steps[] = {
        { path, NULL, 200, "{\"items\": []}" }, END,
    };
    struct run result;

    play(&result, steps, "", line);
    assert_int_equal(result.status, CTL_DONE);
    run_uninit(&result);
    free(path);
    free(line);
}

static void
days_are_those_of_utc(void **state OVS_UNUSED)
{
    char *today, *yesterday;

    assert_since("2026-11-22", "2026-11-22");
    if (time_wall() % 86400 > 86400 - 60) {
        skip();                 /* Another day may begin meanwhile. */
    }
    today = day_text(0);
    yesterday = day_text(1);
    assert_since("today", today);
    assert_since("yesterday", yesterday);
    free(today);
    free(yesterday);
    assert_alone("", "revisions --since 2026-13-40", CTL_USAGE,
                 "a day such as 2027-01-31");
    assert_alone("", "events --since 2026-99-99", CTL_USAGE,
                 "a day such as 2027-01-31");
    assert_alone("", "revisions --since 2026-11-22T12:00:00ZZ", CTL_USAGE,
                 "--since: ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(history_of_a_port_has_its_moves),
        cmocka_unit_test(comment_goes_with_the_change),
        cmocka_unit_test(comment_is_checked_before_it_is_sent),
        cmocka_unit_test(undone_and_taken_back_revisions_are_marked),
        cmocka_unit_test(undo_of_the_latest_change_says_whose_it_is),
        cmocka_unit_test(comments_are_shown),
        cmocka_unit_test(revision_is_waited_for),
        cmocka_unit_test(wait_tells_a_quiet_drain_from_one_that_cut),
        cmocka_unit_test(latest_revision_is_that_of_the_log),
        cmocka_unit_test(days_are_those_of_utc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
