/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rows of names with wildcards say, and what is told of them besides.
 * Not for which names there are (fqdn-learned.c), nor for when rows are
 * written (fqdn-rows.c). */

#include <config.h>

#include "controller/fqdn/fqdns-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fqdn/fqdn-rows.h"
#include "controller/model/model.h"
#include "util.h"

/* What a row is to say. */
struct desired {
    const struct vmn_fqdn *row; /* What it says by now; or NULL. */
    size_t n;
    struct vmn_ip ips[VALUE_FQDN_IPS_MAX]; /* Sorted. */
    bool limited;
};

static bool
row_has(const struct vmn_fqdn *row, const struct vmn_ip *ip)
{
    for (size_t i = 0; row && i < row->n_ips; i++) {
        if (!memcmp(&row->ips[i], ip, sizeof *ip)) {
            return true;
        }
    }
    return false;
}

static void
add_address(struct desired *d, const struct vmn_ip *ip)
{
    size_t i = 0;

    while (i < d->n && memcmp(&d->ips[i], ip, sizeof *ip) < 0) {
        i++;
    }
    if ((i < d->n && !memcmp(&d->ips[i], ip, sizeof *ip))
        || !fqdn_ip_is_public(ip)) {
        return;
    }
    if (d->n >= ARRAY_SIZE(d->ips)) {
        d->limited = true;
        return;
    }
    memmove(&d->ips[i + 1], &d->ips[i], (d->n - i) * sizeof d->ips[0]);
    d->ips[i] = *ip;
    d->n++;
}

/* Adds those that the row has already, or the others. */
static void
add_addresses(struct desired *d, const struct fqdn_addresses *set, bool there)
{
    for (size_t i = 0; i < set->n; i++) {
        if (row_has(d->row, &set->addresses[i].ip) == there) {
            add_address(d, &set->addresses[i].ip);
        }
    }
}

static bool
row_names(const struct vmn_fqdn *row, const char *name)
{
    for (size_t i = 0; row && i < row->n_names; i++) {
        if (!strcmp(row->names[i], name)) {
            return true;
        }
    }
    return false;
}

/* Returns the names that have addresses, sorted; and those of the row of which
 * that is not known yet: whoever goes on after this member is to ask for them,
 * too. */
static json_t *
list_names(const struct desired *d, const struct wildcard *w)
{
    const struct shash_node **nodes = shash_sort(&w->names);
    json_t *names = json_array();

    for (size_t i = 0; i < shash_count(&w->names); i++) {
        const struct name *name = nodes[i]->data;

        if (name->addresses.n || row_names(d->row, name->text)) {
            json_array_append_new(names, json_string(name->text));
        }
    }
    free(nodes);
    return names;
}

static bool
row_is_current(const struct desired *d, enum vmn_fqdn_state state,
               const json_t *names)
{
    const struct vmn_fqdn *row = d->row;

    if (!row || row->state != state || row->n_ips != d->n
        || (d->n && memcmp(row->ips, d->ips, d->n * sizeof d->ips[0]))
        || row->n_names != json_array_size(names)) {
        return false;
    }
    for (size_t i = 0; i < row->n_names; i++) {
        if (strcmp(row->names[i],
                   json_string_value(json_array_get(names, i)))) {
            return false;
        }
    }
    return true;
}

/* What is there stays where there is not room for all. */
static void
collect(struct desired *d, const struct wildcard *w)
{
    const struct shash_node *node;

    for (int there = 1; there >= 0; there--) {
        add_addresses(d, &w->kept, there);
        SHASH_FOR_EACH (node, &w->names) {
            const struct name *name = node->data;

            add_addresses(d, &name->addresses, there);
        }
    }
}

static json_t *
make_spec(const struct desired *d, enum vmn_fqdn_state state, json_t *names)
{
    json_t *ips = json_array();
    char buf[VALUE_IP_SIZE];

    for (size_t i = 0; i < d->n; i++) {
        json_array_append_new(ips, json_string(value_format_ip(&d->ips[i],
                                                               buf)));
    }
    return json_pack("{s:s, s:o, s:o}", "state", value_fqdn_states[state],
                     "ips", ips, "names", names);
}

/* A wildcard of which nothing is known has no row. */
bool
learned_desired(struct fqdns *f, const char *text, json_t **spec)
{
    const struct wildcard *w = shash_find_data(&f->wildcards, text);
    struct desired d = {
        .row = model_get(f->model, VMN_TABLE_FQDN, text),
    };
    enum vmn_fqdn_state state;
    json_t *names;

    *spec = NULL;
    if (!w) {
        return true;
    }
    collect(&d, w);
    names = list_names(&d, w);
    state = (d.limited || w->full_until_ms ? VMN_FQDN_LIMITED
             : d.n ? VMN_FQDN_RESOLVED : VMN_FQDN_NO_ADDRESS);
    if (!d.n && !json_array_size(names) && state != VMN_FQDN_LIMITED) {
        json_decref(names);
        return true;
    }
    if (row_is_current(&d, state, names)) {
        json_decref(names);
        return false;
    }
    *spec = make_spec(&d, state, names);
    return true;
}

bool
learned_get(const struct fqdns *f, const char *text, struct fqdns_name *out)
{
    const struct wildcard *w = shash_find_data(&f->wildcards, text);
    const struct shash_node *node;

    if (!w) {
        return false;
    }
    *out = (struct fqdns_name) { .why = fqdn_rows_fault(f->rows, text) };
    SHASH_FOR_EACH (node, &w->names) {
        const struct name *name = node->data;

        out->answered_ms = MAX(out->answered_ms, name->answered_ms);
    }
    return true;
}
