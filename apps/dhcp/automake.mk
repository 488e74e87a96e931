# dhcp
app_LTLIBRARIES += apps/dhcp/dhcp.la
apps_dhcp_dhcp_la_SOURCES = \
	apps/dhcp/advert.c \
	apps/dhcp/dhcp.c \
	apps/dhcp/dhcp.h \
	apps/dhcp/told.c \
	apps/dhcp/v4.c \
	apps/dhcp/v6.c
apps_dhcp_dhcp_la_CFLAGS = $(APPS_C)
apps_dhcp_dhcp_la_CPPFLAGS = $(APPS_CPP)
apps_dhcp_dhcp_la_LDFLAGS = $(APPS_LD)
