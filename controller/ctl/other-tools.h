/* SPDX-License-Identifier: Apache-2.0
 *
 * What people type who know kubectl, ovs-vsctl, ovn-nbctl, virsh or openstack,
 * and what that is here.  Only tables and what reads them: messages are made
 * by wrong-command.c and command-options.c. */

#ifndef CONTROLLER_CTL_OTHER_TOOLS_H
#define CONTROLLER_CTL_OTHER_TOOLS_H 1

#include <stdbool.h>

struct ctl_command;
struct ds;

/* Returns the plural of the type that 'word' means elsewhere ("vms", "acl"),
 * or NULL. */
const char *ctl_other_type(const char *word);

/* Returns whether 'word' is no type, but what a command of that name lists. */
bool ctl_other_list(const char *word);

/* If the command line is one of another tool, appends the command line of
 * vmnctl to 'line' and, perhaps, a sentence to 'more' (one of both may stay
 * empty), sets '*n_words' to how many of the arguments name the command, and
 * returns true. */
bool ctl_other_command(int n_args, char *const args[], struct ds *line,
                       struct ds *more, int *n_words);

/* Returns what to give instead of option 'word', such as "-A", which the
 * command, or vmnctl itself if that is NULL, does not have; or NULL. */
const char *ctl_other_option(const struct ctl_command *command,
                             const char *word);

/* Returns the SERVICE that is probably meant by "80", "tcp:80", "80/tcp",
 * "http", or "tcp" and "80": "tcp/80", which the caller frees; or NULL. */
char *ctl_guess_service(int n_args, char *const args[]);

/* other-fields.c */

/* Returns what to write in a struct of the schema ("rule") in place of field
 * 'word', such as "dport", which that does not have; or NULL. */
const char *ctl_other_field(const char *of, const char *word);

/* Returns the value of 'field' that 'word', such as "accept", means elsewhere;
 * or NULL. */
const char *ctl_other_value(const char *field, const char *word);

/* Returns the member in which elements of this list of structs have what
 * others write alone ("cidr" of "subnets"); or NULL. */
const char *ctl_element_member(const char *list);

#endif /* controller/ctl/other-tools.h */
