/* SPDX-License-Identifier: Apache-2.0
 *
 * Text forms of addresses and times, for keys of relations and values of
 * facts, say.  What the first three return lives as long as the view, and is
 * the one form that each value has, the one that the API shows.  Not for what
 * people wrote, which has been read before an app sees it. */

#ifndef VMN_TEXT_H
#define VMN_TEXT_H 1

#include "vmn/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vmn_view;

/* Returns the text of an Ethernet address: "02:00:00:00:00:01". */
const char *vmn_mac_text(struct vmn_view *, struct vmn_mac);
/* Returns the text of an address: "10.0.0.1", "fd00::1" (RFC 5952). */
const char *vmn_ip_text(struct vmn_view *, const struct vmn_ip *);
/* Returns the text of a prefix: "10.0.0.0/24", also where it is one address:
 * "10.0.0.1/32". */
const char *vmn_prefix_text(struct vmn_view *, const struct vmn_prefix *);

/* Each reads such a text back.  Returns false, with nothing filled in, for
 * what is no such text; and for MAC addresses that no port may have. */
bool vmn_mac_from_text(const char *, struct vmn_mac *);
bool vmn_ip_from_text(const char *, struct vmn_ip *);
bool vmn_prefix_from_text(const char *, struct vmn_prefix *);

/* Reads a time, "2027-01-31T12:00:00Z" (RFC 3339, in UTC), as seconds since
 * 1970, for vmn_is_past().  Returns false, with nothing filled in, for what is
 * no such text. */
bool vmn_time_from_text(const char *, int64_t *seconds);

/* Cuts a copy of "A|B|C", a key of a relation or a value, at the first 'n' - 1
 * bars.  Returns how many parts there are, 'n' at most; the last one has what
 * is left. */
size_t vmn_key_split(struct vmn_view *, const char *key, const char *parts[],
                     size_t n);

/* Cuts a copy of "A|B" in two, '*b' with all that is left.  Returns false, and
 * sets neither, if there is no bar. */
static inline bool
vmn_key_split_two(struct vmn_view *view, const char *key, const char **a,
                  const char **b)
{
    const char *parts[2];

    if (vmn_key_split(view, key, parts, 2) < 2) {
        return false;
    }
    *a = parts[0];
    *b = parts[1];
    return true;
}

#ifdef __cplusplus
}
#endif

#endif /* vmn/text.h */
