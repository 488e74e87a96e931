/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's commands that change objects by fields: patch, drain and undrain;
 * sets of objects, folders of files, and files that hold tokens. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/ctl/object-types.h"
#include "tests/unit/ctl-fixture.h"
#include "util.h"

#define END { NULL, NULL, 0, NULL }
#define UPDATED 200, "{\"outcome\": \"updated\"}"

/* patch.  ----------------------------------------------------------------- */

static void
patch_sends_what_changes(void **state OVS_UNUSED)
{
    static const struct step one[] = {
        { "PATCH /v1/ports/a", "{\"spec\": {\"enabled\": false,"
          " \"labels\": null}}", UPDATED },
        END,
    };
    static const struct step two[] = {
        { "POST /v1/apply", "{\"objects\": ["
          "{\"op\": \"patch\", \"type\": \"ports\", \"name\": \"a\","
          " \"spec\": {\"x\": 1}},"
          "{\"op\": \"patch\", \"type\": \"networks\", \"name\": \"n\","
          " \"spec\": {\"x\": 1}}]}", 200,
          "{\"results\": [{\"outcome\": \"updated\"},"
          " {\"outcome\": \"unchanged\"}]}" },
        END,
    };

    assert_play(one, "spec: {enabled: false, labels: null}\n",
                "patch port a --patch-file -", CTL_DONE,
                "ports/a updated\n", "");
    assert_play(one, "", "patch port/a --patch {\"spec\":{\"enabled\":false,"
                "\"labels\":null}}", CTL_DONE, "ports/a updated\n", "");
    assert_play(two, "", "patch port/a net/n -p {\"spec\":{\"x\":1}}",
                CTL_DONE, "ports/a updated\nnetworks/n unchanged\n", "");
}

/* A change whose fate is not known is sent again, as long as that does not
 * change; others are not. */
static void
lost_changes_are_sent_again(void **state OVS_UNUSED)
{
#define PATCH_A "PATCH /v1/ports/a", "{\"spec\": {\"x\": 1}}"
#define PROBLEM(TYPE) "{\"type\": \"urn:vmn:problem:" TYPE "\", "          \
                      "\"detail\": \"no\"}"
    static const struct step broken[] = {
        { PATCH_A, 0, NULL },
        { PATCH_A, 503, PROBLEM("starting") },
        { PATCH_A, UPDATED },
        END,
    };
    static const struct step uncertain[] = {
        { PATCH_A, 503, PROBLEM("uncertain") },
        { PATCH_A, 409, PROBLEM("conflict") },
        END,
    };
    static const struct step refused[] = {
        { PATCH_A, 503, PROBLEM("unavailable") }, END,
    };
    static const struct step plan[] = {
        { "PATCH /v1/ports/a?dry_run=plan", "{\"spec\": {\"x\": 1}}", 0,
          NULL },
        END,
    };
    static const char line[] = "patch port a -p {\"spec\":{\"x\":1}}";
    struct run result;

    assert_play(broken, "", line, CTL_DONE, "ports/a updated\n", "");
    assert_play(uncertain, "", line, CTL_REFUSED, "",
                "vmnctl: no (HTTP 409)\n");
    assert_play(refused, "", line, CTL_REFUSED, "",
                "vmnctl: no (HTTP 503)\n");
    play(&result, plan, "", "patch port a -p {\"spec\":{\"x\":1}} --dry-run");
    assert_int_equal(result.status, CTL_UNREACHABLE);
    run_uninit(&result);
}

/* Of a router the plan is asked for first, as of nothing else. */
static void
connections_that_start_over_are_told(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "PATCH /v1/routers/r?dry_run=plan",
          "{\"spec\": {\"interfaces\": []}}", 200,
          "{\"changed\": true, \"restarts\": [\"a\", \"b\"]}" },
        { "PATCH /v1/routers/r", "{\"spec\": {\"interfaces\": []}}", 200,
          "{\"outcome\": \"updated\"}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "patch router r -p {\"spec\":{\"interfaces\":[]}}",
                CTL_DONE, "routers/r updated\n"
                "open connections start over in: a, b\n", "");
}

