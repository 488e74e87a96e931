# The lab, the systemd unit and other files for those who deploy.
labdir = $(pkgdatadir)/lab
labpackagedir = $(labdir)/vmnlab
dist_labpackage_DATA = \
	deploy/lab/vmnlab/__init__.py \
	deploy/lab/vmnlab/api.py \
	deploy/lab/vmnlab/cli.py \
	deploy/lab/vmnlab/daemon.py \
	deploy/lab/vmnlab/frames.py \
	deploy/lab/vmnlab/host.py \
	deploy/lab/vmnlab/lab.py \
	deploy/lab/vmnlab/netns.py \
	deploy/lab/vmnlab/table.py \
	deploy/lab/vmnlab/traffic.py \
	deploy/lab/vmnlab/vm.py

dist_lab_DATA = deploy/lab/shop.py deploy/lab/shop.yaml

# The installed command knows where its parts are.
bin_SCRIPTS = vmn-lab
vmn-lab: deploy/lab/vmn-lab Makefile
	$(AM_V_GEN)sed -e 's|@labdir[@]|$(labdir)|' $(srcdir)/deploy/lab/vmn-lab \
	  > $@.tmp && chmod +x $@.tmp && mv $@.tmp $@
EXTRA_DIST += deploy/lab/vmn-lab
CLEANFILES += vmn-lab
dist_man_MANS += docs/man/vmn-lab.1
