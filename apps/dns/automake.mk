# dns
app_LTLIBRARIES += apps/dns/dns.la
apps_dns_dns_la_SOURCES = \
	apps/dns/answer.c \
	apps/dns/dns.c \
	apps/dns/dns.h
apps_dns_dns_la_CFLAGS = $(APPS_C)
apps_dns_dns_la_CPPFLAGS = $(APPS_CPP)
apps_dns_dns_la_LDFLAGS = $(APPS_LD)
