# router
app_LTLIBRARIES += apps/router/router.la
apps_router_router_la_SOURCES = \
	apps/router/answer.c \
	apps/router/domain.c \
	apps/router/error.c \
	apps/router/fit.c \
	apps/router/frame.c \
	apps/router/interface.c \
	apps/router/neighbour.c \
	apps/router/outside.c \
	apps/router/route.c \
	apps/router/router.c \
	apps/router/router.h
apps_router_router_la_CFLAGS = $(APPS_C)
apps_router_router_la_CPPFLAGS = $(APPS_CPP)
apps_router_router_la_LDFLAGS = $(APPS_LD)
