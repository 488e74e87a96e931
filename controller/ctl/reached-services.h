/* SPDX-License-Identifier: Apache-2.0
 *
 * All services by which somebody is reached, for vmnctl reachability without a
 * service. */

#ifndef CONTROLLER_CTL_REACHED_SERVICES_H
#define CONTROLLER_CTL_REACHED_SERVICES_H 1

#include "controller/ctl/ctl.h"

/* Lists the services by which ctl->to is reached from ctl->from (NULL: from
 * outside). */
enum ctl_exit ctl_open_services(struct ctl *);

#endif /* controller/ctl/reached-services.h */
