/* SPDX-License-Identifier: Apache-2.0
 *
 * Preconditions: an operation with If-Match fails unless the object's ETag,
 * which is its revision, is the given one (RFC 9110, section 13.1.1), and one
 * with "If-None-Match: *" if the object exists (13.1.2).  Not for parsing the
 * headers (proto/http). */

#include <config.h>

#include "controller/model/checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "controller/model/txn.h"
#include "controller/schema/schema.h"

/* Returns true if 'given' is a weak entity tag of revision 'etag', with or
 * without a digest (controller/northbound/entity-tag.c). */
static bool
is_weak_tag_of(const char *given, const char *etag)
{
    size_t len = strlen(etag);

    return (!strncmp(given, "W/\"", 3) && !strncmp(given + 3, etag, len)
            && (given[3 + len] == '"' || given[3 + len] == '-'));
}

bool
check_if_match(struct txn *txn, const struct model_op *op,
               const struct version *old)
{
    char etag[24];

    if (op->creates && old) {
        txn_op_error(txn, op, VMN_ERR_STALE, "", "%s \"%s\" exists already",
                     schema_tables[op->table]->singular, op->name);
        return false;
    }
    if (!op->if_match) {
        return true;
    }
    if (!old) {
        txn_op_error(txn, op, VMN_ERR_STALE, "", "%s \"%s\" does not exist",
                     schema_tables[op->table]->singular, op->name);
        return false;
    }
    snprintf(etag, sizeof etag, "%"PRIu64, old->meta.revision);
    if (is_weak_tag_of(op->if_match, etag)) {
        txn_op_error(txn, op, VMN_ERR_STALE, "", "%s \"%s\" was not changed, "
                     "but If-Match never matches a weak ETag: use \"%s\"",
                     schema_tables[op->table]->singular, op->name, etag);
        return false;
    }
    if (strcmp(op->if_match, "*") && strcmp(op->if_match, etag)) {
        txn_op_error(txn, op, VMN_ERR_STALE, "", "%s \"%s\" was changed: its "
                     "ETag is \"%s\"", schema_tables[op->table]->singular,
                     op->name, etag);
        return false;
    }
    return true;
}
