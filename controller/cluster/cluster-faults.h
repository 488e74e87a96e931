/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults of hosts: what a host's switch rejects only the member knows that
 * manages it, and says it to the others in its row, as JSON, {HOST: [ACKED,
 * REVISION, REASON]}.  Not for how it knows (controller/fabric). */

#ifndef CONTROLLER_CLUSTER_CLUSTER_FAULTS_H
#define CONTROLLER_CLUSTER_CLUSTER_FAULTS_H 1

#include <stddef.h>
#include <stdint.h>

struct cluster_fault {
    const char *host;
    uint64_t acked, revision;   /* Of 63 bits. */
    const char *reason;
};

/* Returns the text of the first CLUSTER_FAULTS_MAX of them, with long reasons
 * cut short, and after CLUSTER_REASONS_MAX each very short; "" if there is
 * none.  The caller frees it. */
#define CLUSTER_FAULTS_MAX 2048
#define CLUSTER_REASONS_MAX 64
char *cluster_faults_print(const struct cluster_fault *, size_t n);
/* Calls 'cb' for each fault in 'text', which may be anything: what makes no
 * sense is left out.  What it is called with is valid until it returns. */
typedef void cluster_fault_cb(void *aux, const struct cluster_fault *);
void cluster_faults_parse(const char *text, cluster_fault_cb *, void *aux);

#endif /* controller/cluster/cluster-faults.h */
