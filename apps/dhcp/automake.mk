# dhcp
app_LTLIBRARIES += apps/dhcp/dhcp.la
apps_dhcp_dhcp_la_SOURCES = \
	apps/dhcp/dhcp-app.h \
	apps/dhcp/dhcp-lease.c \
	apps/dhcp/dhcp-options.c \
	apps/dhcp/dhcp.c \
	apps/dhcp/dhcpv4-options.c \
	apps/dhcp/dhcpv4-options.h \
	apps/dhcp/dhcpv4.c \
	apps/dhcp/dhcpv6-options.c \
	apps/dhcp/dhcpv6-options.h \
	apps/dhcp/dhcpv6.c \
	apps/dhcp/router-advert.c
apps_dhcp_dhcp_la_CFLAGS = $(APPS_C)
apps_dhcp_dhcp_la_CPPFLAGS = $(APPS_CPP)
apps_dhcp_dhcp_la_LDFLAGS = $(APPS_LD)
