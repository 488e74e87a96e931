/* SPDX-License-Identifier: Apache-2.0
 *
 * What isolated or quarantined the port of each sampled packet that was
 * dropped: as of when it was sampled, since policies and quarantines may have
 * changed when the sample is read.  Not for counters, whose packets are of any
 * time (drop-isolation.h). */

#ifndef CONTROLLER_NORTHBOUND_SAMPLE_CAUSES_H
#define CONTROLLER_NORTHBOUND_SAMPLE_CAUSES_H 1

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct fabric_sample;
struct nb_sample;
struct northbound;
struct sample_causes;

struct sample_causes *sample_causes_create(void);
void sample_causes_destroy(struct sample_causes *);

/* Notes what has caused the drop of a sample that was just taken.  To be
 * called in a quiescent state: else the engine may have compiled what is not
 * durable yet, or a plan, which is taken back again.  As many
 * samples are remembered as the fabric keeps, with at most 100 policies and
 * 100 quarantines each; equal causes are kept once. */
void sample_causes_note(struct sample_causes *, const struct northbound *,
                        const struct fabric_sample *);

/* Fills in what 'shown', of a packet that was dropped, says of isolation and
 * quarantine, and has it name as its object what is why (drop-isolation.h): as
 * of when the sample was taken, or if that was not noted as of now, and as of
 * which revision that is.  To be called in a quiescent state.  Texts are in
 * the arena. */
void sample_causes_fill(const struct sample_causes *,
                        const struct northbound *, struct arena *,
                        struct nb_sample *shown);

#endif /* controller/northbound/sample-causes.h */
