/* SPDX-License-Identifier: Apache-2.0
 *
 * What apps want to have probed (vmn/probes.h), as values of
 * VMN_REL_PROBE_TARGETS say it.  Not for probing (health/). */

#ifndef CONTROLLER_ENGINE_PROBE_TARGET_H
#define CONTROLLER_ENGINE_PROBE_TARGET_H 1

#include <stdbool.h>

#include "vmn/probes.h"

struct engine;

/* Members are those of struct vmn_probe_target. */
struct probe_target_text {
    struct vmn_probe_target target; /* Texts are these. */
    char port[VMN_NAME_LEN + 1];
    char out[VMN_NAME_LEN + 1];
    bool monitors;              /* By vmn_publish_monitor(). */
};

/* Fills in '*to' by 'text', the value of target 'name'.  Returns NULL, or what
 * is wrong with it, a constant.  An app may have written anything. */
const char *probe_target_parse(const char *name, const char *text,
                               struct probe_target_text *to);

/* The same of target 'name', as the engine has it.  Returns false if there is
 * no such target, or something is wrong with it. */
bool engine_probe_target(struct engine *, const char *name,
                         struct probe_target_text *to);

#endif /* controller/engine/probe-target.h */
