# The lab, the systemd unit and other files for those who deploy.
