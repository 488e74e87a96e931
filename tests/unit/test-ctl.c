/* SPDX-License-Identifier: Apache-2.0
 *
 * What holds for all of vmnctl's commands: usage and help, what is told of a
 * server that is not there or makes no sense, colours and progress on a
 * terminal, completion of words. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/ctl/output.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/object-types.h"
#include "tests/unit/ctl-fixture.h"
#include "util.h"

/* Explains all fields of 's', which 'path' leads to. */
static void
check_explained(const struct schema_struct *s, const char *path)
{
    for (const struct schema_field *f = s ? s->fields : NULL; f && f->name;
         f++) {
        char *line = xasprintf("explain %s.%s", path, f->name);
        struct run result;

        assert_true(f->doc && f->doc[strlen(f->doc) - 1] == '.');
        run(&result, "unix:/nonexistent", "", line);
        assert_int_equal(result.status, CTL_DONE);
        assert_non_null(strstr(result.out, f->name));
        for (const char *c = result.out; *c; c += strcspn(c, "\n") + 1) {
            assert_true(strcspn(c, "\n") <= 79 || !strncmp(c, "  ", 2));
        }
        run_uninit(&result);
        if (f->type == SCHEMA_STRUCT) {
            check_explained(f->nested, line + strlen("explain "));
        }
        free(line);
    }
}

static void
explain_knows_all_fields(void **state OVS_UNUSED)
{
    static const struct step none[] = { { NULL, NULL, 0, NULL } };
    const struct schema_table *type;

    for (size_t i = 0; (type = ctl_type_at(i)); i++) {
        char *path = xasprintf("%s.status", type->singular);

        check_explained(&type->row, type->plural);
        check_explained(type->status, path);
        free(path);
    }
    assert_play(none, "", "explain lb.ports", CTL_DONE,
                "loadbalancers.ports\n"
                "  ports: set of object; required\n"
                "      The ports it serves.\n\n"
                "Its fields:\n"
                "  port: number; required (1 to 65535)\n"
                "      The port on the virtual IP.\n"
                "  target: number; (1 to 65535)\n"
                "      The port on the backends; the same when absent.\n"
                "  end_port: number; (1 to 65535)\n"
                "      The last port of a range that begins at `port`, all of "
                "them the same on\n"
                "      the backends; one port when absent.\n", "");
    assert_play(none, "", "explain ports.status.lost", CTL_USAGE, "",
                "vmnctl: explain: ports.status has no field \"lost\"; did you "
                "mean \"host\"?\n");
    assert_play(none, "", "explain port.status.enabled", CTL_USAGE, "",
                "vmnctl: explain: ports.status has no field \"enabled\"\n");
    assert_play(none, "", "explain port.network.cidr", CTL_USAGE, "",
                "vmnctl: explain: ports.network has no field \"cidr\"\n");
    assert_alone("", "explain nothing", CTL_USAGE, "nothing");
}

static void
assert_fits_terminal(const char *command, const char *help)
{
    for (const char *p = help; *p; p += p[strcspn(p, "\n")] == '\n') {
        size_t len = strcspn(p, "\n");

        if (len > 79) {
            fail_msg("%s: %"PRIuSIZE" columns: %.*s", command, len, (int) len,
                     p);
        }
        p += len;
    }
}

