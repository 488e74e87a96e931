/* SPDX-License-Identifier: Apache-2.0
 *
 * What the last word of a command line may become: the line, and the
 * candidates that depend on types, fields and the server.  The scripts for
 * shells, and commands and options, are in cmd-completion.c. */

#ifndef CONTROLLER_CTL_COMPLETION_H
#define CONTROLLER_CTL_COMPLETION_H 1

#include "controller/ctl/ctl.h"

/* A command line up to the word to complete. */
struct completion {
    struct ctl *ctl;
    const struct ctl_command *command; /* NULL: it is the next word. */
    struct svec args;
    struct ctl_option_info option; /* The option whose value is next, if
                                    * 'wants'. */
    bool wants;
    const char *current;        /* The part of the word that was typed, without
                                 * 'prefix'. */
    char *prefix;               /* Printed before each candidate.  Owned. */
};

/* Prints 'word' if it begins with the current one; 'about' says what it is, or
 * is NULL.  The shell leaves no space behind one that ends with "/", "=", ","
 * or ".". */
void completion_print(const struct completion *, const char *word,
                      const char *about);

/* Makes the first 'n' characters of the current word a part of the prefix. */
void completion_pass(struct completion *, size_t n);

/* Prints the candidates for a placeholder such as "PORT" in the tables of
 * commands and options: the first 'n' characters of 'kind'. */
void completion_placeholder(struct completion *, const char *kind, size_t n);

/* Printed to have the script complete file names. */
#define COMPLETION_FILES ":files"

#endif /* controller/ctl/completion.h */
