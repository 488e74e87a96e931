# metadata: not one of those that vmnd has by itself.
app_LTLIBRARIES += apps/metadata/metadata.la
apps_metadata_metadata_la_SOURCES = \
	apps/metadata/metadata-ec2.c \
	apps/metadata/metadata-http.c \
	apps/metadata/metadata-openstack.c \
	apps/metadata/metadata-told.c \
	apps/metadata/metadata-token.c \
	apps/metadata/metadata-types.c \
	apps/metadata/metadata.c \
	apps/metadata/metadata.h
apps_metadata_metadata_la_CFLAGS = $(APPS_C) $(JANSSON_CFLAGS) $(SSL_CFLAGS)
apps_metadata_metadata_la_CPPFLAGS = $(APPS_CPP)
apps_metadata_metadata_la_LDFLAGS = $(APPS_LD)
# Base64 is libcrypto's.
apps_metadata_metadata_la_LIBADD = $(JANSSON_LIBS) $(SSL_LIBS)
EXTRA_DIST += apps/metadata/metadata-test.yaml