static void
help_and_usage(void **state OVS_UNUSED)
{
    struct run result;

    for (const struct ctl_command *c = ctl_commands; c->name; c++) {
        char *line = xasprintf("%s --help", c->name);

        run(&result, "unix:/nonexistent/vmnd.sock", "", line);
        assert_int_equal(result.status, CTL_DONE);
        assert_non_null(strstr(result.out, "Example:"));
        assert_non_null(strstr(result.out, c->summary));
        assert_null(strstr(result.out, "\n\n\n"));
        assert_fits_terminal(line, result.out);
        run_uninit(&result);
        free(line);
    }
    assert_alone("", "", CTL_USAGE, "Commands");
    assert_alone("", "gett ports", CTL_USAGE, "no command \"gett\"");
    assert_alone("", "get", CTL_USAGE,
                 "usage: vmnctl get TYPE[,TYPE...] [NAME...]");
    assert_alone("", "get nets", CTL_USAGE, "no type \"nets\"");
    assert_alone("", "get ports --foo", CTL_USAGE, "--foo: no such option");
    /* Names of options are not abbreviated: this is no --token-file. */
    assert_alone("", "get ports --to web1", CTL_USAGE,
                 "--to: no such option for get");
    assert_alone("", "get ports --to=web1", CTL_USAGE,
                 "--to=web1: no such option for get");
    assert_alone("", "get ports --no-h", CTL_USAGE, "--no-h: no such option");
    assert_alone("", "get ports -o", CTL_USAGE, "needs an argument");
    assert_alone("", "get ports -o xml", CTL_USAGE, "table, wide, json, yaml");
    assert_alone("", "get ports --cascade", CTL_USAGE, "no such option");
    assert_alone("", "get ports --limit 0", CTL_USAGE, "--limit");
    assert_alone("", "get ports a --limit 1", CTL_USAGE,
                 "cannot be combined with");
    assert_alone("", "delete port a --wait --timeout 1h", CTL_USAGE,
                 "--timeout");
    assert_alone("", "delete port a --wait --timeout 6m", CTL_USAGE,
                 "--timeout");
    assert_alone("", "delete port a --timeout 5s", CTL_USAGE,
                 "give --wait too");
    assert_alone("", "quarantine a --no-wait --timeout 5s", CTL_USAGE,
                 "cannot be combined with --no-wait");
    assert_alone("", "-s http://x get ports", CTL_USAGE, "unix:PATH");
    assert_alone("", "-s tcp:127.0.0.1:1@evil get ports", CTL_USAGE,
                 "unix:PATH");
    assert_alone("", "--token-file /nonexistent get ports", CTL_USAGE,
                 "/nonexistent");
}

static void
a_server_that_is_not_there_exits_with_3(void **state OVS_UNUSED)
{
    assert_alone("", "get ports", CTL_UNREACHABLE, "cannot reach vmnd at "
                 "unix:/nonexistent/vmnd.sock: No such file or directory");
    assert_alone("", "delete port a b", CTL_UNREACHABLE, "cannot reach");
    assert_alone("type: net\nname: shop\nspec: {}\n", "apply -f -",
                 CTL_UNREACHABLE, "cannot reach");
}

static void
an_answer_that_is_not_json_is_refused(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/ports?limit=250", NULL, 200, "<html>" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step html_error[] = {
        { "GET /v1/ports?limit=250", NULL, 502, "<html>" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, steps, "", "get ports");
    assert_int_equal(result.status, CTL_REFUSED);
    assert_non_null(strstr(result.err, "did not answer with a JSON object"));
    run_uninit(&result);
    play(&result, html_error, "", "get ports");
    assert_int_equal(result.status, CTL_REFUSED);
    assert_non_null(strstr(result.err, "HTTP 502"));
    run_uninit(&result);
}

/* Terminals.  ------------------------------------------------------------ */

/* What a terminal of this kind is given of a table and of progress. */
static char *
shown_on_terminal(const char *term, const char *no_colour)
{
    static const struct ctl_column columns[] = {
        { "NAME", "/name", NULL }, { "STATE", "/state", NULL },
        { "REMOVED", "/removed", NULL }, { NULL, NULL, NULL },
    };
    json_t *rows = json_pack("[{s:s, s:s, s:i}, {s:s, s:s, s:i}]",
                             "name", "up", "state", "up", "removed", 0,
                             "name", "b", "state", "up,quarantined",
                             "removed", 3);
    char *text = xzalloc(4096);
    struct ctl ctl = { .out = NULL };
    int master, slave;
    size_t n = 0;

    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    setenv("TERM", term, 1);
    setenv("NO_COLOR", no_colour, 1);
    ctl.err = fdopen(slave, "w");
    ctl_progress(&ctl, "%d ports", 7);
    ctl_progress(&ctl, NULL);
    ctl_show_table(ctl.err, columns, rows);
    fputs("END", ctl.err);
    fflush(ctl.err);
    while (!strstr(text, "END")) {
        ssize_t got = read(master, text + n, 4095 - n);

        assert_true(got > 0);
        n += (size_t) got;
    }
    fclose(ctl.err);
    close(master);
    json_decref(rows);
    unsetenv("NO_COLOR");
    unsetenv("TERM");
    return text;
}

