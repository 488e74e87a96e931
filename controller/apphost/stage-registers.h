/* SPDX-License-Identifier: Apache-2.0
 *
 * Says which registers the flows of each stage may write. */

#ifndef CONTROLLER_APPHOST_STAGE_REGISTERS_H
#define CONTROLLER_APPHOST_STAGE_REGISTERS_H 1

struct pipeline;
struct vmn_error;

/* Fills in 'writes' of every stage and 'bucket_writes' of every app.  After
 * stage_tables_assign().  Returns EINVAL with the error (or NULL) set if a
 * stage says that it writes a register which another app keeps there, or keeps
 * one for a stage that does not follow. */
int stage_registers_assign(struct pipeline *, struct vmn_error *why);

#endif /* controller/apphost/stage-registers.h */
