/* SPDX-License-Identifier: Apache-2.0
 *
 * What is observed of objects, as structs, which schema-status.c describes
 * member by member: whoever knows fills them in, and they are printed by
 * schema-struct.h.  A new member is one here, one there, and whatever fills
 * it in.
 *
 * Members are called as in JSON.  Times are milliseconds since 1970, 0: none.
 * What a member points to lives in the arena that the struct was filled in
 * with, or is borrowed until the loop's next turn. */

#ifndef CONTROLLER_SCHEMA_STATUS_H
#define CONTROLLER_SCHEMA_STATUS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schema_struct;

/* By how much a host is behind. */
extern const struct schema_struct schema_lag;
/* What is observed of an object of each type; they describe the structs. */
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

/* Load balancers.  -------------------------------------------------------- */

/* What a balancer, or one of its backends, is sent. */
struct status_load {
    uint64_t connections;       /* New ones. */
    double connections_s;       /* In a second. */
    uint64_t packets;
    double packets_s;
    uint64_t bytes;
    double bytes_s;
    int64_t last;               /* Of a connection. */
};

struct status_backend_change {
    int64_t time;
    const char *state;
    const char *reason;         /* Or NULL. */
};

struct status_backend_health {
    const char *state;
    int64_t since;
    const char *reason;         /* Or NULL. */
    int64_t checked;
    int64_t latency_us;         /* Of the last success; 0: none. */
    uint64_t ok, failed;        /* Probes. */
    size_t n_history;           /* The oldest first. */
    struct status_backend_change *history;
};

struct status_backend {
    const char *port;
    unsigned int weight;
    const char *state;
    bool serving;
    double share;               /* In percent; NaN: none. */
    const char *host;           /* Or NULL, as what follows. */
    const char *reason;
    struct status_backend_health *health;
    struct status_load load;
};

struct status_webhook {
    const char *result;
    int64_t time;
    unsigned int tries;
    const char *delivery;
    const char *reason;         /* Or NULL. */
};

struct status_scale_last {
    int64_t time;
    const char *direction;
    struct status_webhook *webhook; /* Or NULL. */
};

struct status_scale {
    const char *state;
    int64_t since;
    double value;               /* NaN: nobody knows. */
    const char *reason;         /* Or NULL. */
    struct status_scale_last *last; /* Or NULL. */
};

struct status_loadbalancer {
    size_t n_backends, n_serving;
    struct status_load load;
    int64_t limited;            /* Packets; -1: its clients are not. */
    size_t n_listed;
    struct status_backend *backends; /* NULL: they are not listed. */
    struct status_scale *scale; /* Or NULL. */
};

#endif /* controller/schema/status.h */