static void
terminals_have_colours_and_progress(void **state OVS_UNUSED)
{
    static const char plain[] =
        "\r\033[K7 ports\r\033[K"
        "NAME   STATE            REMOVED\r\n"
        "up     up               0\r\n"
        "b      up,quarantined   3\r\nEND";
    char *text = shown_on_terminal("xterm", "");

    assert_string_equal(
        text, "\r\033[K7 ports\r\033[K"
        "NAME   STATE            REMOVED\r\n"
        "up     \033[32mup\033[0m               0\r\n"
        "b      \033[31mup,quarantined\033[0m   \033[31m3\033[0m\r\nEND");
    free(text);
    text = shown_on_terminal("xterm", "1");
    assert_string_equal(text, plain);
    free(text);
    text = shown_on_terminal("dumb", "");
    assert_string_equal(text, plain);
    free(text);
}

/* Completion.  ----------------------------------------------------------- */

/* What the last word of 'line' may become, where there is no server. */
static void
assert_completed(const char *line, const char *out)
{
    char *command = xasprintf("completion words -- %s", line);
    struct run result;

    run(&result, "unix:/nonexistent/vmnd.sock", "", command);
    assert_string_equal(result.out, out);
    assert_string_equal(result.err, "");
    assert_int_equal(result.status, CTL_DONE);
    run_uninit(&result);
    free(command);
}

static void
words_are_completed_by_the_tables(void **state OVS_UNUSED)
{
    struct run result;

    assert_completed("revisio", "revision\tshow a revision: author, changes, "
                     "and hosts that have it\n"
                     "revisions\tshow the log of changes\n");
    assert_completed("get po", "ports\npolicies\n");
    assert_completed("-s unix:/x --token-file=y get po",
                     "ports\npolicies\n");
    assert_completed("explain po", "ports\npolicies\n");
    assert_completed("explain net.spec.subnets.c", "net.spec.subnets.cidr\n");
    assert_completed("explain ports.status.ho", "ports.status.host\n");
    assert_completed("explain ports.none.h", "");
    assert_completed("get networks,po", "networks,ports\nnetworks,policies\n");
    assert_completed("label networks,po", "");
    assert_completed("get port/a po", "ports/\npolicies/\n");
    assert_completed("history por", "ports/\n");
    assert_completed("undo por", "ports/\n");
    assert_completed("get ports --sort-by .sp", ".spec.\n");
    assert_completed("get ports --sort-by=.spec.net",
                     "--sort-by=.spec.network\n");
    assert_completed("get ports --sort-by .metadata.r", "");
    assert_completed("get ports --limit 1", "");
    assert_completed("trace a b s", "sctp/\n");
    assert_completed("patch port a --patch-file x", ":files\n");
    assert_completed("get ports -o w", "wide\n");
    assert_completed("drops -o w", "");
    assert_completed("drops --output=y", "--output=yaml\n");
    assert_completed("get ports --output w", "wide\n");
    assert_completed("reachability --by g", "group\n");
    assert_completed("apply --dry", "--dry-run\tonly show what would change, "
                     "down to the flows\n");
    assert_completed("get --cas", "");
    assert_completed("apply -f x", ":files\n");
    assert_completed("backup x", ":files\n");
    assert_completed("policy r", "recommend\n");
    assert_completed("completion b", "bash\n");
    assert_completed("no-such-command x", "");
    assert_completed("label ports web-1 x", "");
    assert_completed("get ports web", "");      /* Nobody answers. */

    run(&result, "unix:/nonexistent/vmnd.sock", "", "completion words");
    assert_string_equal(result.out, "");
    assert_int_equal(result.status, CTL_DONE);
    run_uninit(&result);
    assert_alone("", "completion csh", CTL_USAGE, "must be bash or zsh");
}

