/* SPDX-License-Identifier: Apache-2.0
 *
 * Names in DNS that rules of policies have as peers: which ones there are,
 * when each is asked for, and the rows that say what addresses it has
 * (VMN_TABLE_FQDN), which the firewall reads.
 *
 * A name is asked for as soon as a policy has it, before any guest asks, and
 * again whenever what was said of it has expired.  proto/resolver asks,
 * fqdn-addresses.h says how long an address is one, fqdn-rows.h writes the
 * rows; a row changes when the set of addresses does, not with each answer.
 * What was known is in the rows: a start begins with it, and another member of
 * a cluster goes on with it.  Only the writer asks. */

#ifndef CONTROLLER_FQDN_FQDNS_H
#define CONTROLLER_FQDN_FQDNS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/fqdn/fqdn-addresses.h"

struct commit;
struct event_base;
struct fqdns;
struct model;
struct resolver;

/* Maxima of the options, in seconds. */
#define FQDNS_MIN_TTL_MAX_S 3600
#define FQDNS_GRACE_MAX_S 86400

/* Borrows all arguments, which must outlive the result, except for the
 * commit's requests: commit_stop() comes first. */
struct fqdns *fqdns_create(struct event_base *, struct model *,
                           struct commit *, struct resolver *,
                           const struct fqdn_times *);
void fqdns_destroy(struct fqdns *);

/* Takes note that the guest of 'port' has asked DNS for 'name', in small
 * letters: if a wildcard of one of the port's policies is about it, vmnd asks
 * for its addresses as well.  Does nothing where another member of the cluster
 * asks, nor for a port that does not exist. */
void fqdns_asked(struct fqdns *, const char *port, const char *name);

/* What is known of a name besides its row. */
struct fqdns_name {
    int64_t answered_ms;        /* Wall clock; 0: not since vmnd has begun to
                                 * ask. */
    bool failing;               /* The last questions of a family had no
                                 * answer. */
    const char *why;            /* Because of this; or why what is known was
                                 * not stored.  NULL: neither.  Borrowed until
                                 * the next turn of the loop. */
};
/* Fills in what is known; returns false if the name is not asked for. */
bool fqdns_get(const struct fqdns *, const char *name, struct fqdns_name *);

#endif /* controller/fqdn/fqdns.h */
