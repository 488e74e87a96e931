/* SPDX-License-Identifier: Apache-2.0
 *
 * A .tar.gz that is made file by file, through libarchive, with a list of what
 * is in it and of what was left out.  It gets its name once it is whole. */

#ifndef CONTROLLER_CTL_SUPPORT_ARCHIVE_H
#define CONTROLLER_CTL_SUPPORT_ARCHIVE_H 1

#include <jansson.h>
#include <stddef.h>

#include "controller/schema/error.h"

struct ctl_archive;

/* 'path' ends as the file's name; all that is in it is in the folder 'folder'.
 * Returns NULL with an error. */
struct ctl_archive *ctl_archive_create(const char *path, const char *folder,
                                       struct vmn_error *why);

/* Adds a file.  'about' says what it is, for the list. */
void ctl_archive_add(struct ctl_archive *, const char *name, const char *about,
                     const void *data, size_t size);

/* Adds JSON, without what ctl_archive_strip() takes out. */
void ctl_archive_add_json(struct ctl_archive *, const char *name,
                          const char *about, const json_t *);

/* Notes that something is not there, and why. */
void ctl_archive_omit(struct ctl_archive *, const char *what, const char *why);

/* Adds manifest.json, of which 'about' is the beginning, and gives the file
 * its name; destroys the bundle.  Returns 0, or a positive errno with an
 * error: there is no file then. */
int ctl_archive_close(struct ctl_archive *, const json_t *about,
                      struct vmn_error *why);

/* A copy of 'json' in which the values of members that are named like secrets
 * (token, password, ...) are replaced; '*n' grows by how many. */
json_t *ctl_archive_strip(const json_t *json, size_t *n);

#endif /* controller/ctl/support-archive.h */
