# The plugin ABI: the headers that an app author reads.
vmnincludedir = $(includedir)/vmn
vmninclude_HEADERS = \
	include/vmn/app.h \
	include/vmn/bytes.h \
	include/vmn/dhcp.h \
	include/vmn/dns.h \
	include/vmn/flow.h \
	include/vmn/packet.h \
	include/vmn/own-types.h \
	include/vmn/probes.h \
	include/vmn/requests.h \
	include/vmn/rows-balancers.h \
	include/vmn/rows-observed.h \
	include/vmn/rows.h \
	include/vmn/text.h \
	include/vmn/types.h \
	include/vmn/vocabulary.h
pkgconfig_DATA += include/vmn/vmn-app.pc
