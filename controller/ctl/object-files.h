/* SPDX-License-Identifier: Apache-2.0
 *
 * The objects in files that a user gives to `vmnctl apply`.  Each is
 *
 *     type: networks          # or network, net
 *     name: shop
 *     spec: { ... }
 *
 * A file holds one or many YAML documents, or JSON; a document is an object, a
 * list of them, or {items: [...]}.  `metadata` and `status`, which `vmnctl get
 * -o yaml` shows, are left out.  Not for checking specs: the server does. */

#ifndef CONTROLLER_CTL_OBJECT_FILES_H
#define CONTROLLER_CTL_OBJECT_FILES_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "controller/schema/error.h"
#include "svec.h"

struct ctl_input {
    bool recursive;             /* Folders inside of folders, too. */
    json_t *objects;            /* [{"type", "name", "spec"}, ...] */
    struct svec origins;        /* File of each object; "": of none. */
};

void ctl_input_init(struct ctl_input *);
void ctl_input_uninit(struct ctl_input *);

/* Adds the objects of 'path': a file, a folder (its *.yaml, *.yml and *.json,
 * by name; with 'recursive' also those of the folders in it, but not through
 * symbolic links), or "-" for 'in'.  Returns 0, or a positive errno with an
 * error. */
int ctl_input_load(struct ctl_input *, const char *path, FILE *in,
                   struct vmn_error *why);

/* Parses the one document, of any kind, in 'text', which is YAML or JSON, or
 * that of a file, or "-" for 'in'.  'origin' is named in errors.  Returns NULL
 * with an error if there is not one; else the caller owns it. */
json_t *ctl_document_parse(const char *origin, const char *text,
                           struct vmn_error *why);
json_t *ctl_document_load(const char *path, FILE *in, struct vmn_error *why);

#endif /* controller/ctl/object-files.h */
