/* SPDX-License-Identifier: Apache-2.0
 *
 * What to type in place of a command line that vmnctl does not understand.
 * Not for values of options (command-options.c), nor for what vmnd refuses. */

#ifndef CONTROLLER_CTL_WRONG_COMMAND_H
#define CONTROLLER_CTL_WRONG_COMMAND_H 1

#include "controller/ctl/ctl.h"

/* Prints that no command has the name args[0], and perhaps which one is meant.
 * One that changes something is only suggested for what is one edit away from
 * it, or has that meaning elsewhere.  Returns CTL_USAGE. */
enum ctl_exit ctl_no_command(struct ctl *, int n_args, char *const args[]);

/* Prints how the command is written, which does not take 'n_args' arguments.
 * Returns CTL_USAGE. */
enum ctl_exit ctl_wrong_number(struct ctl *, const struct ctl_command *,
                               int n_args, char *const args[]);

/* How a host is created, in parentheses. */
#define CTL_CREATE_HOST \
    "(vmnctl apply -f FILE; vmnctl explain hosts has an example)"

#endif /* controller/ctl/wrong-command.h */
