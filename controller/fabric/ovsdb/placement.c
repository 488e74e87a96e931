/* SPDX-License-Identifier: Apache-2.0
 *
 * Determines on which hosts a port may be bound; see placement.h. */

#include <config.h>

#include "controller/fabric/ovsdb/placement.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"
#include "vmn/rows.h"

/* Maximum number of hosts that a reason names. */
#define REASON_HOSTS_MAX 4

void
placement_init(struct placement *p)
{
    memset(p, 0, sizeof *p);
}

void
placement_uninit(struct placement *p)
{
    for (size_t i = 0; i < p->n_hosts; i++) {
        free(p->hosts[i]);
    }
    free(p->hosts);
    free(p->host);
    free(p->to);
    free(CONST_CAST(struct vmn_label *, p->labels.labels));
}

/* Copies 'from' into one block, which the caller frees with 'labels' of the
 * result. */
static struct vmn_labels
clone_labels(const struct vmn_labels *from)
{
    struct vmn_labels to = { from->n, NULL };
    size_t size = from->n * sizeof *from->labels;
    struct vmn_label *labels;
    char *text;

    if (!from->n) {
        return to;
    }
    for (size_t i = 0; i < from->n; i++) {
        size += strlen(from->labels[i].key) + 1;
        size += strlen(from->labels[i].value) + 1;
    }
    labels = xmalloc(size);
    text = (char *) &labels[from->n];
    for (size_t i = 0; i < from->n; i++) {
        labels[i].key = text;
        text = stpcpy(text, from->labels[i].key) + 1;
        labels[i].value = text;
        text = stpcpy(text, from->labels[i].value) + 1;
    }
    to.labels = labels;
    return to;
}

static bool
same_labels(const struct vmn_labels *a, const struct vmn_labels *b)
{
    bool same = a->n == b->n;

    for (size_t i = 0; same && i < a->n; i++) {
        same = !strcmp(a->labels[i].key, b->labels[i].key)
               && !strcmp(a->labels[i].value, b->labels[i].value);
    }
    return same;
}

static bool
same_hosts(const struct placement *p, const struct vmn_port *owner)
{
    bool same = p->n_hosts == owner->n_hosts
                && p->failover == owner->failover
                && p->activated == owner->migration.activated
                && nullable_string_is_equal(p->to, owner->migration.to)
                && nullable_string_is_equal(p->host, owner->host);

    for (size_t i = 0; same && i < p->n_hosts; i++) {
        same = !strcmp(p->hosts[i], owner->hosts[i]);
    }
    return same;
}

bool
placement_set(struct placement *p, const struct vmn_port *row,
              const struct vmn_port *parent)
{
    const struct vmn_port *owner = parent ? parent : row;

    if (same_hosts(p, owner) && same_labels(&p->labels, &row->labels)) {
        return false;
    }
    placement_uninit(p);
    p->host = nullable_xstrdup(owner->host);
    p->n_hosts = owner->n_hosts;
    p->hosts = owner->n_hosts ? xmalloc(owner->n_hosts * sizeof *p->hosts)
                              : NULL;
    for (size_t i = 0; i < owner->n_hosts; i++) {
        p->hosts[i] = xstrdup(owner->hosts[i]);
    }
    p->to = nullable_xstrdup(owner->migration.to);
    p->activated = owner->migration.activated;
    p->failover = owner->failover;
    p->labels = clone_labels(&row->labels);
    return true;
}

bool
placement_is_pinned(const struct placement *p)
{
    return p->host || p->n_hosts;
}

/* A port that migrates is where its guest was seen last, on either host. */
const char *
placement_required(const struct placement *p, const char *now)
{
    return p->to && p->activated ? p->to : p->to && now ? NULL : p->host;
}

bool
placement_migrates_to(const struct placement *p, const char *host)
{
    return nullable_string_is_equal(p->to, host);
}

bool
placement_decides(const struct placement *p, const char *host)
{
    return nullable_string_is_equal(p->to ? p->activated ? p->to : NULL
                                    : p->host, host);
}

static bool
names_host(const struct placement *p, const char *host)
{
    if (!p->n_hosts) {
        return (!p->host || !strcmp(p->host, host)
                || placement_migrates_to(p, host));
    }
    for (size_t i = 0; i < p->n_hosts; i++) {
        if (!strcmp(p->hosts[i], host)) {
            return true;
        }
    }
    return false;
}

char *
placement_refuses(const struct placement *p, const char *host,
                  const struct vmn_selector *accepts)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (names_host(p, host)) {
        return (!accepts->text || vmn_selector_matches(accepts, &p->labels)
                ? NULL
                : xasprintf("the host accepts only ports that match \"%s\"",
                            accepts->text));
    }
    ds_put_cstr(&ds, "the port may be bound only on ");
    if (!p->n_hosts) {
        ds_put_format(&ds, "\"%s\"", p->host);
    }
    for (size_t i = 0; i < p->n_hosts && i < REASON_HOSTS_MAX; i++) {
        ds_put_format(&ds, "%s\"%s\"", i ? ", " : "", p->hosts[i]);
    }
    if (p->n_hosts > REASON_HOSTS_MAX) {
        ds_put_format(&ds, " and %"PRIuSIZE" others",
                      p->n_hosts - REASON_HOSTS_MAX);
    }
    return ds_steal_cstr(&ds);
}

const char *
placement_expected(const struct placement *p)
{
    return (p->to && p->activated ? p->to
            : p->host ? p->host
            : p->n_hosts ? p->hosts[0] : NULL);
}
