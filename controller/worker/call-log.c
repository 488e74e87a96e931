/* SPDX-License-Identifier: Apache-2.0
 *
 * The encoding of the call log; see call-log.h.  Not for single calls. */

#include <config.h>

#include "controller/worker/call-log.h"

#include <stdlib.h>

#include "proto/text/quoted-text.h"
#include "unicode.h"
#include "util.h"

/* What stands for the length of a text that is NULL. */
#define NO_TEXT UINT32_MAX

/* What a log has room for at first. */
#define SIZE_INITIAL 65536

/* Writing.  -------------------------------------------------------------- */

void
call_log_init(struct call_log *log)
{
    memset(log, 0, sizeof *log);
}

void
call_log_uninit(struct call_log *log)
{
    free(log->data);
}

void
call_log_clear(struct call_log *log)
{
    log->size = 0;
    log->end = log->allocated;
    log->closed = log->too_long = false;
}

void
call_log_close(struct call_log *log)
{
    log->end = log->size;
    log->closed = true;
}

bool
call_log_grow(struct call_log *log, size_t n)
{
    if (log->closed) {
        return false;
    }
    if (n > CALL_LOG_MAX - log->size) {
        call_log_close(log);
        log->too_long = true;
        return false;
    }
    log->allocated = MIN(MAX(MAX(SIZE_INITIAL, 2 * log->allocated),
                             log->size + n), CALL_LOG_MAX);
    log->data = xrealloc(log->data, log->allocated);
    log->end = log->allocated;
    return true;
}

void
call_put_ip(struct call_log *log, const struct vmn_ip *ip)
{
    call_put_u8(log, ip->family);
    call_put(log, ip->addr, sizeof ip->addr);
}

void
call_put_prefix(struct call_log *log, const struct vmn_prefix *prefix)
{
    call_put_ip(log, &prefix->ip);
    call_put_u8(log, prefix->len);
}

/* The final null is in the log, so that the text need not be copied out of
 * it. */
void
call_put_text(struct call_log *log, const char *s)
{
    size_t length = s ? strlen(s) : 0;

    if (!s) {
        call_put_u32(log, NO_TEXT);
    } else if (length >= CALL_LOG_MAX) {
        call_log_close(log);
        log->too_long = true;
    } else {
        call_put_u32(log, length);
        call_put(log, s, length + 1);
    }
}

/* Reading.  -------------------------------------------------------------- */

bool
call_take_bool(struct call_reader *r)
{
    uint8_t value = call_take_u8(r);

    r->bad |= value > 1;
    return value == 1;
}

struct vmn_ip
call_take_ip(struct call_reader *r)
{
    struct vmn_ip ip;
    size_t n;

    ip.family = call_take_u8(r);
    call_take(r, ip.addr, sizeof ip.addr);
    n = ip.family == 4 ? 4 : ip.family == 6 ? 16 : 0;
    if (ip.family && !n) {
        r->bad = true;
        ip.family = 0;
    }
    memset(ip.addr + n, 0, sizeof ip.addr - n);
    return ip;
}

struct vmn_prefix
call_take_prefix(struct call_reader *r)
{
    struct vmn_prefix prefix;

    prefix.ip = call_take_ip(r);
    prefix.len = call_take_u8(r);
    if (prefix.len > vmn_ip_bits(&prefix.ip)) {
        r->bad = true;
        prefix.len = 0;
    }
    return prefix;
}

const void *
call_take_bytes(struct call_reader *r, size_t n)
{
    const uint8_t *p = r->p;

    if (n > (size_t) (r->end - r->p)) {
        r->p = r->end;
        r->bad = true;
        return NULL;
    }
    r->p += n;
    return p;
}

/* Returns true for UTF-8 without control characters (text_is_control()): texts
 * get into messages for people, and into JSON. */
static bool
is_text(const char *s, size_t length)
{
    bool control = false;
    uint8_t bits = 0;

    for (size_t i = 0; i < length; i++) {
        uint8_t c = s[i];

        control |= c < 0x20 || c == 0x7f;
        bits |= c;
    }
    if (control) {
        return false;
    }
    if (bits & 0x80) {
        size_t valid;
        char *error = utf8_validate(s, &valid);

        free(error);
        control = error != NULL;
        for (size_t i = 0; i < length; i++) {
            control |= text_is_control(s + i);
        }
    }
    return !control;
}

const char *
call_take_text(struct call_reader *r)
{
    uint32_t length = call_take_u32(r);
    const char *s;

    if (length == NO_TEXT || r->bad) {
        return NULL;
    }
    s = length <= CALL_TEXT_MAX ? call_take_bytes(r, length + 1) : NULL;
    if (!s || s[length] || !is_text(s, length)) {
        r->bad_text = s != NULL || length > CALL_TEXT_MAX;
        r->bad = true;
        return NULL;
    }
    return s;
}
