"""Terminal recordings of asciinema and its kin, as sessions."""
