/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the metadata app share: its types, and what a port is
 * told. */

#ifndef APPS_METADATA_H
#define APPS_METADATA_H 1

#include <string.h>

#include "vmn/app.h"

struct json_t;

enum { STAGE_SERVER };

enum { HANDLER_NEIGHBOUR, HANDLER_HTTP, HANDLER_REFUSE };

/* The app's types, in their order. */
#define ROW_METADATA VMN_ROW_OWN(0)
#define ROW_NETWORK VMN_ROW_OWN(1)

/* Relation: port -> objects that list it. */
#define REL_OF_PORT "metadata.of-port"
/* Relation: a label that a port must have for an object's selector, "KEY" or
 * "KEY=VALUE", or "": none -> objects. */
#define REL_OF_LABEL "metadata.of-label"
/* Values of both are "PRIORITY NAME SIZE", the first of as many digits as keep
 * them in the order in which objects are asked; SIZE is metadata_size(). */
#define RANKED "%04d %s %u"
#define RANKED_NAME 5           /* Where the name begins. */

/* The bounds of what a request costs: objects that are read for its port, the
 * sum of their sizes, and those of them that apply. */
#define LOOKS_MAX 256
#define LOOKED_SIZE_MAX 524288
#define OBJECTS_MAX 64
#define ATTRIBUTES_MAX 256
#define OBJECT_SIZE_MAX 262144
#define USER_DATA_MAX 65536
#define PRIORITY_MAX 1000

enum encoding { ENCODING_TEXT, ENCODING_BASE64 };

/* Whether requests need a token. */
enum tokens { TOKENS_REQUIRED, TOKENS_OPTIONAL, TOKENS_OFF };

struct attribute {
    const char *name;
    const char *value;
};

/* An object of type "metadata": what a VM is told, or several are. */
struct metadata {
    struct vmn_object object;
    size_t n_ports;
    const char *const *ports;
    struct vmn_selector selector;
    int priority;
    const char *instance_id;
    const char *hostname;
    const char *availability_zone;
    size_t n_ssh_keys;
    const char *const *ssh_keys;
    const char *user_data;
    int user_data_encoding;     /* enum encoding. */
    const char *vendor_data;
    size_t n_attributes;
    const struct attribute *attributes;
};

/* An object of type "metadata-networks": where there is the service. */
struct metadata_network {
    struct vmn_object object;
    const char *network;
    int tokens;                 /* enum tokens. */
};

/* What a port is told, of all objects that apply to it. */
struct told {
    const struct vmn_port *port; /* That asks. */
    size_t n_ports;             /* Of the VM; it is one of them. */
    const struct vmn_port *const *ports;
    const char *instance_id;
    const char *hostname;
    const char *availability_zone; /* Or NULL. */
    size_t n_ssh_keys;
    const char *const *ssh_keys;
    const struct metadata *user_data; /* Whose user data it is, or NULL. */
    const char *vendor_data;    /* Or NULL. */
    size_t n_attributes;
    struct attribute attributes[ATTRIBUTES_MAX];
};

/* What is answered, with 'status' 200; texts are the view's. */
struct reply {
    unsigned status;
    const char *type;
    const char *body;
    size_t body_size;
    const char *token_ttl;      /* Of a token: its seconds; or NULL. */
};

/* metadata-types.c */
extern const struct vmn_type_class metadata_types[];
void compile_metadata(struct vmn_view *, const char *key, struct vmn_emit *);
/* Returns how many bytes of text the object has. */
size_t metadata_size(const struct metadata *);

/* metadata-told.c */
/* Fills in what 'port' is told. */
void metadata_tell(struct vmn_view *, const struct vmn_port *port,
                   struct told *);

/* Returns the subnet that an address of a port is in, or NULL. */
const struct vmn_subnet *metadata_subnet_of(const struct vmn_network *,
                                            const struct vmn_ip *);

/* metadata-openstack.c, metadata-ec2.c */
/* Answers for what is behind "/openstack"; and for anything else.  'path'
 * begins with "/", and has no empty segments but for one at its end. */
void openstack_get(struct vmn_view *, const struct told *, const char *path,
                   struct reply *);
void ec2_get(struct vmn_view *, const struct told *, const char *path,
             struct reply *);

/* metadata-http.c */
void handle_http(struct vmn_view *, const struct vmn_packet_in *,
                 struct vmn_packets_out *);
/* Set the reply to a text, or to JSON, of which it takes ownership. */
void reply_text(struct vmn_view *, const char *text, struct reply *);
void reply_json(struct vmn_view *, struct json_t *, struct reply *);
/* Sets it to user data, or to 404. */
void reply_user_data(struct vmn_view *, const struct told *, struct reply *);

/* metadata-token.c */
/* Writes a token that is good for 'ttl_s' seconds to 'text'. */
#define TOKEN_ROOM 40
#define TOKEN_TTL_MAX 21600
void token_make(const struct vmn_packet_in *, int64_t ttl_s,
                char text[TOKEN_ROOM]);
/* Returns true if the port that asks was given this token, and it is good. */
bool token_is_good(const struct vmn_packet_in *, const char *text);

#endif /* apps/metadata/metadata.h */
