/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl edit, with editors that are scripts, against a server that plays back
 * a script: what is sent, what is told, and what becomes of the file. */

#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "openvswitch/dynamic-string.h"
#include "tests/unit/ctl-fixture.h"
#include "util.h"

#define OBJECT(TAG, MTU)                                                \
    "{\"name\": \"shop\", \"metadata\": {\"etag\": \"" TAG "\"},"       \
    " \"spec\": {\"mtu\": " MTU "}, \"status\": {\"vni\": 1}}"
#define READ { "GET /v1/networks/shop", NULL, 200, OBJECT("5", "1400") }
#define END { NULL, NULL, 0, NULL }

/* Where vmnctl's files are, and what the editors leave. */
static char dir[] = "/tmp/vmnctl-edit-test-XXXXXX";

/* Each time that the editor is run it does one of these; "$1" is the file. */
static void
set_editor(const char *const scripts[])
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    char *path = xasprintf("%s/editor", dir);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file, "n=$(cat %s/n 2>/dev/null || echo 0)\n"
            "echo $((n + 1)) >%s/n\ncp \"$1\" %s/seen-$n\ncase $n in\n", dir,
            dir, dir);
    for (int i = 0; scripts[i]; i++) {
        fprintf(file, "%d) %s ;;\n", i, scripts[i]);
    }
    fprintf(file, "*) exit 99 ;;\nesac\n");
    fclose(file);
    ds_put_format(&ds, "sh %s", path);
    setenv("VMNCTL_EDITOR", ds_cstr(&ds), 1);
    setenv("TMPDIR", dir, 1);
    ds_destroy(&ds);
    free(path);
}

/* What the editor found at its 'n'th run. */
static char *
seen(int n)
{
    char *path = xasprintf("%s/seen-%d", dir, n);
    char *text = xzalloc(4096);
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_true(fread(text, 1, 4095, file) > 0);
    fclose(file);
    free(path);
    return text;
}

static void
assert_seen(int n, const char *expected)
{
    char *text = seen(n);

    assert_string_equal(text, expected);
    free(text);
}

/* The file that is left, or NULL; the caller frees it. */
static char *
left(void)
{
    DIR *d = opendir(dir);
    char *found = NULL;

    for (struct dirent *e; (e = readdir(d)); ) {
        if (!strncmp(e->d_name, "vmnctl-", 7)) {
            assert_null(found);
            found = xasprintf("%s/%s", dir, e->d_name);
        }
    }
    closedir(d);
    return found;
}

static void
assert_edit(const struct step *steps, int status, const char *out,
            const char *err_part, bool is_left)
{
    struct run result;
    char *file;

    play(&result, steps, "", "edit network shop");
    file = left();
    if (result.status != status || strcmp(result.out, out)
        || !strstr(result.err, err_part)
        || (file && !strstr(result.err, file))) {
        fail_msg("status %d, says \"%s\" and \"%s\"", result.status,
                 result.out, result.err);
    }
    assert_int_equal(file != NULL, is_left);
    if (!*err_part) {
        assert_string_equal(result.err, "");
    }
    free(file);
    run_uninit(&result);
}

