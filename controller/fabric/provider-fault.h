/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a host does not report its port to a physical network. */

#ifndef CONTROLLER_FABRIC_PROVIDER_FAULT_H
#define CONTROLLER_FABRIC_PROVIDER_FAULT_H 1

#include <stdbool.h>

/* A model_provider_fault_cb, for model_set_provider_faults(); 'fabric' is a
 * struct fabric. */
char *fabric_provider_fault(const void *fabric, const char *host,
                            const char *physical, bool details);

#endif /* controller/fabric/provider-fault.h */
