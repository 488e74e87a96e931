/* SPDX-License-Identifier: Apache-2.0
 *
 * Macros to describe structs that are only shown, in the terms of schema.h:
 * the status of objects, and (in northbound/) bodies and replies of calls.  A
 * struct whose name begins with a capital letter is a named component of the
 * API's description; others are described inline. */

#ifndef CONTROLLER_SCHEMA_SCHEMA_SHOWN_H
#define CONTROLLER_SCHEMA_SCHEMA_SHOWN_H 1

#include "controller/schema/schema.h"

/* A member 'NAME' of type SCHEMA_'TYPE'; flags; a sentence; further
 * initializers, such as .nested. */
#define SHOWN(NAME, TYPE, FLAGS, DOC, ...)                              \
    { .name = NAME, .type = SCHEMA_##TYPE, .flags = FLAGS, .doc = DOC,  \
      __VA_ARGS__ }
#define SHOWN_END { .name = NULL }

#define SHOWN_STRUCT(NAME, ...)                                        \
    { .name = NAME, .fields = (const struct schema_field[]) {          \
        __VA_ARGS__, SHOWN_END } }
#define SHOWN_NAMES(...) .names = (const char *const[]) { __VA_ARGS__, NULL }

/* The same for a member of 'struct KEPT' that has the same name in JSON, and
 * is stored as schema-struct.h specifies for the type; of a list with its
 * count. */
