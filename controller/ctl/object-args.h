/* SPDX-License-Identifier: Apache-2.0
 *
 * The objects that a command's arguments name: "TYPE NAME...",
 * "TYPE,TYPE [NAME...]", "all", or "TYPE/NAME...".  Not for reading them. */

#ifndef CONTROLLER_CTL_OBJECT_ARGS_H
#define CONTROLLER_CTL_OBJECT_ARGS_H 1

#include "controller/ctl/ctl.h"

struct schema_table;

/* The objects of one type that were named. */
struct ctl_named {
    const struct schema_table *type;
    struct svec names;          /* None: all of the type. */
};

/* What was named, by type, in the order in which types were first named. */
struct ctl_args {
    struct ctl_named *named;    /* Owned, as what is in it. */
    size_t n;
};

/* Parses arguments that name any number of types, with or without names.
 * Returns false after it has printed an error; ctl_args_uninit() is due in
 * either case. */
bool ctl_args_parse(struct ctl *, const char *command, int n_args,
                    char *const args[], struct ctl_args *);

/* The same for commands that change objects: each must be named. */
bool ctl_args_parse_named(struct ctl *, const char *command, int n_args,
                          char *const args[], struct ctl_args *);
void ctl_args_uninit(struct ctl_args *);

/* Returns the type of the one object that is named, as "TYPE NAME" or
 * "TYPE/NAME", and sets '*name' to its name, which is part of 'args'.  Returns
 * NULL after it has printed an error. */
const struct schema_table *ctl_args_one(struct ctl *, const char *command,
                                        int n_args, char *const args[],
                                        const char **name);

/* Returns the number of the objects that are named. */
size_t ctl_args_count(const struct ctl_args *);

#endif /* controller/ctl/object-args.h */
