/* SPDX-License-Identifier: Apache-2.0
 *
 * What vmn-app new writes.  In all texts "@" is the app's name. */

#ifndef CONTROLLER_KIT_KIT_TEMPLATES_H
#define CONTROLLER_KIT_KIT_TEMPLATES_H 1

struct kit_template {
    const char *name;           /* Of the file; "@" as in the text. */
    const char *text;
};

/* NULL ends. */
extern const struct kit_template kit_templates_c[];
extern const struct kit_template kit_templates_lua[];

#endif /* controller/kit/kit-templates.h */
