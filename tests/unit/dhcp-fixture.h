/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the app dhcp share: its packet handlers with the real
 * engine, packets handed to them and what they answer. */

#ifndef TESTS_UNIT_DHCP_FIXTURE_H
#define TESTS_UNIT_DHCP_FIXTURE_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "controller/engine/packet-handler.h"

struct fixture {
    struct apps_fixture *apps;
    struct vmn_packets_out out;
    uint8_t frame[VMN_FRAME_MAX]; /* The answer. */
    size_t size;
    struct vmn_udp udp;
};

int dhcp_setup(void **state);
int dhcp_teardown(void **state);
const char *ask(struct fixture *f, const char *handler, const char *port,
                const uint8_t *frame, size_t size);
struct vmn_mac mac_of(const char *port);

#endif /* tests/unit/dhcp-fixture.h */