/* Names come from behind the text that is before all that begin so. */
static void
names_are_asked_from_the_server(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/ports?limit=250&after=wea~", NULL, 200,
          "{\"items\": [{\"name\": \"web-1\"}, {\"name\": \"web-2\"},"
          " {\"name\": \"web;x\"}, {\"name\": \"web`x`\"},"
          " {\"name\": \"web$(x)\"}, {\"name\": \"web\\nx\"},"
          " {\"name\": \"x\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const char *const lines[] = {
        "get port web", "delete ports db-1 web", "quarantine web",
        "quarantine a web", "trace web", "events --port web",
        "events --port=web",
    };
    static const struct step of_host[] = {
        { "GET /v1/hosts?limit=250&after=g~", NULL, 200,
          "{\"items\": [{\"name\": \"h1\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step of_account[] = {
        { "GET /v1/accounts?limit=250&after=%60~", NULL, 200,
          "{\"items\": [{\"name\": \"ann\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step both[] = {
        { "GET /v1/ports?limit=250&after=wea~", NULL, 200,
          "{\"items\": [{\"name\": \"web-1\"}]}" },
        { "GET /v1/loadbalancers?limit=250&after=wea~", NULL, 200,
          "{\"items\": [{\"name\": \"webs\"}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "completion words -- get net/a port/web", CTL_DONE,
                "port/web-1\nport/web-2\n", "");
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        char *command = xasprintf("completion words -- %s", lines[i]);
        const char *p = strchr(lines[i], '=') ? "--port=" : "";
        char *out = xasprintf("%sweb-1\n%sweb-2\n", p, p);

        assert_play(steps, "", command, CTL_DONE, out, "");
        free(out);
        free(command);
    }
    assert_play(both, "", "completion words -- trace a web", CTL_DONE,
                "web-1\nwebs\n", "");
    assert_play(of_host, "", "completion words -- host join-command h",
                CTL_DONE, "h1\n", "");
    assert_play(of_account, "", "completion words -- token t --account a",
                CTL_DONE, "ann\n", "");
}

static void
labels_revisions_and_services_are_asked_from_the_server(
    void **state OVS_UNUSED)
{
    static const struct step labelled[] = {
        { "GET /v1/ports?limit=250", NULL, 200,
          "{\"items\": [{\"name\": \"a\", \"spec\": {\"labels\":"
          " {\"role\": \"web\", \"rack\": \"9\"}}}, {\"name\": \"b\","
          " \"spec\": {\"labels\": {\"role\": \"db\"}}}, {\"name\":"
          " \"c\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step revisions[] = {
        { "GET /v1/revisions?limit=20", NULL, 200,
          "{\"items\": [{\"revision\": 41, \"who\": \"unix:uid=0\"},"
          " {\"revision\": 142, \"who\": \"ann\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step services[] = {
        { "GET /v1/services?limit=250&after=v~", NULL, 200,
          "{\"items\": [{\"name\": \"web\"}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(labelled, "", "completion words -- get ports -l r", CTL_DONE,
                "rack=\nrole=\n", "");
    assert_play(labelled, "", "completion words -- get ports --selector="
                "rack=9,role!=", CTL_DONE, "--selector=rack=9,role!=db\n"
                "--selector=rack=9,role!=web\n", "");
    assert_play(labelled, "", "completion words -- label port a ro", CTL_DONE,
                "role=\n", "");
    assert_play(revisions, "", "completion words -- revision 4", CTL_DONE,
                "41\tunix:uid=0\n", "");
    assert_play(revisions, "", "completion words -- undo 1", CTL_DONE,
                "142\tann\n", "");
    assert_play(services, "", "completion words -- quarantine --allow w",
                CTL_DONE, "web\n", "");
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explain_knows_all_fields),
        cmocka_unit_test(help_and_usage),
        cmocka_unit_test(terminals_have_colours_and_progress),
        cmocka_unit_test(words_are_completed_by_the_tables),
        cmocka_unit_test(names_are_asked_from_the_server),
        cmocka_unit_test(
            labels_revisions_and_services_are_asked_from_the_server),
        cmocka_unit_test(a_server_that_is_not_there_exits_with_3),
        cmocka_unit_test(an_answer_that_is_not_json_is_refused),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
