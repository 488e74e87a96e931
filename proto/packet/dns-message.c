/* SPDX-License-Identifier: Apache-2.0
 *
 * DNS messages, for apps: include/vmn/dns.h.  Every length is held against
 * what there is before anything is read.  A name in a question is not
 * compressed, since there is nothing before it that it could refer to. */

#include <config.h>

#include "vmn/dns.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "proto/packet/packet-bytes.h"
#include "util.h"

#define HEAD_SIZE 12
#define LABEL_MAX 63
#define NAME_MAX_SIZE 255       /* In wire format. */
#define UDP_SIZE_MIN 512
#define OPT_SIZE 11             /* Without options. */
#define TYPE_OPT 41
#define CLASS_IN 1
#define SERIAL 1                /* Nobody transfers these zones, so it never
                                 * changes. */

/* Bits of the second 16-bit word. */
#define FLAG_RESPONSE 0x8000
#define OPCODE(FLAGS) ((FLAGS) >> 11 & 0xf)
#define FLAG_AUTHORITATIVE 0x0400
#define FLAG_TRUNCATED 0x0200
#define FLAG_WANTS_RECURSION 0x0100

/* The offset of the question's name, to which all records may refer. */
#define POINTER_TO_QUESTION (0xc000 | HEAD_SIZE)

/* Questions.  ------------------------------------------------------------- */

/* Returns true for letters, digits, '-' and '_', of which names of hosts and
 * services consist. */
static bool
is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Reads a name at 'p', without compression.  Returns its size, or 0 if it is
 * invalid. */
static size_t
read_name(const uint8_t *p, size_t size, char text[VMN_DNS_NAME_SIZE],
          bool *is_text)
{
    size_t at = 0, n = 0;

    *is_text = true;
    for (;;) {
        size_t len;

        if (at >= size || at >= NAME_MAX_SIZE) {
            return 0;
        }
        len = p[at++];
        if (!len) {
            break;
        }
        if (len > LABEL_MAX || len > size - at || at + len >= NAME_MAX_SIZE) {
            return 0;
        }
        if (n) {
            text[n++] = '.';
        }
        for (size_t i = 0; i < len; i++) {
            *is_text &= is_plain(p[at + i]);
            text[n++] = (char) tolower(p[at + i]);
        }
        at += len;
    }
    text[*is_text ? n : 0] = '\0';
    return at;
}

/* Skips a name that may be compressed.  Returns the offset of its end, or 0 if
 * it is invalid. */
static size_t
skip_name(const uint8_t *p, size_t size, size_t at)
{
    while (at < size) {
        size_t len = p[at];

        if (!len) {
            return at + 1;
        } else if ((len & 0xc0) == 0xc0) {
            return at + 2 <= size ? at + 2 : 0;
        } else if (len > LABEL_MAX || len >= size - at) {
            return 0;
        }
        at += 1 + len;
    }
    return 0;
}

/* Searches the records after the question for OPT.  Returns false if they are
 * malformed. */
static bool
read_records(const uint8_t *p, size_t size, size_t at, unsigned n,
             struct vmn_dns_query *query)
{
    for (unsigned i = 0; i < n; i++) {
        size_t data;
        uint16_t type;

        at = skip_name(p, size, at);
        if (!at || size - at < 10) {
            return false;
        }
        type = get_u16(p + at);
        data = get_u16(p + at + 8);
        if (data > size - at - 10) {
            return false;
        }
        if (type == TYPE_OPT) {
            if (query->has_edns) {
                query->error = VMN_DNS_FORMERR;
            }
            query->has_edns = true;
            query->udp_size = MAX(get_u16(p + at + 2), UDP_SIZE_MIN);
            if (p[at + 5]) {
                query->error = VMN_DNS_BADVERS;
            }
        }
        at += 10 + data;
    }
    return true;
}

