/* SPDX-License-Identifier: Apache-2.0
 *
 * How many packets and bytes went from which port to which, with the hosts
 * that these were on, in buckets of time: the heaviest pairs of each bucket,
 * in bounded memory.  No I/O and no clock: the caller says what time it is.
 *
 * A bucket keeps so many pairs (Space-Saving; Metwally, Agrawal and El Abbadi,
 * "Efficient Computation of Frequent and Top-k Elements in Data Streams",
 * 2005).  While it has room its pairs are exact.  After that a pair that is
 * not there takes the place of the one with least, and begins at what that
 * had: so what is known of a pair is from "bytes" to "bytes" and
 * "uncertain_bytes", and a pair that a bucket does not have has at most the
 * bucket's least, which is at most all of its bytes divided by the number of
 * pairs.  The totals of a bucket are exact.
 *
 * Not for reading switches (pair-reading.c), and not for what pairs are
 * grouped by (northbound). */

#ifndef CONTROLLER_FABRIC_COUNTERS_PAIR_LOG_H
#define CONTROLLER_FABRIC_COUNTERS_PAIR_LOG_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/fabric-pairs.h"

struct pair_log;

/* A port's name, as long as there is that port: another one that gets its name
 * later has another struct.  For those who know a pair for longer than a
 * call. */
struct pair_name;

/* Of a source or a destination. */
struct pair_end {
    const char *port;           /* NULL: no port has the address.  Created
                                 * at 0. */
    const char *host;           /* NULL: not known. */
    struct pair_name *name;     /* In place of 'port', or NULL. */
};

/* Creates a log of 'n_buckets' of 'bucket_ms' each, with 'max_pairs' in each
 * bucket; none of them is 0. */
struct pair_log *pair_log_create(size_t n_buckets, int64_t bucket_ms,
                                 size_t max_pairs);
void pair_log_destroy(struct pair_log *);

/* Adds packets, of 'bytes' together, at 'now_ms'.  If that is before the
 * newest bucket, the newest counts; if it is so by more than a bucket, the
 * clock was set, and all that is there is forgotten. */
void pair_log_add(struct pair_log *, int64_t now_ms,
                  const struct pair_end *src, const struct pair_end *dst,
                  uint64_t packets, uint64_t bytes);

/* Returns a reference to the name of 'port', which was created at
 * 'created_ms', for pair_log_unref_name(). */
struct pair_name *pair_log_ref_name(struct pair_log *, const char *port,
                                    int64_t created_ms);
/* 'name' may be NULL. */
void pair_log_unref_name(struct pair_log *, struct pair_name *name);
/* Returns true if 'name' is that of this very port. */
bool pair_name_is(const struct pair_name *, const char *port,
                  int64_t created_ms);

const char *pair_name_text(const struct pair_name *);

/* The port was deleted: what is there of it is of one that is no more, and
 * what comes after it of another one with its name. */
void pair_log_forget_port(struct pair_log *, const char *port);
/* The same of all ports for which 'is_there' is false. */
typedef bool pair_log_port_cb(const void *aux, const char *port);
void pair_log_forget_ports(struct pair_log *, pair_log_port_cb *is_there,
                           const void *aux);

/* As fabric_pairs(). */
void pair_log_read(const struct pair_log *, int64_t since_ms,
                   fabric_pair_cb *, void *aux, struct fabric_pair_totals *);

/* What was added since the log was created. */
const struct fabric_pair_sums *pair_log_sums(const struct pair_log *);

/* Returns how many pairs are kept, of all buckets together. */
size_t pair_log_size(const struct pair_log *);

#endif /* controller/fabric/counters/pair-log.h */
