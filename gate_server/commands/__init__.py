"""Everything the command line can do to a venue: the same functions with and without a server."""