bool
vmn_dns_parse(const uint8_t *p, size_t size, struct vmn_dns_query *query)
{
    uint16_t flags;
    size_t name_size;

    memset(query, 0, sizeof *query);
    if (size < HEAD_SIZE) {
        return false;
    }
    flags = get_u16(p + 2);
    query->id = get_u16(p);
    query->wants_recursion = flags & FLAG_WANTS_RECURSION;
    query->udp_size = UDP_SIZE_MIN;
    query->question = p + HEAD_SIZE;
    if (flags & FLAG_RESPONSE) {
        return false;
    }
    if (OPCODE(flags)) {
        query->error = VMN_DNS_NOTIMP;
        return true;
    }
    if (get_u16(p + 4) != 1 || get_u16(p + 6) || get_u16(p + 8)) {
        query->error = VMN_DNS_FORMERR;
        return true;
    }
    name_size = read_name(p + HEAD_SIZE, size - HEAD_SIZE, query->name,
                          &query->is_text);
    if (!name_size || size - HEAD_SIZE - name_size < 4) {
        return false;
    }
    query->question_size = name_size + 4;
    query->type = get_u16(p + HEAD_SIZE + name_size);
    query->class_ = get_u16(p + HEAD_SIZE + name_size + 2);
    return read_records(p, size, HEAD_SIZE + query->question_size,
                        get_u16(p + 10), query);
}

/* Answers.  --------------------------------------------------------------- */

void
vmn_dns_start(struct vmn_dns_answer *answer,
              const struct vmn_dns_query *query, void *buffer, size_t size)
{
    memset(answer, 0, sizeof *answer);
    answer->query = query;
    answer->error = query->error;
    answer->room = MIN(size, query->udp_size);
    answer->bytes = vmn_bytes(buffer, answer->room
                              - (query->has_edns ? OPT_SIZE : 0));
    vmn_put_zeros(&answer->bytes, HEAD_SIZE);
    vmn_put(&answer->bytes, query->question, query->question_size);
}

/* Starts a record; record_close() fills in the length of its data.  Returns
 * where it starts. */
static size_t
record_open(struct vmn_dns_answer *answer, const char *name, uint16_t type,
            uint32_t ttl)
{
    struct vmn_bytes *bytes = &answer->bytes;
    size_t start = bytes->size;

    if (!strcmp(name, answer->query->name)) {
        vmn_put_u16(bytes, POINTER_TO_QUESTION);
    } else {
        vmn_put_name(bytes, name);
    }
    vmn_put_u16(bytes, type);
    vmn_put_u16(bytes, CLASS_IN);
    vmn_put_u32(bytes, ttl);
    vmn_put_u16(bytes, 0);
    return start;
}

/* Completes a record, or removes it if it did not fit. */
static void
record_close(struct vmn_dns_answer *answer, size_t start, uint16_t *n)
{
    struct vmn_bytes *bytes = &answer->bytes;

    if (bytes->full) {
        bytes->size = start;
        bytes->full = false;
        answer->is_truncated = true;
        return;
    }

    size_t data = skip_name(bytes->data, bytes->size, start) + 10;

    vmn_set_u16(bytes, data - 2, size_u16(bytes->size - data));
    ++*n;
}

void
vmn_dns_add_ip(struct vmn_dns_answer *answer, const char *name, uint32_t ttl,
               const struct vmn_ip *ip)
{
    size_t start = record_open(answer, name,
                               ip->family == 4 ? VMN_DNS_A : VMN_DNS_AAAA,
                               ttl);

    vmn_put_ip(&answer->bytes, ip);
    record_close(answer, start, &answer->n_answers);
}

void
vmn_dns_add_name(struct vmn_dns_answer *answer, const char *name,
                 uint32_t ttl, uint16_t type, const char *target)
{
    size_t start = record_open(answer, name, type, ttl);

    vmn_put_name(&answer->bytes, target);
    record_close(answer, start, &answer->n_answers);
}

void
vmn_dns_add_srv(struct vmn_dns_answer *answer, const char *name, uint32_t ttl,
                uint16_t priority, uint16_t weight, uint16_t port,
                const char *target)
{
    size_t start = record_open(answer, name, VMN_DNS_SRV, ttl);

    vmn_put_u16(&answer->bytes, priority);
    vmn_put_u16(&answer->bytes, weight);
    vmn_put_u16(&answer->bytes, port);
    vmn_put_name(&answer->bytes, target);
    record_close(answer, start, &answer->n_answers);
}

/* Adds the SOA record.  Refresh, retry and expire are for secondary servers,
 * of which there are none. */
