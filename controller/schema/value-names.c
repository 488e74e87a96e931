/* SPDX-License-Identifier: Apache-2.0
 *
 * Validates names, label keys and remotes; see value.h. */

#include <config.h>

#include "controller/schema/value.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/text/quoted-text.h"
#include "unicode.h"
#include "util.h"
#include "vmn/rows.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Returns true if the 'len' characters at 'text' are all in 'set'. */
static bool
all_of(const char *text, size_t len, const char *set)
{
    for (size_t i = 0; i < len; i++) {
        if (!text[i] || !strchr(set, text[i])) {
            return false;
        }
    }
    return true;
}

static bool
one_of(char c, const char *set)
{
    return all_of(&c, 1, set);
}

static bool
is_name(const char *text, size_t len)
{
    return len >= 1 && len <= VMN_NAME_LEN
           && all_of(text, len, LOWER DIGITS ".-")
           && one_of(text[0], LOWER DIGITS)
           && one_of(text[len - 1], LOWER DIGITS);
}

int
value_check_name(const char *text, struct vmn_error *error)
{
    return is_name(text, strlen(text)) ? 0
           : vmn_error_invalid(error,
                               "must be a name: 1 to 63 of a-z, 0-9, '-' "
                               "and '.', with a letter or digit at both ends");
}

int
value_check_field_name(const char *text, struct vmn_error *error)
{
    size_t len = strlen(text);

    return (len >= 1 && len <= 31 && one_of(text[0], LOWER)
            && all_of(text, len, LOWER DIGITS "_") ? 0
            : vmn_error_invalid(error, "must be the name of a field: 1 to 31 "
                                "of a-z, 0-9 and '_', with a letter first"));
}

static bool
is_iface_id(const char *text)
{
    size_t len = strlen(text);

    return len >= 1 && len <= VMN_NAME_LEN
           && all_of(text, len, LOWER UPPER DIGITS "._-");
}

int
value_check_iface_id(const char *text, struct vmn_error *error)
{
    return is_iface_id(text) ? 0
           : vmn_error_invalid(error,
                               "must be an interface id: 1 to 63 of A-Z, "
                               "a-z, 0-9, '.', '_' and '-'");
}

static bool
is_physical(const char *text)
{
    size_t len = strlen(text);

    return len <= VALUE_PHYSICAL_LEN && is_name(text, len);
}

int
value_check_physical(const char *text, struct vmn_error *error)
{
    return is_physical(text) ? 0
           : vmn_error_invalid(error,
                               "must be the name of a physical network: 1 "
                               "to 32 of a-z, 0-9, '-' and '.', with a "
                               "letter or digit at both ends");
}

static bool
is_vif_iface_id(const char *text)
{
    return (text[0] == '@' ? is_physical(text + 1)
            : text[0] == '=' || text[0] == '+'
            ? is_name(text + 1, strlen(text + 1))
            : text[0] == '~' ? is_iface_id(text + 1)
            : is_iface_id(text));
}

int
value_check_vif_iface_id(const char *text, struct vmn_error *error)
{
    return is_vif_iface_id(text) ? 0
           : vmn_error_invalid(error,
                               "must be an interface id, or \"@\" and the "
                               "name of a physical network, or \"=\" and "
                               "that of a host, or \"+\" and a type of "
                               "tunnels, or \"~\" and the name of an "
                               "interface for copies");
}

int
value_check_datapath_id(const char *text, struct vmn_error *error)
{
    size_t len = strlen(text);

    return (len == 16 && all_of(text, len, DIGITS "abcdef")
            && strspn(text, "0") < len ? 0
            : vmn_error_invalid(error,
                                "must be 16 hexadecimal digits, not all of "
                                "them 0"));
}

int
value_check_vif_name(const char *text, struct vmn_error *error)
{
    const char *slash = strchr(text, '/');

    return slash && is_name(text, slash - text) && is_vif_iface_id(slash + 1)
           ? 0 : vmn_error_invalid(error, "must be HOST/IFACE-ID");
}

int
value_check_health_name(const char *text, struct vmn_error *error)
{
    const char *slash = strchr(text, '/');

    text += text[0] == '@';
    return slash && is_name(text, slash - text)
           && is_name(slash + 1, strlen(slash + 1))
           ? 0 : vmn_error_invalid(error, "must be BALANCER/PORT or "
                                   "@TARGET/PORT");
}

