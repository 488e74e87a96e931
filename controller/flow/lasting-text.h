/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts of apps that others keep pointers to: names of apps, and the reasons
 * for which they drop packets.  An app may go while vmnd runs, and such texts
 * stay. */

#ifndef CONTROLLER_FLOW_LASTING_TEXT_H
#define CONTROLLER_FLOW_LASTING_TEXT_H 1

/* The most texts: an app that is loaded again and again with others must not
 * fill the memory. */
#define LASTING_TEXTS_MAX 65536

/* Returns a copy of 'text' that is valid until the process ends, always the
 * same one; NULL if there are too many. */
const char *lasting_text(const char *text);

#endif /* controller/flow/lasting-text.h */
