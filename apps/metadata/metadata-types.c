/* SPDX-License-Identifier: Apache-2.0
 *
 * The types of the metadata app, what is checked of their objects, and which
 * ports these are for.  Not for what a port is told of several
 * (metadata-told.c). */

#include "metadata.h"

/* Checks.  ---------------------------------------------------------------- */

/* A name of one or several labels (RFC 1123, section 2.1). */
static bool
is_hostname(const char *text)
{
    size_t len = 0;
    char last = '.';

    for (const char *p = text; *p; last = *p++) {
        bool alnum = ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')
                      || (*p >= '0' && *p <= '9'));

        if (*p == '.') {
            if (last == '.' || last == '-') {
                return false;
            }
            len = 0;
        } else if ((!alnum && (*p != '-' || last == '.')) || ++len > 63) {
            return false;
        }
    }
    return last != '.' && last != '-';
}

static bool
is_line(const char *text)
{
    for (const char *p = text; *p; p++) {
        if ((unsigned char) *p < ' ' || *p == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool
is_base64(const char *text)
{
    size_t len = strlen(text);
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
                      "xyz0123456789+/");
    size_t padding = strspn(text + n, "=");

    return n + padding == len && !(len % 4) && padding <= 2;
}

static void
check_vm(const struct metadata *row, struct vmn_check *check)
{
    if (!row->n_ports == !row->selector.text) {
        vmn_check_fail(check, "/ports", "an object has either ports, those of "
                       "one VM, or a selector");
    }
    if (!row->n_ports && row->instance_id) {
        vmn_check_fail(check, "/instance_id", "is of one VM, so the object "
                       "needs ports");
    }
    if (!row->n_ports && row->hostname) {
        vmn_check_fail(check, "/hostname", "is of one VM, so the object needs "
                       "ports");
    }
    if (row->hostname && !is_hostname(row->hostname)) {
        vmn_check_fail(check, "/hostname", "must be a host name: letters, "
                       "digits and hyphens, in labels of 1 to 63 characters "
                       "with dots between them");
    }
    if (row->instance_id && !is_line(row->instance_id)) {
        vmn_check_fail(check, "/instance_id", "must be one line, without "
                       "control characters");
    }
}

static size_t
text_size(const char *text)
{
    return text ? strlen(text) : 0;
}

size_t
metadata_size(const struct metadata *row)
{
    size_t size = (text_size(row->instance_id) + text_size(row->hostname)
                   + text_size(row->availability_zone)
                   + text_size(row->user_data) + text_size(row->vendor_data));

    for (size_t i = 0; i < row->n_ssh_keys; i++) {
        size += text_size(row->ssh_keys[i]);
    }
    for (size_t i = 0; i < row->n_attributes; i++) {
        size += (text_size(row->attributes[i].name)
                 + text_size(row->attributes[i].value));
    }
    return size;
}

static void
check_metadata(const void *row_, struct vmn_check *check)
{
    const struct metadata *row = (const struct metadata *) row_;

    check_vm(row, check);
    if (metadata_size(row) > OBJECT_SIZE_MAX) {
        vmn_check_fail(check, "/ssh_keys", "the texts of an object have at "
                       "most %d bytes together: these have %u",
                       OBJECT_SIZE_MAX, (unsigned) metadata_size(row));
    }
    if (row->availability_zone && !is_line(row->availability_zone)) {
        vmn_check_fail(check, "/availability_zone", "must be one line, "
                       "without control characters");
    }
    for (size_t i = 0; i < row->n_ssh_keys; i++) {
        if (!is_line(row->ssh_keys[i])) {
            vmn_check_fail(check, "/ssh_keys", "each must be one line, as in "
                           "authorized_keys(5)");
        }
    }
    for (size_t i = 0; i < row->n_attributes; i++) {
        if (!is_line(row->attributes[i].name)
            || strchr(row->attributes[i].name, '/')) {
            vmn_check_fail(check, "/attributes", "a name must have no \"/\" "
                           "and no control characters");
        }
    }
    if (row->user_data && row->user_data_encoding == ENCODING_BASE64
        && !is_base64(row->user_data)) {
        vmn_check_fail(check, "/user_data", "must be base64 (RFC 4648), in "
                       "one line");
    }
}

/* Types.  ----------------------------------------------------------------- */

static const char *const encodings[] = {
    [ENCODING_TEXT] = "text", [ENCODING_BASE64] = "base64", NULL,
};

static const char *const tokens[] = {
    [TOKENS_REQUIRED] = "required", [TOKENS_OPTIONAL] = "optional",
    [TOKENS_OFF] = "off", NULL,
};

static const struct vmn_struct_class attribute = {
    .name = "attribute", .size = sizeof(struct attribute),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(attribute, name), .type = VMN_FIELD_TEXT, .min = 1,
          .max = 255, .flags = VMN_FIELD_REQUIRED | VMN_FIELD_KEY,
          .doc = "Its name." },
        { VMN_FIELD(attribute, value), .type = VMN_FIELD_TEXT, .max = 1024,
          .flags = VMN_FIELD_REQUIRED, .doc = "Its value." },
        { .name = NULL },
    },
};

