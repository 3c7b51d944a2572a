"""The pure function from tenant, environment and catalogue to the whole desired landscape."""