static int
setup(void **state OVS_UNUSED)
{
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int
teardown(void **state OVS_UNUSED)
{
    char *command = xasprintf("rm -r %s", dir);
    int error = system(command);

    free(command);
    unsetenv("TMPDIR");
    unsetenv("VMNCTL_EDITOR");
    return error;
}

#define FIRST                                                           \
    "#: networks/shop, version 5.  Change its spec, save and close: then it " \
    "becomes so.\n#: To leave it as it is, close without a change, or empty " \
    "the file.\n"
#define YAML "type: networks\nname: shop\nspec:\n  mtu: 1400\n"

static void
what_is_changed_is_put(void **state OVS_UNUSED)
{
    static const char *const scripts[] = {
        "sed -i s/1400/1300/ \"$1\"", NULL
    };
    static const struct step steps[] = {
        READ,
        { "PUT /v1/networks/shop", "{\"spec\": {\"mtu\": 1300}}", 200,
          "{\"outcome\": \"updated\"}" },
        END,
    };

    set_editor(scripts);
    assert_edit(steps, CTL_DONE, "networks/shop updated\n", "", false);
    assert_seen(0, FIRST YAML);
}

static void
no_change_sends_nothing(void **state OVS_UNUSED)
{
    static const char *const scripts[] = {
        "true", "echo '# mine' >>\"$1\"", ": >\"$1\"", NULL
    };
    static const struct step steps[] = { READ, END };

    set_editor(scripts);
    for (int i = 0; scripts[i]; i++) {
        assert_edit(steps, CTL_DONE, "networks/shop unchanged\n", "", false);
    }
}

/* The file opens again as the user left it, with all that was wrong on top. */
static void
refusals_are_shown_until_they_are_mended(void **state OVS_UNUSED)
{
    static const char *const scripts[] = {
        "sed -i 's/mtu: 1400/mtu: 1 # mine/' \"$1\"",
        "sed -i 's/: 1 #/: [/' \"$1\"",
        "sed -i 's/mtu: .*/mtu: 1399/' \"$1\"", NULL
    };
    static const struct step steps[] = {
        READ,
        { "PUT /v1/networks/shop", "{\"spec\": {\"mtu\": 1}}", 400,
          "{\"detail\": \"2 fields are wrong\", \"errors\": ["
          "{\"pointer\": \"/spec/mtu\", \"detail\": \"too small\"},"
          "{\"pointer\": \"/spec/x\", \"detail\": \"unknown\"}]}" },
        { "PUT /v1/networks/shop", "{\"spec\": {\"mtu\": 1399}}", 200,
          "{\"outcome\": \"updated\"}" },
        END,
    };
    char *text;

    set_editor(scripts);
    assert_edit(steps, CTL_DONE, "networks/shop updated\n", "", false);
    assert_seen(1,
                "#: This was refused.  Repair it and save, or leave the file "
                "as it is to give up:\n"
                "#: 2 fields are wrong (HTTP 400)\n"
                "#:   /spec/mtu: too small\n#:   /spec/x: unknown\n"
                "type: networks\nname: shop\nspec:\n  mtu: 1 # mine\n");
    text = seen(2);
    assert_non_null(strstr(text, "#: This cannot be read."));
    assert_non_null(strstr(text, "line "));
    assert_null(strstr(text, "HTTP 400"));
    assert_non_null(strstr(text, "  mtu: [ mine\n"));
    free(text);
}

static void
who_gives_up_is_told_where_the_file_is(void **state OVS_UNUSED)
{
    static const char *const scripts[] = {
        "sed -i s/1400/1/ \"$1\"", "true", NULL
    };
    static const struct step steps[] = {
        READ,
        { "PUT /v1/networks/shop", "{\"spec\": {\"mtu\": 1}}", 409,
          "{\"detail\": \"no\"}" },
        END,
    };

    set_editor(scripts);
    assert_edit(steps, CTL_REFUSED, "",
                "\nThis was refused: no",
                true);
}

/* Another's change is shown, and replaced only by who says so. */
static void
stale_objects_are_shown_anew(void **state OVS_UNUSED)
{
    static const char *const scripts[] = {
        "sed -i s/1400/1300/ \"$1\"", "sed -i /delete.this/d \"$1\"", NULL
    };
    static const struct step steps[] = {
        READ,
        { "PUT /v1/networks/shop", "{\"spec\": {\"mtu\": 1300}}", 412,
          "{\"detail\": \"stale\"}" },
        { "GET /v1/networks/shop", NULL, 200, OBJECT("6", "1200") },
        { "PUT /v1/networks/shop", "{\"spec\": {\"mtu\": 1300}}", 200,
          "{\"outcome\": \"updated\"}" },
        END,
    };
    char *text;

    set_editor(scripts);
    assert_edit(steps, CTL_DONE, "networks/shop updated\n", "", false);
    text = seen(1);
    assert_non_null(strstr(text, "#:   mtu: 1200\n"));
    assert_non_null(strstr(text, "\ntype: networks\nname: shop\nspec:\n"
                           "  mtu: 1300\n"));
    free(text);
}

static void
what_was_written_outlives_what_goes_wrong(void **state OVS_UNUSED)
{
    static const char *const scripts[] = {
        "sed -i s/1400/1300/ \"$1\"; exit 3", NULL
    };
    static const char *const deleted[] = {
        "sed -i s/1400/1300/ \"$1\"", NULL
    };
    static const char *const renamed[] = {
        "sed -i s/shop/other/ \"$1\"",
        "sed -i 's/^type/\\n---\\ntype/' \"$1\"", "true", NULL
    };
    static const struct step only_read[] = { READ, END };
    static const struct step gone[] = {
        READ,
        { "PUT /v1/networks/shop", "{\"spec\": {\"mtu\": 1300}}", 412,
          "{}" },
        { "GET /v1/networks/shop", NULL, 404, "{}" },
        END,
    };
    char *text;

    set_editor(scripts);
    assert_edit(only_read, CTL_USAGE, "", "exit status 3", true);
    assert_int_equal(teardown(NULL) | setup(NULL), 0);
    set_editor(deleted);
    assert_edit(gone, CTL_REFUSED, "", "was deleted meanwhile", true);
    assert_int_equal(teardown(NULL) | setup(NULL), 0);
    set_editor(renamed);
    assert_edit(only_read, CTL_REFUSED, "", "what you wrote is in", true);
    text = seen(1);
    assert_non_null(strstr(text, "an object keeps its type and name"));
    free(text);
}

static void
what_is_not_there_is_not_edited(void **state OVS_UNUSED)
{
    static const char *const scripts[] = { NULL };
    static const struct step steps[] = {
        { "GET /v1/networks/shop", NULL, 404, "{}" }, END,
    };

    set_editor(scripts);
    assert_edit(steps, CTL_REFUSED, "",
                "vmnctl: network \"shop\" not found\n", false);
}

/* As patch and apply: a refusal of the plan is shown as one of the change. */
static void
an_edited_router_says_where_connections_start_over(void **state OVS_UNUSED)
{
    static const char *const scripts[] = {
        "sed -i s/[{][}]/'{description: x}'/ \"$1\"",
        "sed -i s/x/y/ \"$1\"", NULL
    };
    static const struct step steps[] = {
        { "GET /v1/routers/r", NULL, 200, "{\"name\": \"r\", \"metadata\":"
          " {\"etag\": \"5\"}, \"spec\": {}}" },
        { "PUT /v1/routers/r?dry_run=plan",
          "{\"spec\": {\"description\": \"x\"}}", 409,
          "{\"detail\": \"no\"}" },
        { "PUT /v1/routers/r?dry_run=plan",
          "{\"spec\": {\"description\": \"y\"}}", 200,
          "{\"kind\": \"plan\", \"restarts\": [\"m\", \"n\"]}" },
        { "PUT /v1/routers/r", "{\"spec\": {\"description\": \"y\"}}", 200,
          "{\"outcome\": \"updated\"}" },
        END,
    };
    struct run result;
    char *text;

    set_editor(scripts);
    play(&result, steps, "", "edit router r");
    assert_string_equal(result.err, "");
    assert_string_equal(result.out, "routers/r updated\n"
                        "open connections start over in: m, n\n");
    assert_int_equal(result.status, CTL_DONE);
    run_uninit(&result);
    text = seen(1);
    assert_non_null(strstr(text, "#: no (HTTP 409)\n"));
    free(text);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_changed_is_put),
        TEST(no_change_sends_nothing),
        TEST(refusals_are_shown_until_they_are_mended),
        TEST(who_gives_up_is_told_where_the_file_is),
        TEST(stale_objects_are_shown_anew),
        TEST(what_was_written_outlives_what_goes_wrong),
        TEST(what_is_not_there_is_not_edited),
        TEST(an_edited_router_says_where_connections_start_over),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
