# controller/fqdn
controller_libvmn_a_SOURCES += \
	controller/fqdn/fqdn-addresses.c \
	controller/fqdn/fqdn-addresses.h \
	controller/fqdn/fqdn-asker.c \
	controller/fqdn/fqdn-learned-rows.c \
	controller/fqdn/fqdn-learned.c \
	controller/fqdn/fqdn-rows.c \
	controller/fqdn/fqdn-rows.h \
	controller/fqdn/fqdns-private.h \
	controller/fqdn/fqdns.c \
	controller/fqdn/fqdns.h
