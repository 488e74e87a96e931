/* SPDX-License-Identifier: Apache-2.0
 *
 * DHCP messages of both families, taken apart and put together: RFC 2131,
 * 2132, 3396 and 8415.  What a message means is for those who answer it to
 * know. */

#ifndef VMN_DHCP_H
#define VMN_DHCP_H 1

#include "vmn/bytes.h"
#include "vmn/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* DHCPv4.  --------------------------------------------------------------- */

/* UDP ports of DHCPv4. */
#define VMN_DHCP4_SERVER_PORT 67
#define VMN_DHCP4_CLIENT_PORT 68

/* Types of messages (RFC 2132, section 9.6). */
enum vmn_dhcp4_type {
    VMN_DHCP4_BOOTP = 0,        /* None. */
    VMN_DHCP4_DISCOVER = 1,
    VMN_DHCP4_OFFER = 2,
    VMN_DHCP4_REQUEST = 3,
    VMN_DHCP4_DECLINE = 4,
    VMN_DHCP4_ACK = 5,
    VMN_DHCP4_NAK = 6,
    VMN_DHCP4_RELEASE = 7,
    VMN_DHCP4_INFORM = 8,
};

/* A DHCPv4 message. */
struct vmn_dhcp4 {
    bool is_reply;              /* By a server. */
    uint8_t type;               /* VMN_DHCP4_*, or another. */
    uint32_t xid;
    uint16_t secs;              /* Seconds since the client began. */
    bool broadcast;             /* The client hears nothing else yet. */
    struct vmn_ip ciaddr, yiaddr, siaddr, giaddr; /* Family 0: zeros. */
    struct vmn_mac chaddr;
    const uint8_t *areas[3];    /* Borrowed: where options are. */
    size_t area_sizes[3];
};

/* Takes a UDP payload apart.  The areas are in it.  Returns false unless it is
 * a whole message for Ethernet with the magic cookie, and all of its options
 * end where there is something. */
bool vmn_dhcp4_parse(const uint8_t *, size_t size, struct vmn_dhcp4 *);

/* Gathers option 'code', whose parts may be in several places (RFC 3396), and
 * copies what fits to 'buffer'.  Returns its length, which may be more than
 * that, or -1 if there is none. */
int vmn_dhcp4_get(const struct vmn_dhcp4 *, uint8_t code, uint8_t *buffer,
                  size_t size);

/* Most characters of a boot file's name in a message's header. */
#define VMN_DHCP4_FILE_MAX 127

/* Writes a message up to its type option; its areas are not used.  'file' (or
 * NULL) goes to where a boot file's name is; one of more than
 * VMN_DHCP4_FILE_MAX bytes is left out.  Returns false if the rest did not
 * fit. */
bool vmn_dhcp4_start(struct vmn_bytes *, const struct vmn_dhcp4 *,
                     const char *file);
/* Writes an option, in several parts if need be, and leaves room for the end.
 * Returns false, and writes nothing, if it does not fit. */
bool vmn_dhcp4_put(struct vmn_bytes *, uint8_t code, const void *data,
                   size_t size);
/* Writes the end, and zeros up to the 300 bytes that BOOTP has. */
void vmn_dhcp4_end(struct vmn_bytes *);

/* DHCPv6.  --------------------------------------------------------------- */

/* UDP ports of DHCPv6. */
#define VMN_DHCP6_SERVER_PORT 547
#define VMN_DHCP6_CLIENT_PORT 546

/* A DHCPv6 message, but for those between relays. */
struct vmn_dhcp6 {
    uint8_t type;               /* RFC 8415, section 7.3. */
    uint32_t xid;               /* 24 bits. */
    const uint8_t *options;     /* Borrowed. */
    size_t options_size;
};

/* An option of one. */
struct vmn_dhcp6_option {
    uint16_t code;
    const uint8_t *data;        /* Borrowed. */
    size_t size;
};

/* Options that hold others, behind so many bytes of their own. */
#define VMN_DHCP6_IA_NA 3
#define VMN_DHCP6_IA_TA 4
#define VMN_DHCP6_IAADDR 5
#define VMN_DHCP6_IA_PD 25
#define VMN_DHCP6_IA_NA_SIZE 12 /* IAID, T1, T2; that of IA_PD as well. */
#define VMN_DHCP6_IA_TA_SIZE 4
#define VMN_DHCP6_IAADDR_SIZE 24

/* Takes a UDP payload apart; it must not be one between relays.  Returns false
 * unless each option, those inside of the ones above too, is whole. */
bool vmn_dhcp6_parse(const uint8_t *, size_t size, struct vmn_dhcp6 *);

/* Takes the first option off '*options'.  Returns false at the end, or if it
 * is not whole. */
bool vmn_dhcp6_next(const uint8_t **options, size_t *size,
                    struct vmn_dhcp6_option *);
/* Finds the first option 'code'.  Returns false, and changes nothing, if there
 * is none. */
bool vmn_dhcp6_find(const uint8_t *options, size_t size, uint16_t code,
                    struct vmn_dhcp6_option *);

/* Writes the head of a message; 'xid' has 24 bits.  Returns false if it does
 * not fit. */
bool vmn_dhcp6_start(struct vmn_bytes *, uint8_t type, uint32_t xid);
/* Writes an option.  Returns false, and writes nothing, if it does not fit. */
bool vmn_dhcp6_put(struct vmn_bytes *, uint16_t code, const void *data,
                   size_t size);
/* Between these two an option's content is written: the first returns what the
 * second wants as 'opened'.  vmn_dhcp6_close() takes back all of the option,
 * and returns false, if something did not fit since. */
size_t vmn_dhcp6_open(struct vmn_bytes *, uint16_t code);
bool vmn_dhcp6_close(struct vmn_bytes *, size_t opened);

#ifdef __cplusplus
}
#endif

#endif /* vmn/dhcp.h */
