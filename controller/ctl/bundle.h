/* SPDX-License-Identifier: Apache-2.0
 *
 * A .tar.gz that is made file by file, through libarchive, with a list of what is in
 * it and of what was left out.  It gets its name once it is whole. */

#ifndef CONTROLLER_CTL_BUNDLE_H
#define CONTROLLER_CTL_BUNDLE_H 1

#include <jansson.h>
#include <stddef.h>

struct ctl_bundle;

/* 'path' ends as the file's name; all that is in it is in the folder 'folder'.
 * NULL with a sentence in '*error' (the caller frees it). */
struct ctl_bundle *ctl_bundle_create(const char *path, const char *folder,
                                     char **error);

/* Adds a file.  'about' says what it is, for the list. */
void ctl_bundle_add(struct ctl_bundle *, const char *name, const char *about,
                    const void *data, size_t size);

/* Adds JSON, without what ctl_bundle_strip() takes out. */
void ctl_bundle_add_json(struct ctl_bundle *, const char *name,
                         const char *about, const json_t *);

/* Notes that something is not there, and why. */
void ctl_bundle_leave_out(struct ctl_bundle *, const char *what,
                          const char *why);

/* Adds manifest.json, of which 'about' is the beginning, and gives the file its name;
 * destroys the bundle.  NULL, or a sentence that the caller frees: there is
 * no file then. */
char *ctl_bundle_close(struct ctl_bundle *, const json_t *about);

/* A copy of 'json' in which the values of members that are named like secrets
 * (token, password, ...) are replaced; '*n' grows by how many. */
json_t *ctl_bundle_strip(const json_t *json, size_t *n);

#endif /* controller/ctl/bundle.h */
