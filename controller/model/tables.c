/* SPDX-License-Identifier: Apache-2.0
 *
 * The classes of the tables, each from the file of its resource; which there
 * are is said by schema/tables.h. */

#include <config.h>

#include "controller/model/model-class.h"

extern const struct model_class model_object; /* model-type.c */
static const struct model_class none = { .limit = NULL };

#define DESCRIBED(ID, NAME)
#define TABLE(ID, NAME) extern const struct model_class model_##NAME;
VMN_TABLES(TABLE, DESCRIBED)
#undef DESCRIBED
#undef TABLE

#define DESCRIBED(ID, NAME) [VMN_TABLE_##ID] = &none,
#define TABLE(ID, NAME) [VMN_TABLE_##ID] = &model_##NAME,
const struct model_class *const model_classes[VMN_N_TABLES] = {
    VMN_TABLES(TABLE, DESCRIBED)
    [VMN_TABLE_OWN_FIRST... VMN_TABLE_OWN_LAST] = &model_object,
};
#undef DESCRIBED
#undef TABLE
