/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of one packet as a trace tells it: its steps from table to table,
 * and where its copies end.  For trace.c alone. */

#ifndef CONTROLLER_SIMULATOR_TRACE_STEPS_H
#define CONTROLLER_SIMULATOR_TRACE_STEPS_H 1

#include "controller/simulator/result-names.h"
#include "controller/simulator/trace.h"

/* Fills in a leg from 'packet', which was run last.  Texts are in 'arena',
 * here and below.  Yields. */
void trace_leg_fill(const struct result_names *, const struct simulator *,
                    const char *kind, const struct sim_packet *,
                    struct arena *, struct trace_leg *);

/* Fills in where a packet was dropped, lost or delivered.  Yields. */
void trace_end_fill(const struct result_names *, const struct sim_end *,
                    struct arena *, struct trace_end *);

#endif /* controller/simulator/trace-steps.h */
