/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an app's check says what is wrong with an object (struct vmn_check of
 * vmn/own-types.h), in vmnd and in apps' processes. */

#ifndef CONTROLLER_SCHEMA_OWN_CHECK_H
#define CONTROLLER_SCHEMA_OWN_CHECK_H 1

#include <stddef.h>

#include "vmn/own-types.h"

struct vmn_errors;

/* Faults of one check, and bytes of what is said of each, at most. */
#define OWN_CHECK_FAULTS_MAX 16
#define OWN_CHECK_TEXT_MAX 500

struct vmn_check {
    struct vmn_errors *errors;  /* Where faults go to, with pointers into the
                                 * object. */
    size_t n;
};

#endif /* controller/schema/own-check.h */
