/* SPDX-License-Identifier: Apache-2.0
 *
 * An app's descriptor (struct vmn_app_class) as bytes: what a worker tells
 * vmnd of the app that it has loaded.  Functions are not in it, only which of
 * them there are.  Not for whether it makes sense (apphost/app-check.h). */

#ifndef CONTROLLER_WORKER_APP_DESCRIPTION_H
#define CONTROLLER_WORKER_APP_DESCRIPTION_H 1

#include <stddef.h>
#include <stdint.h>

#include "controller/schema/arena.h"
#include "vmn/app.h"

struct ofpbuf;
struct wire_reader;

/* The most elements of one of a descriptor's arrays. */
#define APP_DESCRIPTION_ELEMENTS_MAX 256

struct app_description {
    struct arena arena;         /* Owns what the rest points to. */
    /* Its functions are not to be called. */
    struct vmn_app_class class_;
    /* By stage: the VMN_PREFIX_* of each of its tables, or NULL. */
    const uint32_t **prefixes;
    /* By type: the spec of its row, as JSON. */
    const char **types;
};

/* Appends the description of 'class_', which has the sizes of this build
 * (apphost/app-class.h). */
void app_description_put(struct ofpbuf *, const struct vmn_app_class *);

/* Fills in '*description'.  Returns false if the bytes are none; then there is
 * nothing to free. */
bool app_description_take(struct wire_reader *, struct app_description *);
void app_description_uninit(struct app_description *);

#endif /* controller/worker/app-description.h */