#define SHOWN_OF(KEPT, MEMBER, TYPE, FLAGS, DOC, ...)                   \
    SHOWN(#MEMBER, TYPE, FLAGS, DOC,                                    \
          SHOWN_AT(KEPT, MEMBER, SHOWN_SIZE_##TYPE), __VA_ARGS__)
#define SHOWN_LIST_OF(KEPT, MEMBER, N_MEMBER, TYPE, FLAGS, DOC, ...)    \
    SHOWN(#MEMBER, TYPE, (FLAGS) | LIST, DOC,                           \
          SHOWN_AT(KEPT, MEMBER, sizeof(void *)),                       \
          .n_offset = offsetof(struct KEPT, N_MEMBER), __VA_ARGS__)
#define SHOWN_MAP_OF(KEPT, MEMBER, N_MEMBER, TYPE, FLAGS, DOC, ...)     \
    SHOWN(#MEMBER, TYPE, (FLAGS) | MAP, DOC,                            \
          SHOWN_AT(KEPT, MEMBER, sizeof(void *)),                       \
          .n_offset = offsetof(struct KEPT, N_MEMBER), __VA_ARGS__)
/* A nested struct, which NESTED describes; a pointer with POINTER. */
#define SHOWN_STRUCT_OF(KEPT, MEMBER, FLAGS, DOC, NESTED)               \
    SHOWN(#MEMBER, STRUCT, FLAGS, DOC,                                  \
          .offset = offsetof(struct KEPT, MEMBER), .nested = NESTED)
/* Fails to compile if the member has another size. */
#define SHOWN_AT(KEPT, MEMBER, SIZE)                                    \
    .offset = (offsetof(struct KEPT, MEMBER)                            \
               + 0 * sizeof(char[sizeof((struct KEPT *) 0)->MEMBER      \
                                  == (SIZE) ? 1 : -1]))
#define SHOWN_SIZE_BOOL sizeof(bool)
#define SHOWN_SIZE_U16 sizeof(uint16_t)
#define SHOWN_SIZE_INT sizeof(int)
#define SHOWN_SIZE_U32 sizeof(uint32_t)
#define SHOWN_SIZE_U64 sizeof(uint64_t)
#define SHOWN_SIZE_I64 sizeof(int64_t)
#define SHOWN_SIZE_SIZE sizeof(size_t)
#define SHOWN_SIZE_DOUBLE sizeof(double)
#define SHOWN_SIZE_STRING sizeof(const char *) /* Or int64_t: a time. */
#define SHOWN_SIZE_ENUM sizeof(const char *)
#define SHOWN_SIZE_REF sizeof(const char *)
#define SHOWN_SIZE_PREFIX sizeof(struct vmn_prefix)
#define SHOWN_SIZE_IP sizeof(struct vmn_ip)
#define SHOWN_SIZE_MAC sizeof(struct vmn_mac)
#define SHOWN_SIZE_STRUCT sizeof(const char *) /* With PRINTED. */

/* SHOWN_STRUCT of what is kept in 'struct KEPT'. */
#define SHOWN_KEPT(NAME, KEPT, ...)                                     \
    { .name = NAME, .size = sizeof(struct KEPT),                        \
      .fields = (const struct schema_field[]) {                         \
        __VA_ARGS__, SHOWN_END } }

/* Flags. */
#define EXACT SCHEMA_EXACT
#define TUPLE SCHEMA_TUPLE
#define POINTER SCHEMA_POINTER
#define HIDE SCHEMA_HIDE_DEFAULT
#define ALWAYS SCHEMA_REQUIRED
#define LIST SCHEMA_LIST
#define MAP SCHEMA_MAP
#define OR_NULL SCHEMA_NULLABLE
#define TIME SCHEMA_TIME
#define ANY SCHEMA_ANY
#define PRINTED SCHEMA_PRINTED

/* The members 'unread_hosts' and 'counted' of 'KEPT': how many hosts the
 * figures do not include, and of when they are; and the former alone. */
#define SHOWN_READINGS(KEPT)                                            \
    SHOWN_OF(KEPT, counted, STRING, TIME,                               \
             "When the counters were read: the oldest of the hosts' "   \
             "last readings.  What came later may be missing.  Of "     \
             "single objects; absent: no host's were read yet."),       \
    SHOWN_UNREAD(KEPT)
#define SHOWN_UNREAD(KEPT)                                              \
    SHOWN_OF(KEPT, unread_hosts, U64, HIDE,                             \
             "Hosts whose counters were not read yet since `vmnd` "     \
             "started: what was hit there is not known, and not in "    \
             "these figures. Absent: none.")

/* The members of the struct status_count that is member 'IN' of 'struct KEPT'
 * ("count."; nothing: that is a struct status_count itself). */
#define SHOWN_COUNT(KEPT, IN)                                           \
    SHOWN("packets", U64, ALWAYS, "How many packets, on all hosts.",    \
          SHOWN_AT(KEPT, IN packets, sizeof(uint64_t))),                \
    SHOWN("bytes", U64, ALWAYS, "How many bytes they had.",             \
          SHOWN_AT(KEPT, IN bytes, sizeof(uint64_t))),                  \
    SHOWN("last", STRING, ALWAYS | TIME | OR_NULL,                      \
          "When the last one came, to the second; null: none came.",    \
          SHOWN_AT(KEPT, IN last, sizeof(int64_t)))

/* The members of the struct schema_diff that is member 'IN' of 'struct KEPT'
 * ("diff."). */
#define SHOWN_DIFF(KEPT, IN)                                            \
    SHOWN("fields", STRUCT, LIST,                                       \
          "Of what is updated: each field that differs; at most 100. "  \
          "Once 1,000 of a request are listed, objects behind these "   \
          "have none.",                                                 \
          SHOWN_AT(KEPT, IN fields, sizeof(void *)),                    \
          .n_offset = offsetof(struct KEPT, IN n),                      \
          .nested = &schema_diff_field_shown),                          \
    SHOWN("more_fields", U64, HIDE, "How many more fields differ.",     \
          SHOWN_AT(KEPT, IN n_more, sizeof(uint64_t)))

/* The members of 'struct KEPT' that those of struct schema_log_entry are. */
#define SHOWN_LOG_ENTRY(KEPT)                                           \
    SHOWN_OF(KEPT, revision, U64, ALWAYS, "Its number."),               \
    SHOWN_OF(KEPT, time, STRING, ALWAYS | TIME | OR_NULL,               \
             "When it was made."),                                      \
    SHOWN_OF(KEPT, who, STRING, ALWAYS | OR_NULL, "Who made it."),      \
    SHOWN_OF(KEPT, comment, STRING, 0, "What its author said of it."),  \
    SHOWN_OF(KEPT, undoes, U64, HIDE,                                   \
             "The revision of which it takes changes back, if it is an " \
             "undo: all, or those of the objects in `changes`."),     \
    SHOWN_OF(KEPT, draft, STRING, 0,                                    \
             "The draft that it applied, by its name."),                \
    SHOWN_OF(KEPT, draft_author, STRING, 0,                             \
             "Who created that draft; `who` applied it."),              \
    SHOWN_OF(KEPT, restored_over, U64, HIDE,                            \
             "The revision of the restore of a backup from before it, " \
             "which took it back: it is not in effect."),               \
    SHOWN_OF(KEPT, changes, STRUCT, ALWAYS | LIST | PRINTED,            \
             "What it changed.", .nested = &schema_changed_shown)

/* What an audit finds, in member 'IN' of 'struct KEPT' ("audit."; nothing:
 * that is a struct status_audit itself). */
#define SHOWN_AUDIT(KEPT, IN, DIFFERENCES)                              \
    SHOWN("time", STRING, ALWAYS | TIME, "When it was compared.",       \
          SHOWN_AT(KEPT, IN time, sizeof(int64_t))),                    \
    SHOWN("flows", U64, ALWAYS, "How many flows the switch holds.",     \
          SHOWN_AT(KEPT, IN flows, sizeof(uint64_t))),                  \
    SHOWN("groups", U64, ALWAYS, "How many groups the switch holds.",   \
          SHOWN_AT(KEPT, IN groups, sizeof(uint64_t))),                 \
    SHOWN("missing", U64, ALWAYS,                                       \
          "How many are desired and not there.",                        \
          SHOWN_AT(KEPT, IN missing, sizeof(uint64_t))),                \
    SHOWN("altered", U64, ALWAYS,                                       \
          "How many are there with other contents.",                    \
          SHOWN_AT(KEPT, IN altered, sizeof(uint64_t))),                \
    SHOWN("unknown", U64, ALWAYS,                                       \
          "How many are there and not desired.",                        \
          SHOWN_AT(KEPT, IN unknown, sizeof(uint64_t))),                \
    SHOWN("rejected", U64, ALWAYS,                                      \
          "How many are desired, and known to be refused by the "       \
          "switch.", SHOWN_AT(KEPT, IN rejected, sizeof(uint64_t))),    \
    SHOWN("skipped", U64, ALWAYS,                                       \
          "How many were left out, as they changed since the reading "  \
          "began.", SHOWN_AT(KEPT, IN skipped, sizeof(uint64_t))),      \
    SHOWN("owners", STRUCT, ALWAYS | MAP,                               \
          "The same by app; `unknown` for what is nobody's, `vmnd` "    \
          "for its own marker.",                                        \
          SHOWN_AT(KEPT, IN owners, sizeof(void *)),                    \
          .n_offset = offsetof(struct KEPT, IN n_owners),               \
          .nested = &schema_audit_owner),                               \
    DIFFERENCES

#endif /* controller/schema/schema-shown.h */