/* Returns true if all of 'text' is visible ASCII. */
static bool
is_visible(const char *text)
{
    for (; *text; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

int
value_check_http_path(const char *text, struct vmn_error *error)
{
    return text[0] == '/' && is_visible(text)
           ? 0 : vmn_error_invalid(error,
                                   "must begin with \"/\", and have no "
                                   "spaces and nothing but ASCII");
}

int
value_check_http_host(const char *text, struct vmn_error *error)
{
    return text[0] && is_visible(text) && !strpbrk(text, "/?#@\"")
           ? 0 : vmn_error_invalid(error, "must be a host, or HOST:PORT");
}

int
value_check_http_url(const char *text, struct vmn_error *error)
{
    const char *rest = !strncmp(text, "http://", 7) ? text + 7
                       : !strncmp(text, "https://", 8) ? text + 8 : "";
    size_t host = strcspn(rest, "/?#");

    return host && rest[0] != ':' && is_visible(text)
           && !memchr(rest, '@', host) && !strchr(rest, '#')
           ? 0 : vmn_error_invalid(error,
                                   "must be http://HOST[:PORT]/... or "
                                   "https://..., without a user and without "
                                   "\"#\"");
}

/* Checks a name of an interface.  'what' has its article. */
static int
check_link(const char *text, const char *what, struct vmn_error *error)
{
    size_t len = strlen(text);

    return len >= 1 && len <= 15 && one_of(text[0], LOWER UPPER DIGITS)
           && all_of(text, len, LOWER UPPER DIGITS "._-")
           ? 0 : vmn_error_invalid(error,
                                   "must be the name of %s: 1 to 15 "
                                   "of A-Z, a-z, 0-9, '.', '_' and "
                                   "'-', with a letter or digit first", what);
}

int
value_check_bridge(const char *text, struct vmn_error *error)
{
    return check_link(text, "a bridge", error);
}

int
value_check_interface(const char *text, struct vmn_error *error)
{
    return check_link(text, "an interface", error);
}

/* Returns true for "HOST:PORT"; HOST may be an IPv6 address in brackets. */
static bool
is_host_port(const char *text)
{
    const char *colon = strrchr(text, ':');

    if (!colon) {
        return false;
    }

    size_t host_len = colon - text;
    size_t port_len = strlen(colon + 1);
    bool host_ok;

    if (text[0] == '[') {
        host_ok = host_len >= 4 && text[host_len - 1] == ']'
                  && all_of(text + 1, host_len - 2,
                            DIGITS "abcdefABCDEF:.");
    } else {
        host_ok = host_len >= 1 && host_len <= 253
                  && all_of(text, host_len, LOWER UPPER DIGITS ".-");
    }
    return host_ok && port_len >= 1 && port_len <= 5
           && all_of(colon + 1, port_len, DIGITS) && colon[1] != '0'
           && atoi(colon + 1) <= 65535;
}

int
value_check_ovsdb(const char *text, struct vmn_error *error)
{
    if (!strcmp(text, "inbound")) {
        return 0;
    }
    if (!strncmp(text, "tcp:", 4) || !strncmp(text, "ssl:", 4)) {
        return is_host_port(text + 4) ? 0
               : vmn_error_invalid(error, "must be \"%.4sHOST:PORT\"", text);
    }
    if (!strncmp(text, "unix:", 5)) {
        /* sun_path has room for 107 characters. */
        return text[5] == '/' && strlen(text + 5) <= 107 ? 0
               : vmn_error_invalid(error,
                                   "must be \"unix:/PATH\" with a path of "
                                   "at most 107 characters");
    }
    return vmn_error_invalid(error,
                             "must be \"tcp:HOST:PORT\", \"ssl:HOST:PORT\", "
                             "\"unix:/PATH\" or \"inbound\"");
}

static bool
is_domain(const char *text)
{
    if (strlen(text) > VALUE_DOMAIN_LEN) {
        return false;
    }
    for (;;) {
        size_t len = strcspn(text, ".");

        if (!len || len > 63 || !all_of(text, len, LOWER UPPER DIGITS "-_")
            || text[0] == '-' || text[len - 1] == '-') {
            return false;
        }
        if (!text[len]) {
            return true;
        }
        text += len + 1;
    }
}

int
value_check_domain(const char *text, struct vmn_error *error)
{
    return is_domain(text) ? 0
           : vmn_error_invalid(error,
                               "must be a domain name: parts of 1 to 63 of "
                               "A-Z, a-z, 0-9, '-' and '_', with dots "
                               "between them");
}

int
value_check_lower_domain(const char *text, struct vmn_error *error)
{
    return is_domain(text) && !text[strcspn(text, UPPER)] ? 0
           : vmn_error_invalid(error,
                               "must be a domain name: parts of 1 to 63 of "
                               "a-z, 0-9, '-' and '_', with dots between "
                               "them");
}

const char *const value_fqdn_states[] = {
    [VMN_FQDN_RESOLVED] = "resolved",
    [VMN_FQDN_NO_ADDRESS] = "no_address",
    [VMN_FQDN_NO_NAME] = "no_name",
    [VMN_FQDN_FAILING] = "failing",
    [VMN_FQDN_LIMITED] = "limited",
    NULL,
};

bool
value_fqdn_is_wildcard(const char *text)
{
    return *text == '*';
}

/* Returns the name in "*.NAME" and "**.NAME", or all of it. */
static const char *
skip_wildcard(const char *text)
{
    return text + (!strncmp(text, "*.", 2) ? 2
                   : !strncmp(text, "**.", 3) ? 3 : 0);
}

int
value_check_fqdn(const char *text, struct vmn_error *error)
{
    const char *last;

    if (strlen(text) > VALUE_DOMAIN_LEN) {
        return vmn_error_invalid(error, "must not be longer than %d",
                                 VALUE_DOMAIN_LEN);
    }
    text = skip_wildcard(text);
    last = strrchr(text, '.');
    if (strchr(text, '*')) {
        return vmn_error_invalid(error, "must have a wildcard as its first "
                                 "part or none: \"*.example.com\" for the "
                                 "names with one part before, "
                                 "\"**.example.com\" for those with any "
                                 "number");
    }
    for (const char *p = text; *p; p++) {
        if ((unsigned char) *p >= 0x80) {
            return vmn_error_invalid(error, "must be written as DNS has it: "
                                     "parts with other characters than ASCII "
                                     "begin with \"xn--\" (RFC 5890)");
        }
    }
    if (!is_domain(text) || text[strcspn(text, UPPER)] || !last) {
        return vmn_error_invalid(error, "must be a whole domain name: two or "
                                 "more parts of 1 to 63 of a-z, 0-9, '-' and "
                                 "'_', with dots between them and none at the "
                                 "end");
    }
    return last[1 + strspn(last + 1, DIGITS)] ? 0
           : vmn_error_invalid(error, "must be a name: an address is a "
                               "\"cidr\"");
}

/* Returns true for a label value, or the part of a key after its prefix. */
static bool
is_label_text(const char *text, size_t len)
{
    return len >= 1 && len <= VALUE_LABEL_VALUE_LEN
           && all_of(text, len, LOWER UPPER DIGITS "._-")
           && one_of(text[0], LOWER UPPER DIGITS)
           && one_of(text[len - 1], LOWER UPPER DIGITS);
}

int
value_check_label_key(const char *text, struct vmn_error *error)
{
    const char *slash = strchr(text, '/');
    const char *name = slash ? slash + 1 : text;
    size_t prefix_len = slash ? (size_t) (slash - text) : 0;

    return strlen(text) <= VALUE_LABEL_KEY_LEN
           && (!slash || is_name(text, prefix_len))
           && is_label_text(name, strlen(name)) ? 0
           : vmn_error_invalid(error,
                               "must be a label key, \"NAME\" or "
                               "\"PREFIX/NAME\": NAME has 1 to 63 of A-Z, "
                               "a-z, 0-9, '.', '_' and '-', PREFIX 1 to 63 "
                               "of a-z, 0-9, '-' and '.', each with a letter "
                               "or digit at both ends");
}

int
value_check_label_value(const char *text, struct vmn_error *error)
{
    size_t len = strlen(text);

    return !len || is_label_text(text, len) ? 0
           : vmn_error_invalid(error,
                               "must be a label value: up to 63 of A-Z, "
                               "a-z, 0-9, '.', '_' and '-', with a letter "
                               "or digit at both ends");
}

/* Parses "2027-01-31T12:00:00Z" into '*tm'. */
static bool
parse_time(const char *s, struct tm *tm)
{
    const char *end;

    memset(tm, 0, sizeof *tm);
    if (strlen(s) != VALUE_TIME_LEN) {
        return false;
    }
    end = strptime(s, "%Y-%m-%dT%H:%M:%SZ", tm);
    if (!end || *end) {
        return false;
    }

    /* A day that the month does not have (February the 30th) is normalised to
     * another. */
    struct tm again = *tm;
    timegm(&again);
    return again.tm_mday == tm->tm_mday && again.tm_hour == tm->tm_hour
           && again.tm_sec == tm->tm_sec;
}

int
value_check_time(const char *s, struct vmn_error *error)
{
    struct tm tm;

    return (parse_time(s, &tm) ? 0
            : vmn_error_invalid(error, "must be a time in UTC such as "
                                "\"2027-01-31T12:00:00Z\""));
}

int64_t
value_parse_time(const char *s)
{
    struct tm tm;

    return parse_time(s, &tm) ? timegm(&tm) : 0;
}

/* Returns -1 for what is no time of the day. */
static int
parse_time_of_day(const char *s)
{
    static const char digits[] = "0123456789";
    int minutes;

    if (strlen(s) != VALUE_TIME_OF_DAY_LEN || strspn(s, digits) != 2
        || s[2] != ':' || strspn(s + 3, digits) != 2 || s[3] > '5') {
        return -1;
    }
    minutes = 60 * atoi(s) + atoi(s + 3);
    return minutes <= 24 * 60 ? minutes : -1;
}

int
value_check_time_of_day(const char *s, struct vmn_error *error)
{
    return (parse_time_of_day(s) >= 0 ? 0
            : vmn_error_invalid(error, "must be a time of the day such as "
                                "\"08:00\", at most \"24:00\""));
}

int
value_parse_time_of_day(const char *s)
{
    return MAX(parse_time_of_day(s), 0);
}

/* As "Theory and pragmatics of the tz code and data" has names: parts of
 * letters, digits, '-', '+' and '_', the first of which is a capital (what is
 * not is no zone, or one that is there otherwise).  One part alone with digits
 * would be a rule of POSIX, such as "XYZ-3", of which the database has but
 * obsolete ones. */
int
value_check_time_zone(const char *s, struct vmn_error *error)
{
    bool ok = *s >= 'A' && *s <= 'Z' && strlen(s) <= VALUE_TIME_ZONE_LEN_MAX;

    for (const char *p = s; *p && ok; p++) {
        ok = (*p == '/' ? p[-1] != '/' && p[1]
              : strchr(LOWER UPPER DIGITS "-+_", *p) != NULL);
    }
    ok = ok && (strchr(s, '/') || !strpbrk(s, "0123456789"));
    return (ok ? 0
            : vmn_error_invalid(error, "must be a time zone of the IANA "
                                "database such as \"Europe/Berlin\""));
}

int
value_check_sha256(const char *s, struct vmn_error *error)
{
    return (strlen(s) == VALUE_SHA256_LEN
            && strspn(s, "0123456789abcdef") == VALUE_SHA256_LEN ? 0
            : vmn_error_invalid(error,
                                "must be 64 digits of lower-case "
                                "hexadecimal"));
}

/* Text for people.  ------------------------------------------------------- */

int
value_check_comment(const char *text, struct vmn_error *error)
{
    size_t size = strlen(text);

    if (!size || size > VALUE_COMMENT_SIZE) {
        return vmn_error_invalid(error, "must have 1 to %d bytes, not %"
                                 PRIuSIZE, VALUE_COMMENT_SIZE, size);
    }

    char *invalid = utf8_validate(text, &size);
    if (invalid) {
        free(invalid);
        return vmn_error_invalid(error, "must be UTF-8");
    }
    for (const char *c = text; *c; c++) {
        if (text_is_control(c)) {
            return vmn_error_invalid(
                error, "must not contain control characters, such as the "
                "one at byte %"PRIuSIZE, (size_t) (c - text));
        }
    }
    return 0;
}
