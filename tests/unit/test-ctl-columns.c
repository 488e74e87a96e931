/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl get, against a server that plays back a script: columns that are not
 * just a member of the object. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/ctl-fixture.h"
#include "util.h"

static void
routers_show_networks_and_routes(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/routers?limit=250", NULL, 200,
          "{\"items\": [{\"name\": \"r\", \"spec\": {\"interfaces\":"
          " [{\"network\": \"blue\"}, {\"network\": \"red\"}],"
          " \"routes\": [{\"destination\": \"0.0.0.0/0\", \"via\":"
          " [\"10.0.0.9\", \"10.0.0.10\"]}, {\"destination\":"
          " \"10.9.0.0/16\", \"source\": \"10.0.1.0/24\","
          " \"blackhole\": true}]}}, {\"name\": \"s\", \"spec\": {}}]}" },
        { NULL, NULL, 0, NULL },
    };

    struct run result;

    assert_play(steps, "", "get routers", CTL_DONE,
                "NAME   MAC   NETWORKS   ROUTES                            "
                "                                EXTERNAL   GATEWAY   REASON\n"
                "r      -     blue,red   0.0.0.0/0 via 10.0.0.9,10.0.0.10; "
                "10.9.0.0/16 from 10.0.1.0/...   -          -         -\n"
                "s      -     -          -                                    "
                "                             -          -         -\n", "");
    play(&result, steps, "", "get routers -o wide");
    assert_non_null(strstr(result.out, "0.0.0.0/0 via 10.0.0.9,10.0.0.10; "
                           "10.9.0.0/16 from 10.0.1.0/24 blackhole   "));
    run_uninit(&result);
}

static void
networks_show_subnets(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/networks?limit=250", NULL, 200,
          "{\"items\": [{\"name\": \"blue\", \"spec\": {\"subnets\":"
          " [{\"cidr\": \"10.0.0.0/24\"}, {\"cidr\": \"fd00::/64\"}]}}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "get networks", CTL_DONE,
                "NAME   VNI   SUBNETS                 FREE   DEFAULT\n"
                "blue   -     10.0.0.0/24,fd00::/64   -      -\n", "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routers_show_networks_and_routes),
        cmocka_unit_test(networks_show_subnets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
