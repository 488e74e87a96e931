/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds of events of GET /v1/events: the one list of them, from which
 * follow the enum, their names, and the texts that list them (vmnctl's help
 * and completion, an error of the API, and its description).  Not for the
 * events themselves (controller/northbound/event-log.h). */

#ifndef CONTROLLER_SCHEMA_EVENT_KINDS_H
#define CONTROLLER_SCHEMA_EVENT_KINDS_H 1

#include <stddef.h>

/* FIRST(NAME, TEXT) and NEXT(NAME, TEXT) are expanded for the first kind and
 * for each of the others. */
#define EVENT_KINDS(FIRST, NEXT)                                        \
    /* A change is durable. */                                          \
    FIRST(REVISION, "revision")                                         \
    /* All hosts concerned have acknowledged a change. */               \
    NEXT(INSTALLED, "installed")                                        \
    /* A host's state has changed. */                                   \
    NEXT(HOST, "host")                                                  \
    /* A port's host or state has changed. */                           \
    NEXT(BINDING, "binding")                                            \
    /* A host's ports are unknown, or known. */                         \
    NEXT(PORTS, "ports")                                                \
    /* A host's claim of a port was rejected. */                        \
    NEXT(CLAIM, "claim")                                                \
    /* A packet was dropped. */                                         \
    NEXT(DROP, "drop")                                                  \
    /* A packet matched a rule with a log. */                           \
    NEXT(LOG, "log")                                                    \
    /* An audit found differences on a host. */                         \
    NEXT(AUDIT, "audit")                                                \
    /* A backend's health has changed. */                               \
    NEXT(HEALTH, "health")                                              \
    /* Whether a guest that is monitored answers has changed. */        \
    NEXT(MONITOR, "monitor")                                            \
    /* A balancer's standby serves, or stands by again. */              \
    NEXT(STANDBY, "standby")                                            \
    /* A balancer's load requires another number of backends. */        \
    NEXT(SCALE, "scale")                                                \
    /* Another host is a router's gateway, or none is. */               \
    NEXT(GATEWAY, "gateway")                                            \
    /* A path between two hosts is in trouble, or not any more. */      \
    NEXT(PATH, "path")                                                  \
    /* An app's process has ended, runs again, or is suspended. */      \
    NEXT(APP, "app")                                                    \
    /* Switches did something else with a traced packet than predicted. */ \
    NEXT(TRACE, "trace")

#define EVENT_KIND_MEMBER__(NAME, TEXT) EVENT_##NAME,
enum event_kind {
    EVENT_KINDS(EVENT_KIND_MEMBER__, EVENT_KIND_MEMBER__)
    EVENT_N_KINDS
};

/* All names in one string literal, with commas or spaces between them, or each
 * in backticks with ", " between them. */
#define EVENT_KIND_TEXT__(NAME, TEXT) TEXT
#define EVENT_KIND_COMMA__(NAME, TEXT) "," TEXT
#define EVENT_KIND_SPACE__(NAME, TEXT) " " TEXT
#define EVENT_KIND_CODE__(NAME, TEXT) "`" TEXT "`"
#define EVENT_KIND_NEXT_CODE__(NAME, TEXT) ", `" TEXT "`"
#define EVENT_KINDS_BY_COMMAS \
    EVENT_KINDS(EVENT_KIND_TEXT__, EVENT_KIND_COMMA__)
#define EVENT_KINDS_BY_SPACES \
    EVENT_KINDS(EVENT_KIND_TEXT__, EVENT_KIND_SPACE__)
#define EVENT_KINDS_AS_CODE \
    EVENT_KINDS(EVENT_KIND_CODE__, EVENT_KIND_NEXT_CODE__)

/* Returns the name of a kind. */
const char *event_kind_name(enum event_kind);
/* Returns the kind whose name is the 'len' characters at 'name', or
 * EVENT_N_KINDS if there is none. */
enum event_kind event_kind_from_name(const char *name, size_t len);

#endif /* controller/schema/event-kinds.h */
