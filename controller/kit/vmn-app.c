/* SPDX-License-Identifier: Apache-2.0
 *
 * vmn-app: what its command line says.  Not for what its commands do
 * (kit.h). */

#include <config.h>

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "controller/kit/kit.h"
#include "controller/schema/error.h"
#include "openvswitch/vlog.h"
#include "util.h"

static const char help[] =
    "vmn-app: for those who write apps of VMN\n"
    "\n"
    "usage: vmn-app new NAME [--lua]\n"
    "           Makes folder NAME with an app that works, in C or Lua, and\n"
    "           a test.\n"
    "       vmn-app test APP FILE...\n"
    "           Tests an app (a .so or .lua) with VMN's own: the steps of\n"
    "           each FILE change objects, and say which packets are to\n"
    "           arrive.  No hosts, no root.  The output is TAP.\n"
    "       vmn-app flows APP FILE [--host HOST]\n"
    "           Prints the flows that the app wants after the steps of\n"
    "           FILE.\n"
    "       vmn-app bench APP FILE [--rounds N]\n"
    "           Measures what the app adds to the time that a change takes,\n"
    "           in N rounds (200).\n"
    "\n"
    "options: --app-dir DIR   where VMN's own apps are (%s)\n"
    "         -h, --help      print this\n"
    "         -V, --version   print the version\n"
    "\n"
    "Exits with 0, with 1 if a test fails or something cannot be done, or\n"
    "with 2 if it was called wrongly.\n";

static const struct {
    const char *name;
    int (*run)(const struct kit_arguments *);
    int n_min, n_max;           /* Words behind it. */
} commands[] = {
    { "new", kit_new, 1, 1 },
    { "test", kit_test, 2, 1000 },
    { "flows", kit_flows, 2, 2 },
    { "bench", kit_bench, 2, 2 },
};

int
kit_fail(struct vmn_error *error)
{
    fprintf(stderr, "vmn-app: %s\n", error->text);
    vmn_error_uninit(error);
    return 1;
}

static int
wrong(const char *text, const char *word)
{
    fprintf(stderr, "vmn-app: %s%s; vmn-app --help has all there is\n", text,
            word);
    return 2;
}

static int
run(const struct kit_arguments *args, const char *command)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (!strcmp(command, commands[i].name)) {
            return (args->n < commands[i].n_min
                    ? wrong("something is missing behind ", command)
                    : args->n > commands[i].n_max
                    ? wrong("there is too much behind ", command)
                    : commands[i].run(args));
        }
    }
    return wrong("there is no command ", command);
}

int
main(int argc, char *argv[])
{
    static const struct option options[] = {
        { "app-dir", required_argument, NULL, 'd' },
        { "help", no_argument, NULL, 'h' },
        { "host", required_argument, NULL, 'o' },
        { "lua", no_argument, NULL, 'l' },
        { "rounds", required_argument, NULL, 'r' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };
    struct kit_arguments args = { .app_dir = VMN_APPDIR, .rounds = 200 };
    int c;

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_ERR);
    vlog_set_levels(NULL, VLF_SYSLOG, VLL_OFF);
    while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
        switch (c) {
        case 'd': args.app_dir = optarg; break;
        case 'o': args.host = optarg; break;
        case 'l': args.lua = true; break;
        case 'r':
            if (!str_to_int(optarg, 10, &args.rounds) || args.rounds < 1
                || args.rounds > 1000000) {
                return wrong("--rounds must be 1 to 1000000, not ", optarg);
            }
            break;
        case 'h': printf(help, VMN_APPDIR); return 0;
        case 'V': printf("vmn-app %s\n", PACKAGE_VERSION); return 0;
        default: return 2;
        }
    }
    if (optind >= argc) {
        return wrong("there is no command", "");
    }
    args.n = argc - optind - 1;
    args.words = argv + optind + 1;
    return run(&args, argv[optind]);
}
