# overlay
app_LTLIBRARIES += apps/overlay/overlay.la
apps_overlay_overlay_la_SOURCES = \
	apps/overlay/allowed.c \
	apps/overlay/claims.c \
	apps/overlay/fabric.c \
	apps/overlay/flood.c \
	apps/overlay/large.c \
	apps/overlay/nd.c \
	apps/overlay/overlay.c \
	apps/overlay/outside.c \
	apps/overlay/overlay.h \
	apps/overlay/port.c \
	apps/overlay/served.c \
	apps/overlay/text.c \
	apps/overlay/nested.c \
	apps/overlay/trunk.c \
	apps/overlay/wire.c
apps_overlay_overlay_la_CFLAGS = $(APPS_C)
apps_overlay_overlay_la_CPPFLAGS = $(APPS_CPP)
apps_overlay_overlay_la_LDFLAGS = $(APPS_LD)
