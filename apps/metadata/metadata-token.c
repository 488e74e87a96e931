/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens, as EC2's IMDSv2 has them: a program in the VM that can be talked
 * into fetching a URL cannot be talked into the PUT and the header field that
 * they take.  Nothing is kept of them: a token has the time at which it ends
 * and a hash of it, by a key of the port's.  So it is good after a restart of
 * vmnd, and at no other port, not one that is made anew under the same name
 * either.  Where another member of a cluster answers the port by now, it is
 * not: clients ask for another one when they get 401. */

#include "metadata.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t
seal(const struct vmn_packet_in *in, uint64_t until)
{
    char text[40];
    int n = snprintf(text, sizeof text, "token %016"PRIx64, until);

    return vmn_keyed_hash(in->key, text, n);
}

void
token_make(const struct vmn_packet_in *in, int64_t ttl_s,
           char text[TOKEN_ROOM])
{
    uint64_t until = (uint64_t) (in->now_s + ttl_s);

    snprintf(text, TOKEN_ROOM, "%016"PRIx64"%016"PRIx64, until,
             seal(in, until));
}

bool
token_is_good(const struct vmn_packet_in *in, const char *text)
{
    char digits[17] = "";
    uint64_t until, hash;

    if (strlen(text) != 32 || strspn(text, "0123456789abcdef") != 32) {
        return false;
    }
    memcpy(digits, text, 16);
    until = strtoull(digits, NULL, 16);
    hash = strtoull(text + 16, NULL, 16);
    /* One comparison of two numbers: its time tells nothing. */
    return hash == seal(in, until) && (uint64_t) in->now_s < until;
}
