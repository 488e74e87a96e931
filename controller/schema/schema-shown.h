/* SPDX-License-Identifier: Apache-2.0
 *
 * Shorthand for what is only shown, in the words of schema.h: the status of
 * objects, and (in northbound/) what calls take and answer.  A struct whose
 * name begins with a capital letter is known by that name in the API's
 * description; others are described where they are. */

#ifndef CONTROLLER_SCHEMA_SCHEMA_SHOWN_H
#define CONTROLLER_SCHEMA_SCHEMA_SHOWN_H 1

#include "controller/schema/schema.h"

/* A member 'NAME' of type SCHEMA_'TYPE'; flags; a sentence; what else there is
 * to say, such as .nested. */
#define SHOWN(NAME, TYPE, FLAGS, DOC, ...)                              \
    { .name = NAME, .type = SCHEMA_##TYPE, .flags = FLAGS, .doc = DOC,  \
      __VA_ARGS__ }
#define SHOWN_END { .name = NULL }

#define SHOWN_STRUCT(NAME, ...)                                         \
    { .name = NAME, .fields = (const struct schema_field []) {          \
        __VA_ARGS__, SHOWN_END } }
#define SHOWN_NAMES(...) .names = (const char *const []) { __VA_ARGS__, NULL }

/* Flags. */
#define ALWAYS SCHEMA_REQUIRED
#define LIST SCHEMA_LIST
#define MAP SCHEMA_MAP
#define OR_NULL SCHEMA_NULLABLE
#define TIME SCHEMA_TIME
#define ANY SCHEMA_ANY

/* "packets", "bytes", "last": of what was counted. */
#define SHOWN_COUNT                                                     \
    SHOWN("packets", INT, ALWAYS, "How many packets, on all hosts."),   \
    SHOWN("bytes", INT, ALWAYS, "How many bytes they had."),            \
    SHOWN("last", STRING, ALWAYS | TIME | OR_NULL,                      \
          "When the last one came, to the second; null: none came.")

/* What an audit finds. */
#define SHOWN_AUDIT(DIFFERENCES)                                        \
    SHOWN("time", STRING, ALWAYS | TIME, "When it was compared."),      \
    SHOWN("flows", INT, ALWAYS, "How many flows the switch holds."),    \
    SHOWN("groups", INT, ALWAYS, "How many groups the switch holds."),  \
    SHOWN("missing", INT, ALWAYS,                                       \
          "How many are wanted and not there."),                        \
    SHOWN("altered", INT, ALWAYS,                                       \
          "How many are there with other contents."),                   \
    SHOWN("strangers", INT, ALWAYS,                                     \
          "How many are there and not wanted."),                        \
    SHOWN("refused", INT, ALWAYS,                                       \
          "How many are wanted, and known to be refused by the "        \
          "switch."),                                                   \
    SHOWN("skipped", INT, ALWAYS,                                       \
          "How many were left out, as they changed since the reading "  \
          "began."),                                                    \
    SHOWN("owners", STRING, ALWAYS | MAP | ANY,                         \
          "The same by app; `stranger` for what is nobody's, `vmnd` "   \
          "for its own marker."),                                       \
    DIFFERENCES

/* By how much a host is behind. */
extern const struct schema_struct schema_lag;
/* What is observed of an object of each type. */
extern const struct schema_struct schema_status_host;
extern const struct schema_struct schema_status_network;
extern const struct schema_struct schema_status_port;
extern const struct schema_struct schema_status_group;
extern const struct schema_struct schema_status_tier;
extern const struct schema_struct schema_status_policy;
extern const struct schema_struct schema_status_quarantine;
extern const struct schema_struct schema_status_loadbalancer;
extern const struct schema_struct schema_status_observation;
extern const struct schema_struct schema_status_app;
extern const struct schema_struct schema_status_router;
extern const struct schema_struct schema_status_telemetry;

#endif /* controller/schema/schema-shown.h */
