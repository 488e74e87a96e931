# The lab, the systemd unit and other files for those who deploy.
labdir = $(pkgdatadir)/lab
labpackagedir = $(labdir)/vmnlab
dist_labpackage_DATA = \
	deploy/lab/vmnlab/__init__.py \
	deploy/lab/vmnlab/agent.py \
	deploy/lab/vmnlab/api.py \
	deploy/lab/vmnlab/cli.py \
	deploy/lab/vmnlab/cluster.py \
	deploy/lab/vmnlab/controllers.py \
	deploy/lab/vmnlab/daemon.py \
	deploy/lab/vmnlab/frames.py \
	deploy/lab/vmnlab/guest.py \
	deploy/lab/vmnlab/host.py \
	deploy/lab/vmnlab/lab.py \
	deploy/lab/vmnlab/libvirt.py \
	deploy/lab/vmnlab/machine.py \
	deploy/lab/vmnlab/migration.py \
	deploy/lab/vmnlab/netns.py \
	deploy/lab/vmnlab/page.py \
	deploy/lab/vmnlab/outside.py \
	deploy/lab/vmnlab/qemu.py \
	deploy/lab/vmnlab/stream.py \
	deploy/lab/vmnlab/table.py \
	deploy/lab/vmnlab/traffic.py \
	deploy/lab/vmnlab/vm.py

# What guests boot is made where it is needed, of these.
labguestdir = $(labdir)/guest
dist_labguest_SCRIPTS = \
	deploy/lab/guest/dhcpcd-event \
	deploy/lab/guest/image \
	deploy/lab/guest/init \
	deploy/lab/guest/kernel-package
dist_labguest_DATA = deploy/lab/guest/dhcpcd.conf deploy/lab/guest/talk.c

dist_lab_DATA = deploy/lab/shop.py deploy/lab/shop.yaml deploy/lab/street.yaml

# The installed command knows where its parts are.
bin_SCRIPTS = vmn-lab
vmn-lab: deploy/lab/vmn-lab Makefile
	$(AM_V_GEN)sed -e 's|@labdir[@]|$(labdir)|' \
	  $(srcdir)/deploy/lab/vmn-lab > $@.tmp \
	  && chmod +x $@.tmp && mv $@.tmp $@
EXTRA_DIST += deploy/lab/vmn-lab

# The certificate authority, under the name that people call it by.
bin_SCRIPTS += vmn-pki
vmn-pki: deploy/pki
	$(AM_V_GEN)cp $(srcdir)/deploy/pki $@.tmp && chmod +x $@.tmp \
	  && mv $@.tmp $@
EXTRA_DIST += deploy/pki
CLEANFILES += vmn-pki
CLEANFILES += vmn-lab
dist_man_MANS += docs/man/vmn-lab.1

# The daemon's unit with its user, and a configuration with every option.
systemdsystemunit_DATA = vmnd.service
vmnd.service: deploy/systemd/vmnd.service.in Makefile
	$(AM_V_GEN)sed -e 's|@sbindir[@]|$(sbindir)|g' \
	  -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	  $(srcdir)/deploy/systemd/vmnd.service.in > $@.tmp && mv $@.tmp $@
# The server of a cluster's database.
systemdsystemunit_DATA += vmn-ovsdb.service
vmn-ovsdb.service: deploy/systemd/vmn-ovsdb.service.in Makefile
	$(AM_V_GEN)sed -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	  $(srcdir)/deploy/systemd/vmn-ovsdb.service.in > $@.tmp \
	  && mv $@.tmp $@
EXTRA_DIST += deploy/systemd/vmn-ovsdb.service.in
CLEANFILES += vmn-ovsdb.service
# What makes a machine a member of a cluster.
sbin_SCRIPTS = vmn-cluster
vmn-cluster: deploy/cluster deploy/cluster-end
	$(AM_V_GEN)sed '/^# deploy\/cluster-end is put here/r '\
	$(srcdir)/deploy/cluster-end $(srcdir)/deploy/cluster >$@.tmp \
	&& chmod +x $@.tmp && mv $@.tmp $@
EXTRA_DIST += deploy/cluster deploy/cluster-end
CLEANFILES += vmn-cluster
# Its backups: a program, and a timer to be enabled.
sbin_SCRIPTS += vmn-backup
vmn-backup: deploy/backup
	$(AM_V_GEN)cp $(srcdir)/deploy/backup $@.tmp && chmod +x $@.tmp \
	  && mv $@.tmp $@
