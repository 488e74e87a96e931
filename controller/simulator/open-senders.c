/* SPDX-License-Identifier: Apache-2.0
 *
 * See open-senders.h. */

#include <config.h>

#include "controller/simulator/open-senders.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/error.h"
#include "controller/schema/value.h"
#include "controller/simulator/address-cells.h"
#include "controller/simulator/isolation.h"
#include "controller/simulator/open-bounds.h"
#include "controller/simulator/open-services.h"
#include "controller/simulator/port-classes.h"
#include "controller/simulator/trace-outside.h"
#include "sset.h"
#include "util.h"

/* Sets '*range' to the prefix that the request is from: all addresses of who
 * is outside.  Returns false if it is from none of the family. */
static bool
get_range(const struct open_request *request, uint8_t family,
          struct vmn_prefix *range)
{
    if (!request->from) {
        return false;
    }
    if (!strcmp(request->from, TRACE_OUTSIDE)) {
        *range = (struct vmn_prefix) { .ip.family = family };
        return true;
    }
    return (!value_parse_prefix(request->from, true, range, NULL)
            && range->ip.family == family);
}

/* Returns the address of port 'name' of the family, or NULL. */
static const struct vmn_ip *
address_of(const struct model *model, const char *name, uint8_t family)
{
    struct endpoint endpoint;

    return (endpoint_find(model, name, &endpoint)
            ? endpoint_ip(&endpoint, family) : NULL);
}

/* Returns true if a group of the request contains the port. */
static bool
is_member(struct engine *engine, const struct model *model,
          const struct open_request *request, const char *port)
{
    struct sset groups = SSET_INITIALIZER(&groups);
    bool is;

    isolation_groups_of_port(engine, model, port, &groups);
    is = sset_contains(&groups, request->group);
    sset_destroy(&groups);
    return is;
}

static void
add(struct open_senders *list, const char *from, bool is_port,
    struct vmn_ip ip, char *text)
{
    if (!(list->n & (list->n - 1))) {
        list->senders = xrealloc(list->senders, MAX(2 * list->n, 1)
                                                * sizeof *list->senders);
    }
    list->senders[list->n++] = (struct open_sender) { from, is_port, ip,
                                                      text };
}

/* Outside.  -------------------------------------------------------------- */

static char *
format_cell(const struct address_cell *cell)
{
    char first[VALUE_IP_SIZE], last[VALUE_IP_SIZE];

    value_format_ip(&cell->first, first);
    value_format_ip(&cell->last, last);
    return (strcmp(first, last) ? xasprintf("%s-%s", first, last)
            : xstrdup(first));
}

static void
add_cells(const struct vmn_prefix *range, const struct open_bounds *bounds,
          struct open_senders *list)
{
    size_t n;
    struct address_cell *cells = address_cells_cut(
        range, bounds ? bounds->prefixes : NULL,
        bounds ? bounds->n_prefixes : 0, list->gateway, &n);

    for (size_t i = 0; i < n; i++) {
        add(list, TRACE_OUTSIDE, false, cells[i].sender,
            format_cell(&cells[i]));
    }
    free(cells);
}

/* Ports.  ---------------------------------------------------------------- */

/* Adds one port of each class that has some in the group. */
static void
add_group(struct engine *engine, const struct model *model,
          const struct open_request *request, uint8_t family,
          struct open_senders *list)
{
    struct port_classes classes;

    port_classes_find(&classes, engine, model, NULL, NULL);
    for (size_t i = 0; i < classes.n; i++) {
        const struct port_class *class_ = &classes.classes[i];

        for (size_t j = 0; j < class_->n; j++) {
            const char *name = class_->endpoints[j].port->row.name;
            const struct vmn_ip *ip = endpoint_ip(&class_->endpoints[j],
                                                  family);

            if (ip && is_member(engine, model, request, name)) {
                add(list, name, true, *ip, xstrdup(name));
                break;
            }
            engine_yield(engine);
        }
    }
    port_classes_uninit(&classes);
}

/* Interface.  ------------------------------------------------------------ */

bool
open_senders_find(struct engine *engine, const struct model *model,
                  const struct open_request *request, uint8_t family,
                  const struct open_bounds *bounds,
                  struct open_senders *list, struct vmn_error *error)
{
    const struct vmn_ip *ip;
    struct vmn_prefix range;

    if (get_range(request, family, &range)) {
        add_cells(&range, bounds, list);
    } else if (!request->from) {
        add_group(engine, model, request, family, list);
    } else if ((ip = address_of(model, request->from, family))) {
        add(list, request->from, true, *ip, xstrdup(request->from));
    }
    if (!list->n) {
        vmn_error_set(error, VMN_ERR_CONFLICT, "/from", "has nobody who could "
                      "send by IPv%u", family);
    } else if (list->n > OPEN_SOURCES_MAX) {
        vmn_error_set(error, VMN_ERR_TOO_LARGE, "/from", "policies tell %"
                      PRIuSIZE" senders apart, and at most %d are looked at: "
                      "ask from one port, or from one address", list->n,
                      OPEN_SOURCES_MAX);
    }
    return list->n && list->n <= OPEN_SOURCES_MAX;
}

void
open_senders_uninit(struct open_senders *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->senders[i].text);
    }
    free(list->senders);
    list->senders = NULL;
    list->n = 0;
}
