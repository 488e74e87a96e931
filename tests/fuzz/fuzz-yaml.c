/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML of strangers: whatever it is, it is taken or refused with a sentence,
 * and what was taken prints as YAML that means the same. */

#include <config.h>

#include <stdint.h>
#include <stdlib.h>

#include "controller/ctl/yaml.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_round_trip(const json_t *doc)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *docs = json_array();
    struct vmn_error why = VMN_ERROR_INIT;

    ctl_yaml_print(doc, &ds);
    if (ctl_yaml_parse(ds_cstr(&ds), ds.length, docs, &why)) {
        ovs_abort(0, "%s in\n%s", why.text, ds_cstr(&ds));
    }
    if (!json_equal(json_array_get(docs, 0), CONST_CAST(json_t *, doc))) {
        ovs_abort(0, "reads back differently:\n%s", ds_cstr(&ds));
    }
    json_decref(docs);
    ds_destroy(&ds);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *docs = json_array();
    const json_t *doc;
    struct vmn_error why = VMN_ERROR_INIT;
    size_t i;

    if (ctl_yaml_parse((const char *) data, size, docs, &why)) {
        ovs_assert(why.text && *why.text);
        vmn_error_uninit(&why);
    } else {
        ovs_assert(!why.text);
        json_array_foreach (docs, i, doc) {
            check_round_trip(doc);
        }
    }
    json_decref(docs);
    return 0;
}
