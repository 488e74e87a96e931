/* SPDX-License-Identifier: Apache-2.0
 *
 * Collects the findings of an audit; see audit-result.h. */

#include <config.h>

#include "controller/fabric/session/audit-result.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Maximum number of differences that are kept as text. */
#define WORDS_MAX 100

void
audit_result_uninit(struct status_audit *r)
{
    for (size_t i = 0; i < r->n_owners; i++) {
        free(CONST_CAST(char *, r->owners[i].name));
    }
    for (size_t i = 0; i < r->n_differences; i++) {
        free(r->differences[i]);
    }
    free(r->owners);
    free(r->differences);
    memset(r, 0, sizeof *r);
}

/* Returns the entry of 'owner', which may be new.  There are as many as apps,
 * and a few more. */
static struct status_audit_owner *
get_owner(struct status_audit *r, const char *name)
{
    for (size_t i = 0; i < r->n_owners; i++) {
        if (!strcmp(r->owners[i].name, name)) {
            return &r->owners[i];
        }
    }
    r->owners = xrealloc(r->owners, (r->n_owners + 1) * sizeof *r->owners);
    r->owners[r->n_owners] = (struct status_audit_owner) {
        .name = xstrdup(name),
    };
    return &r->owners[r->n_owners++];
}

static uint64_t *
count_of(struct status_audit_owner *owner, enum difference_kind kind)
{
    switch (kind) {
    case DIFFERENCE_MISSING:
        return &owner->missing;
    case DIFFERENCE_ALTERED:
        return &owner->altered;
    case DIFFERENCE_UNKNOWN:
        return &owner->unknown;
    case DIFFERENCE_REFUSED:
        return &owner->rejected;
    }
    OVS_NOT_REACHED();
}

void
audit_result_count(struct status_audit *r, const char *owner,
                   enum difference_kind kind, uint64_t n)
{
    *count_of(get_owner(r, owner), kind) += n;
}

void
audit_result_add_owners(struct status_audit *r,
                        const struct status_audit *from)
{
    for (size_t i = 0; i < from->n_owners; i++) {
        const struct status_audit_owner *add = &from->owners[i];
        struct status_audit_owner *owner = get_owner(r, add->name);

        owner->missing += add->missing;
        owner->altered += add->altered;
        owner->unknown += add->unknown;
        owner->rejected += add->rejected;
    }
}

bool
audit_result_is_full(const struct status_audit *r)
{
    return r->n_differences >= WORDS_MAX;
}

void
audit_result_add(struct status_audit *r, char *text)
{
    if (audit_result_is_full(r)) {
        free(text);
        return;
    }
    if (!r->differences) {
        r->differences = xmalloc(WORDS_MAX * sizeof *r->differences);
    }
    r->differences[r->n_differences++] = text;
}
