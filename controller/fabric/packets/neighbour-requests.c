/* SPDX-License-Identifier: Apache-2.0
 *
 * Neighbours that were asked for; see neighbour-requests.h.  A list that is
 * searched from its start: a switch asks for each at most once a second, and
 * sends up a bounded number of packets. */

#include <config.h>

#include "controller/fabric/packets/neighbour-requests.h"

#include <stddef.h>

#include "util.h"

struct neighbour_requests {
    struct neighbour_request list[NEIGHBOUR_REQUESTS_MAX];
    size_t n;
};

static bool
is_of(const struct neighbour_request *request, uint32_t network,
      const struct vmn_ip *ip)
{
    return request->network == network && vmn_ip_equal(&request->ip, ip);
}

/* Returns the place for another neighbour. */
static struct neighbour_request *
take_place(struct neighbour_requests *requests)
{
    struct neighbour_request *oldest = &requests->list[0];

    if (requests->n < NEIGHBOUR_REQUESTS_MAX) {
        return &requests->list[requests->n++];
    }
    for (size_t i = 1; i < requests->n; i++) {
        if (requests->list[i].last_ms < oldest->last_ms) {
            oldest = &requests->list[i];
        }
    }
    return oldest;
}

void
neighbour_requests_note(struct neighbour_requests **requests_,
                        uint32_t network, const struct vmn_ip *ip,
                        int64_t now_ms)
{
    struct neighbour_requests *requests = *requests_;
    struct neighbour_request *request = NULL;

    if (!requests) {
        requests = *requests_ = xzalloc(sizeof *requests);
    }
    for (size_t i = 0; i < requests->n && !request; i++) {
        if (is_of(&requests->list[i], network, ip)) {
            request = &requests->list[i];
        }
    }
    if (!request
        || now_ms - request->last_ms > NEIGHBOUR_REQUESTS_SERIES_MS) {
        request = request ? request : take_place(requests);
        *request = (struct neighbour_request) {
            .network = network, .ip = *ip, .first_ms = now_ms,
        };
    }
    request->n++;
    request->last_ms = now_ms;
}

const struct neighbour_request *
neighbour_requests_in_vain(const struct neighbour_requests *requests,
                           uint32_t network, const struct vmn_ip *ip,
                           int64_t now_ms)
{
    for (size_t i = 0; requests && i < requests->n; i++) {
        const struct neighbour_request *request = &requests->list[i];

        if (is_of(request, network, ip)) {
            return (request->n >= NEIGHBOUR_REQUESTS_IN_VAIN
                    && (now_ms - request->last_ms
                        <= NEIGHBOUR_REQUESTS_KEPT_MS)
                    ? request : NULL);
        }
    }
    return NULL;
}
