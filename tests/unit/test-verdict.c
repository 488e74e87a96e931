/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of what the simulator says a packet has come to: which port on
 * which host. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "controller/simulator/verdict.h"
#include "util.h"

/* Ports have the same numbers on all hosts: a copy that came out at the same
 * number elsewhere is not delivered. */
static void
a_port_is_one_of_its_host(void **state)
{
    const struct vmn_port port = { .row.name = "p" };
    const struct endpoint at = { .port = &port, .host = "h1", .ofport = 7 };
    const struct endpoint nowhere = { .port = &port };
    struct sim_end end = { .kind = SIM_OUTPUT, .host = "h1", .port = 7 };

    assert_true(sim_end_is_at(&end, &at));
    end.host = "h2";
    assert_false(sim_end_is_at(&end, &at));
    end.host = "h1";
    end.port = 8;
    assert_false(sim_end_is_at(&end, &at));
    end.port = 7;
    end.kind = SIM_DROP;
    assert_false(sim_end_is_at(&end, &at));
    end.kind = SIM_OUTPUT;
    end.port = 0;
    assert_false(sim_end_is_at(&end, &nowhere));
}

/* A machine of a physical network is behind whichever port leads there; what
 * is for all is for it, too. */
static void
a_machine_of_a_provider_network_is_known_by_its_mac(void **state)
{
    const struct vmn_port port = {
        .row.name = "p", .external = true, .mac = { { 2, 0, 0, 0, 0, 1 } },
    };
    const struct endpoint at = { .port = &port };
    struct sim_end end = { .kind = SIM_OUTPUT, .host = "h2", .port = 9,
                           .provider = "@dc" };
    uint8_t *to = end.packet.flow.dl_dst.ea;

    memcpy(to, port.mac.ea, 6);
    assert_true(sim_end_is_at(&end, &at));
    to[5] = 2;
    assert_false(sim_end_is_at(&end, &at));
    to[0] = 3;                          /* Multicast. */
    assert_true(sim_end_is_at(&end, &at));
    end.provider = NULL;
    assert_false(sim_end_is_at(&end, &at));
    end.provider = "@dc";
    end.kind = SIM_DROP;
    assert_false(sim_end_is_at(&end, &at));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_is_one_of_its_host),
        cmocka_unit_test(a_machine_of_a_provider_network_is_known_by_its_mac),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