systemdsystemunit_DATA += vmn-backup.service deploy/systemd/vmn-backup.timer
vmn-backup.service: deploy/systemd/vmn-backup.service.in Makefile
	$(AM_V_GEN)sed -e 's|@sbindir[@]|$(sbindir)|g' \
	  $(srcdir)/deploy/systemd/vmn-backup.service.in > $@.tmp \
	  && mv $@.tmp $@
EXTRA_DIST += deploy/backup deploy/systemd/vmn-backup.service.in \
	deploy/systemd/vmn-backup.timer
CLEANFILES += vmn-backup vmn-backup.service
sysusersdir = $(prefix)/lib/sysusers.d
dist_sysusers_DATA = deploy/systemd/vmn.conf
exampledir = $(docdir)/examples
example_DATA = vmnd.json
vmnd.json: deploy/vmnd.json.in Makefile
	$(AM_V_GEN)sed -e 's|@appdir[@]|$(appdir)|g' \
	  $(srcdir)/deploy/vmnd.json.in > $@.tmp && mv $@.tmp $@
EXTRA_DIST += deploy/systemd/vmnd.service.in deploy/vmnd.json.in \
	deploy/quickstart
CLEANFILES += vmnd.service vmnd.json
libvirtdir = $(exampledir)/libvirt
dist_libvirt_DATA = \
	deploy/libvirt/network.xml \
	deploy/libvirt/web1.xml \
	deploy/libvirt/web1.yaml
# Proxmox VE's: a folder to be copied to its nodes as it is.
proxmoxdir = $(exampledir)/proxmox
proxmoxvmndir = $(proxmoxdir)/perl/VMN
proxmoxsdndir = $(proxmoxdir)/perl/PVE/Network/SDN
proxmoxzonesdir = $(proxmoxsdndir)/Zones
dist_proxmox_SCRIPTS = deploy/proxmox/install deploy/proxmox/vmn-proxmox
dist_proxmox_DATA = \
	deploy/proxmox/vmn-proxmox.service \
	deploy/proxmox/vmn-proxmox.timer
dist_proxmoxvmn_DATA = \
	deploy/proxmox/perl/VMN/Client.pm \
	deploy/proxmox/perl/VMN/Proxmox.pm
dist_proxmoxsdn_DATA = deploy/proxmox/perl/PVE/Network/SDN/Zones.pm
dist_proxmoxzones_DATA = \
	deploy/proxmox/perl/PVE/Network/SDN/Zones/VmnPlugin.pm
neutrondir = $(pkgdatadir)/neutron
dist_neutron_DATA = \
	deploy/neutron/pyproject.toml \
	deploy/neutron/setup.cfg
neutronpackagedir = $(neutrondir)/vmn_neutron
dist_neutronpackage_DATA = \
	deploy/neutron/vmn_neutron/__init__.py \
	deploy/neutron/vmn_neutron/client.py \
	deploy/neutron/vmn_neutron/driver.py \
	deploy/neutron/vmn_neutron/router.py \
	deploy/neutron/vmn_neutron/settings.py \
	deploy/neutron/vmn_neutron/source.py \
	deploy/neutron/vmn_neutron/spool.py \
	deploy/neutron/vmn_neutron/sync.py \
	deploy/neutron/vmn_neutron/translate.py \
	deploy/neutron/vmn_neutron/worker.py
autoscaledir = $(exampledir)/autoscale
dist_autoscale_SCRIPTS = deploy/autoscale/autoscale
monitoringdir = $(exampledir)/monitoring
dist_monitoring_DATA = \
	deploy/monitoring/alertmanager.yml \
	deploy/monitoring/prometheus.yml \
	deploy/monitoring/vmn-alerts-test.yml \
	deploy/monitoring/vmn-alerts.yml \
	deploy/monitoring/vmn-dashboard.json
dist_man_MANS += docs/man/vmnd.8 docs/man/vmn_app.7

# For hypervisors; Debian packages; a container.
EXTRA_DIST += \
	.containerignore \
	.dockerignore \
	deploy/container/Containerfile \
	deploy/debian/changelog \
	deploy/debian/control \
	deploy/debian/copyright \
	deploy/debian/rules \
	deploy/debian/source/format \
	deploy/debian/vmn-ansible.install \
	deploy/debian/vmn-dev.install \
	deploy/debian/vmn-dev.manpages \
	deploy/debian/vmn-lab.install \
	deploy/debian/vmn-lab.manpages \
	deploy/debian/vmn-lab.prerm \
	deploy/debian/vmn.install \
	deploy/debian/vmn.manpages \
	deploy/debian/vmn.postinst \
	deploy/debian/vmn.postrm \
	deploy/debian/vmnctl.install \
	deploy/debian/vmnctl.manpages \
	deploy/host-join \
	deploy/package
