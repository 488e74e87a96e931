/* SPDX-License-Identifier: Apache-2.0
 *
 * A .tar.gz that is written file by file, through libarchive, with a manifest
 * of what is included and what was omitted.  It gets its name once it is
 * complete. */

#ifndef CONTROLLER_CTL_SUPPORT_ARCHIVE_H
#define CONTROLLER_CTL_SUPPORT_ARCHIVE_H 1

#include <jansson.h>
#include <stddef.h>

#include "controller/schema/error.h"
#include "controller/schema/schema.h"

struct ctl_archive;

/* 'path' is the final name; all files are in the folder 'folder' of the
 * archive.  Returns NULL with an error if it fails. */
struct ctl_archive *ctl_archive_create(const char *path, const char *folder,
                                       struct vmn_error *why);

/* Adds a file.  'about' is its description in the manifest. */
void ctl_archive_add(struct ctl_archive *, const char *name, const char *about,
                     const void *data, size_t size);

/* Adds JSON, with secrets replaced by ctl_archive_strip(). */
void ctl_archive_add_json(struct ctl_archive *, const char *name,
                          const char *about, const json_t *);

/* The same for an array of objects of a type, without what the type says is
 * secret as well, as ctl_archive_strip_objects() does. */
void ctl_archive_add_objects(struct ctl_archive *, const char *name,
                             const char *about, const struct schema_table *,
                             const json_t *objects);

/* Adds to the manifest that 'what' was omitted, and why. */
void ctl_archive_omit(struct ctl_archive *, const char *what, const char *why);

/* Adds manifest.json, which begins with 'about', renames the file, and
 * destroys the archive.  Returns 0, or a positive errno with an error: there
 * is then no file. */
int ctl_archive_close(struct ctl_archive *, const json_t *about,
                      struct vmn_error *why);

/* Returns a copy of 'json' in which the values of members whose names suggest
 * secrets (token, password, ...) are replaced; increments '*n' for each. */
json_t *ctl_archive_strip(const json_t *json, size_t *n);

/* Returns a copy of 'objects', an array of objects of the type, in which the
 * values of secret fields are replaced, whatever these are called; increments
 * '*n' for each.  Of a type that an app declares a field that is not known is
 * taken for one: the app was replaced since the server described it. */
json_t *ctl_archive_strip_objects(const json_t *objects,
                                  const struct schema_table *, size_t *n);

#endif /* controller/ctl/support-archive.h */
