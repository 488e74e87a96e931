/* SPDX-License-Identifier: Apache-2.0
 *
 * Interfaces on hosts; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/value.h"

const struct schema_table schema_vif = {
    .id = VMN_TABLE_VIF, .row_type = VMN_ROW_VIF,
    .plural = "vifs", .singular = "vif",
    .kind = "Vif", .observed = true, .replicated = true,
    .max_rows = 200000,
    .named_as = VMN_N_TABLES, .check_name = value_check_vif_name,
    .doc = "An interface on a host that carries an iface-id.",
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "INTERFACE", .path = "/spec/iface" },
        { .heading = "OFPORT", .path = "/spec/ofport" },
        { .heading = "LINK-UP", .path = "/spec/link_up" },
        { .heading = NULL },
    },
    .row = {
        .name = "vif", .size = sizeof(struct vmn_vif),
        .fields = FIELDS {
            { .name = "host", .type = SCHEMA_REF, AT(vmn_vif, host),
              .ref = VMN_TABLE_HOST, .flags = SCHEMA_REQUIRED,
              .doc = "The host." },
            { .name = "iface_id", .type = SCHEMA_STRING,
              AT(vmn_vif, iface_id), .flags = SCHEMA_REQUIRED,
              .max = VMN_NAME_LEN + 1, .check = value_check_vif_iface_id,
              .doc = "external_ids:iface-id; or `@` and the physical network "
                     "that it leads to; or `=` and the host that is watched "
                     "by it; or `+` and the type of tunnels by which copies "
                     "leave; or `~` and the name of an interface that is "
                     "given copies; or `+queues`, which is no interface: "
                     "what is said of the host's uplinks." },
            { .name = "iface", .type = SCHEMA_STRING,
              AT(vmn_vif, iface), .flags = SCHEMA_REQUIRED, .max = 255,
              .doc = "The interface's name; of `+queues` those of the "
                     "uplinks whose queues guarantee something, as far as "
                     "the host's database tells, each between commas." },
            { .name = "ofport", .type = SCHEMA_U32,
              AT(vmn_vif, ofport), .flags = SCHEMA_REQUIRED, .min = 1,
              .max = 65535, .doc = "Its OpenFlow port number." },
            { .name = "link_up", .type = SCHEMA_BOOL,
              AT(vmn_vif, link_up), .doc = "Whether it has a link." },
            { .name = "tag_ofport", .type = SCHEMA_U32,
              AT(vmn_vif, tag_ofport), .flags = SCHEMA_HIDE_DEFAULT,
              .max = 65535,
              .doc = "Of a sub-port: the number of the port that takes "
                     "its parent's tagged frames to it." },
            { .name = "cut_off", .type = SCHEMA_BOOL,
              AT(vmn_vif, cut_off), .flags = SCHEMA_HIDE_DEFAULT,
              .doc = "Of one to a physical network: other hosts do not reach "
                     "this one." },
            { .name = NULL },
        },
    },
};
