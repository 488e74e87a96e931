/* SPDX-License-Identifier: Apache-2.0
 *
 * One model and engine with an app made for the test; see toy-fixture.h. */

#include <config.h>

#include "tests/unit/toy-fixture.h"

#include "openvswitch/vlog.h"
#include "util.h"

struct toy toy;

const struct vmn_stage_class toy_stages[] = {
    { .name = "stage", .hook = VMN_HOOK_ADMIT, .n_tables = 2,
      .miss = VMN_MISS_DROP,
      .scratch = VMN_SCRATCH(VMN_F_REG10) },
    { .name = NULL },
};

void
toy_setup(const struct vmn_app_class *app)
{
    toy_init(&toy, app, NULL);
    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_settle(&toy);
}

int
toy_teardown(void **state OVS_UNUSED)
{
    toy_uninit(&toy);
    return 0;
}

int
toy_run_all(char *argv[], const struct CMUnitTest *tests, size_t n)
{
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (argv[1]) {
        cmocka_set_test_filter(argv[1]);
    }
    return _cmocka_run_group_tests("toy", tests, n, NULL, NULL);
}
