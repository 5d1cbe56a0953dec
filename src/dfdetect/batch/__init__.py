"""Many items: journal for resume, local pool. Knows no stage."""
