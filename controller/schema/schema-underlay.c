/* SPDX-License-Identifier: Apache-2.0
 *
 * The underlay of hosts; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/value.h"

const struct schema_table schema_underlay = {
    .id = VMN_TABLE_UNDERLAY, .row_type = VMN_ROW_UNDERLAY,
    .plural = "underlays",
    .singular = "underlay", .kind = "Underlay", .observed = true,
    .stored = true, .max_rows = 10000, .named_as = VMN_TABLE_HOST,
    .check_name = value_check_name,
    .doc = "What a host has for its tunnels, and its datapath id, as it "
           "has last reported.",
    .columns = COLUMNS {
        { .heading = "HOST", .path = "/name" },
        { .heading = "MTU", .path = "/spec/mtu" },
        { .heading = NULL },
    },
    .row = {
        .name = "underlay", .size = sizeof(struct vmn_underlay),
        .fields = FIELDS {
            { .name = "mtu", .type = SCHEMA_U32, AT(vmn_underlay, mtu),
              .max = 65535,
              .doc = "The MTU of the interface that its tunnels go by; "
                     "0: not known." },
            { .name = "datapath_id", .type = SCHEMA_STRING,
              AT(vmn_underlay, datapath_id), .max = 16,
              .check = value_check_datapath_id,
              .doc = "That of its bridge, which no other host may have." },
            { .name = NULL },
        },
    },
};
