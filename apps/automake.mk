# Apps: loadable modules against include/vmn only.
APPS_C = -std=gnu11 $(VMN_WARN) $(VMN_SAN)
APPS_CPP = -I$(srcdir)/include
APPS_LD = -module -avoid-version -shared $(VMN_SAN)
include apps/chains/automake.mk
include apps/dhcp/automake.mk
include apps/dns/automake.mk
include apps/metadata/automake.mk
include apps/mirrors/automake.mk
include apps/monitors/automake.mk
include apps/multicast/automake.mk
include apps/overlay/automake.mk
include apps/paths/automake.mk
include apps/qos/automake.mk
include apps/firewall/automake.mk
include apps/loadbalancer/automake.mk
include apps/gateway/automake.mk
include apps/router/automake.mk
include apps/traffic/automake.mk
include apps/example/automake.mk
