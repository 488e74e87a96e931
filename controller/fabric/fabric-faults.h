/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults of hosts, for the other members of the cluster: what a host's switch
 * rejects only its master knows, and says it to the others.  What a host has
 * that rejects nothing they see by its marker. */

#ifndef CONTROLLER_FABRIC_FABRIC_FAULTS_H
#define CONTROLLER_FABRIC_FABRIC_FAULTS_H 1

#include <stddef.h>
#include <stdint.h>

struct fabric;

struct fabric_fault {
    const char *host;
    uint64_t acked;             /* What is desired is installed up to this
                                 * revision, but for what is rejected. */
    uint64_t revision;          /* A part of this one was rejected; 0: it is
                                 * not known of which. */
    const char *reason;         /* "": nothing is rejected but the marker. */
};

/* Calls 'cb' for each host that this member manages and whose marker does not
 * say what it has installed. */
typedef void fabric_fault_cb(void *aux, const struct fabric_fault *);
void fabric_each_fault(const struct fabric *, fabric_fault_cb *, void *aux);
/* Sets the faults of hosts that other members manage, in place of all that
 * there were.  They are copied. */
void fabric_set_faults(struct fabric *, const struct fabric_fault *,
                       size_t n);

#endif /* controller/fabric/fabric-faults.h */
