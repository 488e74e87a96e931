/* SPDX-License-Identifier: Apache-2.0
 *
 * See alike-ports.h. */

#include <config.h>

#include "controller/model/alike-ports.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/loosening-private.h"
#include "controller/model/txn.h"
#include "util.h"

/* Adds a port that was there before, and is.  One that has moved is a kind of
 * its own: its addresses may have. */
static void
alike_ports_add(struct alike_ports *ports, const struct search *search,
                const struct judged_port *port)
{
    struct alike *alike;
    char *key;

    if (!port->row[BEFORE] || !port->row[AFTER]) {
        return;
    }
    key = xasprintf("%d%s", sset_contains(&search->moved, port->name),
                    port->kind->key);
    alike = shash_find_data(&ports->by_key, key);
    if (!alike) {
        alike = xmalloc(sizeof *alike);
        svec_init(&alike->names);
        alike->key = xstrdup(key);
        shash_add(&ports->by_key, key, alike);
        if (ports->n >= ports->allocated) {
            ports->all = x2nrealloc(ports->all, &ports->allocated,
                                    sizeof *ports->all);
        }
        ports->all[ports->n++] = alike;
    }
    svec_add(&alike->names, port->name);
    free(key);
}

void
alike_ports_init(struct alike_ports *ports, struct search *search,
                 const struct sset *members)
{
    const char **names = sset_sort(members);

    memset(ports, 0, sizeof *ports);
    shash_init(&ports->by_key);
    for (size_t i = 0; i < sset_count(members); i++) {
        const struct judged_port *port = judge_port(&search->judge, names[i]);

        if (!port) {
            break;
        }
        alike_ports_add(ports, search, port);
        model_yield(search->txn->model);
    }
    free(names);
}

void
alike_ports_uninit(struct alike_ports *ports)
{
    for (size_t i = 0; i < ports->n; i++) {
        svec_destroy(&ports->all[i]->names);
        free(ports->all[i]->key);
        free(ports->all[i]);
    }
    free(ports->all);
    shash_destroy(&ports->by_key);
}
