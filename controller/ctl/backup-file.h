/* SPDX-License-Identifier: Apache-2.0
 *
 * What vmnctl backup and restore say of files of backups. */

#ifndef CONTROLLER_CTL_BACKUP_FILE_H
#define CONTROLLER_CTL_BACKUP_FILE_H 1

#include "controller/ctl/ctl.h"

struct store_file_info;
struct vmn_error;

/* Prints an error, and releases it. */
enum ctl_exit ctl_backup_refuse(struct ctl *, struct vmn_error *why);
/* Returns a description such as "revision 42 of 2026-11-20T10:00:00Z, 17
 * objects".  The caller frees it. */
char *ctl_backup_describe(const struct store_file_info *);

#endif /* controller/ctl/backup-file.h */
