# dns
app_LTLIBRARIES += apps/dns/dns.la
apps_dns_dns_la_SOURCES = \
	apps/dns/dns-app.h \
	apps/dns/dns-lookup.c \
	apps/dns/dns-query.c \
	apps/dns/dns.c
apps_dns_dns_la_CFLAGS = $(APPS_C)
apps_dns_dns_la_CPPFLAGS = $(APPS_CPP)
apps_dns_dns_la_LDFLAGS = $(APPS_LD)