void
vmn_dns_add_soa(struct vmn_dns_answer *answer, const char *zone, uint32_t ttl,
                bool is_answer)
{
    struct vmn_bytes *bytes = &answer->bytes;
    size_t start = record_open(answer, zone, VMN_DNS_SOA, ttl);

    vmn_put_name(bytes, zone);
    /* The mailbox is "hostmaster" in the zone. */
    vmn_put_u8(bytes, sizeof "hostmaster" - 1);
    vmn_put(bytes, "hostmaster", sizeof "hostmaster" - 1);
    vmn_put_name(bytes, zone);
    vmn_put_u32(bytes, SERIAL);
    vmn_put_u32(bytes, 3600);
    vmn_put_u32(bytes, 600);
    vmn_put_u32(bytes, 86400);
    vmn_put_u32(bytes, ttl);
    record_close(answer, start, (is_answer ? &answer->n_answers
                                 : &answer->n_authority));
}

size_t
vmn_dns_end(struct vmn_dns_answer *answer)
{
    const struct vmn_dns_query *query = answer->query;
    struct vmn_bytes *bytes = &answer->bytes;
    uint16_t flags = FLAG_RESPONSE | (answer->error & 0xf);

    if (answer->error == VMN_DNS_NOERROR
        || answer->error == VMN_DNS_NXDOMAIN) {
        flags |= FLAG_AUTHORITATIVE;
    }
    if (answer->is_truncated) {
        flags |= FLAG_TRUNCATED;
    }
    if (query->wants_recursion) {
        flags |= FLAG_WANTS_RECURSION;
    }
    bytes->room = answer->room;
    vmn_set_u16(bytes, 0, query->id);
    vmn_set_u16(bytes, 2, flags);
    vmn_set_u16(bytes, 4, query->question_size ? 1 : 0);
    vmn_set_u16(bytes, 6, answer->n_answers);
    vmn_set_u16(bytes, 8, answer->n_authority);
    vmn_set_u16(bytes, 10, query->has_edns ? 1 : 0);
    if (query->has_edns) {
        vmn_put_u8(bytes, 0);
        vmn_put_u16(bytes, TYPE_OPT);
        vmn_put_u16(bytes, 1232); /* The size that dnsflagday.net/2020
                                   * recommends. */
        vmn_put_u8(bytes, answer->error >> 4);
        vmn_put_zeros(bytes, 5);
    }
    return bytes->size;
}

/* Addresses as names.  ---------------------------------------------------- */

/* Parses a name in in-addr.arpa: the address with its bytes in reverse, such
 * as "1.0.0.10". */
static bool
reverse_v4(const char *text, size_t len, struct vmn_ip *ip)
{
    size_t at = 0;

    *ip = (struct vmn_ip) { .family = 4 };
    for (int i = 3; i >= 0; i--) {
        unsigned value = 0;
        size_t start = at;

        while (at < len && isdigit((unsigned char) text[at])
               && at - start < 3) {
            value = value * 10 + (text[at++] - '0');
        }
        if (at == start || value > 255 || (at - start > 1
                                           && text[start] == '0')
            || (i ? at >= len || text[at++] != '.' : at != len)) {
            return false;
        }
        ip->addr[i] = (uint8_t) value;
    }
    return true;
}

/* Parses a name in ip6.arpa: 32 hexadecimal digits in reverse. */
static bool
reverse_v6(const char *text, size_t len, struct vmn_ip *ip)
{
    if (len != 63) {
        return false;
    }
    *ip = (struct vmn_ip) { .family = 6 };
    for (int i = 0; i < 32; i++) {
        int digit = hexit_value(text[2 * i]);

        if (digit < 0 || (i < 31 && text[2 * i + 1] != '.')) {
            return false;
        }
        ip->addr[15 - i / 2] |= (uint8_t) (i & 1 ? digit << 4 : digit);
    }
    return true;
}

bool
vmn_dns_reverse(const char *name, struct vmn_ip *ip)
{
    static const char v4[] = ".in-addr.arpa", v6[] = ".ip6.arpa";
    size_t len = strlen(name);

    if (len >= sizeof v4 && !strcmp(name + len - (sizeof v4 - 1), v4)) {
        return reverse_v4(name, len - (sizeof v4 - 1), ip);
    }
    return (len >= sizeof v6 && !strcmp(name + len - (sizeof v6 - 1), v6)
            && reverse_v6(name, len - (sizeof v6 - 1), ip));
}
