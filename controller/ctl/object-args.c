/* SPDX-License-Identifier: Apache-2.0
 *
 * Which objects arguments name; see object-args.h. */

#include <config.h>

#include "controller/ctl/object-args.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/server-types.h"
#include "util.h"

/* Returns what is named of 'type', which is added if there is nothing yet. */
static struct ctl_named *
get_named(struct ctl_args *args, const struct schema_table *type)
{
    struct ctl_named *named;

    for (size_t i = 0; i < args->n; i++) {
        if (args->named[i].type == type) {
            return &args->named[i];
        }
    }
    args->named = xrealloc(args->named,
                           (args->n + 1) * sizeof *args->named);
    named = &args->named[args->n++];
    named->type = type;
    svec_init(&named->names);
    return named;
}

/* Returns the type before the slash of "TYPE/NAME"; NULL after it has printed
 * an error. */
static const struct schema_table *
type_before_slash(struct ctl *ctl, const char *command, const char *arg)
{
    const char *slash = strchr(arg, '/');
    const struct schema_table *type;
    char *text;

    if (!slash || !slash[1]) {
        ctl_usage(ctl, "%s: must be TYPE/NAME, as the other arguments, not "
                  "\"%s\"", command, arg);
        return NULL;
    }
    text = xmemdup0(arg, slash - arg);
    type = ctl_get_type(ctl, text);
    free(text);
    return type;
}

static bool
parse_pairs(struct ctl *ctl, const char *command, int n_args,
            char *const texts[], struct ctl_args *args)
{
    for (int i = 0; i < n_args; i++) {
        const struct schema_table *type = type_before_slash(ctl, command,
                                                            texts[i]);

        if (!type) {
            return false;
        }
        svec_add(&get_named(args, type)->names, strchr(texts[i], '/') + 1);
    }
    return true;
}

/* Adds the types of "TYPE,TYPE", or all of them. */
static bool
parse_types(struct ctl *ctl, const char *text, struct ctl_args *args)
{
    char *copy = xstrdup(text), *save = NULL;
    const struct schema_table *type;
    bool ok = true;

    if (!strcmp(text, "all")) {
        ctl_server_types_load();
        for (size_t i = 0; (type = ctl_type_at(i)); i++) {
            get_named(args, type);
        }
    } else if (!*text || strspn(text, ",") == strlen(text)) {
        ok = ctl_get_type(ctl, text) != NULL;
    }
    for (char *word = strcmp(text, "all") ? strtok_r(copy, ",", &save) : NULL;
         word && ok; word = strtok_r(NULL, ",", &save)) {
        type = ctl_get_type(ctl, word);
        ok = type != NULL;
        if (ok) {
            get_named(args, type);
        }
    }
    free(copy);
    return ok;
}

bool
ctl_args_parse(struct ctl *ctl, const char *command, int n_args,
               char *const texts[], struct ctl_args *args)
{
    *args = (struct ctl_args) { .n = 0 };
    if (strchr(texts[0], '/')) {
        return parse_pairs(ctl, command, n_args, texts, args);
    }
    if (!parse_types(ctl, texts[0], args)) {
        return false;
    }
    if (n_args > 1 && args->n > 1) {
        ctl_usage(ctl, "%s: names go with one type: give TYPE/NAME for "
                  "objects of several", command);
        return false;
    }
    for (int i = 1; i < n_args; i++) {
        if (strchr(texts[i], '/')) {
            ctl_usage(ctl, "%s: must be a name of the type given first, not "
                      "\"%s\"", command, texts[i]);
            return false;
        }
        svec_add(&args->named[0].names, texts[i]);
    }
    return true;
}

bool
ctl_args_parse_named(struct ctl *ctl, const char *command, int n_args,
                     char *const texts[], struct ctl_args *args)
{
    if (!ctl_args_parse(ctl, command, n_args, texts, args)) {
        return false;
    }
    for (size_t i = 0; i < args->n; i++) {
        if (!args->named[i].names.n) {
            ctl_usage(ctl, "%s: name the objects: TYPE NAME..., or "
                      "TYPE/NAME...", command);
            return false;
        }
    }
    return true;
}

void
ctl_args_uninit(struct ctl_args *args)
{
    for (size_t i = 0; i < args->n; i++) {
        svec_destroy(&args->named[i].names);
    }
    free(args->named);
}

const struct schema_table *
ctl_args_one(struct ctl *ctl, const char *command, int n_args,
             char *const args[], const char **name)
{
    if (n_args == 1 && strchr(args[0], '/')) {
        *name = strchr(args[0], '/') + 1;
        return type_before_slash(ctl, command, args[0]);
    }
    if (n_args != 2) {
        ctl_usage(ctl, "%s: name one object: TYPE NAME, or TYPE/NAME, such as "
                  "ports/%s", command,
                  n_args && !ctl_type_find(args[0]) ? args[0] : "web-1");
        return NULL;
    }
    *name = args[1];
    return ctl_get_type(ctl, args[0]);
}

size_t
ctl_args_count(const struct ctl_args *args)
{
    size_t n = 0;

    for (size_t i = 0; i < args->n; i++) {
        n += args->named[i].names.n;
    }
    return n;
}
