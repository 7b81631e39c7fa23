"""`gate-server feed` with all its commands, which several modules hold."""

from __future__ import annotations

from gate_server.cli.feed_lookup import feed_lookup
from gate_server.cli.feed_redemptions import reconcile, redemptions
from gate_server.cli.feed_sources import add_folder, add_octo, add_pull, pull
from gate_server.cli.feeds import feed, feed_add

for each in (add_pull, add_octo, add_folder):
    feed_add.add_command(each)
for each in (pull, reconcile, redemptions, feed_lookup):
    feed.add_command(each)
