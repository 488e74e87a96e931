/* SPDX-License-Identifier: Apache-2.0
 *
 * An SQLite VFS whose reads, writes and syncs fail when they are told to. */

#ifndef TESTS_UNIT_FAULT_VFS_H
#define TESTS_UNIT_FAULT_VFS_H 1

#include <stdbool.h>

/* Makes it the default for connections opened from now on. */
void fault_vfs_register(void);
void fault_vfs_unregister(void);

/* The 'n'th write, sync or truncation from now on fails (0: none does); if
 * 'stay', so do all that follow, until this is called again. */
void fault_vfs_fail_nth(int n, bool stay);

/* The same of reads, which do not count for the above. */
void fault_vfs_fail_nth_read(int n, bool stay);

/* How often something was synced since it was registered. */
int fault_vfs_n_syncs(void);

/* True if one has failed since the last call of one of the above. */
bool fault_vfs_has_failed(void);

#endif /* tests/unit/fault-vfs.h */
