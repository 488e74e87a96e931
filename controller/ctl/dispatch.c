/* SPDX-License-Identifier: Apache-2.0
 *
 * The main function of vmnctl: finds the command, parses its options, runs
 * it. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-client.h"
#include "controller/ctl/field-path.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/server-types.h"
#include "controller/ctl/output-plan.h"
#include "controller/ctl/wrong-command.h"
#include "util.h"

static void
print_help(FILE *file)
{
    const struct schema_table *type;

    fputs("vmnctl: show and change the networks that vmnd runs\n"
          "usage: vmnctl [OPTIONS] COMMAND [ARGUMENTS]\n"
          "\nCommands (vmnctl COMMAND --help has an example of each):\n",
          file);
    for (const struct ctl_command *c = ctl_commands; c->name; c++) {
        fprintf(file, "  %-14s %s\n", c->name, c->summary);
    }
    fputs("\nOptions:\n", file);
    ctl_options_help(file, CTL_OPT_GLOBAL);
    fputs("\nTypes, with the other names that are accepted:\n", file);
    for (size_t i = 0; (type = ctl_type_at(i)); i++) {
        const char *short_name = ctl_type_short_name(type);

        fprintf(file, "  %-15s %s%s%s\n", type->plural, type->singular,
                short_name ? ", " : "", short_name ? short_name : "");
    }
    fputs("\nThe server is --server, else the environment variable "
          "VMNCTL_SERVER, else\n" CTL_DEFAULT_SERVER ".  A tcp: server "
          "requires a token (--token-file or\nVMNCTL_TOKEN); an ssl: server "
          "a token or a certificate (VMNCTL_CERTIFICATE,\n"
          "VMNCTL_PRIVATE_KEY).  VMNCTL_CA_CERT is the CA of an ssl: server.\n"
          "\nquarantine, release and promote wait until every host concerned "
          "has\ninstalled the change, unless --no-wait is given; all other "
          "commands print its\nrevision, for `vmnctl wait N`, unless --wait "
          "is given.\n"
          "\nExit status: 0 done, 1 rejected, 2 wrong usage or file, "
          "3 no answer,\n4 done but not installed on all hosts in time, 5 "
          "drained but open connections\nwere cut.  For commands that answer "
          "a question (diff, flows --diff, trace,\nreachability, status): 1 "
          "if something differs or is not in order, 2 rejected.\n",
          file);
}

static void
print_command_help(FILE *file, const struct ctl_command *command)
{
    fprintf(file, "vmnctl %s: %s\nusage: vmnctl %s%s%s [OPTIONS]\n\n%s"
            "\nOptions:\n", command->name, command->summary, command->name,
            *command->args ? " " : "", command->args, command->help);
    ctl_options_help(file, command->options | CTL_OPT_GLOBAL);
}

static const struct ctl_command *
find_command(const char *name)
{
    for (const struct ctl_command *c = ctl_commands; c->name; c++) {
        if (!strcmp(c->name, name)) {
            return c;
        }
    }
    return NULL;
}

/* Runs `vmnctl help [COMMAND]`, which is written so elsewhere. */
static enum ctl_exit
run_help(struct ctl *ctl, int argc, char *argv[])
{
    const struct ctl_command *command = (argc > 1 ? find_command(argv[1])
                                         : NULL);

    if (command) {
        print_command_help(ctl->out, command);
    } else if (argc > 1) {
        return ctl_no_command(ctl, argc - 1, argv + 1);
    } else {
        print_help(ctl->out);
    }
    return CTL_DONE;
}

/* Checks that no argument is empty, as that of a variable that is not set: it
 * would name all of a type, or the folder itself.  Of words to be completed
 * the last one may be. */
static bool
check_arguments(struct ctl *ctl, const struct ctl_command *command,
                int n_args, char *const args[])
{
    for (int i = 0; i < n_args; i++) {
        if (!*args[i] && command->run != ctl_cmd_completion) {
            ctl_usage(ctl, "%s: argument %d is empty: vmnctl %s %s",
                      command->name, i + 1, command->name, command->args);
            return false;
        }
    }
    return true;
}

