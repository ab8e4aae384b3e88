"""What `tenure export` needs without a running collector: sources of records, and the page that carries them."""
