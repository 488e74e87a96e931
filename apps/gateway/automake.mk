# gateway
app_LTLIBRARIES += apps/gateway/gateway.la
apps_gateway_gateway_la_SOURCES = \
	apps/gateway/active-gateway.c \
	apps/gateway/announcements.c \
	apps/gateway/failover.c \
	apps/gateway/external-arp.c \
	apps/gateway/external-frame.c \
	apps/gateway/external-nd.c \
	apps/gateway/floating-ip.c \
	apps/gateway/floating-vip.c \
	apps/gateway/gateway-context.c \
	apps/gateway/gateway.c \
	apps/gateway/gateway.h \
	apps/gateway/gone.c \
	apps/gateway/gratuitous-arp.c \
	apps/gateway/inbound.c \
	apps/gateway/migrating.c \
	apps/gateway/neighbour-resolution.c \
	apps/gateway/outbound.c \
	apps/gateway/snat.c \
	apps/gateway/watched-hosts.c
apps_gateway_gateway_la_CFLAGS = $(APPS_C)
apps_gateway_gateway_la_CPPFLAGS = $(APPS_CPP)
apps_gateway_gateway_la_LDFLAGS = $(APPS_LD)
