/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds apps of the build that a test program is of, wherever it is run from.
 * Not for vmnd, whose folder of apps is configured. */

#ifndef TESTS_UNIT_APP_LOADER_H
#define TESTS_UNIT_APP_LOADER_H 1

struct apphost;
struct vmn_error;

/* Loads the app 'name' ("overlay") of the build that this program, which is in
 * tests/unit/ or tests/property/ there, is of; or the file 'name', if it has a
 * "/".  Returns 0, or a positive errno with 'why' set. */
int load_built_app(struct apphost *, const char *name, struct vmn_error *why);

#endif /* tests/unit/app-loader.h */
