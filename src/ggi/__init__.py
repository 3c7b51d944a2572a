"""Infrastructure as code for the shared infrastructure of Dutch municipalities."""