static void
patch_wants_a_spec(void **state OVS_UNUSED)
{
    assert_alone("", "patch port a", CTL_USAGE, "either --patch or");
    assert_alone("", "patch port a -p {} --patch-file x", CTL_USAGE,
                 "either --patch or");
    assert_alone("", "patch port -p {\"spec\":{}}", CTL_USAGE,
                 "name the objects");
    assert_alone("", "patch port a -p {\"enabled\":false}", CTL_USAGE,
                 "--patch: must be a mapping with \"spec\" alone");
    assert_alone("", "patch port a -p {\"spec\":[]}", CTL_USAGE,
                 "must be a map");
    assert_alone("", "patch port a -p {\"spec\":{},\"name\":\"b\"}",
                 CTL_USAGE, "must be a map");
    assert_alone("", "patch port a -p []", CTL_USAGE, "must be a map");
    assert_alone("", "patch port a -p labels", CTL_USAGE, "labels are set by "
                 "vmnctl label TYPE NAME KEY=VALUE");
    assert_alone("", "patch port a -p [", CTL_USAGE, "--patch: line");
    assert_alone("spec: {}\n---\nspec: {}\n", "patch port a --patch-file -",
                 CTL_USAGE, "must be one document, not 2");
    assert_alone("", "patch port a --patch-file /nonexistent", CTL_USAGE,
                 "/nonexistent: No such file");
}

/* drain.  ----------------------------------------------------------------- */

#define LB(BACKENDS)                                                    \
    "{\"name\": \"lb\", \"metadata\": {\"etag\": \"7\"}, \"spec\":"     \
    " {\"selector\": \"role=web\", \"backends\": [" BACKENDS "]}}"
#define BODY(BACKENDS) "{\"spec\": {\"backends\": [" BACKENDS "]}}"
#define GET_LB "GET /v1/loadbalancers/lb", NULL, 200
#define LISTED "{\"port\": \"a\", \"weight\": 2}"
#define LISTED_DRAINS "{\"port\": \"a\", \"weight\": 2, \"drain\": true}"
#define SELECTED_DRAINS "{\"port\": \"b\", \"drain\": true}"
#define PORT_B(ROLE)                                                    \
    { "GET /v1/ports/b", NULL, 200,                                     \
      "{\"name\": \"b\", \"spec\": {\"labels\": {\"role\": \"" ROLE "\"}}}" }

static void
backends_drain_listed_or_selected(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { GET_LB, LB(LISTED) }, PORT_B("web"),
        { "PATCH /v1/loadbalancers/lb",
          BODY(LISTED_DRAINS "," SELECTED_DRAINS), UPDATED },
        END,
    };
    static const struct step plan[] = {
        { GET_LB, LB(LISTED) },
        { "PATCH /v1/loadbalancers/lb?dry_run=plan", BODY(LISTED_DRAINS), 200,
          "{\"objects\": [], \"flows\": {}}" },
        END,
    };
    static const struct step changed[] = {
        { GET_LB, LB(LISTED) },
        { "PATCH /v1/loadbalancers/lb\nIf-Match: \"7\"\r\n",
          BODY(LISTED_DRAINS), 412, "{\"detail\": \"it has changed\"}" },
        END,
    };
    static const struct step other[] = {
        { GET_LB, LB(LISTED) }, PORT_B("db"), END,
    };
    static const struct step none[] = {
        { "GET /v1/loadbalancers/x", NULL, 404, "{}" }, END,
    };
    struct run result;

    assert_play(steps, "", "drain lb a b", CTL_DONE,
                "loadbalancers/lb updated\n", "");
    play(&result, plan, "", "drain lb a --dry-run");
    assert_int_equal(result.status, CTL_DONE);
    run_uninit(&result);
    assert_play(changed, "", "drain lb a", CTL_REFUSED, "",
                "vmnctl: it has changed (HTTP 412)\n");
    assert_play(other, "", "drain lb b", CTL_REFUSED, "",
                "vmnctl: b is no backend of balancer lb\n");
    assert_play(none, "", "drain x a", CTL_REFUSED, "",
                "vmnctl: loadbalancer \"x\" not found\n");
}

