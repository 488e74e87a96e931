/* SPDX-License-Identifier: Apache-2.0
 *
 * DNS messages (RFC 1035, 2308, 2782, 3596, 6891): questions taken apart,
 * answers put together.  What names there are is for those who answer to
 * know. */

#ifndef VMN_DNS_H
#define VMN_DNS_H 1

#include <string.h>

#include "vmn/bytes.h"
#include "vmn/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The UDP port of DNS. */
#define VMN_DNS_PORT 53

/* Types of records. */
#define VMN_DNS_A 1
#define VMN_DNS_CNAME 5
#define VMN_DNS_SOA 6
#define VMN_DNS_PTR 12
#define VMN_DNS_AAAA 28
#define VMN_DNS_SRV 33
#define VMN_DNS_ANY 255

/* What an answer says of itself. */
#define VMN_DNS_NOERROR 0
#define VMN_DNS_FORMERR 1
#define VMN_DNS_NXDOMAIN 3
#define VMN_DNS_NOTIMP 4
#define VMN_DNS_REFUSED 5
#define VMN_DNS_BADVERS 16

/* Longest name as text ("www.example.com"), with the final null. */
#define VMN_DNS_NAME_SIZE 256

/* Compares two names in the canonical order of RFC 4034, section 6.1: by
 * labels, from the last to the first.  Names below a name follow it. */
static inline int
vmn_dns_compare_names(const char *a, const char *b)
{
    size_t a_end = strlen(a), b_end = strlen(b);
    int cmp = 0;

    while (!cmp && a_end && b_end) {
        size_t a_len = 0, b_len = 0;

        while (a_len < a_end && a[a_end - a_len - 1] != '.') {
            a_len++;
        }
        while (b_len < b_end && b[b_end - b_len - 1] != '.') {
            b_len++;
        }
        cmp = memcmp(a + a_end - a_len, b + b_end - b_len,
                     a_len < b_len ? a_len : b_len);
        if (!cmp && a_len != b_len) {
            cmp = a_len < b_len ? -1 : 1;
        }
        a_end -= a_len + (a_len < a_end);
        b_end -= b_len + (b_len < b_end);
    }
    return cmp ? cmp : (a_end != 0) - (b_end != 0);
}

/* A question. */
struct vmn_dns_query {
    uint16_t id;
    bool wants_recursion;
    uint8_t error;              /* VMN_DNS_*: what is wrong with it, but for
                                 * which it can be answered. */
    char name[VMN_DNS_NAME_SIZE]; /* Without the last dot, in small letters;
                                   * "" for the root. */
    bool is_text;               /* False: the name holds what no host's does,
                                 * and 'name' is "". */
    uint16_t type;
    uint16_t class_;            /* 1: the Internet's. */
    bool has_edns;
    uint16_t udp_size;          /* What the asker takes; 512 at least. */
    const uint8_t *question;    /* As it was asked; borrowed. */
    size_t question_size;
};

/* Takes a UDP payload apart.  'question' is in it.  Returns false unless it is
 * a whole message that asks for something; one that asks for something unusual
 * has 'error'. */
bool vmn_dns_parse(const uint8_t *, size_t size, struct vmn_dns_query *);

/* An answer that is being written. */
struct vmn_dns_answer {
    struct vmn_bytes bytes;
    const struct vmn_dns_query *query;
    uint8_t error;              /* VMN_DNS_*. */
    bool is_truncated;          /* Not all fitted. */
    uint16_t n_answers, n_authority;
    size_t room;                /* Of 'bytes', with what OPT takes. */
};

/* Begins an answer in 'buffer', no longer than the asker takes and 'size'
 * says: 512 bytes and more. */
void vmn_dns_start(struct vmn_dns_answer *, const struct vmn_dns_query *,
                   void *buffer, size_t size);

/* Each writes a record of 'name', valid for 'ttl' seconds.  One that does not
 * fit is left out, and the answer says that it is truncated. */
void vmn_dns_add_ip(struct vmn_dns_answer *, const char *name, uint32_t ttl,
                    const struct vmn_ip *);
/* 'type' is VMN_DNS_CNAME or VMN_DNS_PTR. */
void vmn_dns_add_name(struct vmn_dns_answer *, const char *name, uint32_t ttl,
                      uint16_t type, const char *target);
void vmn_dns_add_srv(struct vmn_dns_answer *, const char *name, uint32_t ttl,
                     uint16_t priority, uint16_t weight, uint16_t port,
                     const char *target);
/* Writes the SOA record of 'zone': as an answer; or, where there is none, to
 * say that there is none for 'ttl' seconds (RFC 2308). */
void vmn_dns_add_soa(struct vmn_dns_answer *, const char *zone, uint32_t ttl,
                     bool is_answer);

/* Writes the head, and what the asker said of its own size.  Returns the
 * length of the message, which is in the buffer of vmn_dns_start(). */
size_t vmn_dns_end(struct vmn_dns_answer *);

/* Sets '*ip' to the address that a name below in-addr.arpa or ip6.arpa stands
 * for.  Returns false, and sets nothing, if it is no such name. */
bool vmn_dns_reverse(const char *name, struct vmn_ip *);

#ifdef __cplusplus
}
#endif

#endif /* vmn/dns.h */
