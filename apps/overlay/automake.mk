# overlay
app_LTLIBRARIES += apps/overlay/overlay.la
apps_overlay_overlay_la_SOURCES = \
	apps/overlay/address-pairs.c \
	apps/overlay/announcement.c \
	apps/overlay/arp-responder.c \
	apps/overlay/claimed-addresses.c \
	apps/overlay/dhcp-ra-guard.c \
	apps/overlay/flood.c \
	apps/overlay/function-port.c \
	apps/overlay/group-frames.c \
	apps/overlay/isolated-ports.c \
	apps/overlay/link-local.c \
	apps/overlay/mac-learning.c \
	apps/overlay/migration.c \
	apps/overlay/multicast-guard.c \
	apps/overlay/nd-port-security.c \
	apps/overlay/nd-responder.c \
	apps/overlay/overlay.c \
	apps/overlay/overlay.h \
	apps/overlay/path-flows.c \
	apps/overlay/port-security.c \
	apps/overlay/port.c \
	apps/overlay/provider.c \
	apps/overlay/transit.c \
	apps/overlay/trunk.c \
	apps/overlay/tunnel-mtu.c \
	apps/overlay/tunnels.c \
	apps/overlay/unaddressed.c
apps_overlay_overlay_la_CFLAGS = $(APPS_C)
apps_overlay_overlay_la_CPPFLAGS = $(APPS_CPP)
apps_overlay_overlay_la_LDFLAGS = $(APPS_LD)
