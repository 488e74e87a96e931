/* SPDX-License-Identifier: Apache-2.0
 *
 * Apps; see schema.h. */

#include <config.h>

#include <limits.h>

#include "controller/schema/module-code.h"
#include "controller/schema/schema-define.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "util.h"

const char *const schema_hook_names[] = {
    "admit", "service", "balance", "route", "locate", "track", "policy",
    "unbalance", "deliver", NULL
};
BUILD_ASSERT_DECL(ARRAY_SIZE(schema_hook_names) == VMN_N_HOOKS + 1);
const char *const schema_miss_names[] = { "next", "drop", "none", NULL };

static const struct schema_struct stage = {
    .name = "stage", .size = sizeof(struct vmn_module_stage),
    .fields = FIELDS {
        { .name = "name", .type = SCHEMA_STRING, AT(vmn_module_stage, name),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY, .max = 31,
          .check = value_check_name, .doc = "Its name." },
        { .name = "hook", .type = SCHEMA_ENUM, AT(vmn_module_stage, hook),
          .flags = SCHEMA_REQUIRED, .names = schema_hook_names,
          .doc = "The hook of the pipeline that it is at." },
        { .name = "order", .type = SCHEMA_INT, AT(vmn_module_stage, order),
          .min = INT_MIN, .max = INT_MAX,
          .doc = "Its place among the stages at that hook." },
        { .name = "tables", .type = SCHEMA_U32, AT(vmn_module_stage, tables),
          .flags = SCHEMA_REQUIRED, .min = 1, .max = 255,
          .doc = "How many tables it has." },
        { .name = "miss", .type = SCHEMA_ENUM, AT(vmn_module_stage, miss),
          .flags = SCHEMA_REQUIRED, .names = schema_miss_names,
          .doc = "What becomes of packets that match none of its flows." },
        { .name = "scratch", .type = SCHEMA_U32, AT(vmn_module_stage, scratch),
          .max = UINT32_MAX,
          .doc = "The registers that it writes, a bit each." },
        { .name = "keeps", .type = SCHEMA_U32, AT(vmn_module_stage, keeps),
          .max = UINT32_MAX,
          .doc = "Those that it keeps for the app's next stage." },
        { .name = "first_table", .type = SCHEMA_U32,
          AT(vmn_module_stage, first_table), .max = 255,
          .doc = "The first of its tables." },
        { .name = "next_table", .type = SCHEMA_INT,
          AT(vmn_module_stage, next_table), .min = -1, .max = 255, .def = -1,
          .doc = "The first table of the stage that follows; -1: none." },
        { .name = NULL },
    },
};

static const struct schema_struct module = {
    .name = "module", .size = sizeof(struct vmn_module),
    .fields = FIELDS {
        { .name = "file", .type = SCHEMA_STRING, AT(vmn_module, file),
          .min = 1, .max = 4096,
          .doc = "Its file, as `app` in vmnd's options has it, or as it was "
                 "called when it was loaded. Absent: an app of VMN's own." },
        { .name = "digest", .type = SCHEMA_STRING, AT(vmn_module, digest),
          .max = VALUE_SHA256_LEN, .check = value_check_sha256,
          .doc = "The SHA-256 of what was in it, if it was loaded while "
                 "`vmnd` ran." },
        { .name = "withdraw", .type = SCHEMA_BOOL, AT(vmn_module, withdraw),
          .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Whether its flows go if it cannot be loaded." },
        { .name = "denies", .type = SCHEMA_BOOL, AT(vmn_module, denies),
          .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Whether it drops traffic that passes without it." },
        { .name = "stages", .type = SCHEMA_STRUCT, .flags = SCHEMA_LIST,
          LIST_AT(vmn_module, stages), .max_items = 256, .nested = &stage,
          .doc = "Its stages." },
        { .name = NULL },
    },
};

static const struct schema_example examples[] = {
    EXAMPLE("dns", {"enabled": true}),
    { .name = NULL },
};

const struct schema_table schema_app = {
    .id = VMN_TABLE_APP, .plural = "apps", .singular = "app",
    .kind = "App", .stored = true, .unscoped = true, .max_rows = 64,
    .named_as = VMN_N_TABLES, .check_name = value_check_name,
    .everyone_sees = true, .of_daemon = true,
    .for_admins = true,
    .examples = examples,
    .doc = "An app that is loaded.",
    .status = &schema_status_app,
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "ENABLED", .path = "/spec/enabled" },
        { .heading = "UNITS", .path = "/status/units" },
        { .heading = "FLOWS", .path = "/status/flows" },
        { .heading = "DESCRIPTION", .path = "/spec/description" },
        { .heading = NULL },
    },
    .row = {
        .name = "app", .size = sizeof(struct vmn_app_row),
        .later = NAMES("config"),
        .fields = FIELDS {
            COMMON(vmn_app_row),
            { .name = "enabled", .type = SCHEMA_BOOL,
              AT(vmn_app_row, enabled), .def = true,
              .doc = "Whether its flows are installed." },
            { .name = "max_memory_mib", .type = SCHEMA_U32,
              AT(vmn_app_row, max_memory_mib),
              .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = 4096,
              .def = VMN_APP_MEMORY_MIB,
              .doc = "How much `vmnd` keeps for it, in MiB: its flows, "
                     "groups, facts, values of queries, and what these have "
                     "read. A "
                     "unit that would exceed this fails, and keeps its former "
                     "flows. Without effect for VMN's own apps." },
            { .name = "module", .type = SCHEMA_STRUCT,
              AT(vmn_app_row, module), .nested = &module,
              .doc = "What its module declared when it was last loaded, and "
                     "its place in the pipeline; of one of VMN's own only "
                     "`denies`.  By `vmnd`: a change has no effect on it." },
            { .name = "code", .type = SCHEMA_STRING, AT(vmn_app_row, code),
              .flags = SCHEMA_SECRET, .max = MODULE_CODE_MAX,
              .doc = "What its file has in it, in base64, if it was loaded "
                     "while `vmnd` ran.  Never shown." },
            { .name = NULL },
        },
    },
};
