"""Play the whole story of a mis-sold deal on a throw-away venue: real server, real scanners."""
