# multicast: not one of those that vmnd has by itself.
app_LTLIBRARIES += apps/multicast/multicast.la
apps_multicast_multicast_la_SOURCES = \
	apps/multicast/copies.c \
	apps/multicast/group-message.c \
	apps/multicast/group-message.h \
	apps/multicast/members.c \
	apps/multicast/multicast.c \
	apps/multicast/multicast.h \
	apps/multicast/physical-network.c \
	apps/multicast/querier.c \
	apps/multicast/snooping.c
apps_multicast_multicast_la_CFLAGS = $(APPS_C)
apps_multicast_multicast_la_CPPFLAGS = $(APPS_CPP)
apps_multicast_multicast_la_LDFLAGS = $(APPS_LD)
EXTRA_DIST += apps/multicast/multicast-test.yaml
