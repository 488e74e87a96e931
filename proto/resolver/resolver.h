/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks DNS for the addresses of names, by libunbound, which does so in a
 * thread of its own: it takes care of servers that do not answer, aliases,
 * truncated answers (by TCP) and forged ones (random ports and IDs).  What a
 * server says is kept for as long as it says.
 *
 * Not for when to ask, nor for what follows (controller/fqdn). */

#ifndef PROTO_RESOLVER_H
#define PROTO_RESOLVER_H 1

#include <stddef.h>
#include <stdint.h>

#include "vmn/types.h"

struct event_base;
struct resolver;

/* The most servers that one is given. */
#define RESOLVER_SERVERS_MAX 8
/* The most questions that may be open at a time: each may need a TCP
 * connection of its own. */
#define RESOLVER_QUESTIONS_MAX 160

/* Returns NULL if 'servers' are addresses "ADDRESS[,...]", each of which may
 * have a port after an '@' ("192.0.2.53@5353"); or a sentence that says what
 * is wrong, which the caller frees. */
char *resolver_servers_check(const char *servers);

/* Creates a resolver that asks 'servers', which must have passed the check, or
 * those of /etc/resolv.conf if that is NULL; without that file, 127.0.0.1.
 * That a name does not exist is believed for 'negative_s' at the most.
 * Nothing is set up, nor is that file read, before the first question. */
struct resolver *resolver_create(struct event_base *, const char *servers,
                                 unsigned negative_s);
/* Callbacks of questions that are open are not called any more. */
void resolver_destroy(struct resolver *);

/* What came of a question. */
enum resolver_result {
    RESOLVER_ANSWER,
    RESOLVER_NO_ADDRESS,        /* The name has none of that family. */
    RESOLVER_NO_NAME,           /* There is no such name. */
    RESOLVER_FAILURE,           /* No server said; see 'why'. */
};
struct resolver_answer {
    enum resolver_result result;
    size_t n;                   /* Of RESOLVER_ANSWER; 0 otherwise. */
    const struct vmn_ip *ips;   /* Sorted; borrowed. */
    uint32_t ttl_s;             /* For how long this is so. */
    const char *why;            /* Of RESOLVER_FAILURE: a few words. */
};
typedef void resolver_cb(void *aux, const struct resolver_answer *);

/* Asks for the addresses of 'name' that are of 'family', 4 or 6.  'cb' is
 * called once, from the loop and never from inside this.  Returns 0, or a
 * positive errno: the question was not asked, and why is in the log. */
int resolver_ask(struct resolver *, const char *name, int family,
                 resolver_cb *cb, void *aux);

#endif /* proto/resolver/resolver.h */