/* As `wait --for drained` does, and for the backends that it names alone. */
static void
drain_waits_until_its_backends_are_drained(void **state OVS_UNUSED)
{
#define INSTALLED "loadbalancers/lb updated\n"                          \
    "revision 9 concerns no host's flows\n"
#define DRAINED(RESULT)                                                 \
    { GET_LB, "{\"spec\": {\"backends\": [" LISTED_DRAINS ","           \
      SELECTED_DRAINS "]}, \"status\": {\"backends\": [{\"port\": \"a\"," \
      " \"state\": \"drained\", \"drain_result\": \"" RESULT "\","      \
      " \"reason\": \"it is drained: " RESULT "\"}, {\"port\": \"b\","  \
      " \"state\": \"draining\"}]}}" }
#define DRAINS                                                          \
    { GET_LB, LB(LISTED "," SELECTED_DRAINS) },                         \
    { "PATCH /v1/loadbalancers/lb?wait=installed&timeout=10000ms",      \
      BODY(LISTED_DRAINS "," SELECTED_DRAINS), 200,                     \
      "{\"outcome\": \"updated\", \"revision\": 9}" }
    static const struct step quiet[] = {
        DRAINS, DRAINED("quiet"), END,
    };
    static const struct step cut[] = {
        DRAINS, DRAINED("cut"), END,
    };

    assert_play(quiet, "", "drain lb a --wait", CTL_DONE,
                INSTALLED "a drained: quiet\n", "");
    assert_play(cut, "", "drain lb a --wait", CTL_CUT,
                INSTALLED "a drained: cut\n", "");
}

static void
backends_are_as_before_without_their_drain(void **state OVS_UNUSED)
{
    static const struct step all[] = {
        { GET_LB, LB(LISTED_DRAINS "," SELECTED_DRAINS) }, PORT_B("web"),
        { "PATCH /v1/loadbalancers/lb", BODY(LISTED), UPDATED },
        END,
    };
    static const struct step not_selected[] = {
        { GET_LB, LB(LISTED_DRAINS "," SELECTED_DRAINS) }, PORT_B("db"),
        { "PATCH /v1/loadbalancers/lb",
          BODY(LISTED_DRAINS ", {\"port\": \"b\"}"), UPDATED },
        END,
    };
    static const struct step none[] = { { GET_LB, LB(LISTED) }, END };

    assert_play(all, "", "undrain lb", CTL_DONE,
                "loadbalancers/lb updated\n", "");
    assert_play(not_selected, "", "undrain lb b", CTL_DONE,
                "loadbalancers/lb updated\n", "");
    assert_play(none, "", "undrain lb a", CTL_REFUSED, "",
                "vmnctl: a does not drain from balancer lb\n");
}

/* Sets and folders.  ------------------------------------------------------ */

/* A reply for each type; networks have one object in set "s". */
static struct step *
list_of_all(const char **types, size_t n)
{
    struct step *steps = xcalloc(n + 2, sizeof *steps);

    /* Those that apps declare are asked for first. */
    *steps = (struct step) { xstrdup("GET /v1/types"), NULL, 200,
                             "{\"items\": []}" };
    for (size_t i = 0; i < n; i++) {
        steps[i + 1] = (struct step) {
            xasprintf("GET /v1/%s?limit=250", types[i]), NULL,
            strcmp(types[i], "tokens") ? 200 : 403,
            !strcmp(types[i], "networks")
                ? "{\"items\": [{\"name\": \"n\", \"metadata\": {\"set\":"
                  " \"s\"}}, {\"name\": \"m\", \"metadata\": {}}]}"
                : !strcmp(types[i], "ports")
                ? "{\"items\": [{\"name\": \"p\", \"metadata\": {\"set\":"
                  " \"a\"}}, {\"name\": \"q\", \"metadata\": {\"set\":"
                  " \"s\"}}]}"
                : "{\"items\": []}",
        };
    }
    return steps;
}

static void
sets_are_listed_with_what_they_have(void **state OVS_UNUSED)
{
    const char *types[VMN_N_TABLES];
    size_t n = 0;

    for (; ctl_type_at(n); n++) {
        types[n] = ctl_type_at(n)->plural;
    }

    struct step *steps = list_of_all(types, n);

    assert_play(steps, "", "sets", CTL_DONE,
                "SET   OBJECTS\na     1\ns     2\n", "");
    assert_play(steps, "", "sets s", CTL_DONE,
                "TYPE       NAME\nnetworks   n\nports      q\n", "");
    assert_play(steps, "", "sets none", CTL_REFUSED, "",
                "vmnctl: nothing belongs to a set \"none\"\n");
    for (size_t i = 0; i <= n; i++) {
        free(CONST_CAST(char *, steps[i].request));
    }
    free(steps);
}

