# router
app_LTLIBRARIES += apps/router/router.la
apps_router_router_la_SOURCES = \
	apps/router/arp-nd.c \
	apps/router/external-route.c \
	apps/router/hop-limit.c \
	apps/router/icmp-error.c \
	apps/router/interface.c \
	apps/router/martian-drop.c \
	apps/router/mtu-check.c \
	apps/router/neighbour-table.c \
	apps/router/original-packet.c \
	apps/router/ping-reply.c \
	apps/router/route.c \
	apps/router/router.c \
	apps/router/router.h \
	apps/router/routing-domain.c
apps_router_router_la_CFLAGS = $(APPS_C)
apps_router_router_la_CPPFLAGS = $(APPS_CPP)
apps_router_router_la_LDFLAGS = $(APPS_LD)
