# gateway
app_LTLIBRARIES += apps/gateway/gateway.la
apps_gateway_gateway_la_SOURCES = \
	apps/gateway/announce.c \
	apps/gateway/balanced.c \
	apps/gateway/floating.c \
	apps/gateway/gateway.c \
	apps/gateway/gateway.h \
	apps/gateway/in.c \
	apps/gateway/nd.c \
	apps/gateway/out.c \
	apps/gateway/site.c \
	apps/gateway/wire.c
apps_gateway_gateway_la_CFLAGS = $(APPS_C)
apps_gateway_gateway_la_CPPFLAGS = $(APPS_CPP)
apps_gateway_gateway_la_LDFLAGS = $(APPS_LD)
