"""What staff see and do in a browser: log-in, the live board, its pages and acts."""
