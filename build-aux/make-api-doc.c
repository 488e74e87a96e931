/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings docs/api.md up to date with the source: `make update-docs`. */

#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build-aux/api-doc.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static void
give_up(const char *name, const char *why)
{
    fprintf(stderr, "make-api-doc: %s: %s\n", name, why);
    exit(1);
}

static char *
read_file(const char *name)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    FILE *file = fopen(name, "r");
    char buf[4096];
    size_t n;

    if (!file) {
        give_up(name, ovs_strerror(errno));
    }
    while ((n = fread(buf, 1, sizeof buf, file)) > 0) {
        ds_put_buffer(&ds, buf, n);
    }
    fclose(file);
    return ds_steal_cstr(&ds);
}

int
main(int argc, char *argv[])
{
    const char *name = argc == 2 ? argv[1] : NULL;
    char *text, *made, *fault;
    FILE *file;

    if (!name) {
        give_up("usage", "make-api-doc docs/api.md");
    }
    text = read_file(name);
    made = api_doc_update(text, &fault);
    if (!made) {
        give_up(name, fault);
    }
    if (strcmp(text, made)) {
        file = fopen(name, "w");
        if (!file || fputs(made, file) < 0 || fclose(file)) {
            give_up(name, ovs_strerror(errno));
        }
        printf("%s is another one now\n", name);
    }
    free(text);
    free(made);
    return 0;
}