static const struct vmn_struct_class metadata = {
    .name = "metadata", .size = sizeof(struct metadata),
    .fields = (const struct vmn_field_class[]) {
        { VMN_LIST_FIELD(metadata, ports), .type = VMN_FIELD_REF,
          .ref = "ports", .flags = VMN_FIELD_SET, .max_items = 16,
          .doc = "The ports of one VM.  Each is told the whole." },
        { VMN_FIELD(metadata, selector), .type = VMN_FIELD_SELECTOR,
          .doc = "In place of `ports`: ports by their labels, whose VMs are "
                 "told what their own object does not say." },
        { VMN_FIELD(metadata, priority), .type = VMN_FIELD_INT, .min = 0,
          .max = PRIORITY_MAX, .def = PRIORITY_MAX / 2,
          .doc = "Of several objects that say something, the one with the "
                 "least is asked first, behind one that has the port in "
                 "`ports`; of equal ones the first by name." },
        { VMN_FIELD(metadata, instance_id), .type = VMN_FIELD_TEXT, .min = 1,
          .max = 255,
          .doc = "With another one, cloud-init takes the VM for a new one.  "
                 "Absent: the name of the object, or of the port." },
        { VMN_FIELD(metadata, hostname), .type = VMN_FIELD_TEXT, .min = 1,
          .max = 253,
          .doc = "Absent: the port's by DHCP, or the name of the port." },
        { VMN_FIELD(metadata, availability_zone), .type = VMN_FIELD_TEXT,
          .min = 1, .max = 255, .doc = "Where the VM is, for people." },
        { VMN_LIST_FIELD(metadata, ssh_keys), .type = VMN_FIELD_TEXT,
          .min = 1, .max = 16384, .max_items = 64, .flags = VMN_FIELD_LIST,
          .doc = "Who may log in: lines of authorized_keys(5)." },
        { VMN_FIELD(metadata, user_data), .type = VMN_FIELD_TEXT, .min = 1,
          .max = USER_DATA_MAX,
          .flags = VMN_FIELD_SECRET | VMN_FIELD_LINES,
          .doc = "What the VM is to do when it first starts: a cloud-config, "
                 "a script, and so on." },
        { VMN_FIELD(metadata, user_data_encoding), .type = VMN_FIELD_ENUM,
          .values = encodings, .def = ENCODING_TEXT,
          .doc = "base64: `user_data` is, of what the VM gets." },
        { VMN_FIELD(metadata, vendor_data), .type = VMN_FIELD_TEXT, .min = 1,
          .max = USER_DATA_MAX,
          .flags = VMN_FIELD_SECRET | VMN_FIELD_LINES,
          .doc = "The same of whoever runs the VM's platform: a cloud-config "
                 "or script that `user_data` may override." },
        { VMN_LIST_FIELD(metadata, attributes), .type = VMN_FIELD_STRUCT,
          .flags = VMN_FIELD_SET, .nested = &attribute, .max_items = 64,
          .doc = "Anything else, by name; those of several objects add up." },
        { .name = NULL },
    },
};

static const struct vmn_struct_class network = {
    .name = "network", .size = sizeof(struct metadata_network),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(metadata_network, network), .type = VMN_FIELD_REF,
          .ref = "networks", .flags = VMN_FIELD_REQUIRED,
          .doc = "Its ports are answered." },
        { VMN_FIELD(metadata_network, tokens), .type = VMN_FIELD_ENUM,
          .values = tokens, .def = TOKENS_REQUIRED,
          .doc = "Whether requests need a token, as EC2's IMDSv2 has it: "
                 "required: without one the answer is 401; optional: requests "
                 "without one are answered as well; off: no tokens are "
                 "given." },
        { .name = NULL },
    },
};

const struct vmn_type_class metadata_types[] = {
    { .name = "metadata", .singular = "metadata-object",
      .doc = "What VMs are told at 169.254.169.254.",
      .row = &metadata, .check = check_metadata, .max_objects = 20000 },
    { .name = "metadata-networks", .singular = "metadata-network",
      .doc = "Networks whose VMs are told, at 169.254.169.254 and "
             "fe80::a9fe:a9fe.",
      .row = &network },
    { .name = NULL },
};

/* Whom an object is for.  ------------------------------------------------- */

void
compile_metadata(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct metadata *row
        = (const struct metadata *) vmn_read(view, ROW_METADATA, key);

    const char *value;

    if (!row) {
        return;
    }
    value = vmn_printf(view, RANKED, row->priority, key,
                       (unsigned) metadata_size(row));
    for (size_t i = 0; i < row->n_ports; i++) {
        vmn_publish(emit, REL_OF_PORT, row->ports[i], value);
    }
    if (row->selector.text) {
        const char *label = vmn_selector_label(view, &row->selector);

        vmn_publish(emit, REL_OF_LABEL, label ? label : "", value);
    }
}
