/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes over an app's descriptor by the sizes that it says; see
 * app-class.h. */

#include <config.h>

#include "controller/apphost/app-class.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* No element may be longer than this: a size that is, is none. */
#define SIZE_MAX_SANE 4096

/* The bytes of a struct up to the end of 'MEMBER'. */
#define SIZE_UP_TO(STRUCT, MEMBER) \
    (offsetof(struct STRUCT, MEMBER) + sizeof ((struct STRUCT *) 0)->MEMBER)

/* How long the descriptor was when VMN_APP_ABI got its number. */
#define CLASS_SIZE_MIN SIZE_UP_TO(vmn_app_class, flow_owner)

/* The arrays of a descriptor.  Each element begins with a name (const char *),
 * and one whose name is NULL ends the array. */
static const struct array {
    const char *size_name;      /* For people. */
    size_t size_offset;         /* Of the elements' size in the descriptor. */
    size_t offset;              /* Of the pointer to the first element. */
    size_t size;                /* Of an element, to this daemon. */
    size_t min;                 /* The same when the ABI got its number. */
} arrays[] = {
#define ARRAY(NAME, MEMBER, STRUCT, LAST)                               \
    { #NAME "_size", offsetof(struct vmn_app_class, NAME##_size),       \
      offsetof(struct vmn_app_class, MEMBER), sizeof(struct STRUCT),    \
      SIZE_UP_TO(STRUCT, LAST) }
    ARRAY(stage, stages, vmn_stage_class, miss),
    ARRAY(query, queries, vmn_query_class, eval),
    ARRAY(unit, units, vmn_unit_class, compile),
    ARRAY(id_pool, id_pools, vmn_id_pool_class, max),
    ARRAY(handler, handlers, vmn_handler_class, to_controller),
    ARRAY(type, types, vmn_type_class, max_objects),
#undef ARRAY
};

/* Copies what both know; false if 'theirs' has more, and uses it. */
static bool
copy(void *ours, size_t our_size, const void *theirs, size_t their_size)
{
    memcpy(ours, theirs, MIN(our_size, their_size));
    for (size_t i = our_size; i < their_size; i++) {
        if (((const char *) theirs)[i]) {
            return false;
        }
    }
    return true;
}

static int
check_size(const char *name, uint32_t size, size_t min, struct vmn_error *why)
{
    return (size < min || size > SIZE_MAX_SANE || size % sizeof(void *)
            ? vmn_error_invalid(why, "\"%s\" is %u; at least %"PRIuSIZE
                                ", a multiple of %"PRIuSIZE", is needed",
                                name, size, min, sizeof(void *))
            : 0);
}

/* Replaces an array of the app's in 'class_' by a copy. */
static int
clone_array(struct vmn_app_class *class_, const struct array *array,
            struct vmn_error *why)
{
    const char **member = (const char **) ((char *) class_ + array->offset);
    const char *theirs = *member;
    uint32_t size;
    size_t n = 0;
    char *ours;

    if (!theirs) {
        return 0;
    }
    *member = NULL;             /* Not ours to free. */
    memcpy(&size, (const char *) class_ + array->size_offset, sizeof size);
    if (check_size(array->size_name, size, array->min, why)) {
        return EINVAL;
    }
    while (*(const char *const *) (theirs + n * size)) {
        n++;
    }
    ours = xcalloc(n + 1, array->size);
    *member = ours;
    for (size_t i = 0; i < n; i++) {
        if (!copy(ours + i * array->size, array->size, theirs + i * size,
                  size)) {
            return vmn_error_invalid(why, "element %"PRIuSIZE" of \"%s\" %u "
                                     "has members that are newer than this "
                                     "vmnd", i, array->size_name, size);
        }
    }
    return 0;
}

/* Fills in what apps could not say by earlier headers, unless it is 0. */
static void
upgrade_stages(struct vmn_app_class *class_)
{
    struct vmn_stage_class *stage
        = CONST_CAST(struct vmn_stage_class *, class_->stages);

    if (class_->stage_size < SIZE_UP_TO(vmn_stage_class, keeps)) {
        for (; stage && stage->name; stage++) {
            stage->scratch = STAGE_SCRATCH_ALL | STAGE_UNDECLARED;
        }
    }
}

/* What the app's types consist of is not copied: it is as long as the app
 * says, and no shorter than it ever was. */
static int
check_types(const struct vmn_app_class *class_, struct vmn_error *why)
{
    bool has_status = false;

    for (size_t i = 0; class_->types && class_->types[i].name; i++) {
        has_status |= class_->types[i].status != NULL;
    }
    return (class_->types
            && (check_size("field_size", class_->field_size,
                           (has_status
                            ? SIZE_UP_TO(vmn_field_class, relation)
                            : SIZE_UP_TO(vmn_field_class, doc)), why)
                || check_size("struct_size", class_->struct_size,
                              SIZE_UP_TO(vmn_struct_class, fields), why))
            ? EINVAL : 0);
}

struct vmn_app_class *
app_class_clone(const struct vmn_app_class *theirs, struct vmn_error *why)
{
    struct vmn_app_class *class_;
    int error = 0;

    if (theirs->abi != VMN_APP_ABI) {
        vmn_error_invalid(why, "\"abi\": it is built for plugin ABI %u, this "
                          "is %d", theirs->abi, VMN_APP_ABI);
        return NULL;
    }
    if (check_size("size", theirs->size, CLASS_SIZE_MIN, why)) {
        return NULL;
    }
    class_ = xzalloc(sizeof *class_);
    if (!copy(class_, sizeof *class_, theirs, theirs->size)) {
        error = vmn_error_invalid(why, "\"size\" %u: it has members that are "
                                  "newer than this vmnd", theirs->size);
    }
    for (size_t i = 0; i < ARRAY_SIZE(arrays); i++) {
        if (error) {
            /* The rest is not ours to free. */
            memset((char *) class_ + arrays[i].offset, 0, sizeof(void *));
        } else {
            error = clone_array(class_, &arrays[i], why);
        }
    }
    error = error ? error : check_types(class_, why);
    if (error) {
        app_class_destroy(class_);
        return NULL;
    }
    upgrade_stages(class_);
    return class_;
}

void
app_class_destroy(const struct vmn_app_class *class_)
{
    if (class_) {
        for (size_t i = 0; i < ARRAY_SIZE(arrays); i++) {
            free(*(void *const *) ((const char *) class_ + arrays[i].offset));
        }
        free(CONST_CAST(struct vmn_app_class *, class_));
    }
}
