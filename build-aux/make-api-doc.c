/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings the API's documents up to date with the source: `make update-docs`.
 * With --openapi it prints what GET /v1/openapi.json answers, from which
 * deploy/ansible makes modules. */

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

static void
update(const char *name, bool all_types)
{
    char *text, *made, *fault;
    FILE *file;

    text = read_file(name);
    made = api_doc_update(text, all_types, &fault);
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
}

static void
print_openapi(void)
{
    char *document = api_doc_openapi();

    if (puts(document) < 0 || fflush(stdout)) {
        give_up("standard output", ovs_strerror(errno));
    }
    free(document);
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && !strcmp(argv[1], "--openapi")) {
        print_openapi();
        return 0;
    }
    if (argc != 3) {
        give_up("usage", "make-api-doc --openapi, or "
                "make-api-doc docs/api.md docs/api-reference.md");
    }
    update(argv[1], false);
    update(argv[2], true);
    return 0;
}
