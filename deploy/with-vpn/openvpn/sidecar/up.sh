#!/bin/sh
# OpenVPN calls this when the tunnel stands. Its resolvers go to /etc/resolv.conf, which the containers of a Pod share:
# `pgw` reads from there where to ask for names outside the cluster.
env | sed -n 's/^foreign_option_[0-9]*=dhcp-option DNS /nameserver /p' >/etc/resolv.conf
