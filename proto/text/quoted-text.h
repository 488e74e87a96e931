/* SPDX-License-Identifier: Apache-2.0
 *
 * Text from outside (hosts, guests, clients, peers, apps, certificates) in a
 * line for people.  Each character that could end the line, control a terminal
 * or not be visible is written as an escape.
 *
 * The escapes are those of JSON, so quoted JSON means what it meant.  Bytes
 * that are not UTF-8 become "\xff".  Backslashes and quotes stay: an escape
 * says what a character was, and is not for reading back.
 *
 * Not for which characters a client may send (schemas, by text_is_control()),
 * nor for HTML, shells and templates. */

#ifndef PROTO_TEXT_QUOTED_TEXT_H
#define PROTO_TEXT_QUOTED_TEXT_H 1

#include <stdbool.h>
#include <stddef.h>

struct ds;

/* Returns true if 'text' begins with a control character (C0, DEL, C1), a
 * control of the direction of writing, or a separator of lines or paragraphs.
 * 'text' is UTF-8. */
bool text_is_control(const char *text);

/* Appends the 'size' bytes of 'text', quoted but for the ASCII control
 * characters in 'keep'. */
void text_put_quoted(struct ds *, const char *text, size_t size,
                     const char *keep);

/* Restricts 'text', which a host or a peer reports of itself, to the character
 * set of such texts: printable ASCII without what begins something in
 * templates, shells and HTML ("{", "}", "<", ">", "`", "\", "$").  Others are
 * replaced, by ones that look like them or by "?".  For texts for people, not
 * for names that are looked up: two may become the same.  Returns 'text',
 * which may be NULL. */
char *text_restrict(char *text);

/* Returns true if all of 'text' is in that set. */
bool text_is_restricted(const char *text);

/* Returns true if text_put_quoted() would change 'text', with an empty
 * 'keep'. */
bool text_needs_quoting(const char *text);

#endif /* proto/text/quoted-text.h */