static void
write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void
folders_are_read_to_their_depth(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "POST /v1/apply", "{\"objects\": [{\"type\": \"groups\", \"name\":"
          " \"deep\", \"spec\": {}}]}", 200,
          "{\"results\": [{\"type\": \"groups\", \"name\": \"deep\","
          " \"outcome\": \"created\"}]}" },
        END,
    };
    char dir[] = "/tmp/vmnctl-test-XXXXXX";
    char *sub, *file, *link, *line;

    assert_non_null(mkdtemp(dir));
    sub = xasprintf("%s/sub", dir);
    file = xasprintf("%s/sub/a.yaml", dir);
    link = xasprintf("%s/sub/loop", dir);
    line = xasprintf("apply -f %s", dir);
    assert_int_equal(mkdir(sub, 0700), 0);
    assert_int_equal(symlink(dir, link), 0);
    write_text(file, "{type: groups, name: deep, spec: {}}\n");
    assert_alone("", line, CTL_USAGE, "--recursive looks into");
    free(line);
    line = xasprintf("apply -R -f %s", dir);
    assert_play(steps, "", line, CTL_DONE, "groups/deep created\n", "");
    assert_int_equal(unlink(file), 0);
    assert_alone("", line, CTL_USAGE, "in this folder\n");
    assert_int_equal(unlink(link), 0);
    assert_int_equal(rmdir(sub), 0);
    assert_int_equal(rmdir(dir), 0);
    free(sub);
    free(file);
    free(link);
    free(line);
}

/* Tokens.  ---------------------------------------------------------------- */

static void
token_files_are_private(void **state OVS_UNUSED)
{
    static const struct step make[] = {
        { "GET /v1/tokens/t", NULL, 404, "{}" },
        { "PUT /v1/tokens/t", "{\"spec\": {\"account\": \"ann\"}}", 201,
          "{\"secret\": \"sesame\"}" },
        END,
    };
    static const struct step refused[] = {
        { "GET /v1/tokens/t", NULL, 404, "{}" },
        { "PUT /v1/tokens/t", "{\"spec\": {\"account\": \"ann\"}}", 400,
          "{\"detail\": \"no\"}" },
        END,
    };
    static const struct step exists[] = {
        { "GET /v1/tokens/t", NULL, 404, "{}" }, END,
    };
    static const struct step use[] = {
        { "GET /v1/ports?limit=250", NULL, 200, "{\"items\": []}" }, END,
    };
    char dir[] = "/tmp/vmnctl-test-XXXXXX";
    char *file, *line, *get;
    struct stat s;

    assert_non_null(mkdtemp(dir));
    file = xasprintf("%s/token", dir);
    line = xasprintf("token t --account ann --out %s", file);
    get = xasprintf("--token-file %s get ports -o name", file);
    assert_play(refused, "", line, CTL_REFUSED, "",
                "vmnctl: no (HTTP 400)\n");
    assert_int_equal(access(file, F_OK), -1);
    assert_play(make, "", line, CTL_DONE, "tokens/t created\n", "");
    assert_int_equal(stat(file, &s), 0);
    assert_int_equal(s.st_mode & 07777, 0600);
    assert_int_equal(s.st_size, strlen("sesame\n"));
    assert_play(use, "", get, CTL_DONE, "", "");
    for (mode_t mode = 01; mode <= 040; mode <<= 1) {
        assert_int_equal(chmod(file, 0600 | mode), 0);
        assert_alone("", get, CTL_USAGE, "others may read or change this");
    }
    assert_int_equal(chmod(file, 0400), 0);
    assert_play(use, "", get, CTL_DONE, "", "");

    /* What is there is never written over. */
    {
        struct run result;

        play(&result, exists, "", line);
        assert_int_equal(result.status, CTL_USAGE);
        assert_non_null(strstr(result.err, "File exists"));
        run_uninit(&result);
    }
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(dir), 0);
    free(file);
    free(line);
    free(get);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patch_sends_what_changes),
        cmocka_unit_test(lost_changes_are_sent_again),
        cmocka_unit_test(connections_that_start_over_are_told),
        cmocka_unit_test(patch_wants_a_spec),
        cmocka_unit_test(backends_drain_listed_or_selected),
        cmocka_unit_test(drain_waits_until_its_backends_are_drained),
        cmocka_unit_test(backends_are_as_before_without_their_drain),
        cmocka_unit_test(sets_are_listed_with_what_they_have),
        cmocka_unit_test(folders_are_read_to_their_depth),
        cmocka_unit_test(token_files_are_private),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
