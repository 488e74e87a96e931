/* SPDX-License-Identifier: Apache-2.0
 *
 * What vmnctl drops and vmnctl logs have in common: requests for samples of
 * packets, and the columns of a sample.  Not for which columns there are
 * (cmd-drops.c, cmd-logs.c). */

#ifndef CONTROLLER_CTL_OUTPUT_SAMPLES_H
#define CONTROLLER_CTL_OUTPUT_SAMPLES_H 1

#include <jansson.h>

#include "controller/ctl/ctl.h"

struct ctl_column;
struct ctl_reply;
struct ds;

/* Columns of a sample.  The object prints as "policies/db-in"; the ends as
 * "web-1 10.0.0.1:80"; the count as "3 (+17)", the repetitions and the number
 * of suppressed samples. */
void ctl_sample_object(const json_t *sample, struct ds *);
void ctl_sample_src(const json_t *sample, struct ds *);
void ctl_sample_dst(const json_t *sample, struct ds *);
void ctl_sample_count(const json_t *sample, struct ds *);

/* GETs /v1/WHAT with the filters of the command line: samples with an id above
 * 'after', at most 'limit' of them (0: as many as the server returns); see
 * ctl_get(). */
enum ctl_exit ctl_samples_get(struct ctl *, const char *what, json_int_t after,
                              long int limit, struct ctl_reply *);

/* Prints new samples, the elements of 'member' of the replies of /v1/WHAT, as
 * rows of 'columns' or lines of JSON, until it is interrupted. */
enum ctl_exit ctl_samples_follow(struct ctl *, const char *what,
                                 const char *member,
                                 const struct ctl_column *columns);

#endif /* controller/ctl/output-samples.h */
