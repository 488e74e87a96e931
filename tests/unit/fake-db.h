/* SPDX-License-Identifier: Apache-2.0
 *
 * What the OVSDB side of fake-db.c says of all hosts. */

#ifndef TESTS_UNIT_FAKE_DB_H
#define TESTS_UNIT_FAKE_DB_H 1

#include <stdint.h>

/* "rejected" or "unheard"; NULL: neither.  The reason is "its database", of
 * FAKE_DB_SINCE_MS. */
extern const char *fake_db_state;
#define FAKE_DB_SINCE_MS 1000

/* "HOST/IFACE-ID" of the guest that was last said to be seen, or NULL.  Owned
 * by the test, which frees it. */
extern char *fake_db_guest_seen;
/* A port whose interface "h0" has, with its name, and whose guest may come
 * there; or NULL. */
extern const char *fake_db_guest_expected;
/* The number of that interface: when it is asked for once, and from then
 * on. */
extern uint32_t fake_db_guest_ofport, fake_db_guest_next_ofport;

#endif /* tests/unit/fake-db.h */
