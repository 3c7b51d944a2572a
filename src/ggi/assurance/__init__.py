"""What is kept as proof: the trail of operations, dossiers, the register of deviations, signed evidence."""
