/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: DNS questions of VMs (vmn/dns.h).  What is taken is answered
 * within what the asker takes, and the answer is never taken for a
 * question. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmn/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

static void
check_answer(const struct vmn_dns_query *query, size_t room)
{
    const struct vmn_ip ip = { 4, { 10, 0, 0, 1 } };
    uint8_t *buffer = malloc(room);
    struct vmn_dns_answer answer;
    struct vmn_dns_query again;
    size_t n;

    vmn_dns_start(&answer, query, buffer, room);
    for (int i = 0; i < 8; i++) {
        vmn_dns_add_ip(&answer, query->name, 30, &ip);
        vmn_dns_add_srv(&answer, "_sip._udp.example.com", 30, 1, 2, 3,
                        query->name);
        vmn_dns_add_name(&answer, "a.example.com", 30, VMN_DNS_CNAME,
                         query->name);
    }
    vmn_dns_add_soa(&answer, "example.com", 30, false);
    n = vmn_dns_end(&answer);
    check(n >= 12 && n <= room && n <= query->udp_size);
    check(answer.is_truncated
          || answer.n_answers + answer.n_authority == 25);
    check(!vmn_dns_parse(buffer, n, &again));
    free(buffer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy that ends where the message does. */
    uint8_t *copy = malloc(size ? size : 1);
    struct vmn_dns_query query;
    struct vmn_ip ip;

    memcpy(copy, data, size);
    if (vmn_dns_parse(copy, size, &query)) {
        check(query.udp_size >= 512);
        check(strlen(query.name) < VMN_DNS_NAME_SIZE);
        check(query.question >= copy
              && query.question + query.question_size <= copy + size);
        vmn_dns_reverse(query.name, &ip);
        check_answer(&query, 512);
        check_answer(&query, 1232);
    }
    free(copy);
    return 0;
}
