/* SPDX-License-Identifier: Apache-2.0
 *
 * Tells the service manager how vmnd is. */

#ifndef CONTROLLER_SERVICE_NOTIFY_H
#define CONTROLLER_SERVICE_NOTIFY_H 1

/* Sends the service manager, if it asked for that, 'state', such as "READY=1":
 * a datagram to $NOTIFY_SOCKET, as sd_notify(3) does.  Errors are logged. */
void service_notify(const char *state);

#endif /* controller/service-notify.h */