static enum ctl_exit
run_command(struct ctl *ctl, int argc, char *argv[])
{
    const struct ctl_command *command = find_command(argv[0]);
    int n_args, first;

    if (!command && !strcmp(argv[0], "help")) {
        return run_help(ctl, argc, argv);
    }
    if (!command) {
        return ctl_no_command(ctl, argc, argv);
    }
    ctl->command = command;
    ctl->wait = (command->options & (CTL_OPT_WAITS | CTL_OPT_AWAIT)) != 0;
    if (!ctl_options_parse(ctl, command, argc, argv, &first)) {
        return CTL_USAGE;
    }
    if (ctl->help) {
        print_command_help(ctl->out, command);
        return CTL_DONE;
    }
    if (!ctl_plan_check(ctl, command)) {
        return CTL_USAGE;
    }
    ctl_server_types_ask(ctl);
    n_args = argc - first;
    if (n_args < command->min_args
        || (command->max_args >= 0 && n_args > command->max_args)) {
        return ctl_wrong_number(ctl, command, n_args, argv + first);
    }
    return (check_arguments(ctl, command, n_args, argv + first)
            ? command->run(ctl, n_args, argv + first) : CTL_USAGE);
}

static void
ctl_init(struct ctl *ctl, FILE *in, FILE *out, FILE *err)
{
    const char *server = getenv("VMNCTL_SERVER");

    memset(ctl, 0, sizeof *ctl);
    ctl->in = in;
    ctl->out = out;
    ctl->err = err;
    ctl->server = xstrdup(server && *server ? server : CTL_DEFAULT_SERVER);
    ctl->timeout_ms = 10 * 1000;
    ctl->interval_ms = 2 * 1000;
    svec_init(&ctl->files);
    svec_init(&ctl->backends);
    svec_init(&ctl->after);
    svec_init(&ctl->allow);
    svec_init(&ctl->allow_groups);
    svec_init(&ctl->filters);
    svec_init(&ctl->groups);
    svec_init(&ctl->rules);
}

static void
ctl_uninit(struct ctl *ctl)
{
    ctl_server_types_ask(NULL);
    ctl_client_destroy(ctl->client);
    free(ctl->server);
    free(ctl->token_file);
    free(ctl->ca_cert);
    free(ctl->certificate);
    free(ctl->private_key);
    free(ctl->account);
    free(ctl->group_by);
    free(ctl->capacity);
    free(ctl->capacity_label);
    free(ctl->apart);
    free(ctl->together);
    free(ctl->host_selector);
    free(ctl->move_cost);
    free(ctl->max_moves);
    free(ctl->sort);
    free(ctl->expires);
    free(ctl->address);
    free(ctl->pki);
    ctl_custom_destroy(ctl->custom);
    if (ctl->sort_by) {
        ctl_field_path_uninit(ctl->sort_by);
        free(ctl->sort_by);
    }
    free(ctl->selector);
    free(ctl->patch);
    free(ctl->patch_file);
    free(ctl->map_hosts);
    free(ctl->out_file);
    free(ctl->prune);
    free(ctl->draft);
    free(ctl->etag);
    free(ctl->app);
    free(ctl->stage);
    free(ctl->table);
    free(ctl->object);
    free(ctl->source_ip);
    free(ctl->payload);
    free(ctl->from);
    free(ctl->to);
    free(ctl->host);
    free(ctl->network);
    free(ctl->port);
    free(ctl->reason);
    free(ctl->policy);
    free(ctl->loadbalancer);
    free(ctl->kinds);
    free(ctl->type);
    free(ctl->who);
    free(ctl->since);
    free(ctl->comment);
    free(ctl->labels);
    free(ctl->unixctl);
    free(ctl->database);
    svec_destroy(&ctl->files);
    svec_destroy(&ctl->backends);
    svec_destroy(&ctl->after);
    free(ctl->name);
    svec_destroy(&ctl->allow);
    svec_destroy(&ctl->allow_groups);
    free(ctl->write_file);
    free(ctl->direction);
    svec_destroy(&ctl->filters);
    svec_destroy(&ctl->groups);
    svec_destroy(&ctl->rules);
}

int
ctl_main(int argc, char *argv[], FILE *in, FILE *out, FILE *err)
{
    enum ctl_exit status = CTL_USAGE;
    struct ctl ctl;
    int first;

    ctl_init(&ctl, in, out, err);
    if (!ctl_options_parse(&ctl, NULL, argc, argv, &first)) {
        status = CTL_USAGE;
    } else if (ctl.help) {
        print_help(out);
        status = CTL_DONE;
    } else if (first >= argc) {
        print_help(err);
    } else {
        status = run_command(&ctl, argc - first, argv + first);
    }
    ctl_uninit(&ctl);

    /* Output that could not be written, to a full disk or a closed pipe, is an
     * error. */
    if (fflush(out) && status == CTL_DONE) {
        fprintf(err, "vmnctl: cannot write the output\n");
        status = CTL_REFUSED;
    }
    return status;
}
