/* SPDX-License-Identifier: Apache-2.0
 *
 * Describes entries of the log of changes; see schema-log.h. */

#include <config.h>

#include "controller/schema/schema-log.h"

#include "controller/schema/schema-shown.h"

const struct schema_struct schema_changed_shown = SHOWN_KEPT(
    "Change", schema_changed,
    SHOWN_OF(schema_changed, op, STRING, 0,
             "`create`, `update`, `delete` or `restore`; `quarantine`, "
             "`release`, `drain` or `undrain` of a port by another object."),
    SHOWN_OF(schema_changed, type, STRING, 0, "The type of the object."),
    SHOWN_OF(schema_changed, name, STRING, 0, "Its name."),
    SHOWN_OF(schema_changed, more, U64, HIDE,
             "Of a last entry: how many more there are."),
    SHOWN_OF(schema_changed, revision, U64, HIDE,
             "Of a restore: the revision of the backup."),
    SHOWN_OF(schema_changed, by, STRING, 0,
             "Of a port that the change of another object has an effect on: "
             "that object, as TYPE/NAME."),
    SHOWN_OF(schema_changed, from, STRING, 0,
             "Of a binding: the host that the port was on; absent: none."),
    SHOWN_OF(schema_changed, to, STRING, 0,
             "Of a binding: the host that it is on; absent: none."),
    SHOWN_OF(schema_changed, candidate, STRING, 0,
             "Of a binding: another host that has its interface."),
    SHOWN_OF(schema_changed, activated, BOOL, HIDE,
             "Of a binding: its guest has migrated to `to`, and `candidate` "
             "is the host that it comes from."),
    SHOWN_OF(schema_changed, former, STRING, 0,
             "Of a binding: the host that its guest had migrated from, whose "
             "switch was asked about the port until now."),
    SHOWN_OF(schema_changed, migration, STRING, 0,
             "Of a binding: how a migration has ended with it, `finished` or "
             "`rolled back`."),
    SHOWN_OF(schema_changed, migration_reason, STRING, 0,
             "Of a binding: why it has ended so."),
    SHOWN_DIFF(schema_changed, diff.));

const struct schema_struct schema_log_entry_shown = SHOWN_KEPT(
    "entry", schema_log_entry, SHOWN_LOG_ENTRY(schema_log_entry));
